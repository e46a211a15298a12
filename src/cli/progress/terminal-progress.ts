import type { Clock } from "../../base/clock.ts";
import type { JobEvent } from "../../execute/job-context.ts";
import { cutMiddle, padStart, takeStart, widthOf } from "../text/measure.ts";
import type { Screen } from "../text/screen.ts";
import { concat, cyan, dim, green, red, text, type Text, yellow } from "../text/styled.ts";
import { countOf, formatBytes, formatCount, formatDuration, formatRate } from "../text/units.ts";
import type { Progress } from "./progress.ts";

/** Ten pictures a second move smoothly, and cost nothing. */
const frameMs = 100;
/** Rates over the last seconds: over the whole run they would hide that a store got slow. */
const rateWindowMs = 4000;
const barColumnsMax = 32;

interface Phase {
  readonly label: string;
  render(columns: number): Text;
}

/**
 * One live line at the bottom of the terminal, redrawn in place; what is worth keeping is printed above it. Without a
 * terminal only the latter.
 */
export function createTerminalProgress(screen: Screen, clock: Clock): Progress {
  const live = createLiveLine(screen);
  let phase: Phase | undefined = listing(clock);
  let work: ObjectsPhase | undefined;

  const keep = (...lines: readonly Text[]): void => {
    live.clear();
    screen.print(...lines.map((line) => (screen.isTerminal ? cutMiddle(line, screen.columns) : line)));
  };
  const draw = (): void => {
    if (phase !== undefined) live.draw(phase.render(screen.columns));
  };
  const timer = screen.isTerminal ? setInterval(draw, frameMs) : undefined;
  timer?.unref();

  return {
    handle(event: JobEvent) {
      switch (event.event) {
        case "listed":
          phase = event.todo === 0 ? undefined : footers(clock, event.todo);
          live.clear();
          return;
        case "footersRead":
          if (phase instanceof FootersPhase) phase.done = event.done;
          if (event.done === event.total) {
            phase = undefined;
            live.clear();
          }
          return;
        case "started":
          work = new ObjectsPhase(clock, event);
          phase = event.objects === 0 ? undefined : work;
          if (event.resumed > 0) {
            keep(text`${green("✓")} ${countOf(event.resumed, "object")} done already by an earlier run`);
          }
          return;
        case "bytes":
          work?.addBytes(event.copied + event.written);
          return;
        case "objectDone":
          work?.finish(event.bytesCopied + event.bytesRewritten);
          return;
        case "objectFailed":
          work?.fail();
          keep(text`${red("✗")} ${event.object}: ${event.message} ${dim(event.code)}`);
          return;
        case "publishing":
          if (work !== undefined && work.objects > 0) keep(work.summary());
          phase = publishing(clock, event.objects);
          return;
        case "lost":
          keep(
            text`${yellow("!")} another job committed generation ${event.generation} meanwhile: ${decisionWords(event.decision)}`,
          );
          return;
        case "committed":
          phase = undefined;
          live.clear();
          return;
        case "warning":
          keep(text`${yellow("!")} ${event.message}`);
          return;
      }
    },
    note(message) {
      keep(text`${yellow("!")} ${message}`);
    },
    close() {
      clearInterval(timer);
      phase = undefined;
      live.clear();
    },
  };
}

function decisionWords(decision: string): string {
  if (decision === "accept") return "it published the same content, nothing is left to do";
  if (decision === "rebase") return "our work still holds and follows it";
  return "it changed what we built upon";
}

function createLiveLine(screen: Screen): { draw(line: Text): void; clear(): void } {
  let drawn = false;
  return {
    draw(line) {
      if (!screen.isTerminal) return;
      // The last column stays free: writing there makes some terminals wrap.
      screen.write(`\r${screen.paint(takeStart(line, screen.columns - 1))}\u001B[K`);
      drawn = true;
    },
    clear() {
      if (drawn) screen.write("\r\u001B[K");
      drawn = false;
    },
  };
}

const spinnerFrames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

function spinner(nowMs: number): Text {
  return cyan(spinnerFrames[Math.floor(nowMs / frameMs) % spinnerFrames.length] ?? "");
}

function listing(clock: Clock): Phase {
  return { label: "listing", render: () => text`${spinner(clock.monotonicMs())} listing the source` };
}

function publishing(clock: Clock, objects: number): Phase {
  return {
    label: "publishing",
    render: () => text`${spinner(clock.monotonicMs())} publishing ${countOf(objects, "object")}`,
  };
}

function footers(clock: Clock, total: number): FootersPhase {
  return new FootersPhase(clock, total);
}

class FootersPhase implements Phase {
  readonly label = "footers";
  readonly total: number;
  readonly #clock: Clock;
  readonly #startedMs: number;
  done = 0;

  constructor(clock: Clock, total: number) {
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
    this.total = total;
  }

