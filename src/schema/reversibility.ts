import { unreachable } from "../base/errors.ts";
import { castability } from "../cast/castability.ts";
import { storageOf } from "../parquet/footer/storage.ts";
import type { Change } from "./changes.ts";
import { defaultCastPolicy } from "./schema-version.ts";
import type { SchemaVersion } from "./schema-version.ts";
import { fieldsById } from "./walk-fields.ts";

/**
 * What it takes to undo a change once the new version is all there is.
 * - `free`: the new data has everything; a migration back restores it.
 * - `needsSource`: nothing was lost on the way, but the new data alone does not tell what was.
 * - `losesValues`: the new data has other values for some rows, by the field's policy.
 */
export interface Reversal {
  readonly kind: "free" | "needsSource" | "losesValues";
  readonly words: string;
}

export function judgeReversal(change: Change, to: SchemaVersion): Reversal {
  switch (change.kind) {
    case "rename":
    case "reorder":
    case "alias":
      return { kind: "free", words: "only names and places change" };
    case "add":
      return { kind: "free", words: "the column can be dropped again" };
    case "drop":
      return { kind: "needsSource", words: "the values are in the source and in earlier versions only" };
    case "partition":
      return { kind: "free", words: "the values only change between path and column" };
    case "nullability":
      return change.nullable
        ? { kind: "free", words: "no value changes" }
        : judgeNotNull(fieldsById(to).get(change.field)?.field.cast?.onInvalid);
    case "cast":
      return judgeCast(change);
    default:
      return unreachable(change);
  }
}

function judgeNotNull(onInvalid = defaultCastPolicy.onInvalid): Reversal {
  switch (onInvalid) {
    case "fail":
    case "null":
      return { kind: "free", words: "a null stops the job, so no value changes" };
    case "default":
      return { kind: "losesValues", words: "which rows were null is in the source only" };
    case "quarantine":
      return { kind: "needsSource", words: "rows with null are kept in quarantine" };
    default:
      return unreachable(onInvalid);
  }
}

function judgeCast({ from, to, policy }: Extract<Change, { kind: "cast" }>): Reversal {
  const judged = castability({ type: from, ...storageOf(from) }, { type: to, ...storageOf(to) }, policy);
  switch (judged.kind) {
    case "none":
      return { kind: "losesValues", words: `no value has an equivalent: ${judged.reason}` };
    case "same":
    case "relabel":
      return { kind: "free", words: "the bytes stay as they are" };
    case "cast":
      break;
    default:
      return unreachable(judged);
  }
  if (judged.loss === "never") return { kind: "free", words: "every value has an exact equivalent" };
  const rounded = policy.rounding === "error" ? "" : ", others are rounded";
  switch (policy.onInvalid) {
    case "fail":
      return rounded === ""
        ? { kind: "needsSource", words: `a value without an equivalent stops the job (${judged.check})` }
        : { kind: "losesValues", words: `a value without an equivalent stops the job${rounded}` };
    case "null":
      return { kind: "losesValues", words: `values without an equivalent become null${rounded}` };
    case "default":
      return { kind: "losesValues", words: `values without an equivalent become the default${rounded}` };
    case "quarantine":
      return rounded === ""
        ? { kind: "needsSource", words: "rows without an equivalent are kept in quarantine" }
        : { kind: "losesValues", words: `rows without an equivalent are kept in quarantine${rounded}` };
    default:
      return unreachable(policy.onInvalid);
  }
}
