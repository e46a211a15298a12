import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { formatsDirectory, generateFormats, staleFormats } from "../../../scripts/generate-formats.ts";

function schemaOf(name: string): z.ZodType {
  const text = readFileSync(join(formatsDirectory, `${name}.schema.json`), "utf8");
  return z.fromJSONSchema(JSON.parse(text) as Parameters<typeof z.fromJSONSchema>[0]);
}

function yamlFiles(folder: string, pattern: RegExp): string[] {
  const root = join(import.meta.dirname, "../../..", folder);
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => pattern.test(name))
    .map((name) => join(root, name));
}

test("schemas/formats/ is as the zod definitions say: node scripts/generate-formats.ts writes it", () => {
  expect(staleFormats()).toStrictEqual([]);
  const names = ["pointer", "manifest", "file-line", "schema-version", "job"].map(
    (name) => `${name}.schema.json`,
  );
  expect(Array.from(generateFormats().keys())).toStrictEqual(expect.arrayContaining(names));
});

test.each(yamlFiles("schemas", /\b[0-9]+\.yaml$/))(
  "%s is valid to an editor that reads the JSON Schema",
  (path) => {
    const schema = schemaOf("schema-version");
    const value = parse(readFileSync(path, "utf8")) as object;
    expect(schema.safeParse(value).error).toBeUndefined();
    expect(schema.safeParse({ ...value, filds: [] }).success).toBe(false);
  },
);

test.each(yamlFiles("jobs", /^[^/]*\.yaml$/))(
  "%s is valid to an editor that reads the JSON Schema",
  (path) => {
    const schema = schemaOf("job");
    const value = parse(readFileSync(path, "utf8")) as object;
    expect(schema.safeParse(value).error).toBeUndefined();
    expect(schema.safeParse({ ...value, limits: { workers: 0 } }).success).toBe(false);
  },
);
