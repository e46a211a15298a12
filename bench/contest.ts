import type { Run } from "./measure.ts";

/** Somebody who does the work: a process of its own, from its start to its exit. */
export interface Contender {
  readonly name: string;
  /** Of Colonnade: another way to run it, to compare with. */
  readonly isVariant?: boolean;
  /** Finds the target as the contender before left it, and leaves it so. */
  readonly isSecondRun?: boolean;
  readonly run: (target: string) => Promise<Run>;
  /** Throws when the target does not hold what it should. */
  readonly check: (target: string) => Promise<void>;
}

export interface Contest {
  readonly title: string;
  /** What is worked on, in a few words. */
  readonly data: string;
  readonly bytes: number;
  /** The plain copy (if there is one) first, then Colonnade. */
  readonly contenders: readonly Contender[];
  readonly aims: readonly Aim[];
  /**
   * What was written stays until the contest is over. ext4 does not give an inode away again for a minute after it was freed, and
   * whoever makes ten thousand files just after ten thousand were removed searches long for each.
   */
  readonly keepsOutputs?: boolean;
  /** Runs Colonnade once more, with V8's profiler writing into a folder. */
  readonly profile?: (target: string, folder: string) => Promise<Run>;
}

export const copyName = "plain copy";
export const ownName = "Colonnade";

/** What was set out to be reached, as the ratio of two medians of one contest. */
export type Aim =
  | { readonly kind: "atMostCopies"; readonly ratio: number }
  /** The fastest of those who rewrite, or the one that is named, takes so many times as long. */
  | { readonly kind: "timesFaster"; readonly ratio: number; readonly than: string | undefined }
  | { readonly kind: "memory"; readonly bytes: number };

export interface Results {
  readonly contest: Contest;
  /** By contender, in the order of the rounds. */
  readonly runs: ReadonlyMap<string, readonly Run[]>;
  /** Of the machine when the contest began: runnable processes, averaged over a minute. */
  readonly load: number;
  /** Where the time of Colonnade goes, when an aim was missed. */
  readonly profile?: readonly ProfileLine[];
}

export interface ProfileLine {
  readonly thread: string;
  readonly name: string;
  /** Of all samples of all threads that were not idle. */
  readonly share: number;
}
