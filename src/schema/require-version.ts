import { ColonnadeError } from "../base/errors.ts";
import type { SchemaNode } from "../parquet/footer/schema-tree.ts";
import { detectVersion, matchTree, type VersionHint } from "./match.ts";
import type { SchemaVersion } from "./schema-version.ts";

/** A version that something has, with the node of each of its fields. */
export interface VersionFound {
  readonly version: SchemaVersion;
  readonly nodes: ReadonlyMap<number, SchemaNode>;
  readonly notes: readonly string[];
}

type What = "object" | "stream";

/** Throws `data` `SCHEMA_DIFFERS` when the tree, of an object or of a stream, is not of the declared version. */
export function requireVersion(what: What, tree: SchemaNode, version: SchemaVersion): VersionFound {
  const match = matchTree(tree, version);
  if (match.kind === "mismatch") throw differs(what, version, match.differences);
  return { version, nodes: match.nodes, notes: match.notes };
}

/** The version that the tree has. Throws `data` `SCHEMA_DIFFERS` or `SCHEMA_AMBIGUOUS`. */
export function requireDetected(
  what: What,
  tree: SchemaNode,
  versions: readonly SchemaVersion[],
  hint?: VersionHint,
): VersionFound {
  const detected = detectVersion(tree, versions, hint);
  switch (detected.kind) {
    case "detected":
      return detected;
    case "ambiguous":
      throw new ColonnadeError(
        "data",
        "SCHEMA_AMBIGUOUS",
        `${what} fits several schema versions that mean different fields by its columns; name one in schema.from`,
        { versions: detected.versions },
      );
    case "none":
      throw differs(what, detected.closest, detected.differences);
  }
}

function differs(what: What, { version }: SchemaVersion, differences: readonly string[]): ColonnadeError {
  return new ColonnadeError("data", "SCHEMA_DIFFERS", `${what} does not have schema version ${version}`, {
    differences: differences.slice(0, 20),
    ...(differences.length > 20 ? { more: differences.length - 20 } : {}),
  });
}
