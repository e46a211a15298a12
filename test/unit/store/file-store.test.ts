import {
  chmod,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { createFileStore } from "../../../src/store/file.ts";
import { createOnly, ifMatch, unconditional } from "../../../src/store/object-store.ts";
import type { ObjectStore } from "../../../src/store/object-store.ts";
import { collectBody, errorOf, etagOf, keysOf, pattern, text, utf8 } from "../../conformance/fixture.ts";

let base: string;
let rootPath: string;
let store: ObjectStore;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "colonnade-file-"));
  rootPath = join(base, "root");
  store = createFileStore({ rootPath });
});
afterEach(() => rm(base, { recursive: true }));

describe("ETags", () => {
  test("300 rewrites of equal content and size, as fast as can be, have 300 ETags", async () => {
    const etags = new Set<string>();
    for (let i = 0; i < 300; i += 1) etags.add(etagOf(await store.put("k", utf8("same"), unconditional)));
    expect(etags.size).toBe(300);
  });

  test("an object is newer than the one it replaces even when that one comes from the future", async () => {
    await store.put("k", utf8("old"), createOnly);
    const future = new Date("2100-01-01T00:00:00Z");
    await utimes(join(rootPath, "k"), future, future);
    const before = await store.head("k");
    await store.put("k", utf8("new"), ifMatch(before?.etag ?? ""));
    const after = await store.head("k");
    expect(after?.modifiedAtMs).toBeGreaterThanOrEqual(future.getTime());
    expect(after?.etag).not.toBe(before?.etag);
  });

  test.each<[string, (path: string) => Promise<void>]>([
    ["rewrites it in place", (path) => writeFile(path, "two")],
    [
      "renames a file of the same size and time onto it",
      async (path) => {
        await writeFile(`${path}.new`, "two");
        await utimes(`${path}.new`, 1, 1);
        await rename(`${path}.new`, path);
      },
    ],
    [
      "appends to it",
      async (path) => {
        const file = await open(path, "a");
        await file.write("x");
        await file.close();
      },
    ],
  ])("another program that %s changes the ETag", async (_what, change) => {
    await mkdir(rootPath);
    await writeFile(join(rootPath, "k"), "one");
    await utimes(join(rootPath, "k"), 1, 1);
    const before = await store.head("k");
    expect(await createFileStore({ rootPath }).head("k")).toEqual(before);
    await change(join(rootPath, "k"));
    expect((await store.head("k"))?.etag).not.toBe(before?.etag);
    expect(await errorOf(store.get("k", { ifMatch: before?.etag ?? "" }))).toMatchObject({
      code: "SOURCE_CHANGED",
    });
    expect((await store.put("k", utf8("x"), ifMatch(before?.etag ?? ""))).outcome).toBe("preconditionFailed");
  });

  test("a stream of an object that is written in place meanwhile fails with SOURCE_CHANGED", async () => {
    const etag = etagOf(await store.put("k", pattern(3_000_000), createOnly));
    const stream = await store.getStream("k");
    const reading = (async () => {
      let first = true;
      for await (const chunk of stream?.body ?? []) {
        if (first) await writeFile(join(rootPath, "k"), pattern(3_000_000, 2));
        first = false;
        expect(chunk.length).toBeGreaterThan(0);
      }
    })();
    expect(await errorOf(reading)).toMatchObject({ code: "SOURCE_CHANGED", details: { etag } });
  });
});

