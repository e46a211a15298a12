import type { ColumnPaths } from "./column-paths.ts";
import { isObject, parseExactJson } from "./exact-json.ts";
import type { JsonObject } from "./exact-json.ts";
import type { EmbeddedMapping } from "./mapping.ts";

export interface GeoRewrite {
  /** Undefined: no geometry column is left, or the metadata is not understood. */
  readonly value: string | undefined;
  readonly warning?: string;
}

/**
 * `geo`: which columns are geometries, in which encoding and coordinate system (https://geoparquet.org/releases/v1.1.0/).
 * Renames and drops columns, the primary one and the paths of bounding-box coverings; a geometry that was cast is none.
 */
export function rewriteGeo(value: string, mapping: EmbeddedMapping, paths: ColumnPaths): GeoRewrite {
  const metadata = parseExactJson(value);
  const columns = isObject(metadata) ? metadata["columns"] : undefined;
  if (!isObject(metadata) || !isObject(columns)) return { value: undefined };
  const rewritten = new Map<string, unknown>();
  for (const field of mapping.fields) {
    const [source] = field.source?.path ?? [];
    if (source === undefined || field.retyped || !Object.hasOwn(columns, source)) continue;
    rewritten.set(field.name, rewriteCovering(columns[source], paths));
  }
  const [first] = rewritten.keys();
  if (first === undefined) return { value: undefined };
  const primary = metadata["primary_column"];
  const renamed = typeof primary === "string" ? paths.find([primary])?.[0] : undefined;
  const kept = renamed !== undefined && rewritten.has(renamed) ? renamed : first;
  const entries = Object.fromEntries(
    // The order of the metadata's own entries where they are still there.
    Array.from(rewritten).toSorted(([a], [b]) => rank(a, columns) - rank(b, columns)),
  );
  const result = JSON.stringify({ ...metadata, primary_column: kept, columns: entries });
  if (result === JSON.stringify(metadata)) return { value };
  return kept === renamed
    ? { value: result }
    : { value: result, warning: `geo: the primary geometry column is gone, ${kept} takes its place` };
}

function rank(name: string, columns: JsonObject): number {
  const index = Object.keys(columns).indexOf(name);
  return index < 0 ? Number.MAX_SAFE_INTEGER : index;
}

/** `covering: { bbox: { xmin: ["bbox", "xmin"], … } }` names columns by path; gone columns cover nothing. */
function rewriteCovering(column: unknown, paths: ColumnPaths): unknown {
  if (!isObject(column) || !isObject(column["covering"])) return column;
  const coverings = Object.entries(column["covering"]).flatMap(([kind, bounds]) => {
    if (!isObject(bounds)) return [[kind, bounds]];
    const moved = Object.entries(bounds).map(([bound, path]) => [bound, outputPath(path, paths)] as const);
    return moved.every(([, path]) => path !== undefined) ? [[kind, Object.fromEntries(moved)]] : [];
  });
  const { covering: _, ...rest } = column;
  return coverings.length === 0 ? rest : { ...column, covering: Object.fromEntries(coverings) };
}

function outputPath(path: unknown, paths: ColumnPaths): readonly string[] | undefined {
  if (!Array.isArray(path) || !path.every((name) => typeof name === "string")) return undefined;
  return paths.find(path);
}
