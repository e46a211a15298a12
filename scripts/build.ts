/**
 * `npm run build`: the program and the library as the package and the image have them, in `dist/`.
 *
 * Most of what a command takes at its start is loading some three hundred small modules, our own and those of zod and yaml. So
 * they are joined to a few, with the dependencies that are plain JavaScript; what has native code or threads of its own stays
 * outside. Why: docs/decisions/bundle.md.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rolldown } from "rolldown";

const root = join(import.meta.dirname, "..");
const output = join(root, "dist");

/** Loaded from `node_modules` where it is used, and as it is. */
const external = [/^@aws-sdk\//, "lz4-napi", "parquet-wasm", "pino", "piscina", "snappy", "string-width"];

rmSync(join(output, "bin"), { recursive: true, force: true });
const bundle = await rolldown({
  // Threads are started from files beside the program's, and all of them share what they have in common.
  input: {
    colonnade: join(root, "src/cli/main.ts"),
    library: join(root, "src/stream/library.ts"),
    "chunk-worker": join(root, "src/execute/chunks/chunk-worker.ts"),
    "second-reader-worker": join(root, "src/validate/second-reader-worker.ts"),
  },
  platform: "node",
  external,
});
const { output: chunks } = await bundle.write({
  dir: join(output, "bin"),
  format: "esm",
  entryFileNames: "[name].js",
  chunkFileNames: "[name]-[hash].js",
});
await bundle.close();

const modules = chunks.flatMap((chunk) => (chunk.type === "chunk" ? chunk.moduleIds : []));
const packages = new Set(modules.flatMap((id) => packageOf(id) ?? []));
writeFileSync(
  join(output, "THIRD-PARTY-LICENSES"),
  Array.from(packages)
    .toSorted()
    .map(licenceOf)
    .join(`\n${"-".repeat(80)}\n\n`),
);

/** The folder of the package that a module is of. */
function packageOf(id: string): string | undefined {
  const [, folder] = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id) ?? [];
  return folder;
}

function licenceOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    name: string;
    version: string;
    license?: string;
  };
  const files = readdirSync(folder).filter((one) => /^(licen[cs]e|copying|notice)(\.|$)/i.test(one));
  if (files.length === 0 && license === undefined) throw new Error(`${folder}: no licence`);
  const texts = files.map((file) => readFileSync(join(folder, file), "utf8").trim());
  return `${[`${name} ${version} (${license ?? "see below"})`, ...texts].join("\n\n")}\n`;
}
