import { ColonnadeError } from "../base/errors.ts";
import { keyBytesMax } from "../store/keys.ts";

/**
 * Where everything lies under a destination. Keys are relative to its root; docs/FORMATS.md draws the tree.
 * Numbers are padded, so that the order of a listing is the order of the numbers.
 */
export const versionMax = 999_999;
export const generationMax = 99_999_999;
export const epochMax = 99_999_999;

/** Most file systems allow 255 bytes a name. */
const nameBytesMax = 255;
/** What a stem may take of a name, beside the task and the suffix. */
const stemBytesMax = 180;
/** 128 bits of the task's hash: it only has to be unique beside the same stem. */
const taskDigits = 32;

/** Of channels and consumers. */
const namePattern = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const runPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

export const pointersPrefix = "pointers/";
export const historiesPrefix = "history/";
export const versionsPrefix = "versions/";
export const runsPrefix = "runs/";
/** What `gc` and those who write beside it tell each other (see `gc/mark.ts`). */
export const markKey = "gc/mark.json";
export const pinsPrefix = "gc/pins/";
export const receiptsPrefix = "receipts/";
/** Scratch of `store check`, empty but while it runs. */
export const checksPrefix = "checks/";
export const dataPrefix = "data/";
export const quarantinePrefix = "quarantine/";
/** Says that the store was asked before the first commit, and kept its conditions. */
export const storeCheckKey = "store-check.json";

/** The channel's name as it is; `invalid` (`CHANNEL_INVALID`) when it could not be a part of a key. */
export function checkChannel(channel: string): string {
  return checkName("channel", channel);
}

/** The consumer's name as it is; `invalid` (`CONSUMER_INVALID`) when it could not be a part of a key. */
export function checkConsumer(consumer: string): string {
  return checkName("consumer", consumer);
}

function checkName(what: "channel" | "consumer", name: string): string {
  if (namePattern.test(name)) return name;
  throw new ColonnadeError(
    "invalid",
    `${what.toUpperCase()}_INVALID`,
    `${what} names are up to 63 lowercase letters, digits, '-' and '_', and begin with a letter or a digit`,
    { [what]: name },
  );
}

export function pointerKey(channel: string): string {
  return `${pointersPrefix}${checkChannel(channel)}.json`;
}

/** Pointers that were replaced, as they were (see `history.ts`). */
export function historyPrefix(channel: string): string {
  return `${historiesPrefix}${checkChannel(channel)}/`;
}

export function historyKey(channel: string, generation: number): string {
  return `${historyPrefix(channel)}${padded(generation, generationMax, "generation")}.json`;
}

