import { ColonnadeError } from "../base/errors.ts";

/** Bytes that are no Arrow IPC stream, or contradict themselves. */
export function malformedStream(message: string, details: Record<string, unknown> = {}): ColonnadeError {
  return new ColonnadeError("data", "STREAM_MALFORMED", message, details);
}

/** What the format allows and this program does not do, by its name. */
export function unsupportedStream(message: string, details: Record<string, unknown> = {}): ColonnadeError {
  return new ColonnadeError("data", "STREAM_UNSUPPORTED", message, details);
}

/** As {@link malformedStream}, for what a decoder of flatbuffers throws when it leaves its bytes. */
export function decoded<T>(what: string, decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    if (cause instanceof ColonnadeError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw malformedStream(`${what} cannot be decoded`, { reason });
  }
}
