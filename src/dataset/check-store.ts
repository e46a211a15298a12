import type { Clock, Ids } from "../base/clock.ts";
import { ColonnadeError, toColonnadeError } from "../base/errors.ts";
import {
  createOnly,
  ifMatch,
  type ObjectStore,
  type Precondition,
  type PutResult,
  unconditional,
} from "../store/object-store.ts";
import { roleChecks } from "./check-role.ts";
import { createObject } from "./create-object.ts";
import { checksPrefix, storeCheckKey } from "./layout.ts";

/** One property of a store, asked of the store itself. */
export interface StoreCheck {
  readonly name: string;
  /** Whether commits rest on it: a store without it cannot be made safe. */
  readonly isNeeded: boolean;
  readonly outcome: "holds" | "broken";
  /** What was seen where it is broken, or what the error says. */
  readonly detail?: string;
}

export interface StoreCheckReport {
  readonly uri: string;
  readonly checks: readonly StoreCheck[];
  /** Everything that commits rest on holds. */
  readonly safe: boolean;
}

export interface StoreCheckOptions {
  readonly clock: Clock;
  readonly ids: Ids;
  /** Two writers instead of many, and no large object: what a first `apply` does. */
  readonly isShort: boolean;
  /** Where the job reads: asked too what its role may do, unless the form is short. */
  readonly source?: ObjectStore;
}

const text = (words: string): Uint8Array => new Uint8Array(Buffer.from(words));
/** More than one part of an upload: completing it has a precondition of its own. */
const largeBytes = 9 * 1024 * 1024;
const uploadTries = 20;
const uploadPauseMs = 100;

/**
 * Asks a store for each property that the commit and its readers rest on, under a prefix of its own that is empty again
 * afterwards. Takes some twenty requests, and as many again for each race. Throws `unavailable` and `invalid` where the store cannot
 * be used at all.
 */
export async function checkStore(store: ObjectStore, options: StoreCheckOptions): Promise<StoreCheckReport> {
  const prefix = `${checksPrefix}${options.ids.next()}/`;
  const probe = new Probe(store, options.clock, prefix, options.isShort ? 2 : 16);
  try {
    await probe.run(options.isShort);
    if (!options.isShort && options.source !== undefined) await probe.runRole(options.source);
  } finally {
    await probe.clean();
  }
  const { checks } = probe;
  const safe = checks.every(({ isNeeded, outcome }) => !isNeeded || outcome === "holds");
  return { uri: store.uri, checks, safe };
}

/**
 * The short form, before a destination's first commit; what it found is kept, so that it is asked once. Throws `invalid`
 * `STORE_UNSAFE`, which names what is missing.
 */
export async function assertSafeStore(
  store: ObjectStore,
  { clock, ids }: Omit<StoreCheckOptions, "isShort">,
): Promise<void> {
  if ((await store.head(storeCheckKey)) !== undefined) return;
  const report = await checkStore(store, { clock, ids, isShort: true });
  if (!report.safe) throw unsafe(report);
  const document = { checkedAt: clock.now().toISOString(), checks: report.checks.map(({ name }) => name) };
  // Whoever was first has said the same.
  await createObject(store, storeCheckKey, text(`${JSON.stringify(document)}\n`), clock);
}

/**
 * Before anything is collected: what a gc does not find in a listing it takes for not there. Throws `invalid` `STORE_UNSAFE`.
 */
export async function assertListsAtOnce(
  store: ObjectStore,
  { clock, ids }: Pick<StoreCheckOptions, "clock" | "ids">,
): Promise<void> {
  const probe = new Probe(store, clock, `${checksPrefix}${ids.next()}/`, 0);
  try {
    await probe.runListing(true);
  } finally {
    await probe.clean();
  }
  const { checks } = probe;
  if (checks.some(({ outcome }) => outcome === "broken"))
    throw unsafe({ uri: store.uri, checks, safe: false });
}

export function unsafe({ uri, checks }: StoreCheckReport): ColonnadeError {
  const broken = checks.filter(({ isNeeded, outcome }) => isNeeded && outcome === "broken");
  return new ColonnadeError("invalid", "STORE_UNSAFE", "store does not keep what commits rest on", {
    uri,
    broken: broken.map(({ name, detail }) => (detail === undefined ? name : `${name}: ${detail}`)),
  });
}

function busy(key: string, result: PutResult | ColonnadeError): ColonnadeError {
  const outcome = "outcome" in result ? result.outcome : result.kind;
  const message = "store refused a write, or did not say what became of it";
  const options = "cause" in result ? { cause: result.cause } : {};
  return new ColonnadeError("unavailable", "STORE_BUSY", message, { key, outcome }, options);
}

class Probe {
  readonly checks: StoreCheck[] = [];
  readonly #store: ObjectStore;
  readonly #clock: Clock;
  readonly #prefix: string;
  readonly #writers: number;
  readonly #keys = new Set<string>();

