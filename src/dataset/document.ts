import type { z } from "zod";
import { sha256Hex } from "../base/digest.ts";
import { ColonnadeError } from "../base/errors.ts";
import type { ObjectStore } from "../store/object-store.ts";

/** What a reference to an immutable object says of it, enough to know it again. */
export interface ObjectReference {
  readonly key: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** Metadata is small; a larger object under such a key is a mistake or an attack. */
const documentBytesMax = 64 * 1024 * 1024;

/** JSON for people to read as well: two spaces, and the members in the order they were given in. */
export function encodeDocument(document: unknown): Uint8Array {
  return Buffer.from(`${JSON.stringify(document, null, 2)}\n`, "utf8");
}

/**
 * Reads a document of ours. `data` (`<WHAT>_INVALID`) when it is not what its format says; `invalid` (`FORMAT_NEWER`)
 * when a later Colonnade wrote it, which is no damage, and must not be touched.
 */
export function parseDocument<S extends z.ZodType>(
  body: Uint8Array,
  schema: S,
  format: string,
  what: string,
  key: string,
): z.infer<S> {
  const code = `${what.toUpperCase().replaceAll(" ", "_")}_INVALID`;
  const value = parseJson(body, code, what, key);
  const found = (value as { format?: unknown } | null)?.format;
  if (typeof found === "string" && isNewer(found, format))
    throw new ColonnadeError(
      "invalid",
      "FORMAT_NEWER",
      `${what} was written by a newer Colonnade: update this one`,
      {
        key,
        format: found,
        understood: format,
      },
    );
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ColonnadeError("data", code, `${what} is not what its format says`, {
    key,
    problems: describeIssues(parsed.error),
  });
}

/** The first few problems, each as `path: message`. */
export function describeIssues(error: z.ZodError): readonly string[] {
  return error.issues
    .slice(0, 5)
    .map(({ path, message }) => `${path.map(String).join(".") || "(root)"}: ${message}`);
}

/**
 * The bytes of an immutable object, compared with its reference before anybody looks into them. `data`: `<WHAT>_MISSING`, or
 * `DIGEST_MISMATCH` when it is not the object that was referred to.
 */
export async function readReferenced(
  store: ObjectStore,
  reference: ObjectReference,
  what: string,
  bytesMax = documentBytesMax,
): Promise<Uint8Array> {
  const { key, sha256, bytes } = reference;
  if (bytes > bytesMax)
    throw new ColonnadeError("data", "OBJECT_TOO_LARGE", `${what} is larger than any we write`, {
      key,
      bytes,
      bytesMax,
    });
  const info = await store.head(key);
  // The size first, so that an exchanged object cannot fill the memory.
  const object = info?.bytes === bytes ? await store.get(key) : undefined;
  if (object === undefined && (info === undefined || info.bytes === bytes))
    throw new ColonnadeError(
      "data",
      `${what.toUpperCase().replaceAll(" ", "_")}_MISSING`,
      `${what} is missing`,
      { key },
    );
  const found = object === undefined ? undefined : sha256Hex(object.body);
  if (object !== undefined && found === sha256) return object.body;
  throw new ColonnadeError("data", "DIGEST_MISMATCH", `${what} is not the one that was referred to`, {
    key,
    sha256: found,
    expectedSha256: sha256,
    bytes: object?.body.length ?? info?.bytes,
    expectedBytes: bytes,
  });
}

function parseJson(body: Uint8Array, code: string, what: string, key: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (error) {
    throw new ColonnadeError("data", code, `${what} is not JSON in UTF-8`, { key }, { cause: error });
  }
}

/** Formats are called `colonnade/pointer/1`: the same name with a larger number is a newer one. */
function isNewer(found: string, understood: string): boolean {
  const [name, number] = splitFormat(understood);
  const [foundName, foundNumber] = splitFormat(found);
  return foundName === name && foundNumber > number;
}

function splitFormat(format: string): [name: string, number: number] {
  const [, name = "", number = ""] = /^(colonnade\/[a-z-]+)\/([1-9]\d{0,8})$/.exec(format) ?? [];
  return [name, Number(number)];
}
