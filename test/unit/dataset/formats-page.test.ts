import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, onTestFinished, test } from "vitest";
import type { z } from "zod";

import { readPointer } from "../../../src/dataset/pointer.ts";
import { claimSchema, fileLineSchema, manifestSchema, pointerSchema } from "../../../src/dataset/formats.ts";
import { publishVersion } from "../../../src/dataset/publish-version.ts";
import { createFileWatchState } from "../../../src/publish/watch-state.ts";
import { createFileStore } from "../../../src/store/file.ts";
import { unconditional } from "../../../src/store/object-store.ts";
import { destinationOf, lineOf, publicationOf, putData } from "../../support/dataset-fixtures.ts";
import { pythonWith, runPython } from "../../support/python.ts";

const page = await readFile(join(import.meta.dirname, "../../../docs/FORMATS.md"), "utf8");

/** The block of code after `<!-- example: name -->`. */
function example(name: string): string {
  const text = page.split(`<!-- example: ${name} -->\n\`\`\`json\n`)[1]?.split("```")[0];
  if (text === undefined) throw new Error(`docs/FORMATS.md has no example of ${name}`);
  return text;
}

async function temporaryFolder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "colonnade-formats-"));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

describe("docs/FORMATS.md", () => {
  test.each<[string, z.ZodType]>([
    ["pointer", pointerSchema],
    ["claim", claimSchema],
    ["manifest", manifestSchema],
    ["file-line", fileLineSchema],
  ])("the example of a %s is one, with every member", (name, schema) => {
    const value: unknown = JSON.parse(example(name));
    expect(schema.parse(value)).toEqual(value);
    const members = Object.keys((schema as z.ZodObject).shape);
    expect(Object.keys(value as object).toSorted()).toEqual(members.toSorted());
  });

  test("the example of a watch state is one", async () => {
    const path = join(await temporaryFolder(), "state.json");
    await writeFile(path, example("watch-state"));
    const state = createFileWatchState(path, "s3://models/flights", "current");
    expect(await state.load()).toMatchObject({ generation: 42 });
  });
});

async function readWithPython(rootPath: string): Promise<unknown> {
  const code = page.split("```python\n")[1]?.split("```")[0] ?? "";
  const script = `${code}
import sys
root = ${JSON.stringify(rootPath)}
pointer, manifest, files = read_version(lambda key: open(root + "/" + key, "rb").read())
json.dump([pointer["generation"], manifest["version"], [file["key"] for file in files]], sys.stdout)
`;
  return JSON.parse(await runPython(script));
}

describe.skipIf(pythonWith([]) === undefined)("the Python on the page", () => {
  test("reads a version, and notices one that was tampered with", async () => {
    const rootPath = await temporaryFolder();
    const store = createFileStore({ rootPath });
    const lines = ["Köln", "line\u2028\u0085separators", "2026-01-03"].map((day) => lineOf(day));
    await putData(store, lines);
    const partLimits = { lines: 2, plainBytes: 1e6 };
    await publishVersion(destinationOf(store), publicationOf(undefined, lines, { partLimits }));
    expect(await readWithPython(rootPath)).toEqual([1, 1, lines.map(({ key }) => key)]);

    const manifest = (await readPointer(store, "current"))?.pointer.manifest.key ?? "";
    const body = Buffer.from((await store.get(manifest))?.body ?? []);
    await store.put(manifest, Buffer.from(body.toString().replace("run-1", "run-2")), unconditional);
    await expect(readWithPython(rootPath)).rejects.toThrow(/is not the object that was referred to/);
  });
});
