import { ColonnadeError } from "../base/errors.ts";

/** Seconds of a Date are bounded by ±8.64e12 (ECMA-262, 21.4.1.1); beyond, the last known rule goes on. */
const secondsMax = 8.64e12;
/** About 12 days: no zone has ever changed its offset twice in so short a time. */
const blockSeconds = 2 ** 20;
const blocksMax = 65_536;
/** No local time is further than this from UTC, the day that Samoa skipped in 2011 included. */
const aroundSeconds = 36 * 3600;

interface Block {
  readonly before: number;
  /** The first second of `after`; Infinity when nothing changes in this block. */
  readonly transition: number;
  readonly after: number;
}

/** Offsets of one time zone, from the runtime's own IANA data, cached so that a lookup is a few comparisons. */
export class Zone {
  readonly #format: Intl.DateTimeFormat | undefined;
  readonly #fixed: number;
  readonly #blocks = new Map<number, Block>();
  #lastIndex = NaN;
  #last: Block = { before: 0, transition: Infinity, after: 0 };

  constructor(format: Intl.DateTimeFormat | undefined, fixedOffset: number) {
    this.#format = format;
    this.#fixed = fixedOffset;
  }

  get isUtc(): boolean {
    return this.#format === undefined && this.#fixed === 0;
  }

  /** Seconds to add to an instant (seconds since 1970 in UTC) to have local time. */
  offsetAt(utcSeconds: number): number {
    if (this.#format === undefined) return this.#fixed;
    const clamped = Math.min(Math.max(utcSeconds, -secondsMax), secondsMax);
    const index = Math.floor(clamped / blockSeconds);
    if (index !== this.#lastIndex) {
      this.#last = this.#blockAt(index);
      this.#lastIndex = index;
    }
    return utcSeconds < this.#last.transition ? this.#last.before : this.#last.after;
  }

  /**
   * The instant of a local time. A time that a clock shows twice, or never, is NaN without a `choice`; with one it is
   * the earlier or later of the two instants, or the instant at which the clock jumped over it.
   */
  toUtc(localSeconds: number, choice: "none" | "earlier" | "later"): number {
    if (this.#format === undefined) return localSeconds - this.#fixed;
    const before = this.offsetAt(localSeconds - aroundSeconds);
    const after = this.offsetAt(localSeconds + aroundSeconds);
    if (before === after) return localSeconds - before;
    const first = localSeconds - before;
    const second = localSeconds - after;
    const firstHolds = this.offsetAt(first) === before;
    const secondHolds = this.offsetAt(second) === after;
    if (firstHolds !== secondHolds) return firstHolds ? first : second;
    if (choice === "none") return NaN;
    if (firstHolds) return choice === "earlier" ? Math.min(first, second) : Math.max(first, second);
    return this.#transitionBetween(localSeconds - aroundSeconds, localSeconds + aroundSeconds);
  }

  #blockAt(index: number): Block {
    const known = this.#blocks.get(index);
    if (known !== undefined) return known;
    const start = index * blockSeconds;
    const before = this.#lookUp(start);
    const after = this.#lookUp(start + blockSeconds);
    const transition = before === after ? Infinity : this.#transitionBetween(start, start + blockSeconds);
    const block = { before, transition, after };
    // Times all over the calendar are garbage; they may be slow but must not fill the memory.
    if (this.#blocks.size >= blocksMax) this.#blocks.clear();
    this.#blocks.set(index, block);
    return block;
  }

  #transitionBetween(start: number, end: number): number {
    const after = this.#lookUp(end);
    let low = start;
    let high = end;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.#lookUp(middle) === after) high = middle;
      else low = middle;
    }
    return high;
  }

  #lookUp(utcSeconds: number): number {
    const clamped = Math.min(Math.max(utcSeconds, -secondsMax), secondsMax);
    const parts = this.#format?.formatToParts(clamped * 1000) ?? [];
    const name = parts.find((part) => part.type === "timeZoneName")?.value ?? "GMT";
    return fixedOffset(name.replace("GMT", "")) ?? 0;
  }
}

const offsetPattern = /^([+-])(\d{2}):?(\d{2})?(?::?(\d{2}))?$/;

/** Seconds of `+05:30`, `-0800`, `+01` or the empty string; undefined for anything else. */
function fixedOffset(text: string): number | undefined {
  if (text === "") return 0;
  const match = offsetPattern.exec(text);
  if (match === null) return undefined;
  const [, sign, hours, minutes = "0", seconds = "0"] = match;
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) return undefined;
  const magnitude = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  return sign === "-" ? 0 - magnitude : magnitude;
}

const zones = new Map<string, Zone>();

/** A zone by its IANA name (`Europe/Berlin`) or offset (`+05:30`). Throws `invalid` `TIMEZONE_UNKNOWN`. */
export function findZone(name: string): Zone {
  const known = zones.get(name);
  if (known !== undefined) return known;
  const zone = makeZone(name);
  zones.set(name, zone);
  return zone;
}

/** Whether {@link findZone} knows the name. */
export function isTimezone(name: string): boolean {
  try {
    findZone(name);
    return true;
  } catch {
    return false;
  }
}

function makeZone(name: string): Zone {
  if (/^(?:utc|gmt|z|etc\/utc|etc\/gmt)$/i.test(name)) return new Zone(undefined, 0);
  const fixed = name === "" ? undefined : fixedOffset(name);
  if (fixed !== undefined) return new Zone(undefined, fixed);
  try {
    return new Zone(new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset" }), 0);
  } catch (cause) {
    throw new ColonnadeError(
      "invalid",
      "TIMEZONE_UNKNOWN",
      "timezone is not in the IANA database",
      { timezone: name },
      { cause },
    );
  }
}
