import { ColonnadeError } from "../base/errors.ts";
import type { ErrorKind } from "../base/errors.ts";
import type { PutResult } from "./object-store.ts";

/** What a failed request means, before it is known whether it was a read or a write. */
export interface S3Failure {
  /** HTTP status; 0 when no reply arrived. */
  readonly status: number;
  /** S3's error code, or the name of a network error (`ECONNRESET`, `TimeoutError`). */
  readonly code: string;
  readonly message: string;
  readonly requestId: string | undefined;
  /** The SDK's command that failed. */
  readonly command: string | undefined;
  /** The name did not resolve, or the connection did not come about: no byte of the request was sent. */
  readonly notSent: boolean;
}

// S3 turned the request away without beginning it (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html); the
// last two are MinIO's. A bare 503 may come from a proxy that had passed the request on, so it is not among them.
const throttledCodes = new Set([
  "SlowDown",
  "RequestLimitExceeded",
  "Throttling",
  "ThrottlingException",
  "TooManyRequests",
  "SlowDownRead",
  "SlowDownWrite",
]);
// Two conditional writes met, and S3 did neither; or the bytes did not arrive as they were sent.
const notDoneCodes = new Set([
  "ConditionalRequestConflict",
  "OperationAborted",
  "BadDigest",
  "InvalidDigest",
  "XAmzContentChecksumMismatch",
  "XAmzContentSHA256Mismatch",
  "IncompleteBody",
  // The list of an upload's parts, which has no checksum: as we send it, it is well-formed, in order, and of parts that are there.
  "MalformedXML",
  "InvalidPart",
  "InvalidPartOrder",
  "RequestTimeout",
  "RequestTimeTooSkewed",
]);
const temporaryStatuses = new Set([408, 429, 500, 502, 503, 504]);

const meanings: readonly (readonly [ErrorKind, string, string, readonly string[]])[] = [
  ["invalid", "BUCKET_MISSING", "bucket does not exist", ["NoSuchBucket", "InvalidBucketName"]],
  [
    "invalid",
    "CREDENTIALS_INVALID",
    "credentials are missing, expired or not accepted",
    [
      "InvalidAccessKeyId",
      "SignatureDoesNotMatch",
      "InvalidToken",
      "InvalidTokenId",
      "ExpiredToken",
      "TokenRefreshRequired",
      "InvalidSecurity",
      "CredentialsProviderError",
    ],
  ],
  [
    "invalid",
    "ACCESS_DENIED",
    "access is denied (without the right to list, a missing object is denied too)",
    ["AccessDenied", "AllAccessDisabled", "AccountProblem"],
  ],
  [
    "invalid",
    "REGION_WRONG",
    "bucket lies in another region",
    ["PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"],
  ],
  ["invalid", "KEY_INVALID", "key is longer than the store allows", ["KeyTooLongError"]],
  [
    "invalid",
    "KEY_INVALID",
    "key and an object that exists would be folder and object at once",
    ["XMinioObjectExistsAsDirectory", "XMinioParentIsObject", "XMinioInvalidObjectName"],
  ],
  ["invalid", "OBJECT_ARCHIVED", "object is archived and must be restored first", ["InvalidObjectState"]],
  ["invalid", "STORE_UNSUPPORTED", "store does not implement this request", ["NotImplemented"]],
  ["invalid", "CLOCK_SKEWED", "clock of this machine is wrong", ["RequestTimeTooSkewed"]],
  [
    "unavailable",
    "STORE_FULL",
    "store is full",
    ["XMinioStorageFull", "QuotaExceeded", "InsufficientCapacity"],
  ],
  ["unavailable", "UPLOAD_LOST", "multipart upload was ended by somebody else", ["NoSuchUpload"]],
  [
    "invalid",
    "ENDPOINT_UNTRUSTED",
    "endpoint does not prove its identity",
    [
      "DEPTH_ZERO_SELF_SIGNED_CERT",
      "SELF_SIGNED_CERT_IN_CHAIN",
      "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
      "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
      "CERT_HAS_EXPIRED",
      "ERR_TLS_CERT_ALTNAME_INVALID",
    ],
  ],
];

/** What a request takes (https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html). */
const permissionOf: Readonly<Record<string, string>> = {
  HeadBucketCommand: "s3:ListBucket",
  ListObjectsV2Command: "s3:ListBucket",
  HeadObjectCommand: "s3:GetObject",
  GetObjectCommand: "s3:GetObject",
  PutObjectCommand: "s3:PutObject",
  CreateMultipartUploadCommand: "s3:PutObject",
  UploadPartCommand: "s3:PutObject",
  UploadPartCopyCommand: "s3:PutObject",
  CompleteMultipartUploadCommand: "s3:PutObject",
  AbortMultipartUploadCommand: "s3:AbortMultipartUpload",
  ListMultipartUploadsCommand: "s3:ListBucketMultipartUploads",
  DeleteObjectCommand: "s3:DeleteObject",
};

/** By S3's error code, or Node's. */
const meaningOf = new Map(
  meanings.flatMap(([kind, code, message, codes]) =>
    codes.map((from) => [from, { kind, code, message }] as const),
  ),
);

