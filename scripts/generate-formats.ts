import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { claimSchema, fileLineSchema, manifestSchema, pointerSchema } from "../src/dataset/formats.ts";
import { receiptSchema } from "../src/dataset/gc/receipts.ts";
import { jobFileSchema } from "../src/dataset/job.ts";
import { watchStateSchema } from "../src/publish/watch-state.ts";
import { schemaVersionFileSchema } from "../src/schema/schema-version-file.ts";

/**
 * Writes the JSON Schemas of every format from the zod definitions, or with `--check` says which are stale (exit code
 * 1). Editors read those of jobs and schema versions, other languages those of pointers, manifests and file lists.
 */
export const formatsDirectory = join(import.meta.dirname, "../schemas/formats");

const formats: Readonly<Record<string, { readonly title: string; readonly schema: z.ZodType }>> = {
  pointer: { title: "Colonnade pointer: pointers/<channel>.json", schema: pointerSchema },
  manifest: { title: "Colonnade manifest: versions/<version>/manifest.json", schema: manifestSchema },
  claim: { title: "Colonnade claim: versions/<version>/claim.json", schema: claimSchema },
  "file-line": {
    title: "A line of a Colonnade file list: versions/<version>/files-<part>.jsonl.gz",
    schema: fileLineSchema,
  },
  "schema-version": {
    title: "Colonnade schema version: schemas/<dataset>/<n>.yaml",
    schema: schemaVersionFileSchema,
  },
  receipt: {
    title: "Colonnade receipt: receipts/<consumer>/<channel>/<generation>.json",
    schema: receiptSchema,
  },
  "watch-state": { title: "State of colonnade watch", schema: watchStateSchema },
  job: { title: "Colonnade job: jobs/<name>.yaml", schema: jobFileSchema },
};

/** The text of each file of `schemas/formats/`, by its name. */
export function generateFormats(): Map<string, string> {
  return new Map(
    Object.entries(formats).map(([name, { title, schema }]) => {
      // What people and programs write: members with a default may be absent.
      const { $schema, ...rest } = z.toJSONSchema(schema, { io: "input" });
      return [`${name}.schema.json`, `${JSON.stringify({ $schema, title, ...rest }, null, 2)}\n`];
    }),
  );
}

/** The names of files that are not as they would be generated. */
export function staleFormats(): string[] {
  return Array.from(generateFormats())
    .filter(([name, text]) => readIfThere(join(formatsDirectory, name)) !== text)
    .map(([name]) => name);
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function main(): void {
  if (process.argv.includes("--check")) {
    const stale = staleFormats();
    for (const name of stale) console.error(`${name} is stale: run node scripts/generate-formats.ts`);
    if (stale.length > 0) process.exitCode = 1;
    return;
  }
  mkdirSync(formatsDirectory, { recursive: true });
  for (const [name, text] of generateFormats()) writeFileSync(join(formatsDirectory, name), text);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) main();
