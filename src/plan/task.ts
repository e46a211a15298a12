import { canonicalJson } from "../base/canonical-json.ts";
import { sha256Hex } from "../base/digest.ts";

/**
 * Raised when a release would write other bytes for the same task: every object is then done once more. That is the only
 * way in which an upgrade of Colonnade touches what is already there.
 */
export const engineVersion = 3;

/** Everything that the bytes of an output object depend on. */
export interface TaskInputs {
  readonly source: { readonly key: string; readonly etag: string; readonly bytes: number };
  /** Fingerprints. */
  readonly from: string;
  readonly to: string;
  readonly aliases: readonly { readonly name: string; readonly field: number }[];
  readonly compression: string;
}

/** The task's name: 32 hex digits. Equal inputs have equal names, so a rerun finds its own work. */
export function taskHash(inputs: TaskInputs): string {
  return sha256Hex(canonicalJson({ engine: engineVersion, ...inputs })).slice(0, 32);
}
