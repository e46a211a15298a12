import { z } from "zod";
import type { ObjectStore } from "../../store/object-store.ts";
import type { Destination } from "../commit.ts";
import { createObject } from "../create-object.ts";
import { encodeDocument, parseDocument } from "../document.ts";
import { pinKey, pinsPrefix, versionMax } from "../layout.ts";
import { readPointer } from "../pointer.ts";

export const pinFormat = "colonnade/gc-pin/1";

/**
 * Says that a pointer is about to be moved to a version. It ends by itself: a compare-and-swap from `base` cannot succeed any
 * more once the channel's pointer is another one, so no clock has to say when its writer is dead.
 */
export const pinSchema = z.looseObject({
  format: z.literal(pinFormat),
  version: z.number().int().min(1).max(versionMax),
  channel: z.string(),
  base: z
    .string()
    .nullable()
    .describe("The ETag that the pointer is replaced from; null: there is none yet."),
  pinnedAt: z.iso.datetime(),
});
export type Pin = z.infer<typeof pinSchema>;

export interface FoundPin extends Pin {
  readonly key: string;
  readonly bytes: number;
}

/** Resolves to what takes the pin away again; best effort, since an ended pin keeps nothing. */
export async function pinVersion(
  { store, clock, ids, retry }: Destination,
  version: number,
  channel: string,
  base: string | undefined,
): Promise<() => Promise<void>> {
  const pin: Pin = {
    format: pinFormat,
    version,
    channel,
    base: base ?? null,
    pinnedAt: clock.now().toISOString(),
  };
  const key = pinKey(ids.next());
  await createObject(store, key, encodeDocument(pin), clock, retry);
  return () => store.delete(key).catch(() => undefined);
}

export async function listPins(store: ObjectStore): Promise<FoundPin[]> {
  const pins: FoundPin[] = [];
  for await (const { key, bytes } of store.list(pinsPrefix)) {
    const object = await store.get(key);
    // Taken away meanwhile: its swap is over, and the pointer tells.
    if (object === undefined) continue;
    pins.push({ ...parseDocument(object.body, pinSchema, pinFormat, "pin", key), key, bytes });
  }
  return pins;
}

/** Whether the pin's compare-and-swap may still succeed. Asked after the pins were listed. */
export async function isPending(store: ObjectStore, pin: Pin): Promise<boolean> {
  const pointer = await readPointer(store, pin.channel);
  return (pointer?.etag ?? null) === pin.base;
}
