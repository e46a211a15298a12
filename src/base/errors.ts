/**
 * What the reader of an error should do about it. The kind is also the exit code of the process, which a
 * Kubernetes `podFailurePolicy` reads (see `docs/OPERATIONS.md`).
 */
export const exitCodes = {
  /** Fix the job, the schema or the command line. */
  invalid: 10,
  /** Somebody else moved the pointer: plan again. */
  conflict: 11,
  /** Inspect the named object. */
  data: 12,
  /** A check did not hold: review. */
  validation: 13,
  /** The store cannot be reached now: retry. */
  unavailable: 20,
  /** Stopped by a signal: a rerun resumes. */
  cancelled: 21,
  /** Whether the commit happened is not known: a rerun decides. */
  unknown: 22,
  /** A bug in Colonnade. */
  internal: 70,
} as const;

export type ErrorKind = keyof typeof exitCodes;

export type ErrorDetails = Readonly<Record<string, unknown>>;

/**
 * The one error class of Colonnade. `message` is lowercase and names the thing first; values belong into
 * `details`, which are printed after it. Neither may hold a secret.
 */
export class ColonnadeError extends Error {
  override readonly name = "ColonnadeError";
  readonly kind: ErrorKind;
  /** SCREAMING_SNAKE, stable across releases, so that programs can match on it. */
  readonly code: string;
  readonly details: ErrorDetails;

  constructor(
    kind: ErrorKind,
    code: string,
    message: string,
    details: ErrorDetails = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.kind = kind;
    this.code = code;
    this.details = details;
  }
}

/** Any thrown value as a {@link ColonnadeError}: ours as it is, a foreign one as `internal`. */
export function toColonnadeError(thrown: unknown): ColonnadeError {
  if (thrown instanceof ColonnadeError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new ColonnadeError("internal", "UNEXPECTED", message, {}, { cause: thrown });
}

/** The same error with more details (an object's key, say), for a caller who knows more than the thrower. */
export function withDetails(error: ColonnadeError, details: ErrorDetails): ColonnadeError {
  const widened = new ColonnadeError(
    error.kind,
    error.code,
    error.message,
    { ...details, ...error.details },
    { cause: error.cause },
  );
  if (error.stack !== undefined) widened.stack = error.stack;
  return widened;
}

/** For the default branch of a switch over a union: a new member that nobody handles is a compile error. */
export function unreachable(value: never): never {
  throw new ColonnadeError("internal", "UNREACHABLE", "a case was not handled", { value: String(value) });
}

/** For work that an aborted signal ends. */
export function cancelled(): ColonnadeError {
  return new ColonnadeError("cancelled", "CANCELLED", "stopped by a signal; a rerun resumes");
}
