import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createOrders, errorOf, type Orders, runCli } from "../support/cli-workspace.ts";

let orders: Orders;
let job: string;
let out: string;

beforeAll(async () => {
  orders = await createOrders({ objects: 2, rows: 500 });
  out = join(orders.folder, "out");
  job = await orders.job("file:out");
  await runCli(["apply", job]);
  const [changed, other] = ["01", "02"].map((day) =>
    join(orders.folder, `raw/day=2026-01-${day}/orders.parquet`),
  );
  await writeFile(changed ?? "", await readFile(other ?? ""));
  await runCli(["apply", job]);
});

afterAll(() => orders[Symbol.asyncDispose]());

/** Every command that reads a destination, and what it is asked. */
const commands = {
  plan: ["plan"],
  apply: ["apply"],
  status: ["status"],
  files: ["files"],
  diff: ["diff", "1", "2"],
  verify: ["verify"],
  rollback: ["rollback", "--to", "1"],
  gc: ["gc", "--delete"],
  history: ["history"],
  watch: ["watch", "--once"],
} as const;
type Command = keyof typeof commands;

/** All that look further than the pointer: what one of them reads has to be what was referred to. */
const deep: readonly Command[] = ["plan", "apply", "status", "files", "diff", "verify", "gc"];
const all: readonly Command[] = [...deep, "rollback", "history", "watch"];

interface Tampering {
  readonly what: string;
  /** Below the destination. */
  readonly path: string | (() => Promise<string>);
  readonly change: (bytes: Buffer) => Buffer;
  readonly noticedBy: readonly Command[];
}

const replace =
  (find: string | RegExp, by: string) =>
  (bytes: Buffer): Buffer =>
    Buffer.from(bytes.toString().replace(find, by));

const served = "versions/000002";
const tamperings: readonly Tampering[] = [
  {
    what: "a pointer that is no JSON",
    path: "pointers/current.json",
    change: replace("{", "["),
    noticedBy: all,
  },
  {
    what: "a pointer with another digest of its manifest",
    path: "pointers/current.json",
    change: replace(/"sha256": "[0-9a-f]{8}/, '"sha256": "00000000'),
    noticedBy: deep,
  },
  {
    what: "a pointer with another number of its version",
    path: "pointers/current.json",
    change: replace('"version": 2,', '"version": 1,'),
    noticedBy: all,
  },
  {
    what: "the manifest that is served",
    path: `${served}/manifest.json`,
    change: replace(/"rows": \d+/, '"rows": 7'),
    noticedBy: deep,
  },
  {
    what: "the file list that is served",
    path: `${served}/files-0000.jsonl.gz`,
    change: (bytes) => gzipSync(gunzipSync(bytes).toString().replace('"rows":5', '"rows":6')),
    noticedBy: deep,
  },
  {
    what: "a file list that is empty",
    path: `${served}/files-0000.jsonl.gz`,
    change: () => Buffer.alloc(0),
    noticedBy: deep,
  },
  {
    what: "the manifest of an older version",
    path: "versions/000001/manifest.json",
    change: replace(/"rows": \d+/, '"rows": 7'),
    noticedBy: ["diff", "rollback", "gc"],
  },
  {
    what: "a pointer of the history",
    path: "history/current/00000001.json",
    change: replace(/"sha256": "[0-9a-f]{8}/, '"sha256": "00000000'),
    noticedBy: ["diff", "rollback", "gc"],
  },
  {
    what: "a data object, by one bit",
    path: servedObject,
    change: (bytes) => Buffer.from(bytes.with(bytes.length >> 1, (bytes[bytes.length >> 1] ?? 0) ^ 1)),
    noticedBy: ["verify"],
  },
  {
    what: "a data object, by its length",
    path: servedObject,
    change: (bytes) => bytes.subarray(0, -1),
    noticedBy: ["verify"],
  },
];

async function servedObject(): Promise<string> {
  const lines = gunzipSync(await readFile(join(out, `${served}/files-0000.jsonl.gz`))).toString();
  return (JSON.parse(lines.split("\n")[0] ?? "") as { key: string }).key;
}

test.each(tamperings)("$what: every command that reads it says so", async ({ path, change, noticedBy }) => {
  const file = join(out, typeof path === "string" ? path : await path());
  const intact = join(orders.folder, "intact");
  await cp(out, intact, { recursive: true, preserveTimestamps: true });
  const before = await readFile(file);
  const after = change(before);
  expect(after.equals(before)).toBe(false);
  const exits: Record<string, number | null> = {};
  for (const [command, [name, ...rest]] of Object.entries(commands)) {
    // In place: the store's own facts, such as ETags, are those of the folder that was written.
    await writeFile(file, after);
    const finished = await runCli([name, job, ...rest, "--log-format", "json"]);
    exits[command] = errorOf(finished).exit;
    await rm(out, { recursive: true });
    await cp(intact, out, { recursive: true, preserveTimestamps: true });
  }
  await rm(intact, { recursive: true });
  const expected = (command: string): number =>
    noticedBy.includes(command as Command) ? (command === "verify" ? 13 : 12) : 0;
  expect(exits).toEqual(
    Object.fromEntries(Object.keys(commands).map((command) => [command, expected(command)])),
  );
  expect(await readdir(out)).toContain("data");
});
