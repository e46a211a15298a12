import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { OpenFile } from "../../../src/store/open-file.ts";
import { QuickCalls } from "../../../src/store/quick-calls.ts";

describe("a short call of the file system", () => {
  let nowMs = 0;

  beforeEach(() => {
    nowMs = 1_000;
    vi.spyOn(performance, "now").mockImplementation(() => nowMs);
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  /** Calls that take so long in place; what is gathered is where each was made. */
  async function make(calls: QuickCalls, ms: number, count: number): Promise<string> {
    let where = "";
    for (let i = 0; i < count; i += 1) {
      where += await calls.make(
        () => {
          nowMs += ms;
          return "i";
        },
        async () => "e",
      );
    }
    return where;
  }

  test("is made in place while such calls are quick, but for one now and then that gives others a turn", async () => {
    const calls = new QuickCalls();
    expect(await make(calls, 1, 1)).toBe("e");
    expect(await make(calls, 0.1, 250)).toMatch(/^(i{100,101}e)+i*$/);
  });

  test("is made elsewhere for a while after slow ones, and is tried in place again", async () => {
    const calls = new QuickCalls();
    await make(calls, 0, 1);
    expect(await make(calls, 20, 4)).toBe("ieee");
    nowMs += 1_100;
    expect(await make(calls, 0.1, 3)).toBe("eii");
  });

  test("that fails counts like another, and fails the same in both places", async () => {
    const calls = new QuickCalls();
    const inPlace = (): never => {
      nowMs += 20;
      throw new Error("in place");
    };
    const elsewhere = async (): Promise<never> => {
      throw new Error("elsewhere");
    };
    const attempt = async (): Promise<never> => calls.make(inPlace, elsewhere);
    await expect(attempt()).rejects.toThrow("elsewhere");
    await expect(attempt()).rejects.toThrow("in place");
    await expect(attempt()).rejects.toThrow("elsewhere");
  });
});

describe("an open file", () => {
  let folder = "";
  let path = "";

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "colonnade-test-"));
    path = join(folder, "file");
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  test("that is closed during a read is closed after it, and its descriptor is not another file's meanwhile", async () => {
    await writeFile(path, Buffer.alloc(4 << 20, 7));
    const file = await OpenFile.toRead(path);
    const bytes = new Uint8Array(4 << 20);
    const reading = file.readFully(bytes, 0);
    file.close();
    file.close();
    const other = await OpenFile.create(join(folder, "other"));
    expect(await reading).toBe(bytes.length);
    expect(bytes.every((byte) => byte === 7)).toBe(true);
    await other.writeAll(Uint8Array.of(1, 2, 3), 3, 0);
    expect(Number(other.stat().size)).toBe(3);
    other.close();
  });

  test("takes no call once it is closed", async () => {
    const file = await OpenFile.create(path);
    file.close();
    expect(() => file.stat()).toThrow("closed");
    await expect(file.read(new Uint8Array(1), 0, 1, 0)).rejects.toMatchObject({ code: "EBADF" });
    await expect(file.writeAll(new Uint8Array(1), 1, 0)).rejects.toMatchObject({ code: "EBADF" });
    await expect(file.sync()).rejects.toMatchObject({ code: "EBADF" });
  });

  test("reads what was written at its place, in pieces and beyond its end", async () => {
    const file = await OpenFile.create(path);
    await file.writeAll(Uint8Array.of(1, 2, 3, 4), 3, 2);
    await file.sync();
    const bytes = new Uint8Array(8);
    expect(await file.readFully(bytes, 0)).toBe(5);
    expect([...bytes]).toEqual([0, 0, 1, 2, 3, 0, 0, 0]);
    file.close();
  });
});
