import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Clock } from "../../../src/base/clock.ts";
import { createEventLog } from "../../../src/cli/progress/event-log.ts";
import { createTerminalProgress } from "../../../src/cli/progress/terminal-progress.ts";
import { progressLine } from "../../../src/cli/progress/bar.ts";
import { widthOf } from "../../../src/cli/text/measure.ts";
import { createScreen } from "../../../src/cli/text/screen.ts";
import { concat, plainText } from "../../../src/cli/text/styled.ts";

/** A terminal that shows what a person would see: the lines above, and the live line. */
class FakeTerminal {
  readonly isTTY = true;
  readonly lines: string[] = [""];
  columns: number;

  constructor(columns: number) {
    this.columns = columns;
  }

  write(content: string): void {
    // oxlint-disable-next-line no-control-regex -- what a live line is drawn with
    for (const piece of content.split(/(\r|\n|\u001B\[K)/)) {
      const last = this.lines.length - 1;
      if (piece === "\r") this.#column = 0;
      else if (piece === "\n") this.lines.push("");
      else if (piece === "\u001B[K") this.lines[last] = (this.lines[last] ?? "").slice(0, this.#column);
      else {
        this.lines[last] = (this.lines[last] ?? "").slice(0, this.#column) + piece;
        this.#column = (this.lines[last] ?? "").length;
      }
      if (piece === "\n") this.#column = 0;
    }
  }

  #column = 0;
}

let nowMs = 0;
const clock: Clock = {
  now: () => new Date(Date.UTC(2026, 0, 1) + nowMs),
  monotonicMs: () => nowMs,
  sleep: async () => {},
};

function pass(ms: number): void {
  nowMs += ms;
  vi.advanceTimersByTime(ms);
}

beforeEach(() => {
  nowMs = 0;
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("in a terminal", () => {
  function start(columns: number) {
    const terminal = new FakeTerminal(columns);
    const screen = createScreen(terminal, { color: false, environment: {} });
    return { terminal, progress: createTerminalProgress(screen, clock) };
  }

  test("two phases are drawn in place, with bytes, rate and time left, and what is worth keeping stays above", () => {
    const { terminal, progress } = start(100);
    progress.begin("listing the source");
    pass(100);
    expect(terminal.lines).toEqual([expect.stringMatching(/^\S listing the source$/)]);

    progress.handle({ event: "listed", objects: 7, bytes: 13_000_000, todo: 4 });
    progress.handle({ event: "footersRead", done: 1, total: 4 });
    pass(100);
    expect(terminal.lines).toEqual(["footers ━━━━━━━━────────────────────────  25% · 1/4"]);
    progress.handle({ event: "footersRead", done: 4, total: 4 });
    pass(100);
    expect(terminal.lines).toEqual([""]);

    progress.handle({ event: "started", objects: 4, bytes: 8_000_000, resumed: 2 });
    progress.handle({ event: "bytes", copied: 1_500_000, written: 500_000 });
    pass(1000);
    progress.handle({
      event: "objectDone",
      object: "a",
      key: "data/a",
      rows: 1,
      bytesCopied: 1_500_000,
      bytesRewritten: 500_000,
    });
    pass(1000);
    expect(terminal.lines).toEqual([
      "✓ 2 objects done already by an earlier run",
      "objects ━━━━━━━━────────────────────────  25% · 1/4 · 2.0 MB · 1.0 MB/s · 6.0 s left",
    ]);

    progress.handle({
      event: "objectFailed",
      object: "b\u001B[2J",
      code: "FOOTER_MAGIC",
      message: "object is damaged",
    });
    pass(100);
    expect(terminal.lines.slice(1)).toEqual([
      "✗ b\\u001b[2J: object is damaged FOOTER_MAGIC",
      expect.stringMatching(/^objects .* 50% · 2\/4 · 2\.0 MB · .* · 1 failed$/),
    ]);
    progress.handle({ event: "publishing", objects: 9 });
    progress.handle({ event: "lost", generation: 8, decision: "rebase" });
    progress.handle({ event: "committed", generation: 9, version: 9, pointer: "p" });
    pass(100);
    expect(terminal.lines.slice(2)).toEqual([
      "✓ 1 object, 2.0 MB written in 2.1 s, 952 kB/s",
      "! another job committed generation 8 meanwhile: our work still holds and follows it",
      "",
    ]);
  });

  test("nothing is drawn while it is paused, and it can go on afterwards", () => {
    const { terminal, progress } = start(60);
    progress.begin("waiting");
    pass(100);
    progress.pause();
    expect(terminal.lines).toEqual([""]);
    pass(1000);
    expect(terminal.lines).toEqual([""]);
    progress.advance({ label: "verifying", done: 1, total: 2, bytes: 10 });
    pass(100);
    expect(terminal.lines[0]).toMatch(/^verifying .* 50% · 1\/2 · 10 B$/);
  });

  test("lines fit the terminal, also when it is made narrower in between", () => {
    const { terminal, progress } = start(120);
    progress.handle({ event: "started", objects: 4, bytes: 8_000_000, resumed: 0 });
    progress.handle({ event: "bytes", copied: 2_000_000, written: 0 });
    for (const columns of [120, 60, 30, 10]) {
      terminal.columns = columns;
      pass(500);
      expect(terminal.lines.at(-1)?.length).toBeLessThan(columns);
    }
    terminal.columns = 40;
    progress.handle({ event: "warning", message: `metadata ${"x".repeat(80)} was removed` });
    expect(terminal.lines.at(-2)).toMatch(/^! metadata x+…x+ was removed$/);
    expect(terminal.lines.at(-2)?.length).toBeLessThanOrEqual(40);
  });

  test("a bar is never wider than its line, and never shows more than it has", () => {
    for (const fraction of [-1, 0, 0.004, 0.5, 0.999, 1, 7]) {
      for (const columns of [10, 30, 50, 120]) {
        const line = progressLine({ label: "objects", fraction, facts: [concat("1/2")], columns });
        const percent = Number(/(\d+)%/.exec(plainText(line))?.[1]);
        expect(percent).toBe(Math.floor(Math.min(1, Math.max(0, fraction)) * 100));
        expect(widthOf(line)).toBeLessThanOrEqual(Math.max(columns, 20));
      }
    }
  });
});

test("without a terminal only what is worth keeping is written", () => {
  let written = "";
  const screen = createScreen(
    { write: (content: string) => (written += content) },
    { color: true, environment: {} },
  );
  const progress = createTerminalProgress(screen, clock);
  progress.begin("listing the source");
  progress.handle({ event: "started", objects: 1, bytes: 10, resumed: 0 });
  pass(1000);
  progress.handle({
    event: "objectDone",
    object: "a",
    key: "k",
    rows: 1,
    bytesCopied: 10,
    bytesRewritten: 0,
  });
  progress.handle({ event: "publishing", objects: 1 });
  expect(written).toBe("✓ 1 object, 0 B written in 1.0 s, 0 B/s\n");
});

describe("in a pod", () => {
  test("each event is one JSON line with time and level", () => {
    const lines: string[] = [];
    const progress = createEventLog((line) => lines.push(line), clock);
    progress.begin("listing the source");
    progress.begin("listing the source");
    progress.handle({ event: "listed", objects: 2, bytes: 10, todo: 2 });
    progress.handle({ event: "objectFailed", object: "b\n", code: "FOOTER_MAGIC", message: "damaged" });
    progress.handle({ event: "warning", message: "removed", details: { key: "pandas" } });
    expect(lines.map((line): unknown => JSON.parse(line))).toEqual([
      { level: "info", time: "2026-01-01T00:00:00.000Z", event: "note", message: "listing the source" },
      { level: "info", time: "2026-01-01T00:00:00.000Z", event: "listed", objects: 2, bytes: 10, todo: 2 },
      {
        level: "error",
        time: "2026-01-01T00:00:00.000Z",
        event: "objectFailed",
        object: "b\n",
        code: "FOOTER_MAGIC",
        message: "damaged",
      },
      {
        level: "warn",
        time: "2026-01-01T00:00:00.000Z",
        event: "warning",
        message: "removed",
        details: { key: "pandas" },
      },
    ]);
    expect(lines.every((line) => line.indexOf("\n") === line.length - 1)).toBe(true);
  });

  test("bytes and footers are summed up every ten seconds, not logged one by one", () => {
    const events: { event: string; [name: string]: unknown }[] = [];
    const progress = createEventLog((line) => events.push(JSON.parse(line) as { event: string }), clock);
    for (let second = 1; second <= 25; second += 1) {
      pass(1000);
      progress.handle({ event: "bytes", copied: 10, written: 1 });
      progress.handle({ event: "footersRead", done: second, total: 25 });
    }
    expect(events).toMatchObject([
      { event: "progress", bytesCopied: 100, bytesWritten: 10, objectsDone: 0 },
      { event: "progress", bytesCopied: 200, bytesWritten: 20, objectsDone: 0 },
      { event: "footersRead", done: 25, total: 25 },
    ]);
  });
});
