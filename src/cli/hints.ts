import { type ColonnadeError, type ErrorKind, unreachable } from "../base/errors.ts";

/** What to do about an error, when more can be said than its message says. */
export function hintFor({
  kind,
  code,
  details,
}: Pick<ColonnadeError, "kind" | "code" | "details">): string | undefined {
  return hintOfCode(code, details) ?? hintOfKind(kind);
}

function hintOfCode(code: string, details: ColonnadeError["details"]): string | undefined {
  switch (code) {
    case "USAGE": {
      const help = details["help"];
      return typeof help === "string" ? `${help} shows what there is` : undefined;
    }
    case "OBJECTS_FAILED":
      return "repair or exclude these objects (source.exclude in the job), or set onInvalid of the field's cast; what was migrated is kept for the next run";
    case "SCHEMA_EDITED":
      return "an applied schema version never changes: restore the file from version control, and make the edit in a new version";
    case "VALUE_INVALID":
      return "set onInvalid of the field's cast to null, default or quarantine, or choose a wider type";
    case "FILE_MISSING": {
      const near = details["didYouMean"];
      return typeof near === "string"
        ? `did you mean ${near}?`
        : "paths inside a job file are relative to that file";
    }
    case "VERSION_MISSING":
    case "VERSION_SERVED":
      return "colonnade history <job> lists the versions that there are";
    case "STORE_UNSAFE":
      return "colonnade store check <job> shows all that is asked of a store; use one with conditional writes";
    case "NO_POINTER":
      return "colonnade apply <job> makes the first version";
    case "POINTER_MOVED":
    case "GENERATION_DIFFERS":
      return "colonnade status <job> shows what is served now";
    case "STORE_FULL":
      return "nothing is lost: make room, and run the same command again: it resumes";
    case "FORMAT_NEWER":
      return "somebody runs a newer Colonnade on this destination: update this one";
    default:
      return undefined;
  }
}

function hintOfKind(kind: ErrorKind): string | undefined {
  switch (kind) {
    case "invalid":
      return undefined;
    case "conflict":
      return "somebody else changed it meanwhile: run the same command again";
    case "data":
      return undefined;
    case "validation":
      return "review; nothing was published";
    case "unavailable":
      return "nothing is lost: run the same command again once the store answers";
    case "cancelled":
      return "run the same command again: it resumes";
    case "unknown":
      return "run the same command again: it finds out whether the commit happened";
    case "internal":
      return "this is a bug in Colonnade: please report it, with these lines";
    default:
      return unreachable(kind);
  }
}
