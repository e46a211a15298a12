import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, deflateRawSync, gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  ColumnMetaData,
  CompressionCodec,
  DataPageHeader,
  DataPageHeaderV2,
  DictionaryPageHeader,
  Encoding,
  FileMetaData,
  PageHeader,
  SchemaElement,
} from "../../src/parquet/spec.ts";
import { encodeStruct } from "../../src/parquet/thrift/thrift-writer.ts";
import { ThriftStruct, thriftType } from "../../src/parquet/thrift/thrift.ts";
import { frameFooter } from "../../src/parquet/footer/rewrite-footer.ts";
import { group, leaf, root } from "../support/build-footer.ts";
import { startCli } from "../support/cli-workspace.ts";
import { fileOfChunks } from "../support/file-of-chunks.ts";
import { createWorkspace, version, type Workspace } from "../support/migration.ts";

/**
 * Small objects that claim to be large. Each is a job of its own in a process whose memory and time are measured: it ends with a
 * `data` error that names the object, takes not much more memory than the job's limit, and not long.
 */
const limitBytes = 150_000_000;
const peakBytesMax = 450_000_000;
const secondsMax = 60;

let workspace: Workspace;
beforeAll(async () => {
  workspace = await createWorkspace();
});
afterAll(() => workspace[Symbol.asyncDispose]());

const int64 = { kind: "int", bits: 64, signed: true } as const;
const schema = root(leaf("required", "v", int64));
const nullableSchema = root(leaf("optional", "v", int64));

interface Page {
  readonly header: ThriftStruct;
  readonly body: Uint8Array;
}

interface PageClaims {
  readonly uncompressed?: number;
  readonly compressed?: number;
  readonly values?: number;
  readonly encoding?: number;
}

function dataPage(body: Uint8Array, claims: PageClaims = {}): Page {
  const { values = 1, encoding = Encoding.PLAIN } = claims;
  const page = new ThriftStruct()
    .setI32(DataPageHeader.num_values, values)
    .setI32(DataPageHeader.encoding, encoding)
    .setI32(DataPageHeader.definition_level_encoding, Encoding.RLE)
    .setI32(DataPageHeader.repetition_level_encoding, Encoding.RLE);
  return { body, header: pageHeader(0, body, claims).setStruct(PageHeader.data_page_header, page) };
}

function dictionaryPage(body: Uint8Array, claims: PageClaims): Page {
  const page = new ThriftStruct()
    .setI32(DictionaryPageHeader.num_values, claims.values)
    .setI32(DictionaryPageHeader.encoding, Encoding.PLAIN);
  return { body, header: pageHeader(2, body, claims).setStruct(PageHeader.dictionary_page_header, page) };
}

function pageHeader(type: number, body: Uint8Array, { uncompressed, compressed }: PageClaims): ThriftStruct {
  return new ThriftStruct()
    .setI32(PageHeader.type, type)
    .setI32(PageHeader.uncompressed_page_size, uncompressed ?? body.length)
    .setI32(PageHeader.compressed_page_size, compressed ?? body.length);
}

interface FileClaims {
  readonly codec?: number;
  readonly values?: number;
  readonly schema?: readonly ThriftStruct[];
}

function fileOf(
  pages: readonly Page[],
  { codec = 0, values = 1, schema: own = schema }: FileClaims = {},
): Uint8Array {
  const bytes = Buffer.concat(pages.flatMap(({ header, body }) => [encodeStruct(header), body]));
  const hasDictionary = pages.length > 1;
  const first = pages[0] as Page;
  const metadata = new ThriftStruct()
    .setI32(ColumnMetaData.type, 2)
    .set(ColumnMetaData.encodings, thriftType.list, {
      elementType: thriftType.i32,
      elements: [Encoding.PLAIN, Encoding.RLE, Encoding.RLE_DICTIONARY],
    })
    .set(ColumnMetaData.path_in_schema, thriftType.list, {
      elementType: thriftType.binary,
      elements: [Buffer.from("v")],
    })
    .setI32(ColumnMetaData.codec, codec)
    .setI64(ColumnMetaData.num_values, values)
    .setI64(ColumnMetaData.total_uncompressed_size, bytes.length)
    .setI64(ColumnMetaData.total_compressed_size, bytes.length)
    .setI64(
      ColumnMetaData.data_page_offset,
      hasDictionary ? encodeStruct(first.header).length + first.body.length : 0,
    )
    .setI64(ColumnMetaData.dictionary_page_offset, hasDictionary ? 0 : undefined);
  return fileOfChunks(own, [{ rows: values, chunks: [{ bytes, metadata }] }]);
}

function fileOfFooter(metadata: ThriftStruct): Uint8Array {
  return Buffer.concat([Buffer.from("PAR1"), frameFooter(encodeStruct(metadata))]);
}

const most = 2 ** 31 - 1;
const eight = Buffer.alloc(8);
const zeros = Buffer.alloc(256 * 2 ** 20);
/** An int64 whose 256 MiB of zeros a codec made small. */
const manyZeros = { values: zeros.length / 8 } as const;

