import { copyFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Stored } from "../../src/cast/cast.ts";
import { castability } from "../../src/cast/castability.ts";
import { readFooter } from "../../src/dataset/read-object.ts";
import type { Footer } from "../../src/parquet/footer/footer.ts";
import { formatLeafType, type LeafType, type PhysicalType } from "../../src/parquet/leaf-type.ts";
import { storageOf } from "../../src/parquet/footer/storage.ts";
import { withFingerprint } from "../../src/schema/fingerprint.ts";
import { formatSchemaVersion } from "../../src/schema/parse-schema-version.ts";
import type { Field, SchemaVersion } from "../../src/schema/schema-version.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { type ObjectStore, unconditional } from "../../src/store/object-store.ts";
import type { VerifyReport } from "../../src/validate/report.ts";
import { verifyVersion } from "../../src/validate/verify.ts";
import { typeNames } from "../conformance/semantics-values.ts";
import { stored } from "./cast-columns.ts";
import { inferredSchema } from "./corpus-migration.ts";
import type { CorpusFile } from "./corpus.ts";
import { createWorkspace, type Workspace } from "./migration.ts";

/** A leaf of a file, and what it became. */
export interface CastLeaf {
  /** Names from the top; `element`, `key` and `value` inside of lists and maps. */
  readonly path: readonly string[];
  /** What each name is inside of: `struct` (and the top), `list` or `map`. */
  readonly inside: readonly ("struct" | "list" | "map")[];
  readonly from: string;
  readonly to: string;
}

/** One migration of a file, in which every leaf that has further types to go to goes to the next. */
export interface CastMigration {
  readonly source: string;
  readonly output: string;
  readonly leaves: readonly CastLeaf[];
  /** What was done to the chunks of each column, as the file's line says it. */
  readonly actions: readonly string[];
  readonly rowGroups: number;
  readonly report: VerifyReport;
}

/** Values without an equivalent become null, so that one of them does not hide the others. */
const policy = { onInvalid: "null", rounding: "error" } as const;

/**
 * Every leaf of the file to every type that there is a cast to, one of them in each migration. `selects` says which migrations
 * are run, by number. Files whose schema cannot be read give none.
 */
export async function* everyCast(
  file: CorpusFile,
  selects: (round: number) => boolean,
): AsyncGenerator<CastMigration, void, undefined> {
  const store = await memoryOf(await readFile(file.path));
  const from = await inferredSchema(store, key);
  if (from === undefined) return;
  const stored = (await footerOf(store)).leaves.map(({ column }) => column.physicalType);
  for (let round = 0; ; round += 1) {
    const leaves: CastLeaf[] = [];
    // Leaves of the schema are met in the order of the footer's.
    const physicalTypes = stored.values();
    const fields = from.fields.map((field) => castField(field, round, [], [], leaves, physicalTypes));
    if (leaves.length === 0) return;
    if (!selects(round)) continue;
    await using workspace = await createWorkspace();
    yield await migrate(workspace, file, from, { ...from, version: 2, fields }, leaves);
  }
}

async function migrate(
  workspace: Workspace,
  file: CorpusFile,
  from: SchemaVersion,
  to: SchemaVersion,
  leaves: readonly CastLeaf[],
): Promise<CastMigration> {
  const source = join(workspace.folder, "raw", "file.parquet");
  await mkdir(join(source, ".."), { recursive: true });
  await copyFile(file.path, source);
  const versions = [formatSchemaVersion(from), formatSchemaVersion(withFingerprint(to))];
  const job = { partitioning: "flat", from: 1, to: 2 } as const;
  const { lines } = await workspace.apply(versions, job);
  const { history, destination, source: store } = workspace.context(versions, job);
  const report = await verifyVersion({
    destination,
    source: store,
    history,
    partitioning: "flat",
    deep: true,
  });
  const output = join(workspace.folder, "out", lines[0]?.key ?? "");
  const { rowGroups } = await footerOf(await memoryOf(await readFile(output)));
  const actions = Object.values(lines[0]?.columns ?? {});
  return { source, output, leaves, actions, rowGroups: rowGroups.length, report };
}

function castField(
  field: Field,
  round: number,
  above: readonly string[],
  inside: CastLeaf["inside"],
  leaves: CastLeaf[],
  physicalTypes: Iterator<PhysicalType>,
): Field {
  const { type } = field;
  const path = [...above, field.name];
  const below = (inner: Field, kind: "struct" | "list" | "map"): Field =>
    castField(inner, round, path, [...inside, kind], leaves, physicalTypes);
  switch (type.kind) {
    case "leaf": {
      const { value: physicalType } = physicalTypes.next() as IteratorYieldResult<PhysicalType>;
      // A key is never null, so that it has no place for what is invalid.
      if (field.name === "key" && inside.at(-1) === "map") return field;
      const to = targetsOf({ type: type.leaf, ...storageOf(type.leaf), physicalType })[round];
      if (to === undefined) return field;
      leaves.push({
        path,
        inside: ["struct", ...inside],
        from: formatLeafType(type.leaf),
        to: formatLeafType(to),
      });
      return { ...field, nullable: true, type: { kind: "leaf", leaf: to }, cast: policy };
    }
    case "struct":
      return {
        ...field,
        type: { kind: "struct", fields: type.fields.map((inner) => below(inner, "struct")) },
      };
    case "list":
      return { ...field, type: { kind: "list", element: below(type.element, "list") } };
    case "map":
      return {
        ...field,
        type: { kind: "map", key: below(type.key, "map"), value: below(type.value, "map") },
      };
  }
}

const targets: readonly LeafType[] = [...typeNames, "json", "uuid"].map((name) => stored(name).type);

function targetsOf(source: Stored): LeafType[] {
  return targets.filter((type) => {
    const { kind } = castability(source, { type, ...storageOf(type) });
    return kind === "cast" || kind === "relabel";
  });
}

async function memoryOf(bytes: Uint8Array): Promise<ObjectStore> {
  const store = createMemoryStore();
  await store.put(key, bytes, unconditional);
  return store;
}

async function footerOf(store: ObjectStore): Promise<Footer> {
  const info = await store.head(key);
  if (info === undefined) throw new Error("nothing was put");
  return await readFooter({ ...info, store });
}

const key = "file.parquet";
