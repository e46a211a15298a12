import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type { Document, Scalar } from "yaml";
import { ColonnadeError } from "../base/errors.ts";

/** Where a key or a value of the text begins; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A path of keys and indexes from the top of a document. */
export type YamlPath = readonly PropertyKey[];

/** A YAML text as plain JSON values, with the position of each. */
export interface YamlDocument {
  readonly fileName: string;
  readonly code: YamlErrorCode;
  readonly value: unknown;
  /** Where the value at `path` begins, or its key; for a path that is not there, its nearest parent. */
  position(path: YamlPath, part?: "key" | "value"): Position;
}

export type YamlErrorCode = "SCHEMA_INVALID" | "JOB_INVALID";

/** Something that is wrong at a place of a document; `message` is lowercase and names the thing first. */
export interface YamlProblem {
  readonly path: YamlPath;
  readonly message: string;
  /** Points at the key instead of the value. */
  readonly atKey?: boolean;
}

/** Far above any schema version that people keep, and parsed within seconds. */
const textBytesMax = 4 * 1024 * 1024;
const depthMax = 64;
/** Values after aliases are resolved: an alias bomb ends here. */
const valuesMax = 500_000;

interface Place {
  readonly keyOffset: number;
  readonly valueOffset: number;
  readonly members: Map<PropertyKey, Place>;
}

/**
 * Parses one YAML 1.2 document of the core schema: JSON's types only, no tags, no merge keys, string keys that are
 * unique. Integers beyond 2^53 and decimal fractions that a double cannot spell stay strings of digits, so that a
 * default of an int64 or a decimal is exact; `.inf` and `.nan` become `"inf"`, `"-inf"` and `"nan"`.
 *
 * Throws `invalid` with `code` and the details `file`, `line` and `column`.
 */
export function parseYaml(text: string, fileName: string, code: YamlErrorCode): YamlDocument {
  const lines = new LineCounter();
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  if (Buffer.byteLength(text) > textBytesMax) {
    throw new ColonnadeError("invalid", code, `${fileName} is larger than a YAML file may be`, {
      file: fileName,
      bytes: Buffer.byteLength(text),
      bytesMax: textBytesMax,
    });
  }
  const document = parseDocument(text, {
    version: "1.2",
    schema: "core",
    resolveKnownTags: false,
    merge: false,
    stringKeys: true,
    intAsBigInt: true,
    // The library compares every pair of keys; the walk below does the same in linear time.
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: "error",
    lineCounter: lines,
  });
  const complaint = document.errors[0] ?? document.warnings[0];
  if (complaint !== undefined) {
    const message =
      complaint.code === "RESOURCE_EXHAUSTION"
        ? "the document is nested too deeply"
        : lowerFirst(complaint.message.replace(/\s+/g, " "));
    throw invalidAt(fileName, code, at(complaint.pos[0]), message);
  }
  const walk = new Walk((offset, message) => invalidAt(fileName, code, at(offset), message));
  const { value, place } = walk.document(document);
  return {
    fileName,
    code,
    value,
    position(path, part = "value") {
      let found = place;
      for (const [depth, key] of path.entries()) {
        const member = found.members.get(key);
        if (member === undefined) return at(found.valueOffset);
        found = member;
        if (depth === path.length - 1 && part === "key") return at(found.keyOffset);
      }
      return at(found.valueOffset);
    },
  };
}

class Walk {
  readonly #fail: (offset: number, message: string) => ColonnadeError;
  /** An alias means the last node before it that carries the anchor. */
  readonly #anchors = new Map<string, unknown>();
  #values = 0;

  constructor(fail: (offset: number, message: string) => ColonnadeError) {
    this.#fail = fail;
  }

  document(document: Document.Parsed): { value: unknown; place: Place } {
    const offset = document.contents === null ? 0 : offsetOf(document.contents);
    return this.#node(document.contents, offset, offset, 0);
  }