/** ULEB128. */
function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
}

/** What each is refused for, where it is not `PAGE_MALFORMED`. */
const codes: Readonly<Record<string, string>> = {
  "a page that claims 2 GiB": "CHUNK_TOO_LARGE",
  "a page of 2^31 values": "CHUNK_TOO_LARGE",
  "a dictionary of 2^31 entries": "DICTIONARY_MALFORMED",
  "levels of 2^31 nulls": "CHUNK_TOO_LARGE",
  "gzip that inflates to 256 MiB, as it says": "CHUNK_TOO_LARGE",
  "zstd that inflates to 256 MiB, as it says": "CHUNK_TOO_LARGE",
  "snappy that claims 4 GiB": "CHUNK_TOO_LARGE",
  "lz4 that is noise": "CHUNK_TOO_LARGE",
  "deltas in blocks of 2^31 values": "CHUNK_TOO_LARGE",
  "1,500 groups in one another": "SCHEMA_TOO_DEEP",
  "a schema of a million elements": "FOOTER_MALFORMED",
  "more rows than 2^53": "THRIFT_MALFORMED",
  "a footer that claims 2 GiB": "FOOTER_TRUNCATED",
  nothing: "OBJECT_TOO_SMALL",
  "a run of indices that is longer than its page": "CHUNK_TOO_LARGE",
};

const codec = CompressionCodec;
const bombs: Readonly<Record<string, () => Uint8Array>> = {
  "a page that claims 2 GiB": () =>
    fileOf([dataPage(zstdCompressSync(eight), { uncompressed: most })], { codec: codec.ZSTD }),
  "a page that claims to be longer than the object": () => fileOf([dataPage(eight, { compressed: most })]),
  "a page of a negative size": () => fileOf([dataPage(eight, { uncompressed: -1, compressed: -1 })]),
  "a page of 2^31 values": () => fileOf([dataPage(eight, { values: most })], { values: most }),
  "a page of fewer values than none": () => fileOf([dataPage(eight, { values: -1 })]),
  "a dictionary of 2^31 entries": () =>
    fileOf([
      dictionaryPage(eight, { values: most }),
      dataPage(Buffer.from([1, 2, 0]), { encoding: Encoding.RLE_DICTIONARY }),
    ]),
  "indices beyond the dictionary": () =>
    fileOf([
      dictionaryPage(eight, { values: 1 }),
      dataPage(Buffer.concat([Buffer.from([32]), varint(2n), Buffer.from([255, 255, 255, 127])]), {
        encoding: Encoding.RLE_DICTIONARY,
      }),
    ]),
  "a run of indices that is longer than its page": () =>
    fileOf(
      [
        dictionaryPage(eight, { values: 1 }),
        dataPage(Buffer.concat([Buffer.from([1]), varint(2n ** 31n), Buffer.from([0])]), {
          values: most,
          encoding: Encoding.RLE_DICTIONARY,
        }),
      ],
      { values: most },
    ),
  "levels of 2^31 nulls": () => {
    const run = Buffer.concat([varint(2n ** 32n - 2n), Buffer.from([0])]);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(run.length);
    return fileOf([dataPage(Buffer.concat([length, run]), { values: most })], {
      values: most,
      schema: nullableSchema,
    });
  },
  "levels that claim more bytes than the page has": () => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(most);
    return fileOf([dataPage(Buffer.concat([length, eight]))], { schema: nullableSchema });
  },
  "a second kind of page whose levels are longer than itself": () => {
    const page = new ThriftStruct()
      .setI32(DataPageHeaderV2.num_values, 1)
      .setI32(DataPageHeaderV2.num_nulls, 0)
      .setI32(DataPageHeaderV2.num_rows, 1)
      .setI32(DataPageHeaderV2.encoding, Encoding.PLAIN)
      .setI32(DataPageHeaderV2.definition_levels_byte_length, most)
      .setI32(DataPageHeaderV2.repetition_levels_byte_length, most);
    const header = pageHeader(3, eight, {}).setStruct(PageHeader.data_page_header_v2, page);
    return fileOf([{ header, body: eight }], { schema: nullableSchema });
  },
  "gzip that inflates to 256 MiB instead of 8 bytes": () =>
    fileOf([dataPage(gzipSync(zeros), { uncompressed: 8 })], { codec: codec.GZIP }),
  "gzip that inflates to 256 MiB, as it says": () =>
    fileOf([dataPage(gzipSync(zeros), { uncompressed: zeros.length, ...manyZeros })], {
      codec: codec.GZIP,
      ...manyZeros,
    }),
  "gzip that is none": () =>
    fileOf([dataPage(deflateRawSync(eight), { uncompressed: 8 })], { codec: codec.GZIP }),
  "zstd that inflates to 256 MiB instead of 8 bytes": () =>
    fileOf([dataPage(zstdCompressSync(zeros), { uncompressed: 8 })], { codec: codec.ZSTD }),
  "zstd that inflates to 256 MiB, as it says": () =>
    fileOf([dataPage(zstdCompressSync(zeros), { uncompressed: zeros.length, ...manyZeros })], {
      codec: codec.ZSTD,
      ...manyZeros,
    }),
  "brotli that inflates to 256 MiB instead of 8 bytes": () =>
    fileOf([dataPage(brotliCompressSync(zeros.subarray(0, 2 ** 24)), { uncompressed: 8 })], {
      codec: codec.BROTLI,
    }),
  "snappy that claims 4 GiB": () =>
    fileOf([dataPage(Buffer.concat([varint(2n ** 32n - 1n), eight]), { uncompressed: most })], {
      codec: codec.SNAPPY,
    }),
  "snappy that claims 4 GiB in a page of 8 bytes": () =>
    fileOf([dataPage(Buffer.concat([varint(2n ** 32n - 1n), eight]), { uncompressed: 8 })], {
      codec: codec.SNAPPY,
    }),
  "lz4 that is noise": () =>
    fileOf([dataPage(Buffer.alloc(64, 0xff), { uncompressed: most })], { codec: codec.LZ4_RAW }),
  "deltas in blocks of 2^31 values": () =>
    fileOf(
      [
        dataPage(Buffer.concat([varint(2n ** 31n), varint(1n), varint(2n ** 31n - 1n), eight]), {
          values: most,
          encoding: Encoding.DELTA_BINARY_PACKED,
        }),
      ],
      { values: most },
    ),
  "deltas in no miniblocks": () =>
    fileOf(
      [
        dataPage(Buffer.concat([varint(128n), varint(0n), varint(2n), eight]), {
          values: 2,
          encoding: Encoding.DELTA_BINARY_PACKED,
        }),
      ],
      { values: 2 },
    ),
  "1,500 groups in one another": () => {
    let nested = leaf("optional", "v", int64);
    for (let i = 0; i < 1500; i += 1) nested = group("optional", "g", undefined, nested);
    return fileOfFooter(emptyFooter(root(nested)));
  },
  "a schema of a million elements": () => {
    const one = leaf("optional", "v", int64);
    const [top = new ThriftStruct()] = root();
    top.setI32(SchemaElement.num_children, 1_000_000);
    const elements = [top];
    for (let i = 0; i < 1_000_000; i += 1) elements.push(...one);
    return fileOfFooter(emptyFooter(elements));
  },
  "more rows than 2^53": () =>
    fileOfFooter(emptyFooter(schema).setI64(FileMetaData.num_rows, Number.MAX_SAFE_INTEGER)),
  "a footer that claims 2 GiB": () => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(most);
    return Buffer.concat([Buffer.from("PAR1"), eight, length, Buffer.from("PAR1")]);
  },
  nothing: () => Buffer.alloc(0),
};

