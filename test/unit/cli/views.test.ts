import { describe, expect, test } from "vitest";
import { ColonnadeError, type ErrorKind, exitCodes } from "../../../src/base/errors.ts";
import { hintFor } from "../../../src/cli/hints.ts";
import { fitLines, widthOf } from "../../../src/cli/text/measure.ts";
import { plainText, type Text } from "../../../src/cli/text/styled.ts";
import { type ApplySummary, renderApply } from "../../../src/cli/view/apply.ts";
import { errorDocument, renderError } from "../../../src/cli/view/error.ts";
import { renderHistory } from "../../../src/cli/view/history.ts";
import { renderPlan } from "../../../src/cli/view/plan.ts";
import { renderStatus, type StatusReport } from "../../../src/cli/view/status.ts";
import { renderVerify } from "../../../src/cli/view/verify.ts";
import type { Plan } from "../../../src/plan/plan.ts";
import { flightsPlan, plannedObject, verifyReport } from "./view-data.ts";

function shown(lines: readonly Text[], columns = Number.POSITIVE_INFINITY): string {
  return fitLines(lines, columns).map(plainText).join("\n");
}

describe("a plan", () => {
  test("at 80 columns: one table, totals, objects", () => {
    expect(`\n${shown(renderPlan(flightsPlan(), 80), 80)}\n`).toBe(`
flights schema 1 → 2
  source       file:/data/flights/raw
  destination  file:/data/flights/migrated
  channel      current serves version 4, schema 1 (generation 5)

columns
  action     column          reason                                        bytes
  copy       departed_at     renamed from date                            1.3 MB
  transcode  delay_minutes   renamed from delay; int64→float32, checked:  3.1 MB
                             beyond ±2^24; 1 of 31 row groups is not
                             dictionary encoded
  constant   carrier_group   added, default "unknown"                          0
  drop       legacy.comment  its bytes are not carried

  copied 6.1 MB · rewritten 7.2 MB · dropped 519 kB

objects
  2  to do           1,000 rows, 13.8 MB
  1  of these done   by an earlier run that did not come to its commit
  5  already served  unchanged: neither read nor written
`);
  });

  test("at 140 columns the reasons are on one line", () => {
    const text = shown(renderPlan(flightsPlan(), 140), 140);
    expect(text).toContain(
      "renamed from delay; int64→float32, checked: beyond ±2^24; 1 of 31 row groups is not dictionary encoded  3.1 MB",
    );
  });

  test("names what vanished and what cannot be read, escaped, ten of each at most", () => {
    const unreadable = Array.from({ length: 12 }, (_, i) => ({
      object: `day=${i}/bad\u001B[2J.parquet`,
      kind: "data",
      code: "FOOTER_MAGIC",
      message: "the object does not end as a Parquet file",
      details: { magic: "abcd", object: `day=${i}/bad\u001B[2J.parquet` },
    }));
    const plan = flightsPlan({ vanished: ["day=1/gone.parquet"], unreadable });
    const text = shown(renderPlan(plan, 100), 100);
    expect(text).toContain("  1  vanished        gone from the source: they leave the next version");
    expect(text).toContain("  day=1/gone.parquet");
    expect(text).toContain("12  unreadable      an apply would refuse to commit");
    expect(text).toContain("day=9/bad\\u001b[2J.parquet");
    expect(text).not.toContain("day=10/");
    expect(text).toContain("and 2 more; --json has them all");
    expect(text).toContain("(magic abcd)");
  });

  test("that has nothing to do says so", () => {
    const plan: Plan = {
      ...flightsPlan(),
      columns: [],
      changes: [],
      objects: { todo: [], finished: 0, carried: 7, vanished: [], unreadable: [] },
      upToDate: true,
    };
    const text = shown(renderPlan(plan, 80), 80);
    expect(text).toContain("✓ nothing to do: current serves exactly this");
    expect(text).not.toContain("copied");
  });

  test("over objects of different versions shows how many each line is about", () => {
    const plan = flightsPlan();
    const columns = plan.columns.map((column, i) => ({ ...column, objects: i + 1 }));
    expect(shown(renderPlan({ ...plan, columns }, 120), 120)).toMatch(/column +reason +objects +bytes/);
  });

  test("warnings come last, and go on below where they are long", () => {
    const plan: Plan = {
      ...flightsPlan(),
      warnings: ["pandas metadata was removed, because it names columns that are no more"],
    };
    expect(shown(renderPlan(plan, 50), 50)).toContain(
      "warnings\n  ! pandas metadata was removed, because it names\n    columns that are no more",
    );
  });

  test.each([60, 80, 100, 140])("fits %i columns", (columns) => {
    const plan = flightsPlan({ vanished: ["a".repeat(300)], todo: [plannedObject("x".repeat(300))] });
    for (const line of fitLines(renderPlan(plan, columns), columns)) {
      expect(widthOf(line)).toBeLessThanOrEqual(columns);
    }
  });
});

