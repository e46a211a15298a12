import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const sourceFolder = resolve(import.meta.dirname, "../../../src");

/** The rooms of src/, lowest first: a room imports itself and what stands before it. */
const rooms = [
  "base",
  "store",
  "parquet",
  "cast",
  "schema",
  "dataset",
  "plan",
  "stream",
  "execute",
  "validate",
  "publish",
  "cli",
];
/** validate/ is the second opinion: it may not lean on what it checks. */
const forbidden: Record<string, RegExp> = {
  validate: /^(execute|cast)\/|^parquet\/(encodings|pages|indexes|chunks|footer\/(rewrite|output))/,
};
/** The folders within a room, lowest first, in the same sense: what stands in the room itself is beside them. */
const folders: Record<string, readonly string[]> = {
  parquet: ["thrift", "values", "encodings", "footer", "pages", "indexes", "chunks"],
  execute: ["survey", "chunks", "objects"],
};
const pureRooms = ["parquet", "cast", "schema", "plan", "stream"];
const impureModules = /^node:(fs|net|http|https|child_process|os|process|worker_threads|dns|tls)/;

const files = readdirSync(sourceFolder, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .map((path) => ({ path, text: readFileSync(join(sourceFolder, path), "utf8") }));

function importsOf(text: string): string[] {
  return Array.from(text.matchAll(/(?:from|import\(|^import)\s*"([^"]+)"/gm), (match) => match[1] ?? "");
}

test("every file stands in a room", () => {
  expect(files.filter(({ path }) => !rooms.includes(path.split("/")[0] ?? ""))).toEqual([]);
  expect(files.length).toBeGreaterThan(20);
});

const importsWithin = files.flatMap(({ path, text }) =>
  importsOf(text)
    .filter((specifier) => specifier.startsWith("."))
    .map((specifier) => ({
      path,
      target: relative(sourceFolder, resolve(sourceFolder, dirname(path), specifier)),
    })),
);

test("imports go downward only", () => {
  const upward = importsWithin.filter(({ path, target }) => {
    const room = path.split("/")[0] ?? "";
    return (
      rooms.indexOf(target.split("/")[0] ?? "") > rooms.indexOf(room) ||
      forbidden[room]?.test(target) === true
    );
  });
  expect(upward).toEqual([]);
});

test("within a room, imports go from folder to folder downward only", () => {
  const upward = importsWithin.filter(({ path, target }) => {
    const [room = "", folder = ""] = path.split("/");
    const [targetRoom, targetFolder = ""] = target.split("/");
    const order = folders[room];
    if (order === undefined || targetRoom !== room || !order.includes(folder)) return false;
    return order.indexOf(targetFolder) > order.indexOf(folder);
  });
  expect(upward).toEqual([]);
});

test("every folder within such a room has its place in the order", () => {
  for (const [room, order] of Object.entries(folders)) {
    const found = files.flatMap(({ path }) => {
      const [first, folder, file] = path.split("/");
      return first === room && folder !== undefined && file !== undefined ? [folder] : [];
    });
    expect(new Set(found)).toEqual(new Set(order));
  }
});

test("pure rooms import no I/O, and read no clock, chance or environment", () => {
  const impure = files
    .filter(({ path }) => pureRooms.includes(path.split("/")[0] ?? ""))
    .flatMap(({ path, text }) => [
      ...importsOf(text)
        .filter((specifier) => impureModules.test(specifier))
        .map((specifier) => `${path} imports ${specifier}`),
      ...(/\b(Math\.random|Date\.now|new Date\(\)|process\.)/.test(
        text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, ""),
      )
        ? [`${path} is not pure`]
        : []),
    ]);
  expect(impure).toEqual([]);
});

test("the AWS SDK is imported in the S3 store only, and process is touched in cli only", () => {
  const sdk = files.filter(
    ({ path, text }) =>
      importsOf(text).some((s) => s.startsWith("@aws-sdk/")) && !path.startsWith("store/s3"),
  );
  const environment = files.filter(
    ({ path, text }) =>
      /\bprocess\./.test(text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, "")) && !path.startsWith("cli/"),
  );
  expect(sdk.map(({ path }) => path)).toEqual([]);
  expect(environment.map(({ path }) => path)).toEqual([]);
});

test("there are no barrels, and file names are kebab-case", () => {
  expect(files.map(({ path }) => path).filter((path) => /(^|\/)index\.ts$/.test(path))).toEqual([]);
  expect(files.map(({ path }) => path).filter((path) => !/^[a-z0-9/-]+\.ts$/.test(path))).toEqual([]);
});

test("a pointer is moved through serveVersion alone, which is safe beside a gc", () => {
  const moving = files.filter(
    ({ path, text }) => /\bcommitPointer\b/.test(text) && path !== "dataset/commit.ts",
  );
  expect(moving.map(({ path }) => path)).toEqual(["dataset/serve-version.ts"]);
});
