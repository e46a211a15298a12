import { ColonnadeError, type ErrorDetails } from "../base/errors.ts";
import { keyInvalid } from "./keys.ts";

/** Whether a thrown value is one of these errors of the operating system (`ENOENT`, …). */
export function isErrno(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}

/** An error of the file system in Colonnade's words. */
export function fileError(error: unknown, key: string, uri: string): ColonnadeError {
  if (error instanceof ColonnadeError) return error;
  const errno = error instanceof Error && "code" in error ? String(error.code) : "";
  const details = { key, uri, errno };
  const cause = { cause: error };
  switch (errno) {
    case "ENAMETOOLONG":
      return keyInvalid(key, "has a segment that is longer than this file system allows", error);
    case "ELOOP":
      return keyInvalid(key, "passes through symbolic links that go round in a circle", error);
    case "EISDIR":
      return keyInvalid(key, "names a folder", error);
    case "ENOTDIR":
      return keyInvalid(key, "has a segment that is an object, not a folder", error);
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new ColonnadeError("invalid", "ACCESS_DENIED", "folder does not permit this", details, cause);
    case "EXDEV":
    case "ENOTSUP":
    case "EOPNOTSUPP":
    case "ENOSYS":
      return new ColonnadeError(
        "invalid",
        "STORE_UNSUPPORTED",
        "file system lacks hard links, or the key lies on another one than the root",
        details,
        cause,
      );
    case "ENOSPC":
    case "EDQUOT":
      return new ColonnadeError("unavailable", "STORE_FULL", "disk is full", details, cause);
    case "ENOENT":
      // What may be missing is looked for; this was there a moment ago.
      return folderChanged(details, error);
    case "EIO":
    case "ESTALE":
    case "EMFILE":
    case "ENFILE":
    case "EBUSY":
    case "ETIMEDOUT":
      return new ColonnadeError("unavailable", "STORE_UNREACHABLE", "file system failed", details, cause);
    default:
      return new ColonnadeError(
        "internal",
        "UNEXPECTED",
        "file system gave an unexpected error",
        details,
        cause,
      );
  }
}

/** Somebody removed a folder, or took the disk away. */
export function folderChanged(details: ErrorDetails, cause?: unknown): ColonnadeError {
  return new ColonnadeError("unavailable", "FOLDER_CHANGED", "folder was removed during the work", details, {
    cause,
  });
}