export function failureOf(error: unknown): S3Failure {
  const thrown = (typeof error === "object" && error !== null ? error : {}) as {
    readonly name?: unknown;
    readonly code?: unknown;
    readonly Code?: unknown;
    readonly message?: unknown;
    readonly syscall?: unknown;
    readonly commandName?: unknown;
    readonly errors?: readonly unknown[];
    readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string };
  };
  // Node tries all addresses of a name and throws what came of each.
  const [first] = thrown.errors ?? [];
  if (first !== undefined && thrown.$metadata?.httpStatusCode === undefined) return failureOf(first);
  const code = [thrown.Code, thrown.code, thrown.name].find(
    (name) => typeof name === "string" && name !== "Error",
  );
  return {
    status: thrown.$metadata?.httpStatusCode ?? 0,
    code: typeof code === "string" ? code : "",
    message: typeof thrown.message === "string" ? thrown.message : String(error),
    requestId: thrown.$metadata?.requestId,
    command: typeof thrown.commandName === "string" ? thrown.commandName : undefined,
    notSent: thrown.syscall === "connect" || thrown.syscall === "getaddrinfo",
  };
}

/** Whether the same request may succeed a little later. */
export function isTemporary(error: unknown): boolean {
  const { status, code } = failureOf(error);
  if (throttledCodes.has(code) || notDoneCodes.has(code)) return true;
  if (meaningOf.has(code)) return false;
  // A reply that broke off while it was read has a status of success.
  return temporaryStatuses.has(status) || isNetwork(error) || (status >= 200 && status < 300);
}

/** Whether the request certainly had no effect. */
export function isNotDone(error: unknown): boolean {
  const { code, notSent } = failureOf(error);
  return notSent || throttledCodes.has(code) || notDoneCodes.has(code);
}

function isNetwork(error: unknown): boolean {
  const { status, code } = failureOf(error);
  // The body of an error may break off too: then there is a status, and no code of S3's.
  return /^E[A-Z_]+$/.test(code) || (status === 0 && /Timeout|NetworkingError|aborted/i.test(code));
}

/**
 * The error without what it should not carry: S3 sends back the access key and the string that was signed when a signature is
 * wrong, and the SDK hangs whole requests on its errors.
 */
export function cleanCause(error: unknown): Error {
  const { status, code, message, requestId } = failureOf(error);
  const clean = new Error(message.slice(0, 500));
  clean.name = code === "" ? "Error" : code;
  return Object.assign(clean, { status, ...(requestId === undefined ? {} : { requestId }) });
}

/** A failed request in Colonnade's words. */
export function s3Error(
  error: unknown,
  details: { readonly uri: string; readonly key?: string },
): ColonnadeError {
  if (error instanceof ColonnadeError) return error;
  const { status, code, requestId, command } = failureOf(error);
  const known = meaningOf.get(code);
  const isDenied = known?.code === "ACCESS_DENIED" || (known === undefined && status === 403);
  const needs = isDenied ? permissionOf[command ?? ""] : undefined;
  const all = {
    ...details,
    ...(needs === undefined ? {} : { needs }),
    status,
    s3Code: code,
    ...(requestId === undefined ? {} : { requestId }),
  };
  const cause = { cause: cleanCause(error) };
  if (known !== undefined) return new ColonnadeError(known.kind, known.code, known.message, all, cause);
  if (status === 301 || status === 307) {
    const message = "bucket lies in another region";
    return new ColonnadeError("invalid", "REGION_WRONG", message, all, cause);
  }
  if (code === "AbortError")
    return new ColonnadeError("cancelled", "CANCELLED", "request was cancelled", all, cause);
  if (status === 401 || status === 403) {
    const message = "access is denied";
    return new ColonnadeError("invalid", "ACCESS_DENIED", message, all, cause);
  }
  if (isTemporary(error))
    return new ColonnadeError(
      "unavailable",
      "STORE_UNREACHABLE",
      "store cannot be reached or is too busy",
      all,
      cause,
    );
  return new ColonnadeError("internal", "UNEXPECTED", "store refused a request", all, cause);
}

/**
 * The outcome of a write that failed. Throws where the contract wants an error: bucket, credentials, permissions. What is
 * neither known to be done nor known not to be is `unknown`.
 */
export function putResultOf(
  error: unknown,
  details: { readonly uri: string; readonly key: string },
): PutResult {
  const { status, code } = failureOf(error);
  if (status === 412 || code === "PreconditionFailed") return { outcome: "preconditionFailed" };
  // If-Match on a key that has no object.
  if (code === "NoSuchKey") return { outcome: "preconditionFailed" };
  if (isNotDone(error)) return { outcome: "retry", cause: s3Error(error, details) };
  if (status >= 300 && status < 500) throw s3Error(error, details);
  // Such as NotImplemented, and what fails before a request is sent. No other 5xx says that nothing was done.
  if (meaningOf.get(code)?.kind === "invalid") throw s3Error(error, details);
  return { outcome: "unknown", cause: s3Error(error, details) };
}
