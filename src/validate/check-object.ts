import { quarantineColumns } from "../dataset/quarantine-columns.ts";
import { crc32Hex } from "../base/digest.ts";
import { toColonnadeError } from "../base/errors.ts";
import type { FileLine } from "../dataset/formats.ts";
import type { Footer } from "../parquet/footer/footer.ts";
import type { SchemaVersion } from "../schema/schema-version.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { checkBytes, checkDataFooter, checkRows } from "./check-footer.ts";
import { readFooter, readRange } from "../dataset/read-object.ts";
import { digestObject, type OpenObject } from "./open-object.ts";
import type { CheckName, Findings } from "./report.ts";
import type { SecondReader } from "./second-reader.ts";

/** What the check of one object needs of the run. */
export interface ObjectChecks {
  readonly store: ObjectStore;
  readonly schema: SchemaVersion | undefined;
  readonly findings: Findings;
  readonly secondReader: SecondReader;
  readonly signal: AbortSignal;
  /** Called with the bytes of every object that was read. */
  readonly onBytes: (bytes: number) => void;
}

/** An object whose content is the one that was listed, and its footer. */
export interface OpenOutput {
  readonly object: OpenObject;
  readonly footer: Footer;
}

/** Looks at a data object and its quarantine. What comes back could be opened, and is good for a deeper look. */
export async function checkObject(
  line: FileLine,
  checks: ObjectChecks,
): Promise<{ readonly data: OpenOutput | undefined; readonly quarantine: OpenOutput | undefined }> {
  const { findings, schema } = checks;
  const data = await openOutput(line, line, "objects", checks);
  if (data !== undefined && schema !== undefined) {
    checkDataFooter(data.footer, data.object.bytes, line, schema, findings);
  }
  if (line.quarantine === null) return { data, quarantine: undefined };
  const { key, rows } = line.quarantine;
  const quarantine = await openOutput(line, line.quarantine, "quarantine", checks);
  if (quarantine !== undefined) {
    const place = { object: key };
    checkRows(quarantine.footer, rows, place, findings);
    checkBytes(quarantine.footer, quarantine.object.bytes, place, findings);
    const names = quarantine.footer.tree.children.map(({ name }) => name);
    const { reason, row } = quarantineColumns(names.slice(0, -2));
    if (names.at(-2) !== reason || names.at(-1) !== row) {
      findings.error(
        "quarantine",
        "QUARANTINE_COLUMNS",
        "quarantine has no columns of reasons and rows",
        place,
        {
          columns: names.slice(-2),
        },
      );
    }
  }
  return { data, quarantine };
}

async function openOutput(
  line: FileLine,
  stated: { readonly key: string; readonly bytes: number; readonly crc32: string },
  check: CheckName,
  checks: ObjectChecks,
): Promise<OpenOutput | undefined> {
  const { store, findings, signal, onBytes } = checks;
  const { key } = stated;
  const place = { object: key };
  findings.looked(check);
  const digested = await digestObject(store, key, signal);
  if (digested === undefined) {
    findings.error(check, "OBJECT_MISSING", "object is missing", place, { source: line.source.key });
    return undefined;
  }
  const { object, crc32, bytesRead } = digested;
  onBytes(bytesRead);
  if (bytesRead !== stated.bytes || object.bytes !== stated.bytes) {
    findings.error(check, "SIZE_DIFFERS", "object has another size than the file list says", place, {
      bytes: bytesRead,
      expectedBytes: stated.bytes,
    });
  }
  if (crc32Hex(crc32) !== stated.crc32) {
    findings.error(check, "CRC_DIFFERS", "object's content is not the one that was written", place, {
      crc32: crc32Hex(crc32),
      expectedCrc32: stated.crc32,
    });
  }
  if (check === "objects" && object.etag !== line.etag) {
    // As after a copy of the whole destination: the content decides.
    findings.info(check, "ETAG_DIFFERS", "object was written anew since the version was made", place, {
      etag: object.etag,
      listedEtag: line.etag,
    });
  }
  const footer = await checkFooter(object, checks);
  return footer === undefined ? undefined : { object, footer };
}

async function checkFooter(object: OpenObject, checks: ObjectChecks): Promise<Footer | undefined> {
  const { findings } = checks;
  const place = { object: object.key };
  findings.looked("footers");
  try {
    const magic = await readRange(object, 0, Math.min(4, object.bytes), object.signal);
    if (String.fromCharCode(...magic) !== "PAR1") {
      findings.error("footers", "MAGIC_MISSING", "object does not begin as a Parquet file", place);
    }
    const footer = await readFooter(object, object.signal);
    await checkSecondReader(footer, object, checks);
    return footer;
  } catch (thrown) {
    findings.caught("footers", toColonnadeError(thrown), place);
    return undefined;
  }
}

/** More page indexes than this are left to the first reader. */
const tailBytesMax = 64 * 1024 * 1024;

/** The footer and the page indexes as parquet-wasm reads them: accepted, with the same columns and rows. */
async function checkSecondReader(
  footer: Footer,
  object: OpenObject,
  { findings, secondReader }: ObjectChecks,
): Promise<void> {
  const place = { object: object.key };
  const tailStart = Math.min(firstIndex(footer), object.bytes - 8 - footer.bytes.length);
  if (object.bytes - tailStart > tailBytesMax) {
    return findings.info(
      "second reader",
      "FOOTER_TOO_LARGE",
      "page indexes are too large for the second reader",
      place,
      {
        bytes: object.bytes - tailStart,
      },
    );
  }
  findings.looked("second reader");
  const tail = await readRange(object, tailStart, object.bytes, object.signal);
  const reply = await secondReader.run({ kind: "footer", objectBytes: object.bytes, tail });
  if (reply.kind !== "footer") {
    findings.error(
      "second reader",
      "SECOND_READER_REFUSES",
      "parquet-wasm does not accept the footer",
      place,
      reply.kind === "failed" ? { reason: reply.reason } : {},
    );
    return;
  }
  const leaves = footer.leaves.map(({ column }) => column.path.join("."));
  const expected = { rows: footer.rows, rowGroups: footer.rowGroups.length, leaves };
  const read = { rows: reply.rows, rowGroups: reply.rowGroups, leaves: reply.leaves ?? leaves };
  if (JSON.stringify(read) !== JSON.stringify(expected)) {
    findings.error(
      "second reader",
      "SECOND_READER_DIFFERS",
      "parquet-wasm reads something else from the footer",
      place,
      {
        read,
        expected,
      },
    );
  }
}

/** Where the page indexes begin: they lie together before the footer. */
function firstIndex(footer: Footer): number {
  let first = Infinity;
  for (let rowGroup = 0; rowGroup < footer.rowGroups.length; rowGroup += 1) {
    for (const { leafIndex } of footer.leaves) {
      const { columnIndex, offsetIndex } = footer.chunkFacts(rowGroup, leafIndex);
      first = Math.min(first, columnIndex?.offset ?? Infinity, offsetIndex?.offset ?? Infinity);
    }
  }
  return first;
}
