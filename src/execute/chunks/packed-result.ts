import type { ErrorDetails, ErrorKind } from "../../base/errors.ts";
import type { RunReply } from "./rewrite-run.ts";

/** An error as it crosses threads: a class does not survive the structured clone. */
export interface PackedError {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly message: string;
  readonly details: ErrorDetails;
}

/** What a worker thread answers. */
export type PackedResult =
  | { readonly ok: true; readonly reply: RunReply }
  | { readonly ok: false; readonly error: PackedError };

/** Only a buffer that nothing else looks into may change its thread. */
export function ownsBuffer(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength;
}