  #node(node: unknown, keyOffset: number, fallback: number, depth: number): { value: unknown; place: Place } {
    const offset = offsetOf(node, fallback);
    this.#values += 1;
    if (this.#values > valuesMax) throw this.#fail(offset, "the document has too many values");
    if (depth > depthMax) throw this.#fail(offset, "the document is nested too deeply");
    const place: Place = { keyOffset, valueOffset: offset, members: new Map() };
    if (isAlias(node)) {
      const target = this.#anchors.get(node.source);
      if (target === undefined) throw this.#fail(offset, `alias *${node.source} has no anchor before it`);
      const resolved = this.#node(target, keyOffset, offset, depth + 1);
      return { value: resolved.value, place: { ...resolved.place, keyOffset, valueOffset: offset } };
    }
    if ((isMap(node) || isSeq(node) || isScalar(node)) && node.anchor !== undefined) {
      this.#anchors.set(node.anchor, node);
    }
    if (isMap(node)) return { value: this.#map(node.items, place, depth), place };
    if (isSeq(node)) {
      const value = node.items.map((item, index) => {
        const member = this.#node(item, offsetOf(item, offset), offset, depth + 1);
        place.members.set(index, member.place);
        return member.value;
      });
      return { value, place };
    }
    return { value: isScalar(node) ? this.#scalar(node, offset) : null, place };
  }

  #map(items: readonly { key: unknown; value: unknown }[], place: Place, depth: number): object {
    const value: Record<string, unknown> = {};
    for (const item of items) {
      const keyOffset = offsetOf(item.key, place.valueOffset);
      const key = isScalar(item.key) ? item.key.value : undefined;
      // An alias as a key would be legal YAML; nobody means it here.
      if (typeof key !== "string") throw this.#fail(keyOffset, "a key is not a string");
      if (key === "__proto__") throw this.#fail(keyOffset, 'key "__proto__" is not allowed');
      if (Object.hasOwn(value, key)) throw this.#fail(keyOffset, `key ${JSON.stringify(key)} appears twice`);
      const member = this.#node(item.value, keyOffset, keyOffset, depth + 1);
      value[key] = member.value;
      place.members.set(key, member.place);
    }
    return value;
  }

  #scalar(node: Scalar, offset: number): unknown {
    const { value } = node;
    if (typeof value === "bigint") {
      return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER
        ? Number(value)
        : value.toString();
    }
    if (typeof value === "number") {
      const source = node.source ?? String(value);
      if (Number.isNaN(value)) return "nan";
      if (!Number.isFinite(value)) return /[0-9]/.test(source) ? source : value > 0 ? "inf" : "-inf";
      return significantDigits(source) === significantDigits(String(value)) ? value : source;
    }
    if (value === null || typeof value === "string" || typeof value === "boolean") return value;
    throw this.#fail(offset, "a value is of an unsupported kind");
  }
}

/** The digits that a decimal literal carries, without sign, point, exponent and surrounding zeros. */
function significantDigits(literal: string): string {
  return literal
    .replace(/[eE].*$/, "")
    .replace(/[^0-9]/g, "")
    .replace(/^0+/, "")
    .replace(/0+$/, "");
}

function offsetOf(node: unknown, fallback = 0): number {
  const range = isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range : undefined;
  return range?.[0] ?? fallback;
}

function lowerFirst(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}

function invalidAt(
  file: string,
  code: YamlErrorCode,
  { line, column }: Position,
  message: string,
  more: readonly string[] = [],
): ColonnadeError {
  const details = { file, line, column, ...(more.length === 0 ? {} : { more }) };
  return new ColonnadeError("invalid", code, `${file}:${line}:${column}: ${message}`, details);
}

/**
 * All problems of a document as one error: the first in the order of the text is the message, the others are in
 * the details as `more`.
 */
export function explainProblems(document: YamlDocument, problems: readonly YamlProblem[]): ColonnadeError {
  const placed = problems
    .map(({ path, message, atKey }) => ({
      message,
      at: document.position(path, atKey === true ? "key" : "value"),
    }))
    .toSorted((a, b) => a.at.line - b.at.line || a.at.column - b.at.column);
  const [first, ...rest] = placed;
  return invalidAt(
    document.fileName,
    document.code,
    first?.at ?? { line: 1, column: 1 },
    first?.message ?? "the document is not valid",
    rest.slice(0, 50).map(({ at, message }) => `${at.line}:${at.column}: ${message}`),
  );
}
