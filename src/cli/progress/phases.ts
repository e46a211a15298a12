import type { Clock } from "../../base/clock.ts";
import { concat, dim, green, red, text, type Text } from "../text/styled.ts";
import { countOf, formatBytes, formatCount, formatDuration, formatRate } from "../text/units.ts";
import { progressLine, spinner, timeLeft } from "./bar.ts";
import type { ProgressStep } from "./progress.ts";

/** What the live line shows. */
export interface Phase {
  render(columns: number): Text;
}

/** Rates over the last seconds: over the whole run they would hide that a store got slow. */
const rateWindowMs = 4000;
const rateMsMin = 200;

export function waiting(words: string, clock: Clock): Phase {
  return { render: () => text`${spinner(clock.monotonicMs())} ${words}` };
}

/** Things that are counted, footers for one. */
export class CountPhase implements Phase {
  readonly label: string;
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #rate: Rate;
  #step: Omit<ProgressStep, "label">;

  constructor(clock: Clock, { label, ...step }: ProgressStep) {
    this.label = label;
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
    this.#rate = new Rate(this.#startedMs);
    this.#step = step;
  }

  advance(step: Omit<ProgressStep, "label">): void {
    this.#step = step;
  }

  render(columns: number): Text {
    const { done, total, bytes } = this.#step;
    const nowMs = this.#clock.monotonicMs();
    const fraction = total === 0 ? 1 : done / total;
    const facts = bytes === undefined ? [] : [concat(formatBytes(bytes)), this.#rate.words(nowMs, bytes)];
    return progressLine({
      label: this.label,
      fraction,
      facts: [
        concat(`${formatCount(done)}/${formatCount(total)}`),
        ...facts,
        timeLeft(fraction, nowMs - this.#startedMs),
      ],
      columns,
    });
  }
}

/** The migration itself. */
export class ObjectsPhase implements Phase {
  readonly objects: number;
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #expectedBytes: number;
  readonly #rate: Rate;
  #bytes = 0;
  #settledBytes = 0;
  #done = 0;
  #failed = 0;

  constructor(clock: Clock, { objects, bytes }: { readonly objects: number; readonly bytes: number }) {
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
    this.#rate = new Rate(this.#startedMs);
    this.objects = objects;
    this.#expectedBytes = bytes;
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

  render(columns: number): Text {
    const nowMs = this.#clock.monotonicMs();
    const fraction = this.#fraction();
    return progressLine({
      label: "objects",
      fraction,
      facts: [
        concat(`${formatCount(this.#done + this.#failed)}/${formatCount(this.objects)}`),
        concat(formatBytes(this.#bytes)),
        this.#rate.words(nowMs, this.#bytes),
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
}

class Rate {
  readonly #samples: { readonly atMs: number; readonly bytes: number }[];

  constructor(startedMs: number) {
    this.#samples = [{ atMs: startedMs, bytes: 0 }];
  }

  words(nowMs: number, bytes: number): Text {
    this.#samples.push({ atMs: nowMs, bytes });
    while (this.#samples.length > 2 && nowMs - (this.#samples[0]?.atMs ?? nowMs) > rateWindowMs) {
      this.#samples.shift();
    }
    const first = this.#samples[0] ?? { atMs: nowMs, bytes };
    const ms = nowMs - first.atMs;
    return ms < rateMsMin || bytes === first.bytes
      ? []
      : concat(formatRate(((bytes - first.bytes) / ms) * 1000));
  }
}