  render(columns: number): Text {
    const elapsedMs = this.#clock.monotonicMs() - this.#startedMs;
    const left = timeLeft(this.done / this.total, elapsedMs);
    return progressLine({
      label: "footers",
      fraction: this.done / this.total,
      facts: [concat(`${formatCount(this.done)}/${formatCount(this.total)}`), left],
      columns,
    });
  }
}

class ObjectsPhase implements Phase {
  readonly label = "objects";
  readonly objects: number;
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #expectedBytes: number;
  #bytes = 0;
  #settledBytes = 0;
  #done = 0;
  #failed = 0;
  #samples: { readonly atMs: number; readonly bytes: number }[] = [];

  constructor(clock: Clock, { objects, bytes }: { readonly objects: number; readonly bytes: number }) {
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
    this.objects = objects;
    this.#expectedBytes = bytes;
    this.#samples.push({ atMs: this.#startedMs, bytes: 0 });
  }

  addBytes(bytes: number): void {
    this.#bytes += bytes;
  }

  finish(bytes: number): void {
    this.#done += 1;
    this.#settledBytes += bytes;
  }

  fail(): void {
    this.#failed += 1;
  }

  /**
   * What is rewritten may come out smaller or larger than it was, so bytes alone would stop short of the end: objects that are
   * done count whole, and what is under way by its bytes.
   */
  #fraction(): number {
    const ended = this.#done + this.#failed;
    if (ended >= this.objects) return 1;
    const meanBytes = this.#expectedBytes / this.objects;
    const underWay = meanBytes === 0 ? 0 : (this.#bytes - this.#settledBytes) / meanBytes;
    return Math.min((ended + Math.min(Math.max(0, underWay), this.objects - ended)) / this.objects, 0.99);
  }

  #rate(nowMs: number): number {
    this.#samples.push({ atMs: nowMs, bytes: this.#bytes });
    while (this.#samples.length > 2 && nowMs - (this.#samples[0]?.atMs ?? nowMs) > rateWindowMs) {
      this.#samples.shift();
    }
    const [first] = this.#samples;
    const ms = first === undefined ? 0 : nowMs - first.atMs;
    return ms < 200 || first === undefined ? 0 : ((this.#bytes - first.bytes) / ms) * 1000;
  }

  render(columns: number): Text {
    const nowMs = this.#clock.monotonicMs();
    const fraction = this.#fraction();
    const rate = this.#rate(nowMs);
    return progressLine({
      label: "objects",
      fraction,
      facts: [
        concat(`${formatCount(this.#done + this.#failed)}/${formatCount(this.objects)}`),
        concat(formatBytes(this.#bytes)),
        concat(rate === 0 ? "" : formatRate(rate)),
        timeLeft(fraction, nowMs - this.#startedMs),
        this.#failed === 0 ? [] : red(`${this.#failed} failed`),
      ],
      columns,
    });
  }

  summary(): Text {
    const ms = this.#clock.monotonicMs() - this.#startedMs;
    const rate = ms > 0 ? `, ${formatRate((this.#bytes / ms) * 1000)}` : "";
    return text`${green("✓")} ${countOf(this.#done, "object")}, ${formatBytes(this.#bytes)} written in ${formatDuration(ms)}${dim(rate)}`;
  }
}

/** Nothing before there is something to judge by. */
function timeLeft(fraction: number, elapsedMs: number): Text {
  if (fraction <= 0.01 || fraction >= 1 || elapsedMs < 1000) return [];
  return concat(`${formatDuration((elapsedMs / fraction) * (1 - fraction))} left`);
}

interface ProgressLine {
  readonly label: string;
  readonly fraction: number;
  readonly facts: readonly Text[];
  readonly columns: number;
}

/** `objects ━━━━━━━━╸──────── 43% · 3/7 · 5.1 MB · 14 MB/s · 2 s left`. */
export function progressLine({ label, fraction, facts, columns }: ProgressLine): Text {
  const share = Math.min(Math.max(fraction, 0), 1);
  const shown = [padStart(concat(`${Math.floor(share * 100)}%`), 4), ...facts].filter(
    (fact) => widthOf(fact) > 0,
  );
  const tail = shown.flatMap((fact, index) => (index === 0 ? fact : [...dim(" · "), ...fact]));
  const room = Math.min(barColumnsMax, columns - label.length - widthOf(tail) - 4);
  return concat(label, " ", room >= 8 ? concat(bar(share, room), " ") : "", tail);
}

function bar(fraction: number, columns: number): Text {
  const filled = Math.round(fraction * columns * 2);
  const whole = Math.floor(filled / 2);
  const half = filled % 2 === 1 ? "╸" : "";
  return concat(cyan("━".repeat(whole) + half), dim("─".repeat(columns - whole - half.length)));
}