describe("symbolic links", () => {
  beforeEach(async () => {
    await mkdir(join(base, "outside"));
    await writeFile(join(base, "outside", "secret"), "secret");
    await store.put("inside/object", utf8("inside"), createOnly);
  });

  test.each([
    ["folder", "outside", "link/secret"],
    ["file", "outside/secret", "link"],
    ["chain of links", "chain", "link/secret"],
  ])("a %s outside of the root cannot be reached through one", async (_what, target, key) => {
    await symlink(join(base, "outside"), join(base, "chain"));
    await symlink(join(base, target), join(rootPath, "link"));
    const wanted = { kind: "invalid", code: "KEY_INVALID" };
    expect(await errorOf(store.get(key))).toMatchObject(wanted);
    expect(await errorOf(store.head(key))).toMatchObject(wanted);
    expect(await errorOf(store.getStream(key))).toMatchObject(wanted);
    expect(await errorOf(store.delete(key))).toMatchObject(wanted);
    expect(await readFile(join(base, "outside", "secret"), "utf8")).toBe("secret");
  });

  test("nothing is written outside of the root through one", async () => {
    await symlink(join(base, "outside"), join(rootPath, "link"));
    await symlink(join(base, "nowhere"), join(rootPath, "dangling"));
    await symlink(join(base, "outside", "secret"), join(rootPath, "file"));
    await symlink(base, join(rootPath, "up"));
    for (const key of ["link/new", "link/deep/new", "dangling/new", "up/deep/new"]) {
      for (const precondition of [createOnly, unconditional])
        expect(await errorOf(store.put(key, utf8("x"), precondition))).toMatchObject({ code: "KEY_INVALID" });
    }
    // The name of an object is replaced, never what a link of that name points at.
    expect((await store.put("file", utf8("new"), createOnly)).outcome).toBe("preconditionFailed");
    expect((await store.put("file", utf8("new"), unconditional)).outcome).toBe("written");
    expect(await readdir(join(base, "outside"))).toEqual(["secret"]);
    expect(await readFile(join(base, "outside", "secret"), "utf8")).toBe("secret");
    expect(await readdir(base)).not.toContain("nowhere");
  });

  test("inside of the root they are followed, and a root that is one too", async () => {
    await symlink("inside/object", join(rootPath, "alias"));
    await symlink(rootPath, join(base, "door"));
    const behind = createFileStore({ rootPath: join(base, "door") });
    expect(text((await behind.get("alias"))?.body)).toBe("inside");
    expect(await keysOf(behind.list(""))).toEqual(["alias", "inside/object"]);
  });

  test("to folders are refused by a listing rather than left out or followed in circles", async () => {
    await symlink("..", join(rootPath, "inside", "circle"));
    expect(await errorOf(keysOf(store.list("")))).toMatchObject({ code: "KEY_INVALID" });
  });
});

describe("what lies in the root", () => {
  test("a missing root is empty to read, an error when it must exist, and made by the first write", async () => {
    expect(await keysOf(store.list(""))).toEqual([]);
    expect(await store.get("k")).toBeUndefined();
    const source = createFileStore({ rootPath, mustExist: true });
    const wanted = { kind: "invalid", code: "BUCKET_MISSING" };
    expect(await errorOf(source.get("k"))).toMatchObject(wanted);
    expect(await errorOf(keysOf(source.list("")))).toMatchObject(wanted);
    expect(await readdir(base)).toEqual([]);
    await store.put("a/b/c", utf8("x"), createOnly);
    expect(await keysOf(source.list(""))).toEqual(["a/b/c"]);
  });

  test.each(["data/one/k", "a/b/c/k"])(
    "a root that goes away before a folder in it is made stays away: %s",
    async (key) => {
      await store.put("data/k", utf8("k"), createOnly);
      let isAway = false;
      const leaving = createFileStore({
        rootPath,
        async onStep(name) {
          if (name !== "mkdir" || isAway) return;
          await rename(rootPath, `${rootPath}-away`);
          isAway = true;
        },
      });
      expect(await errorOf(leaving.put(key, utf8("x"), createOnly))).toMatchObject({
        code: "FOLDER_CHANGED",
      });
      expect(isAway).toBe(true);
      expect(await readdir(base)).toEqual(["root-away"]);
    },
  );

  test("a root that is a file is refused", async () => {
    await writeFile(rootPath, "");
    expect(await errorOf(store.put("k", utf8("x"), createOnly))).toMatchObject({ code: "BUCKET_MISSING" });
  });

  test("a folder is no object, and no object can take its place", async () => {
    await store.put("a/b", utf8("x"), createOnly);
    expect(await store.get("a")).toBeUndefined();
    expect(await store.head("a")).toBeUndefined();
    await store.delete("a");
    for (const precondition of [createOnly, unconditional])
      expect(await errorOf(store.put("a", utf8("x"), precondition))).toMatchObject({ code: "KEY_INVALID" });
    expect(await errorOf(store.put("a/b/c", utf8("x"), createOnly))).toMatchObject({ code: "KEY_INVALID" });
    expect(await store.get("a/b/c")).toBeUndefined();
    expect(text((await store.get("a/b"))?.body)).toBe("x");
  });

  test("a name that the file system cannot hold is an invalid key", async () => {
    const key = `a/${"x".repeat(300)}`;
    expect(await errorOf(store.put(key, utf8("x"), createOnly))).toMatchObject({ code: "KEY_INVALID" });
  });

  test.skipIf(process.getuid?.() === 0)("a folder without permission is ACCESS_DENIED", async () => {
    await store.put("a/b", utf8("x"), createOnly);
    await chmod(join(rootPath, "a"), 0o000);
    expect(await errorOf(store.get("a/b"))).toMatchObject({ kind: "invalid", code: "ACCESS_DENIED" });
    await chmod(join(rootPath, "a"), 0o700);
  });

  test("unfinished files of the dead are removed after a day, those of the living never", async () => {
    const tmp = join(rootPath, ".colonnade", "tmp");
    await mkdir(tmp, { recursive: true });
    await writeFile(join(tmp, "dead"), "x");
    await writeFile(join(tmp, "living"), "x");
    await utimes(join(tmp, "dead"), 1, 1);
    await (await store.createWriter("k")).abort();
    expect(await readdir(tmp)).toEqual(["living"]);
  });
});