describe("an apply", () => {
  const summary: ApplySummary = {
    outcome: "committed",
    dataset: "flights",
    channel: "current",
    generation: 6,
    version: 5,
    schema: 2,
    pointer: "s3://lake/flights/pointers/current.json",
    changes: [{ kind: "rename", field: 2, path: "delay_minutes", detail: "delay → delay_minutes" }],
    run: { objects: 2, resumed: 1, rows: 1000, bytesCopied: 6_100_000, bytesRewritten: 0, elapsedMs: 840 },
    totals: {
      objects: 8,
      rowsIn: 3_000_000,
      rows: 2_999_993,
      rowsQuarantined: 7,
      bytes: 13_900_000,
      bytesCopied: 1,
      bytesRewritten: 1,
      invalid: { delay_minutes: 7, distance_miles: 0 },
    },
    warnings: [],
  };

  test("says what is served, what changed, what this run did, and what was not carried over", () => {
    expect(`\n${shown(renderApply(summary, 100), 100)}\n`).toBe(`
✓ flights: current serves version 5 now (generation 6, schema 2)

  →  rename  delay_minutes  delay → delay_minutes

  this run     2 objects, 1,000 rows in 0.84 s
  resumed      1 object of an earlier run
  wrote        copied 6.1 MB · rewritten 0 B
  version      8 objects, 2,999,993 rows, 13.9 MB
  quarantined  7 rows
  invalid      delay_minutes: 7 values
  pointer      s3://lake/flights/pointers/current.json
`);
  });

  test("that found nothing to do is one line", () => {
    expect(shown(renderApply({ ...summary, outcome: "upToDate" }, 200))).toBe(
      "✓ flights is up to date: current serves version 5 (generation 6, schema 2) 0.84 s",
    );
  });
});

describe("a status", () => {
  const report: StatusReport = {
    job: "flights",
    dataset: "flights",
    destination: "s3://lake/flights",
    channel: "current",
    channels: [
      {
        channel: "canary",
        generation: 2,
        version: 6,
        schema: 3,
        fingerprint: "f".repeat(64),
        objects: 8,
        rows: 10,
        bytes: 2000,
        reason: "apply canary",
        publishedAt: "2026-01-01T00:00:00.000Z",
        model: { uri: "models:/delays", version: "12" },
      },
      {
        channel: "current",
        generation: 6,
        version: 5,
        schema: 2,
        fingerprint: "e".repeat(64),
        objects: 8,
        rows: 3_000_000,
        bytes: 13_900_000,
        reason: "rollback: delays are off",
        publishedAt: "2026-01-03T00:00:00.000Z",
      },
    ],
    target: { schema: 2, fingerprint: "e".repeat(64), served: true },
    source: {
      state: "listed",
      uri: "s3://lake/raw",
      objects: 9,
      bytes: 15_000_000,
      added: 1,
      changed: 2,
      vanished: 0,
      unchanged: 6,
      invalid: 0,
    },
    upToDate: false,
  };
  const now = new Date("2026-01-03T00:12:00Z");

  test("shows every channel and what has moved on", () => {
    expect(`\n${shown(renderStatus(report, 140, now), 140)}\n`).toBe(`
flights in s3://lake/flights

  channel  generation  version  schema  objects       rows    bytes  published   reason                    model
  canary            2        6       3        8         10   2.0 kB  2 d ago     apply canary              models:/delays 12
  current           6        5       2        8  3,000,000  13.9 MB  12 min ago  rollback: delays are off

  schema  ✓ current serves schema 2, as the job wants
  source  ! 9 objects, 15.0 MB: 1 new, 2 changed

! an apply of flights has something to do; colonnade plan shows what
`);
  });

  test("is told even when the source cannot be listed", () => {
    const error = { kind: "unavailable", code: "STORE_UNREACHABLE", message: "store cannot be reached" };
    const source = { state: "unreachable", uri: "s3://lake/raw", error } as const;
    const text = shown(renderStatus({ ...report, source, upToDate: null }, 100, now), 100);
    expect(text).toContain("✗ s3://lake/raw: store cannot be reached STORE_UNREACHABLE");
    expect(text).toContain("not known");
  });

  test("of a channel that serves nothing yet", () => {
    const target = { ...report.target, served: false };
    const text = shown(renderStatus({ ...report, channels: [], target }, 100, now), 100);
    expect(text).toContain("current serves nothing yet");
    expect(text).toContain("the job wants schema 2, current serves nothing");
  });
});