/** The generation that a key of the history is about, or undefined for a foreign key. */
export function parseHistoryKey(key: string): number | undefined {
  const digits = /^history\/[^/]+\/(\d{8})\.json$/.exec(key)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

export function versionPrefix(version: number): string {
  return `${versionsPrefix}${padded(version, versionMax, "version")}/`;
}

/** The number of the version that a key belongs to, or undefined for a foreign key. */
export function parseVersionKey(key: string): number | undefined {
  const digits = /^versions\/(\d{6})\//.exec(key)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Create-only, and the first thing a writer makes under a version: whose number it is. */
export function claimKey(version: number): string {
  return `${versionPrefix(version)}claim.json`;
}

export function manifestKey(version: number): string {
  return `${versionPrefix(version)}manifest.json`;
}

/** `part` counts from 0. */
export function fileListKey(version: number, part: number): string {
  return `${versionPrefix(version)}files-${String(part).padStart(4, "0")}.jsonl.gz`;
}

/**
 * The key of an output object. `directory` is that of its partition (`formatPartition`), empty for none; the
 * task's hash (64 hex digits) makes the name unique and the same in every run of one epoch (`gc/mark.ts`; 0 before the first gc):
 * what gc removes is never made anew under the same key.
 */
export function dataKey(directory: string, stem: string, task: string, epoch: number): string {
  return outputKey(dataPrefix, directory, stem, task, epoch);
}

/** The rows of the same task that were kept out, beside their reasons. */
export function quarantineKey(directory: string, stem: string, task: string, epoch: number): string {
  return outputKey(quarantinePrefix, directory, stem, task, epoch);
}

/** The epoch of an output object by its key, or undefined for a foreign key. */
export function parseOutputKey(key: string): number | undefined {
  const match = /^(?:data|quarantine)\/(?:.*\/)?[^/]*-[0-9a-f]{32}(?:-([1-9]\d{0,7}))?\.parquet$/s.exec(key);
  return match === null ? undefined : Number(match[1] ?? 0);
}

export function runPrefix(run: string): string {
  if (!runPattern.test(run))
    throw new ColonnadeError("invalid", "RUN_INVALID", "the run's id could not be a part of a key", { run });
  return `${runsPrefix}${run}/`;
}

/** That a run has begun: gc keeps what it may need while the run is heard of. */
export function registrationKey(run: string): string {
  return `${runPrefix(run)}started.json`;
}

/** The run that a key belongs to, or undefined for a foreign key. */
export function parseRunKey(key: string): string | undefined {
  return /^runs\/([^/]+)\/(?:started\.json|shards\/\d+\.jsonl\.gz)$/.exec(key)?.[1];
}

export function pinKey(id: string): string {
  return `${pinsPrefix}${id}.json`;
}

/** How far a consumer has come with one generation of a channel. */
export function receiptKey(consumer: string, channel: string, generation: number): string {
  const name = padded(generation, generationMax, "generation");
  return `${receiptsPrefix}${checkConsumer(consumer)}/${checkChannel(channel)}/${name}.json`;
}

/** Whether a key is that of a receipt, and not foreign. */
export function isReceiptKey(key: string): boolean {
  return /^receipts\/[^/]+\/[^/]+\/\d{8}\.json$/.test(key);
}

export function shardPrefix(run: string): string {
  return `${runPrefix(run)}shards/`;
}

export function shardKey(run: string, sequence: number): string {
  return `${shardPrefix(run)}${String(sequence).padStart(6, "0")}.jsonl.gz`;
}

function outputKey(root: string, directory: string, stem: string, task: string, epoch: number): string {
  if (!/^[0-9a-f]{32,}$/.test(task))
    throw new ColonnadeError("internal", "TASK_INVALID", "the task's hash is not hexadecimal", { task });
  if (!Number.isInteger(epoch) || epoch < 0 || epoch > epochMax)
    throw new ColonnadeError("internal", "EPOCH_INVALID", "epoch is out of range", { epoch });
  const suffix = epoch === 0 ? "" : `-${epoch}`;
  const name = `${truncateUtf8(stem, stemBytesMax)}-${task.slice(0, taskDigits)}${suffix}.parquet`;
  const key = root + [directory, name].filter((part) => part !== "").join("/");
  const longest = Math.max(...key.split("/").map((segment) => Buffer.byteLength(segment)));
  if (Buffer.byteLength(key) > keyBytesMax || longest > nameBytesMax)
    // A value of the object's own path is too long, as a rule: its fault, not that of the job.
    throw new ColonnadeError("data", "KEY_TOO_LONG", "the output key is longer than stores allow", {
      key,
      keyBytesMax,
      nameBytesMax,
    });
  return key;
}

function padded(value: number, max: number, what: string): string {
  if (!Number.isInteger(value) || value < 1 || value > max)
    throw new ColonnadeError("invalid", "NUMBER_OUT_OF_RANGE", `${what} is out of range`, { value, max });
  return String(value).padStart(String(max).length, "0");
}

/** At most `bytesMax` bytes, cut between two code points. */
function truncateUtf8(text: string, bytesMax: number): string {
  if (Buffer.byteLength(text) <= bytesMax) return text;
  let kept = "";
  let bytes = 0;
  for (const point of text) {
    bytes += Buffer.byteLength(point);
    if (bytes > bytesMax) break;
    kept += point;
  }
  return kept;
}
