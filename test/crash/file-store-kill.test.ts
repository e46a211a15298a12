import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { createFileStore } from "../../src/store/file.ts";
import { createOnly, ifMatch, unconditional } from "../../src/store/object-store.ts";
import { keysOf, text, utf8 } from "../conformance/fixture.ts";

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "colonnade-kill-"));
});
afterAll(() => rm(base, { recursive: true }));

interface Ended {
  readonly lines: readonly string[];
  readonly killed: boolean;
}

interface Running {
  readonly ended: Promise<Ended>;
  readonly kill: () => void;
}

function start(rootPath: string, what: string, times: number, killAtStep = 0): Running {
  const script = join(import.meta.dirname, "file-store-child.ts");
  const child = spawn(process.execPath, [script, rootPath, what, String(times), String(killAtStep)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    output += chunk;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("close", (code, signal) => {
      if (code !== 0 && signal !== "SIGKILL") reject(new Error(`child ended with ${String(code ?? signal)}`));
      resolve({ lines: output.split("\n").filter(Boolean), killed: signal === "SIGKILL" });
    });
  });
  return { ended, kill: () => void child.kill("SIGKILL") };
}

/** Runs children that die at their 1st, 2nd, … step, until one survives; `check` looks at what each left. */
async function dieAtEachStep(
  what: string,
  times: number,
  prepare: (rootPath: string) => Promise<void>,
  check: (rootPath: string, ended: Ended) => Promise<void>,
): Promise<number> {
  const dieAt = async (step: number): Promise<boolean> => {
    const rootPath = await mkdtemp(join(base, `${what}-`));
    await prepare(rootPath);
    const ended = await start(rootPath, what, times, step).ended;
    await check(rootPath, ended);
    return ended.killed;
  };
  for (let step = 1; ; step += 4) {
    const killed = await Promise.all([step, step + 1, step + 2, step + 3].map(dieAt));
    const survivor = killed.indexOf(false);
    if (survivor >= 0) return step - 1 + survivor;
  }
}

async function readCounter(rootPath: string): Promise<number> {
  return Number(text((await createFileStore({ rootPath }).get("counter"))?.body));
}

test("killed at any step of two swaps, a process leaves a counter that is neither lost nor stuck", async () => {
  const steps = await dieAtEachStep(
    "increment",
    2,
    async (rootPath) => void (await createFileStore({ rootPath }).put("counter", utf8("0"), createOnly)),
    async (rootPath, { lines }) => {
      const acknowledged = lines.length;
      expect(lines).toEqual(["1", "2"].slice(0, acknowledged));
      const found = await readCounter(rootPath);
      expect([acknowledged, acknowledged + 1]).toContain(found);
      const store = createFileStore({ rootPath });
      let attempts = 0;
      for (let done = false; !done && attempts < 10; attempts += 1) {
        const current = await store.get("counter");
        const next = utf8(String(Number(text(current?.body)) + 1));
        done = (await store.put("counter", next, ifMatch(current?.etag ?? ""))).outcome === "written";
      }
      // The second attempt is for whoever finishes first what the dead began.
      expect(attempts).toBeLessThanOrEqual(2);
      expect([acknowledged + 1, acknowledged + 2]).toContain(await readCounter(rootPath));
    },
  );
  expect(steps).toBeGreaterThanOrEqual(16);
});

test("killed at any step of a create, a process leaves the whole object or none, and no key of its own", async () => {
  const steps = await dieAtEachStep(
    "create",
    1,
    async () => {},
    async (rootPath, { lines }) => {
      const store = createFileStore({ rootPath });
      const keys = await keysOf(store.list(""));
      const found = text((await store.get("deep/new"))?.body);
      expect(found === undefined ? keys : [...keys, found]).toEqual(
        found === undefined ? [] : ["deep/new", "new"],
      );
      expect(lines.length === 0 || found === "new").toBe(true);
      const again = await store.put("deep/new", utf8("other"), createOnly);
      expect(again.outcome).toBe(found === undefined ? "written" : "preconditionFailed");
    },
  );
  expect(steps).toBeGreaterThanOrEqual(6);
});

test("killed at any step of an overwrite, a process leaves the old object or the new, whole, and the key writable", async () => {
  const old = Buffer.alloc(3_000_000, "old ");
  const fresh = Buffer.alloc(4_000_000, "new ");
  const steps = await dieAtEachStep(
    "large",
    1,
    async (rootPath) => void (await createFileStore({ rootPath }).put("deep/er/large", old, createOnly)),
    async (rootPath, { lines }) => {
      const store = createFileStore({ rootPath });
      const found = await store.get("deep/er/large");
      const isNew = fresh.equals(found?.body ?? old);
      expect(isNew || old.equals(found?.body ?? fresh)).toBe(true);
      expect(lines.length === 0 || isNew).toBe(true);
      expect(await keysOf(store.list(""))).toEqual(["deep/er/large"]);
      expect((await store.put("deep/er/large", utf8("next"), unconditional)).outcome).toBe("written");
      expect(text((await store.get("deep/er/large"))?.body)).toBe("next");
    },
  );
  expect(steps).toBeGreaterThanOrEqual(10);
});

test("killed in a delete, a process leaves the object or none", async () => {
  const steps = await dieAtEachStep(
    "delete",
    1,
    async (rootPath) =>
      void (await createFileStore({ rootPath }).put("deep/er/large", utf8("old"), createOnly)),
    async (rootPath, { lines, killed }) => {
      const found = text((await createFileStore({ rootPath }).get("deep/er/large"))?.body);
      expect([lines.length, found]).toEqual(killed ? [0, "old"] : [1, undefined]);
    },
  );
  expect(steps).toBe(1);
});

test("six processes count together, and not one increment is lost or handed out twice", async () => {
  const rootPath = await mkdtemp(join(base, "together-"));
  await createFileStore({ rootPath }).put("counter", utf8("0"), createOnly);
  const ended = await Promise.all(Array.from({ length: 6 }, () => start(rootPath, "increment", 25).ended));
  const values = ended.flatMap(({ lines }) => lines.map(Number)).toSorted((a, b) => a - b);
  expect(values).toEqual(Array.from({ length: 150 }, (_, i) => i + 1));
  expect(await readCounter(rootPath)).toBe(150);
});

test("processes that are killed while others count lose and block nothing", async () => {
  const rootPath = await mkdtemp(join(base, "killing-"));
  await createFileStore({ rootPath }).put("counter", utf8("0"), createOnly);
  const lasting = Array.from({ length: 2 }, () => start(rootPath, "increment", 1_000_000));
  const dead: Ended[] = [];
  for (let i = 0; i < 10; i += 1) {
    // Half of them die at a step of their choice, half at a moment of ours.
    const victim = start(rootPath, "increment", 1_000_000, i % 2 === 0 ? 7 + i * 5 : 0);
    const timer = i % 2 === 0 ? undefined : setTimeout(() => victim.kill(), 200 + i * 17);
    dead.push(await victim.ended);
    clearTimeout(timer);
  }
  for (const { kill, ended } of lasting) {
    kill();
    dead.push(await ended);
  }
  const values = dead.flatMap(({ lines }) => lines.map(Number));
  const end = await readCounter(rootPath);
  expect(dead.every(({ killed }) => killed)).toBe(true);
  expect(values.length).toBeGreaterThan(20);
  expect(new Set(values).size).toBe(values.length);
  expect(Math.max(...values)).toBeLessThanOrEqual(end);
  // Each of the dead may have swapped once more than it could say.
  expect(end - values.length).toBeLessThanOrEqual(dead.length);
  expect(end - values.length).toBeGreaterThanOrEqual(0);
});
