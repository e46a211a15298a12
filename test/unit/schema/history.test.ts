import { describe, expect, test } from "vitest";
import { detectEdits, loadHistory, versionOf } from "../../../src/schema/history.ts";

const file = (version: number, dataset = "d", type = "int8"): { name: string; text: string } => ({
  name: `d/${version}.yaml`,
  text: `dataset: ${dataset}\nversion: ${version}\nfields: [{ id: 1, name: a, type: ${type} }]`,
});
const code = (name: string): Error => expect.objectContaining({ kind: "invalid", code: name }) as Error;

describe("a history", () => {
  test("is sorted by number, not by name", () => {
    const history = loadHistory([file(10), file(9), file(11)]);
    expect(history.dataset).toBe("d");
    expect(history.versions.map(({ version }) => version)).toStrictEqual([9, 10, 11]);
    expect(versionOf(history, "latest").version).toBe(11);
    expect(versionOf(history, 9).version).toBe(9);
    expect(() => versionOf(history, 8)).toThrow(code("VERSION_MISSING"));
  });

  test("has no gap, no number twice, one dataset, and files named by their version", () => {
    expect(() => loadHistory([])).toThrow(code("HISTORY_EMPTY"));
    expect(() => loadHistory([file(1), file(3)])).toThrow(code("HISTORY_INVALID"));
    expect(() => loadHistory([file(1), { ...file(1), name: "copy.yaml" }])).toThrow(code("HISTORY_INVALID"));
    expect(() => loadHistory([file(1), file(2, "e")])).toThrow(code("HISTORY_INVALID"));
    expect(() => loadHistory([{ ...file(1), name: "2.yaml" }])).toThrow(code("HISTORY_INVALID"));
    expect(() => loadHistory([{ name: "1.yaml", text: "a: [" }])).toThrow(code("SCHEMA_INVALID"));
  });

  test("notices versions that were edited or removed after they were applied", () => {
    const before = loadHistory([file(1), file(2), file(3)]);
    const applied = before.versions.map(({ version, fingerprint }) => ({ version, fingerprint }));
    expect(detectEdits(before, applied)).toStrictEqual([]);
    const after = loadHistory([file(1), file(2, "d", "int16")]);
    expect(detectEdits(after, [...applied, ...applied])).toStrictEqual([
      {
        version: 2,
        appliedFingerprint: applied[1]?.fingerprint,
        fingerprint: after.versions[1]?.fingerprint,
      },
      { version: 3, appliedFingerprint: applied[2]?.fingerprint, fingerprint: undefined },
    ]);
  });
});