describe("claims that were left behind", () => {
  async function leaveClaim(etag: string, name: string, n: number): Promise<void> {
    const hash = createHash("sha256").update(join(rootPath, "k")).digest("hex").slice(0, 32);
    await mkdir(join(rootPath, ".colonnade", "claims"), { recursive: true });
    await symlink(name, join(rootPath, ".colonnade", "claims", `${hash}.${etag.replaceAll('"', "")}.${n}`));
  }

  test("by a power failure that lost their files are stepped over", async () => {
    const etag = etagOf(await store.put("k", utf8("old"), createOnly));
    await leaveClaim(etag, "0".repeat(26), 1);
    await leaveClaim(etag, "1".repeat(26), 2);
    etagOf(await store.put("k", utf8("new"), ifMatch(etag)));
    expect(text((await store.get("k"))?.body)).toBe("new");
    expect(await readdir(join(rootPath, ".colonnade", "claims"))).toEqual([]);
  });

  test("by a process that died before its rename are finished by the next, who loses", async () => {
    const etag = etagOf(await store.put("k", utf8("old"), createOnly));
    const name = "2".repeat(26);
    await mkdir(join(rootPath, ".colonnade", "swap"), { recursive: true });
    await writeFile(join(rootPath, ".colonnade", "swap", name), "of the dead");
    await leaveClaim(etag, name, 1);
    expect(text((await store.get("k"))?.body)).toBe("old");
    expect((await store.put("k", utf8("mine"), ifMatch(etag))).outcome).toBe("preconditionFailed");
    expect(text((await store.get("k"))?.body)).toBe("of the dead");
  });

  test("on a version that is gone mean nothing", async () => {
    const etag = etagOf(await store.put("k", utf8("old"), createOnly));
    const next = etagOf(await store.put("k", utf8("new"), ifMatch(etag)));
    await leaveClaim(etag, "3".repeat(26), 1);
    expect((await store.put("k", utf8("x"), ifMatch(etag))).outcome).toBe("preconditionFailed");
    etagOf(await store.put("k", utf8("newer"), ifMatch(next)));
  });
});

test("a writer that is used out of turn says so", async () => {
  const writer = await store.createWriter("k");
  const busy = writer.write(pattern(9_000_000));
  expect(await errorOf(writer.write(utf8("x")))).toMatchObject({ kind: "internal", code: "WRITER_BUSY" });
  await busy;
  await writer.complete();
  const stream = await store.getStream("k");
  expect((await collectBody(stream?.body ?? (undefined as never))).equals(pattern(9_000_000))).toBe(true);
});