  constructor(store: ObjectStore, clock: Clock, prefix: string, writers: number) {
    this.#store = store;
    this.#clock = clock;
    this.#prefix = prefix;
    this.#writers = writers;
  }

  async run(isShort: boolean): Promise<void> {
    await this.#check("what was written is read at once", true, () => this.#readAfterWrite());
    await this.#check("a key that is taken is not created again", true, () => this.#createTaken());
    await this.#check("of writers that create one key, one wins", true, () =>
      this.#race("created", createOnly),
    );
    await this.#check("an object that has changed is not replaced", true, () => this.#replaceStale());
    await this.#check("an object that is not there is not replaced", true, () => this.#replaceAbsent());
    await this.#check("of writers that replace one object, one wins", true, () => this.#raceToReplace());
    if (isShort) return;
    await this.#check("a large upload does not replace what is there", true, () => this.#uploadOverTaken());
    await this.#check("a large upload arrives whole", true, () => this.#uploadWhole());
    await this.#check("ranges are those that were asked for", true, () => this.#ranges());
    await this.#check("a read of an object that has changed is refused", true, () => this.#readStale());
    await this.runListing(false);
    await this.#check("uploads that were not finished are listed", false, () => this.#uploads());
    for (const probe of this.#store.probes ?? [])
      await this.#check(probe.name, false, () => probe.run(this.#key(`probe-${this.checks.length}`)));
  }

  async runRole(source: ObjectStore): Promise<void> {
    for (const { name, isNeeded, run } of roleChecks(this.#store, source))
      await this.#check(name, isNeeded, run);
  }

  /** Commits do without; gc does not. */
  async runListing(isNeeded: boolean): Promise<void> {
    await this.#check("what was written is listed at once, what was deleted is not", isNeeded, () =>
      this.#listing(),
    );
  }

  /** Leaves nothing behind; a store that lets nothing be deleted has been told of by then. */
  async clean(): Promise<void> {
    for (const key of this.#keys) await this.#store.delete(key).catch(() => undefined);
  }

  /**
   * `probe` resolves to what is wrong. Only an answer that contradicts itself says something about the store: one that cannot be
   * reached, or lets us do nothing, ends all of it.
   */
  async #check(name: string, isNeeded: boolean, probe: () => Promise<string | undefined>): Promise<void> {
    let detail: string | undefined;
    try {
      detail = await probe();
    } catch (thrown) {
      const error = toColonnadeError(thrown);
      if (error.kind === "unknown") throw busy(this.#prefix, error);
      if (error.kind !== "conflict" && error.kind !== "data") throw error;
      detail = error.message;
    }
    this.checks.push({
      name,
      isNeeded,
      ...(detail === undefined ? { outcome: "holds" } : { outcome: "broken", detail }),
    });
  }

  #key(name: string): string {
    const key = `${this.#prefix}${name}`;
    this.#keys.add(key);
    return key;
  }

  async #content(key: string): Promise<string | undefined> {
    const found = await this.#store.get(key);
    return found === undefined ? undefined : Buffer.from(found.body).toString();
  }

