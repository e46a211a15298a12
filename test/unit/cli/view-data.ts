import type { Plan, PlannedObject } from "../../../src/plan/plan.ts";
import type { VerifyReport } from "../../../src/validate/report.ts";

export function plannedObject(key: string): PlannedObject {
  return {
    source: { key, etag: '"1"', bytes: 6_900_000, partition: { values: [], directory: "", stem: key } },
    task: "a".repeat(64),
    from: 1,
    rows: 500,
    rowGroups: 5,
    bytesCopied: 3_050_000,
    bytesRewritten: 3_600_000,
  };
}

/** A plan with one column of each kind. */
export function flightsPlan(objects: Partial<Plan["objects"]> = {}): Plan {
  const column = { objects: 2 };
  return {
    format: "colonnade/plan/1",
    job: "flights",
    dataset: "flights",
    channel: "current",
    source: "file:/data/flights/raw",
    destination: "file:/data/flights/migrated",
    from: [1],
    to: { version: 2, fingerprint: "e".repeat(64) },
    base: { generation: 5, version: 4, schema: 1 },
    changes: [
      { kind: "rename", field: 1, path: "departed_at", detail: "date → departed_at" },
      { kind: "drop", field: 9, path: "legacy.comment", detail: "string" },
    ],
    columns: [
      { ...column, path: "departed_at", action: "copy", reason: "renamed from date", bytes: 1_300_000 },
      {
        ...column,
        path: "delay_minutes",
        action: "transcode",
        reason:
          "renamed from delay; int64→float32, checked: beyond ±2^24; 1 of 31 row groups is not dictionary encoded",
        bytes: 3_100_000,
      },
      { ...column, path: "carrier_group", action: "constant", reason: 'added, default "unknown"', bytes: 0 },
    ],
    objects: {
      todo: [plannedObject("day=1/a.parquet"), plannedObject("day=2/b.parquet")],
      finished: 1,
      carried: 5,
      vanished: [],
      unreadable: [],
      ...objects,
    },
    totals: {
      rows: 1000,
      sourceBytes: 13_800_000,
      bytesCopied: 6_100_000,
      bytesRewritten: 7_200_000,
      bytesDropped: 519_000,
    },
    warnings: [],
    upToDate: false,
  };
}

/** One check that did not pass. */
export function verifyReport(): VerifyReport {
  return {
    passed: false,
    dataset: "flights",
    channel: "current",
    generation: 6,
    version: 5,
    deep: true,
    objects: 7,
    rows: 70,
    checks: [
      { name: "manifest", passed: true, detail: "1 checked" },
      { name: "rows", passed: false, detail: "1 of 7 wrong" },
    ],
    findings: [
      {
        check: "rows",
        level: "error",
        code: "ROWS_DIFFER",
        message: "footer has another number of rows",
        object: "data/day=1/a.parquet",
        details: { rows: 9, expected: 10 },
      },
      {
        check: "values",
        level: "info",
        code: "SOURCE_GONE",
        message: "source is gone",
        column: "delay",
        details: {},
      },
    ],
    findingsOmitted: 0,
    bytesRead: 13_900_000,
    copiedBytesCompared: 6_100_000,
    valuesCompared: 9,
    valuesNotCompared: 0,
    sourcesGone: 0,
  };
}