function emptyFooter(elements: ThriftStruct[]): ThriftStruct {
  return new ThriftStruct()
    .setI32(FileMetaData.version, 2)
    .setStructs(FileMetaData.schema, elements)
    .setI64(FileMetaData.num_rows, 0)
    .setStructs(FileMetaData.row_groups, []);
}

test.each(Object.keys(bombs))(
  "%s ends in a data error that names the object, soon and in bounded memory",
  async (name) => {
    const folder = join(workspace.folder, name.replaceAll(/\W/g, "-"));
    await mkdir(join(folder, "raw"), { recursive: true });
    await mkdir(join(folder, "schemas"));
    await writeFile(join(folder, "raw/bomb.parquet"), bombs[name]?.() ?? "");
    for (const [number, type] of [
      [1, "int64"],
      [2, "float64"],
    ] as const)
      await writeFile(
        join(folder, `schemas/${number}.yaml`),
        version(number, `\n    - { id: 1, name: v, type: ${type}, cast: { onInvalid: "null" } }\n`),
      );
    const job = join(folder, "job.yaml");
    await writeFile(
      job,
      `job: bomb
source: { uri: "file:raw", partitioning: flat }
schema: { directory: schemas, from: 1, to: 2 }
destination: { uri: "file:out" }
limits: { memory: ${limitBytes}, workers: 2 }
`,
    );
    const startedMs = performance.now();
    const child = startCli(["apply", job, "--log-format", "json"]);
    let peakBytes = 0;
    const poll = setInterval(() => {
      void peakOf(child.pid).then((bytes) => (peakBytes = Math.max(peakBytes, bytes)));
    }, 10);
    const { code, stderr } = await child.done;
    clearInterval(poll);

    const line = stderr.split("\n").findLast((text) => text.includes('"level":"error"')) ?? "{}";
    const { details = {} } = JSON.parse(line) as {
      details?: { objects?: { object: string; code: string }[] };
    };
    const { object, code: why } = details.objects?.[0] ?? {};
    expect({ code, object, why, stderr }).toMatchObject({
      code: 12,
      object: "bomb.parquet",
      why: codes[name] ?? "PAGE_MALFORMED",
    });
    expect(peakBytes).toBeLessThan(peakBytesMax);
    expect(performance.now() - startedMs).toBeLessThan(secondsMax * 1000);
  },
);

/** The kernel's high-water mark, where it tells one. */
async function peakOf(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
}
