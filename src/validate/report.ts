import type { ColonnadeError } from "../base/errors.ts";

/** What `verify` looked at, one name a check; a check passes when nothing spoke against it. */
export const checkNames = [
  "pointer",
  "manifest",
  "file lists",
  "objects",
  "footers",
  "schema",
  "rows",
  "bytes",
  "second reader",
  "quarantine",
  "totals",
  "copied chunks",
  "values",
] as const;
export type CheckName = (typeof checkNames)[number];

export interface Check {
  readonly name: CheckName;
  readonly passed: boolean;
  /** How much was looked at, or what spoke against it, for people. */
  readonly detail: string;
}

export interface Finding {
  readonly check: CheckName;
  /** `error`: the version is not what it says. `info`: something that was not checked, or that is worth knowing. */
  readonly level: "error" | "info";
  /** SCREAMING_SNAKE, stable across releases. */
  readonly code: string;
  readonly message: string;
  /** Key of the data object, relative to the destination. */
  readonly object?: string;
  /** Dotted path of the output's leaf. */
  readonly column?: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface VerifyReport {
  readonly passed: boolean;
  readonly dataset: string | null;
  readonly channel: string;
  /** Null when no pointer of the channel names the version. */
  readonly generation: number | null;
  /** Null when the pointer cannot be read. */
  readonly version: number | null;
  readonly deep: boolean;
  readonly objects: number;
  /** Rows counted in the footers of the data objects. */
  readonly rows: number;
  readonly checks: readonly Check[];
  /** Errors first; at most {@link findingsMax} of them, `findingsOmitted` says how many there were beyond. */
  readonly findings: readonly Finding[];
  readonly findingsOmitted: number;
  /** Bytes of the objects that were read and whose CRC-32 was computed anew. */
  readonly bytesRead: number;
  /** Bytes of copied chunks that were compared with the source, byte for byte. */
  readonly copiedBytesCompared: number;
  /** Values of rewritten, added and quarantined columns that were decoded and compared. */
  readonly valuesCompared: number;
  /** Values that were decoded, and of which nothing here says a second time what they must be. */
  readonly valuesNotCompared: number;
  /** Objects whose source is gone or was replaced since, so that there was nothing to compare with. */
  readonly sourcesGone: number;
}

/** A dataset of a million damaged objects must not fill the memory with their findings. */
export const findingsMax = 1000;

export type Place = Pick<Finding, "object" | "column">;

/** Gathers what the checks have to say while objects are looked at in parallel. */
export class Findings {
  readonly #findings: Finding[] = [];
  readonly #errors = new Map<CheckName, number>();
  readonly #looked = new Map<CheckName, number>();
  #infos = 0;
  #omitted = 0;

  /** Notes that something of a check was looked at, whatever came out. */
  looked(check: CheckName, count = 1): void {
    this.#looked.set(check, (this.#looked.get(check) ?? 0) + count);
  }

  error(check: CheckName, code: string, message: string, place: Place = {}, details: object = {}): void {
    this.looked(check, 0);
    this.#errors.set(check, (this.#errors.get(check) ?? 0) + 1);
    this.#add({ check, level: "error", code, message, ...place, details: { ...details } });
  }

  info(check: CheckName, code: string, message: string, place: Place = {}, details: object = {}): void {
    // Errors are worth more than notes: these leave room for them.
    this.#infos += 1;
    if (this.#infos > findingsMax / 2) this.#omitted += 1;
    else this.#add({ check, level: "info", code, message, ...place, details: { ...details } });
  }

  /** An error that reading something threw: what is wrong with the data is a finding, everything else is thrown on. */
  caught(check: CheckName, error: ColonnadeError, place: Place = {}): void {
    if (error.kind !== "data" && error.kind !== "conflict") throw error;
    this.error(check, error.code, error.message, place, error.details);
  }

  hasErrors(check: CheckName): boolean {
    return (this.#errors.get(check) ?? 0) > 0;
  }

  checks(): Check[] {
    return checkNames
      .filter((name) => this.#looked.has(name))
      .map((name) => {
        const errors = this.#errors.get(name) ?? 0;
        const looked = this.#looked.get(name) ?? 0;
        const detail = errors === 0 ? `${looked} checked` : `${errors} of ${Math.max(errors, looked)} wrong`;
        return { name, passed: errors === 0, detail };
      });
  }

  list(): { readonly findings: Finding[]; readonly omitted: number } {
    const findings = this.#findings.toSorted((a, b) => rank(a) - rank(b) || compare(a, b));
    return { findings, omitted: this.#omitted };
  }

  #add(finding: Finding): void {
    if (this.#findings.length < findingsMax) this.#findings.push(finding);
    else this.#omitted += 1;
  }
}

function rank({ level }: Finding): number {
  return level === "error" ? 0 : 1;
}

/** Objects are looked at in parallel: the report is in their order all the same. */
function compare(a: Finding, b: Finding): number {
  const [first = "", second = ""] = [a.object, b.object];
  return first < second ? -1 : first > second ? 1 : 0;
}
