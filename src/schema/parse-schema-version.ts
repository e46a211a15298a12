import { Document, isCollection, isScalar, visit } from "yaml";
import { buildSchemaVersion } from "./build-schema-version.ts";
import { explainZodError } from "./explain-zod-error.ts";
import { withFingerprint } from "./fingerprint.ts";
import { explainProblems, parseYaml } from "./parse-yaml.ts";
import { schemaVersionFileSchema, toSchemaVersionFile } from "./schema-version-file.ts";
import type { SchemaVersion } from "./schema-version.ts";

/**
 * A schema version from its YAML file (docs/FORMATS.md). Throws `invalid` `SCHEMA_INVALID`; the details name `file`,
 * `line`, `column` and, when there is more than one problem, the others in `more`.
 */
export function parseSchemaVersion(text: string, fileName: string): SchemaVersion {
  const document = parseYaml(text, fileName, "SCHEMA_INVALID");
  const parsed = schemaVersionFileSchema.safeParse(document.value);
  if (!parsed.success) throw explainZodError(parsed.error, document, schemaVersionFileSchema);
  const { version, problems } = buildSchemaVersion(parsed.data);
  if (problems.length > 0) throw explainProblems(document, problems);
  return withFingerprint(version);
}

/**
 * A schema version as the YAML that people edit: a flat field on one line, a nested one as a block. `editorSchema` is
 * the path or URL of `schema-version.schema.json` for the comment that editors read. {@link parseSchemaVersion} gives
 * the version back.
 */
export function formatSchemaVersion(
  version: Omit<SchemaVersion, "fingerprint">,
  editorSchema = "../formats/schema-version.schema.json",
): string {
  const document = new Document(toSchemaVersionFile(version, true), {
    version: "1.2",
    aliasDuplicateObjects: false,
  });
  visit(document, {
    Map: (_, node, ancestors) => {
      if (ancestors.length > 1 && node.items.every((pair) => !isCollection(pair.value) || isInline(pair))) {
        node.flow = true;
      }
    },
    Pair: (_, pair) => {
      if (isCollection(pair.value) && isInline(pair)) pair.value.flow = true;
    },
  });
  document.commentBefore = ` yaml-language-server: $schema=${editorSchema.replace(/[\r\n]/g, "")}`;
  return document.toString({ lineWidth: 0 });
}

/** `cast` is small and `partitionBy` a list of names: both read best inside their line. */
function isInline({ key }: { key: unknown }): boolean {
  return isScalar(key) && (key.value === "cast" || key.value === "partitionBy");
}
