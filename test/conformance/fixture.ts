import { createCipheriv } from "node:crypto";

import { expect } from "vitest";

import { ColonnadeError } from "../../src/base/errors.ts";
import type { ObjectInfo, ObjectStore, PutResult } from "../../src/store/object-store.ts";

/** One place to store things, as the suite needs it. */
export interface StoreFixture {
  /** An empty store. */
  readonly store: ObjectStore;
  /** Another handle to the same objects, as another process would have it; the same one when there is no such thing. */
  readonly again: ObjectStore;
  /** A store of the same kind on another place. */
  readonly other: ObjectStore;
  /** What unfinished or discarded writes left behind: staged files, multipart uploads. */
  readonly leftovers: () => Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface StoreKind {
  readonly name: string;
  open(): Promise<StoreFixture>;
}

export const utf8 = (text: string): Uint8Array => Buffer.from(text, "utf8");

export function text(body: Uint8Array | undefined): string | undefined {
  return body === undefined ? undefined : Buffer.from(body).toString("utf8");
}

/** Bytes that look random, the same for the same seed, so that a shifted or repeated range shows. */
export function pattern(bytes: number, seed = 1): Buffer {
  const cipher = createCipheriv("aes-128-ctr", Buffer.alloc(16, seed), Buffer.alloc(16));
  return cipher.update(Buffer.alloc(bytes));
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export async function collectBody(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await collect(body));
}

export async function keysOf(items: AsyncIterable<ObjectInfo>): Promise<string[]> {
  return (await collect(items)).map(({ key }) => key);
}

export function etagOf(result: PutResult): string {
  expect(result).toMatchObject({ outcome: "written" });
  return result.outcome === "written" ? result.etag : "";
}

/** The error that a promise is rejected with; fails when it is not a {@link ColonnadeError}. */
export async function errorOf(promise: Promise<unknown>): Promise<ColonnadeError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ColonnadeError);
  return error as ColonnadeError;
}