test("a history marks rollbacks, what is not kept any more, and what is gone", () => {
  const entry = {
    kept: true,
    schema: 2,
    publishedAt: "2026-01-03T00:00:00.000Z",
    previous: null,
    totals: null,
    changes: [],
    problem: null,
  } as const;
  const report = {
    destination: "s3://lake/flights",
    channel: "current",
    more: true,
    generations: [
      { ...entry, generation: 3, version: 1, reason: "rollback: off" },
      {
        ...entry,
        generation: 2,
        version: 2,
        reason: "apply flights",
        problem: { code: "MANIFEST_MISSING", message: "manifest is missing" },
      },
      { kept: false, generation: 1, version: 1 },
    ],
  } as const;
  expect(`\n${shown(renderHistory(report, 120, new Date("2026-01-03T00:00:01Z")), 120)}\n`).toBe(`
current in s3://lake/flights

  generation  version  schema  rows  bytes  published  reason             changes
           3        1       2               just now   rollback: off
           2        2       2               just now   apply flights      version is gone
           1        1                                  not kept any more
  older ones: --limit
`);
});

test("a verification lists its checks, then what it found, errors with object and column", () => {
  const text = shown(renderVerify(verifyReport(), 1200, 120), 120);
  expect(text).toContain("flights version 5 (current, generation 6)");
  expect(text).toContain("  ✗  rows      1 of 7 wrong");
  expect(text).toContain("ROWS_DIFFER");
  expect(text).toContain("footer has another number of rows (rows 9, expected 10)");
  expect(text).toContain(
    "6.1 MB of copied columns are those of the source, byte for byte; 9 values compared",
  );
  expect(text).toContain("✗ the version is not what it says 7 objects, 70 rows, 13.9 MB read in 1.2 s");
});

describe("an error", () => {
  const error = new ColonnadeError(
    "data",
    "OBJECTS_FAILED",
    "2 objects cannot be migrated; nothing was committed",
    {
      objects: [
        {
          object: "day=2/b\r\u001B]0;owned\u0007.parquet",
          code: "VALUE_INVALID",
          message: "value has no equivalent",
          details: { rowGroup: 3, column: "delay", row: 17, value: 9_007_199_254_740_993n },
        },
        { object: "day=3/c.parquet", code: "FOOTER_MAGIC", message: "no Parquet file" },
      ],
      objectsDone: 5,
    },
  );

  test("in a terminal: message, details, the objects as a table, and what to do", () => {
    expect(`\n${shown(renderError(error, 100), 100)}\n`).toBe(`
error: 2 objects cannot be migrated; nothing was committed OBJECTS_FAILED
  objectsDone  5

  object                                     code           what is wrong
  day=2/b\\u000d\\u001b]0;owned\\u0007.parquet  VALUE_INVALID  value has no equivalent (rowGroup 3,
                                                            column delay, row 17, value
                                                            9007199254740993)
  day=3/c.parquet                            FOOTER_MAGIC   no Parquet file

hint: repair or exclude these objects (source.exclude in the job), or set onInvalid of the field's
  cast; what was migrated is kept for the next run
`);
  });

  test("as a document has everything that a program may match on", () => {
    expect(errorDocument(error)).toMatchObject({
      event: "error",
      kind: "data",
      code: "OBJECTS_FAILED",
      exitCode: 12,
      details: { objectsDone: 5 },
    });
  });

  test("with a cause says the cause too, and a bug brings its stack", () => {
    const cause = new Error("connect ECONNREFUSED");
    const unavailable = new ColonnadeError(
      "unavailable",
      "STORE_UNREACHABLE",
      "store cannot be reached",
      {},
      { cause },
    );
    expect(shown(renderError(unavailable, 100))).toContain("cause  connect ECONNREFUSED");
    const bug = new ColonnadeError("internal", "UNEXPECTED", "x is not a function", {}, { cause });
    expect(shown(renderError(bug, 100))).toMatch(/Error: connect ECONNREFUSED\n +at /);
    expect(errorDocument(bug)).toHaveProperty("stack", cause.stack);
    expect(errorDocument(unavailable)).not.toHaveProperty("stack");
  });

  test("of somebody who pressed Ctrl-C is none", () => {
    expect(shown(renderError(new ColonnadeError("cancelled", "CANCELLED", "stopped"), 80))).toBe(
      "stopped: the same command again resumes",
    );
  });

  test("of every kind beside wrong input and wrong data has a hint", () => {
    const kinds = Object.keys(exitCodes) as ErrorKind[];
    const without = kinds.filter((kind) => hintFor({ kind, code: "ANY", details: {} }) === undefined);
    expect(without).toEqual(["invalid", "data"]);
  });
});
