import { ColonnadeError } from "../base/errors.ts";

/** A page whose bytes contradict the format or its own header. */
export function malformedPage(message: string, details: Record<string, unknown> = {}): ColonnadeError {
  return new ColonnadeError("data", "PAGE_MALFORMED", message, details);
}

/** A page or chunk that would take more memory than the limits allow, whether honest or hostile. */
export function tooLarge(message: string, details: Record<string, unknown>): ColonnadeError {
  return new ColonnadeError("data", "CHUNK_TOO_LARGE", message, details);
}
