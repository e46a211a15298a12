import { z } from "zod";
import { ColonnadeError } from "../../base/errors.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import type { Destination } from "../commit.ts";
import { encodeDocument, parseDocument } from "../document.ts";
import { generationMax, isReceiptKey, receiptKey, receiptsPrefix, versionMax } from "../layout.ts";
import { defaultRetryLimits, retryRead } from "../retry.ts";
import { swapObject } from "../swap-object.ts";
import { assertAlive } from "./mark.ts";

export const receiptFormat = "colonnade/receipt/1";

/** How far a consumer has come with one generation of a channel. While it is reading, gc keeps the version. */
export const receiptSchema = z.looseObject({
  format: z.literal(receiptFormat),
  writeId: z.string().describe("Unique to the attempt that wrote this receipt: how a lost reply is settled."),
  consumer: z.string(),
  channel: z.string(),
  generation: z.number().int().min(1).max(generationMax),
  version: z.number().int().min(1).max(versionMax),
  state: z
    .enum(["reading", "finished", "givenUp"])
    .describe("`givenUp`: it went on to a later generation, or came when gc had removed the version."),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime().nullable(),
});
export type Receipt = z.infer<typeof receiptSchema>;

export interface FoundReceipt extends Receipt {
  readonly key: string;
  readonly bytes: number;
  /** By the store's own clock. */
  readonly writtenAtMs: number;
}

/** What of a pointer a receipt is about. */
export type Generation = Pick<Receipt, "channel" | "generation" | "version">;

/** As many processes may call themselves by one name and begin at the same moment. */
const beginningsMax = 10;

/**
 * Says that a consumer reads what a pointer serves; a gc that begins to look later keeps it until the returned function has said that
 * the consumer is done. Whoever calls itself by one name reads one generation of a channel at a time: what it had not finished before
 * counts as given up, and an earlier receipt of the same generation is replaced.
 *
 * Throws `conflict` (`VERSION_REMOVED`) when gc has removed the version or is about to, `unavailable` and `unknown` as the store does,
 * `invalid` (`CONSUMER_INVALID`).
 */
export async function beginReceipt(
  destination: Destination,
  consumer: string,
  { channel, generation, version }: Generation,
): Promise<() => Promise<void>> {
  const { store, clock, retry = defaultRetryLimits } = destination;
  const key = receiptKey(consumer, channel, generation);
  const reading = {
    format: receiptFormat,
    consumer,
    channel,
    generation,
    version,
    state: "reading",
    startedAt: clock.now().toISOString(),
    endedAt: null,
  } as const;
  const begin = async (): Promise<string> => {
    for (let attempt = 0; attempt < beginningsMax; attempt += 1) {
      const found = await retryRead(() => store.head(key), clock, retry, key);
      const etag = await swapReceipt(destination, key, found?.etag, reading);
      if (etag !== undefined) return etag;
    }
    const message = "other processes of the same name keep beginning with the same generation";
    throw new ColonnadeError("conflict", "CONSUMER_BUSY", message, { consumer, channel, generation });
  };

  const etag = await begin();
  // Replaced meanwhile: another process of that name reads it now, and will say when it is done.
  const end = (state: "finished" | "givenUp"): Promise<unknown> =>
    swapReceipt(destination, key, etag, { ...reading, state, endedAt: clock.now().toISOString() });
  try {
    await assertAlive(destination, version);
    await giveUpBefore(destination, key);
  } catch (error) {
    await end("givenUp").catch(() => undefined);
    throw error;
  }
  return async () => void (await end("finished"));
}

/** Ends the receipts of generations before whose reader never did, backwards to one that is ended: there it was done before. */
async function giveUpBefore(destination: Destination, key: string): Promise<void> {
  const { store, clock, retry = defaultRetryLimits } = destination;
  for (const before of await retryRead(() => keysBefore(store, key), clock, retry, key)) {
    const found = await retryRead(() => store.get(before), clock, retry, key);
    if (found === undefined) continue;
    const receipt = parseReceipt(found.body, before);
    if (receipt.state !== "reading") return;
    const endedAt = clock.now().toISOString();
    await swapReceipt(destination, before, found.etag, { ...receipt, state: "givenUp", endedAt });
  }
}

/** Of the same consumer and channel, the latest first. */
async function keysBefore(store: ObjectStore, key: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const found of store.list(key.slice(0, key.lastIndexOf("/") + 1)))
    if (found.key < key && isReceiptKey(found.key)) keys.push(found.key);
  return keys.toReversed();
}

function swapReceipt(
  destination: Destination,
  key: string,
  base: string | undefined,
  receipt: Omit<Receipt, "writeId">,
): Promise<string | undefined> {
  const writeId = destination.ids.next();
  return swapObject(destination, key, base, encodeDocument({ ...receipt, writeId }), writeId);
}

function parseReceipt(body: Uint8Array, key: string): Receipt {
  return parseDocument(body, receiptSchema, receiptFormat, "receipt", key);
}

export async function* listReceipts(store: ObjectStore): AsyncIterable<FoundReceipt> {
  for await (const { key, bytes, modifiedAtMs } of store.list(receiptsPrefix)) {
    const object = isReceiptKey(key) ? await store.get(key) : undefined;
    if (object === undefined) continue;
    yield { ...parseReceipt(object.body, key), key, bytes, writtenAtMs: modifiedAtMs };
  }
}
