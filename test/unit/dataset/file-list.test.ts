import { gunzipSync, gzipSync } from "node:zlib";

import { beforeEach, describe, expect, test } from "vitest";

import { canonicalJson } from "../../../src/base/canonical-json.ts";
import { sha256Hex } from "../../../src/base/digest.ts";
import { readFileList, writeFileList } from "../../../src/dataset/file-list.ts";
import type { FileLine, Part } from "../../../src/dataset/formats.ts";
import { decodeLines } from "../../../src/dataset/line-codec.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { unconditional } from "../../../src/store/object-store.ts";
import type { ObjectStore } from "../../../src/store/object-store.ts";
import { collect, destinationOf, each, lineOf } from "../../support/dataset-fixtures.ts";

let store: ObjectStore;
beforeEach(() => {
  store = createMemoryStore();
});

const lines = Array.from({ length: 7 }, (_, day) => lineOf(`2026-01-0${day + 1}`));

async function write(items: readonly FileLine[], linesMax = 3): Promise<readonly Part[]> {
  return writeFileList(destinationOf(store), 42, each(items), { lines: linesMax, plainBytes: 1e7 });
}

async function bodyOf(key: string): Promise<Buffer> {
  return Buffer.from((await store.get(key))?.body ?? []);
}

test("parts hold a bounded number of lines, and read back in order", async () => {
  const parts = await write(lines);
  expect(parts.map(({ key, lines }) => ({ key, lines }))).toEqual([
    { key: "versions/000042/files-0000.jsonl.gz", lines: 3 },
    { key: "versions/000042/files-0001.jsonl.gz", lines: 3 },
    { key: "versions/000042/files-0002.jsonl.gz", lines: 1 },
  ]);
  expect(await collect(readFileList(store, parts))).toEqual(lines);
});

test("parts hold a bounded number of bytes: lines of wide datasets are long", async () => {
  const wide = lines.map((line) => ({ ...line, note: "x".repeat(1000) }));
  const parts = await writeFileList(destinationOf(store), 42, each(wide), { lines: 1000, plainBytes: 2500 });
  expect(parts.map((part) => part.lines)).toEqual([2, 2, 2, 1]);
});

test("no lines make no parts", async () => {
  expect(await write([])).toEqual([]);
});

test("an exact multiple makes no empty part", async () => {
  expect(await write(lines.slice(0, 6))).toHaveLength(2);
});

test("equal lines make equal bytes, whatever the order of their members", async () => {
  const [part] = await write(lines, 100);
  const first = await bodyOf(part?.key ?? "");
  store = createMemoryStore();
  const turned = lines.map((line) => Object.fromEntries(Object.entries(line).toReversed()) as FileLine);
  const [again] = await write(turned, 100);
  expect(await bodyOf(again?.key ?? "")).toEqual(first);
  expect(again).toEqual(part);
});

test("any gzip reader sees one JSON line an object, and the header says neither when nor where", async () => {
  const [part] = await write(lines, 100);
  const body = await bodyOf(part?.key ?? "");
  expect(gunzipSync(body).toString()).toBe(lines.map((line) => `${canonicalJson(line)}\n`).join(""));
  expect([...body.subarray(4, 8), body[9]]).toEqual([0, 0, 0, 0, 255]);
  expect(part).toMatchObject({ sha256: sha256Hex(body), bytes: body.length });
});

test("members that this version does not know go through", async () => {
  const parts = await write([{ ...lines[0], rowGroups: 3 } as FileLine]);
  expect(await collect(readFileList(store, parts))).toMatchObject([{ rowGroups: 3 }]);
});

test("a part is never overwritten", async () => {
  await write(lines);
  await expect(write(lines.slice(1))).rejects.toMatchObject({ kind: "conflict", code: "VERSION_TAKEN" });
});

test("a line that is not what the format says is not written", async () => {
  await expect(write([{ ...(lines[0] as FileLine), rows: -1 }])).rejects.toThrow(/rows/);
});

async function readAfter(damage: (body: Buffer) => Buffer | undefined): Promise<readonly FileLine[]> {
  const parts = await write(lines);
  const key = parts[1]?.key ?? "";
  const damaged = damage(await bodyOf(key));
  await (damaged === undefined ? store.delete(key) : store.put(key, damaged, unconditional));
  const read: FileLine[] = [];
  await expect(
    (async () => {
      for await (const line of readFileList(store, parts)) read.push(line);
    })(),
  ).rejects.toMatchObject({ kind: "data", details: { key } });
  return read;
}

describe("a list that was tampered with gives no line of that part", () => {
  test.each<[string, (body: Buffer) => Buffer | undefined]>([
    ["a flipped bit", (body) => Buffer.from(body.map((byte, index) => (index === 40 ? byte ^ 1 : byte)))],
    ["cut", (body) => body.subarray(0, -5)],
    ["longer", (body) => Buffer.concat([body, body])],
    ["another list", () => gzipSync(`${canonicalJson(lineOf("2027-01-01"))}\n`)],
    ["empty", () => Buffer.alloc(0)],
    ["missing", () => undefined],
  ])("%s", async (_, damage) => {
    expect(await readAfter(damage)).toEqual(lines.slice(0, 3));
  });
});

async function codeOf(text: Buffer | string, linesSaid = 1): Promise<unknown> {
  const body = typeof text === "string" ? gzipSync(text) : text;
  await store.put("list", body, unconditional);
  const part = { key: "list", sha256: sha256Hex(body), bytes: body.length, lines: linesSaid };
  return collect(readFileList(store, [part])).catch((error: unknown) => error);
}

describe("a list whose digest is right and whose content is wrong", () => {
  const line = `${canonicalJson(lineOf("2026-01-01"))}\n`;

  test.each<[string, Buffer | string]>([
    ["not gzip", Buffer.from("PAR1")],
    ["a torn gzip", gzipSync(line).subarray(0, 60)],
    ["not UTF-8", gzipSync(Buffer.from([0xff, 0x0a]))],
    ["not JSON", "{\n"],
    ["not a line", '{"key":1}\n'],
    ["an empty line", `\n${line}`],
    ["no end of its last line", line.trimEnd()],
  ])("%s is a data error", async (_, text) => {
    expect(await codeOf(text)).toMatchObject({
      kind: "data",
      code: "LINES_INVALID",
      details: { key: "list" },
    });
  });

  test("the error says which line", async () => {
    expect(await codeOf(`${line}{}\n`, 2)).toMatchObject({ details: { line: 2 } });
  });

  test("another number of lines than the manifest says is a data error", async () => {
    expect(await codeOf(line + line)).toMatchObject({ code: "LINES_MISCOUNTED" });
  });

  test("a bomb of one endless line ends at the limit", async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, "x"));
    expect(await codeOf(bomb)).toMatchObject({
      code: "LINES_INVALID",
      details: { lineBytesMax: 16 * 1024 * 1024 },
    });
  });
});

test("text is decoded across chunks: no character is torn", async () => {
  const wide = lineOf("2026-01-01");
  const many = Array.from({ length: 2000 }, (_, index) => ({
    ...wide,
    note: `ö😀${"ß".repeat(index % 97)}`,
  }));
  const parts = await write(many, 5000);
  const body = await bodyOf(parts[0]?.key ?? "");
  expect(await collect(decodeLines(body, "list"))).toEqual(many);
});
