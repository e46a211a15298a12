import { once } from "node:events";
import { createGunzip, createGzip } from "node:zlib";
import { canonicalJson } from "../base/canonical-json.ts";
import { ColonnadeError } from "../base/errors.ts";
import { describeIssues } from "./document.ts";
import { fileLineSchema } from "./formats.ts";
import type { FileLine } from "./formats.ts";

/** File lists and shards are gzip of one canonical JSON line an object. Lines are bounded, since readers hold one whole. */
const lineBytesMax = 16 * 1024 * 1024;
const chunkBytes = 256 * 1024;

/** Gzip under construction: lines go in, one object's bytes come out. */
export interface LineEncoder {
  readonly lines: number;
  /** Before compression. */
  readonly plainBytes: number;
  add(line: FileLine): Promise<void>;
  /** The whole object. The encoder is of no use after that. */
  finish(): Promise<Uint8Array>;
}

/**
 * Equal lines give equal bytes: members are sorted, and the gzip header says neither when nor where (RFC 1952: MTIME 0,
 * OS 255, "unknown"). Another version of zlib may compress differently; digests are over the bytes as stored.
 */
export function createLineEncoder(): LineEncoder {
  const gzip = createGzip({ level: 6 });
  const compressed: Buffer[] = [];
  gzip.on("data", (chunk: Buffer) => compressed.push(chunk));
  let pending: string[] = [];
  let pendingChars = 0;
  let lines = 0;
  let plainBytes = 0;

  async function flush(): Promise<void> {
    const chunk = Buffer.from(pending.join(""), "utf8");
    pending = [];
    pendingChars = 0;
    plainBytes += chunk.length;
    if (!gzip.write(chunk)) await once(gzip, "drain");
  }

  return {
    get lines() {
      return lines;
    },
    get plainBytes() {
      return plainBytes + pendingChars;
    },
    async add(line) {
      const text = `${canonicalJson(fileLineSchema.parse(line))}\n`;
      if (Buffer.byteLength(text) > lineBytesMax)
        throw new ColonnadeError("invalid", "LINE_TOO_LONG", "line of the file list is too long", {
          key: line.key,
          lineBytesMax,
        });
      pending.push(text);
      pendingChars += text.length;
      lines += 1;
      if (pendingChars >= chunkBytes) await flush();
    },
    async finish() {
      await flush();
      gzip.end();
      await once(gzip, "end");
      const body = Buffer.concat(compressed);
      body[9] = 255;
      return body;
    },
  };
}

/**
 * The lines of one object, a piece of the text at a time. `data` (`LINES_INVALID`) for what is not gzip, JSON, or a line as
 * the format says; it names the object and the line, counted from 1.
 */
export async function* decodeLines(body: Uint8Array, key: string): AsyncIterable<FileLine> {
  let line = 0;
  for await (const text of splitLines(body, key)) {
    line += 1;
    yield parseLine(text, key, line);
  }
}

function parseLine(text: string, key: string, line: number): FileLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw linesError(key, "is not JSON", { line }, error);
  }
  const parsed = fileLineSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw linesError(key, "has a line that is not what its format says", {
    line,
    problems: describeIssues(parsed.error),
  });
}

async function* splitLines(body: Uint8Array, key: string): AsyncIterable<string> {
  const gunzip = createGunzip({ chunkSize: chunkBytes });
  const decoder = new TextDecoder("utf-8", { fatal: true });
  gunzip.end(body);
  let rest = "";
  try {
    for await (const chunk of gunzip) {
      const lines = (rest + decoder.decode(chunk as Buffer, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > lineBytesMax) throw linesError(key, "has a line that is too long", { lineBytesMax });
      yield* lines;
    }
    rest += decoder.decode();
  } catch (error) {
    if (error instanceof ColonnadeError) throw error;
    throw linesError(key, "is not gzip of UTF-8 text", {}, error);
  }
  // Every line ends: a list that was cut between two characters of a line shows here.
  if (rest !== "") throw linesError(key, "ends within a line", {});
}

function linesError(key: string, message: string, details: object, cause?: unknown): ColonnadeError {
  return new ColonnadeError("data", "LINES_INVALID", `file list ${message}`, { key, ...details }, { cause });
}