  async #write(key: string, words: string): Promise<string> {
    const result = await this.#store.put(key, text(words), unconditional);
    if (result.outcome === "written") return result.etag;
    throw busy(key, result);
  }

  /** How a write ended that ought to be refused. One of which that is not known says nothing, and may be asked again. */
  async #tryToWrite(key: string, words: string, precondition: Precondition): Promise<PutResult["outcome"]> {
    const result = await this.#store.put(key, text(words), precondition);
    if (result.outcome === "unknown" || result.outcome === "retry") throw busy(key, result);
    return result.outcome;
  }

  async #readAfterWrite(): Promise<string | undefined> {
    const key = this.#key("read");
    for (const words of ["first", "second", "third"]) {
      await this.#write(key, words);
      const found = await this.#content(key);
      if (found !== words) return `${words} was written, ${found ?? "nothing"} was read`;
    }
    return undefined;
  }

  async #createTaken(): Promise<string | undefined> {
    const key = this.#key("taken");
    await this.#write(key, "mine");
    const outcome = await this.#tryToWrite(key, "other", createOnly);
    const found = await this.#content(key);
    if (outcome !== "preconditionFailed") return `If-None-Match: * on a key that is taken is ${outcome}`;
    return found === "mine" ? undefined : "a write that was refused took effect";
  }

  async #race(name: string, precondition: Precondition): Promise<string | undefined> {
    const key = this.#key(name);
    const results = await Promise.all(
      Array.from({ length: this.#writers }, (_, writer) =>
        this.#store.put(key, text(`writer ${writer}`), precondition),
      ),
    );
    return this.#judgeRace(key, results);
  }

  /** A store that is busy may let all of them lose; only two winners are wrong, or a winner whose bytes are not there. */
  async #judgeRace(key: string, results: readonly PutResult[]): Promise<string | undefined> {
    const winners = results.flatMap(({ outcome }, writer) => (outcome === "written" ? [writer] : []));
    if (winners.length > 1)
      return `${winners.length} of ${results.length} writers were told that they had won`;
    const found = await this.#content(key);
    const [winner] = winners;
    if (winner === undefined || found === `writer ${winner}`) return undefined;
    return `writer ${winner} won, and ${found ?? "nothing"} is there`;
  }

  async #raceToReplace(): Promise<string | undefined> {
    const etag = await this.#write(this.#key("replaced"), "before");
    return this.#race("replaced", ifMatch(etag));
  }

  async #replaceStale(): Promise<string | undefined> {
    const key = this.#key("stale");
    const etag = await this.#write(key, "one");
    await this.#write(key, "two");
    const outcome = await this.#tryToWrite(key, "three", ifMatch(etag));
    const found = await this.#content(key);
    if (outcome !== "preconditionFailed") return `If-Match with an ETag of before is ${outcome}`;
    return found === "two" ? undefined : "a write that was refused took effect";
  }

  async #replaceAbsent(): Promise<string | undefined> {
    const gone = this.#key("gone");
    const etag = await this.#write(gone, "short-lived");
    await this.#store.delete(gone);
    const outcome = await this.#tryToWrite(gone, "risen", ifMatch(etag));
    const found = await this.#content(gone);
    if (outcome === "written" || found !== undefined)
      return "If-Match on a key that is absent made an object";
    return undefined;
  }

  async #uploadOverTaken(): Promise<string | undefined> {
    const key = this.#key("large-taken");
    await this.#write(key, "mine");
    const outcome = await this.#upload(key);
    const found = await this.#store.head(key);
    if (outcome !== "preconditionFailed") return `completing a multipart upload over an object is ${outcome}`;
    return found?.bytes === 4 ? undefined : "an upload that was refused took effect";
  }

  async #uploadWhole(): Promise<string | undefined> {
    const key = this.#key("large");
    const outcome = await this.#upload(key);
    const found = await this.#store.head(key);
    if (outcome !== "written") return `completing a multipart upload is ${outcome}`;
    return found?.bytes === largeBytes ? undefined : `${found?.bytes ?? 0} of ${largeBytes} bytes arrived`;
  }

  async #upload(key: string): Promise<PutResult["outcome"]> {
    const writer = await this.#store.createWriter(key, { precondition: createOnly });
    try {
      await writer.write(new Uint8Array(largeBytes).fill(7));
      const { result } = await writer.complete();
      if (result.outcome === "unknown" || result.outcome === "retry") throw busy(key, result);
      return result.outcome;
    } finally {
      await writer.abort();
    }
  }

  async #ranges(): Promise<string | undefined> {
    const key = this.#key("ranges");
    await this.#write(key, "0123456789");
    const middle = await this.#store.get(key, { range: { start: 3, end: 7 } });
    const last = await this.#store.get(key, { range: { suffixBytes: 2 } });
    const found = [middle, last].map((one) => Buffer.from(one?.body ?? []).toString());
    return found.join() === "3456,89" ? undefined : `bytes 3 to 6 are ${found[0]}, the last two ${found[1]}`;
  }

  async #readStale(): Promise<string | undefined> {
    const key = this.#key("read-stale");
    const etag = await this.#write(key, "one");
    await this.#write(key, "two");
    const outcome = await this.#store.get(key, { ifMatch: etag }).then(
      () => undefined,
      (error: unknown) => toColonnadeError(error),
    );
    return outcome?.code === "SOURCE_CHANGED" ? undefined : "a GET with an ETag of before is answered";
  }

  async #uploads(): Promise<string | undefined> {
    const key = this.#key("unfinished");
    const writer = await this.#store.createWriter(key);
    const isListed = async (): Promise<boolean> => {
      for await (const upload of this.#store.listUploads())
        if (upload.key === key || upload.key === undefined) return true;
      return false;
    };
    try {
      await writer.write(new Uint8Array(largeBytes));
      // The first part is on its way.
      for (let tries = 0; tries < uploadTries; tries += 1) {
        if (await isListed()) return undefined;
        await this.#clock.sleep(uploadPauseMs);
      }
      return "an upload that is under way is not listed";
    } catch (thrown) {
      // Only gc needs to: a job's own role may well be without it.
      const error = toColonnadeError(thrown);
      if (error.code !== "ACCESS_DENIED" || error.details["needs"] !== "s3:ListBucketMultipartUploads")
        throw error;
      return "this role may not list them, as gc does";
    } finally {
      await writer.abort();
    }
  }

  async #listing(): Promise<string | undefined> {
    const key = this.#key("listed");
    const isListed = async (): Promise<boolean> => {
      for await (const found of this.#store.list(this.#prefix)) if (found.key === key) return true;
      return false;
    };
    await this.#write(key, "here");
    if (!(await isListed())) return "an object that was written is not listed";
    await this.#store.delete(key);
    return (await isListed()) ? "an object that was deleted is listed" : undefined;
  }
}
