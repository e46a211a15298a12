import { toColonnadeError } from "../base/errors.ts";
import type { FileLine } from "../dataset/formats.ts";
import type { Footer } from "../parquet/footer/footer.ts";
import type { SchemaNode } from "../parquet/footer/schema-tree.ts";
import { matchTree } from "../schema/match.ts";
import type { SchemaVersion } from "../schema/schema-version.ts";
import { walkFields } from "../schema/walk-fields.ts";
import { findUnexplained } from "./explained-bytes.ts";
import type { Findings, Place } from "./report.ts";

/** The key under which an output says which schema version it has (docs/FORMATS.md). */
const schemaKey = "colonnade.schema";

/** Compares the footer of a data object with its line and with the schema version of the manifest. */
export function checkDataFooter(
  footer: Footer,
  objectBytes: number,
  line: FileLine,
  schema: SchemaVersion,
  findings: Findings,
): void {
  const place = { object: line.key };
  checkRows(footer, line.rows, place, findings);
  checkSchema(footer, line, schema, findings);
  checkBytes(footer, objectBytes, place, findings);
}

/** Rows are counted in the row groups, which is what readers read. */
export function checkRows(footer: Footer, rows: number, place: Place, findings: Findings): void {
  findings.looked("rows");
  if (footer.rows !== rows) {
    findings.error(
      "rows",
      "ROWS_DIFFER",
      "object has another number of rows than the file list says",
      place,
      {
        rows: footer.rows,
        expectedRows: rows,
      },
    );
  }
  if (footer.declaredRows !== footer.rows) {
    findings.error("rows", "ROWS_MISCOUNTED", "footer's row count is not that of its row groups", place, {
      rows: footer.rows,
      declaredRows: footer.declaredRows,
    });
  }
}

/** Every chunk lies inside the object, and every byte is part of something. */
export function checkBytes(footer: Footer, objectBytes: number, place: Place, findings: Findings): void {
  findings.looked("bytes");
  try {
    for (const { code, message, details } of findUnexplained(footer, objectBytes)) {
      findings.error("bytes", code, message, place, details);
    }
  } catch (thrown) {
    findings.caught("bytes", toColonnadeError(thrown), place);
  }
}

function checkSchema(footer: Footer, line: FileLine, schema: SchemaVersion, findings: Findings): void {
  const place = { object: line.key };
  const wrong = (code: string, message: string, details: object): void =>
    findings.error("schema", code, message, place, details);
  findings.looked("schema");
  const match = matchTree(footer.tree, schema);
  if (match.kind === "mismatch") {
    wrong("SCHEMA_DIFFERS", "object does not have the schema version of its manifest", {
      version: schema.version,
      differences: match.differences.slice(0, 20),
    });
  } else {
    const misplaced = findMisplaced(match.nodes, schema);
    if (misplaced !== undefined) wrong("FIELDS_MISPLACED", misplaced.message, misplaced.details);
  }
  const stated = footer.keyValueMetadata.filter(([key]) => key === schemaKey).map(([, value]) => value);
  if (stated.length !== 1 || !saysSchema(stated[0], schema)) {
    wrong("SCHEMA_KEY_WRONG", `footer's ${schemaKey} does not name the schema version of the manifest`, {
      found: stated,
    });
  }
  const paths = footer.leaves.map(({ column }) => column.path.join("."));
  const listed = Object.keys(line.columns);
  const missing = listed.filter((path) => !paths.includes(path));
  const unlisted = paths.filter((path) => !listed.includes(path));
  if (missing.length + unlisted.length > 0) {
    wrong("COLUMNS_DIFFER", "object has other columns than the file list says", { missing, unlisted });
  }
}

/** Field ids are those of the version, and siblings stand in its order. */
function findMisplaced(
  nodes: ReadonlyMap<number, SchemaNode>,
  schema: SchemaVersion,
): { readonly message: string; readonly details: object } | undefined {
  const last = new Map<number | undefined, number>();
  for (const { field, path, parent } of walkFields(schema.fields)) {
    const node = nodes.get(field.id);
    if (node === undefined) continue;
    const column = path.join(".");
    // A list of the oldest form and its element are one schema element, which has one id.
    const shared = parent !== undefined && nodes.get(parent.id)?.elementIndex === node.elementIndex;
    if (!shared && node.fieldId !== field.id) {
      return {
        message: "column does not carry the id of its field",
        details: { column, fieldId: node.fieldId, expected: field.id },
      };
    }
    if (node.elementIndex < (last.get(parent?.id) ?? -1)) {
      return { message: "columns are in another order than the fields", details: { column } };
    }
    last.set(parent?.id, node.elementIndex);
  }
  return undefined;
}

function saysSchema(text: string | undefined, { dataset, version, fingerprint }: SchemaVersion): boolean {
  try {
    const said = JSON.parse(text ?? "") as Record<string, unknown> | null;
    return (
      said?.["dataset"] === dataset && said["version"] === version && said["fingerprint"] === fingerprint
    );
  } catch {
    return false;
  }
}
