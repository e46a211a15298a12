import { ColonnadeError } from "../base/errors.ts";

/** A reader's ETag no longer fits: the object changed, or went, while it was being read. */
export function sourceChanged(key: string, etag: string, found?: string): ColonnadeError {
  const details = { key, etag, ...(found === undefined ? {} : { found }) };
  return new ColonnadeError(
    "conflict",
    "SOURCE_CHANGED",
    "source object changed while it was being read",
    details,
  );
}

/** A writer's unfinished object was discarded from outside. */
export function uploadLost(key: string): ColonnadeError {
  return new ColonnadeError("unavailable", "UPLOAD_LOST", "upload was ended by somebody else", { key });
}

export function cancelled(
  signal: AbortSignal,
  details: Readonly<Record<string, unknown>> = {},
): ColonnadeError {
  return new ColonnadeError("cancelled", "CANCELLED", "store operation was cancelled", details, {
    cause: signal.reason,
  });
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw cancelled(signal);
}
