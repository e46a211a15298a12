import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmdirSync } from "node:fs";
import { readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  createOrders,
  errorOf,
  type Finished,
  type Orders,
  runCli,
  startCli,
} from "../support/cli-workspace.ts";
import { program } from "../support/program.ts";
import { pythonWith, runPython } from "../support/python.ts";

/** What a machine does to a job: disks that fill up, are read-only or go away, and files that cannot be opened. */
let orders: Orders;
beforeEach(async () => {
  orders = await createOrders({ objects: 6, rows: 60_000 });
});
afterEach(() => orders[Symbol.asyncDispose]());

const writeStream = `
import sys, pyarrow as pa
table = pa.table({name: [convert(i) for i in range(200_000)] for name, convert in
                  [("id", int), ("amount", int), ("customer", str), ("note", str), ("day", str)]})
with pa.OSFile(sys.argv[1], "wb") as sink, pa.ipc.new_stream(sink, table.schema) as out:
    out.write_table(table, max_chunksize=20_000)`;

const mount = (...args: readonly string[]): boolean => spawnSync("mount", args).status === 0;
const canMount = ((): boolean => {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  const folder = `/tmp/colonnade-mount-${process.pid}`;
  mkdirSync(folder);
  const mounted = mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", folder);
  if (mounted) spawnSync("umount", [folder]);
  rmdirSync(folder);
  return mounted;
})();

// Mounting takes root; everything else of this file does not.
describe.skipIf(!canMount)("a disk", () => {
  let disk: string;
  beforeEach(() => {
    disk = join(orders.folder, "disk");
    mkdirSync(disk);
  });
  afterEach(() => void spawnSync("umount", [disk]));

  test("that is full ends a run with exit 20, and with more room a rerun resumes", async () => {
    mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", disk);
    const job = await orders.job("file:disk/out");
    expect(errorOf(await runCli(["apply", job, "--log-format", "json"]))).toEqual({
      exit: 20,
      code: "STORE_FULL",
      details: expect.objectContaining({ errno: "ENOSPC" }),
    });
    expect((await runCli(["status", job])).stdout).not.toContain("version 1");
    mount("-o", "remount,size=200m", disk);
    const again = await runCli(["apply", job, "--log-format", "json"]);
    expect(again.code).toBe(0);
    expect((await runCli(["verify", job, "--deep"])).code).toBe(0);
  });

  test.skipIf(pythonWith(["pyarrow"]) === undefined)(
    "that is full ends a stream into a file on it with exit 20",
    async () => {
      mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", disk);
      const input = join(orders.folder, "old.arrows");
      await runPython(writeStream, undefined, [input]);
      const command = `exec "$0" "$1" stream "$2" --log-format json < "$3" > "$4"`;
      const job = await orders.job("file:disk/out");
      const run = (output: string): Finished => {
        const args = ["-c", command, process.execPath, program, job, input, output];
        const { status, signal, stdout, stderr } = spawnSync("sh", args, { encoding: "utf8" });
        return { code: status, signal, stdout, stderr };
      };
      expect(errorOf(run(join(disk, "new.arrows")))).toMatchObject({ exit: 20, code: "OUTPUT_FAILED" });
      expect(run(join(orders.folder, "new.arrows"))).toMatchObject({ code: 0 });
    },
  );

  test("that cannot be written ends a run with exit 10, and serves what it holds", async () => {
    mount("-t", "tmpfs", "tmpfs", disk);
    const job = await orders.job("file:disk/out");
    mount("-o", "remount,ro", disk);
    expect(errorOf(await runCli(["apply", job, "--log-format", "json"]))).toEqual({
      exit: 10,
      code: "ACCESS_DENIED",
      details: expect.objectContaining({ errno: "EROFS" }),
    });
    mount("-o", "remount,rw", disk);
    expect((await runCli(["apply", job])).code).toBe(0);
    mount("-o", "remount,ro", disk);
    expect((await runCli(["apply", job])).code).toBe(0);
    expect((await runCli(["status", job])).code).toBe(0);
    expect((await runCli(["verify", job])).code).toBe(0);
  });
});

test("a destination that goes away in the middle of a run ends it with exit 20; back again, a rerun resumes", async () => {
  const job = await orders.job("file:out");
  const out = join(orders.folder, "out");
  const run = startCli(["apply", job, "--log-format", "json"]);
  while (!existsSync(join(out, "data"))) await delay(5);
  await rename(out, `${out}-away`);
  expect(errorOf(await run.done)).toMatchObject({ exit: 20, code: "FOLDER_CHANGED" });
  expect(existsSync(out)).toBe(false);
  await rename(`${out}-away`, out);
  expect((await runCli(["apply", job])).code).toBe(0);
  expect((await runCli(["verify", job])).code).toBe(0);
});

test("however few files may be open, a run is done or ends with exit 20, and commits nothing by halves", async () => {
  const job = await orders.job("file:out");
  const limited = (files: number, ...args: readonly string[]): Finished => {
    const command = `ulimit -n ${files} && exec "$0" "$@"`;
    const { status, signal, stdout, stderr } = spawnSync(
      "sh",
      ["-c", command, process.execPath, program, ...args],
      { encoding: "utf8" },
    );
    return { code: status, signal, stdout, stderr };
  };
  // What Node itself needs differs from machine to machine.
  let least = 16;
  while (limited(least, "plan", job).code !== 0) least += 1;
  const ends: unknown[] = [];
  for (let files = least; !ends.includes("done"); files += 2) {
    await rm(join(orders.folder, "out"), { recursive: true, force: true });
    const finished = limited(files, "apply", job, "--log-format", "json");
    const { code } = errorOf(finished);
    const left = await readdir(join(orders.folder, "out")).catch((): string[] => []);
    const isShort = code === "STORE_UNREACHABLE" || code === "WORKER_NOT_STARTED";
    if (finished.code === 0) ends.push("done");
    else if (finished.code === 20 && isShort && !left.includes("pointers")) ends.push("unavailable");
    else ends.push({ files, exit: finished.code, code, left });
  }
  expect([...new Set(ends)]).toEqual(["unavailable", "done"]);
});
