import { expect } from "vitest";

import type { FileLine, Manifest, Pointer } from "../../src/dataset/formats.ts";
import { readFileList } from "../../src/dataset/file-list.ts";
import { readHistory } from "../../src/dataset/history.ts";
import { readManifest } from "../../src/dataset/manifest.ts";
import { readPointer } from "../../src/dataset/pointer.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";

export interface Served {
  readonly pointer: Pointer;
  readonly manifest: Manifest;
  readonly lines: readonly FileLine[];
}

/**
 * What a channel serves, after a look at all it names: the manifest and the file lists by their digests, the data objects by
 * their size. Undefined before the first commit.
 */
export async function readServed(store: ObjectStore, channel = "current"): Promise<Served | undefined> {
  const read = await readPointer(store, channel);
  if (read === undefined) return undefined;
  const { pointer } = read;
  const manifest = await readManifest(store, pointer.manifest);
  expect(manifest.version).toBe(pointer.version);
  const lines: FileLine[] = [];
  for await (const line of readFileList(store, manifest.parts)) {
    expect(await store.head(line.key)).toMatchObject({ bytes: line.bytes });
    lines.push(line);
  }
  return { pointer, manifest, lines };
}

/** The channel's generations, newest first; fails when one is not kept or when they have gaps. */
export async function readGenerations(store: ObjectStore, channel = "current"): Promise<readonly Pointer[]> {
  const pointers: Pointer[] = [];
  for await (const entry of readHistory(store, channel)) {
    expect(entry.kind).toBe("pointer");
    if (entry.kind === "pointer") pointers.push(entry.pointer);
  }
  expect(pointers.map(({ generation }) => generation)).toEqual(
    Array.from(pointers, (_, index) => pointers.length - index),
  );
  return pointers;
}
