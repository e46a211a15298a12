import { ColonnadeError } from "../base/errors.ts";
import type { Values } from "../parquet/values/values.ts";

/** Offsets of BYTE_ARRAY values are Int32. */
const bytesMax = 2 ** 31 - 1;

/** Builds BYTE_ARRAY values one after the other: write some bytes, then `endValue`. */
export class ByteBuilder {
  bytes: Uint8Array;
  length = 0;
  readonly #offsets: Int32Array;
  #count = 0;

  constructor(count: number, bytesPerValue: number) {
    this.bytes = new Uint8Array(Math.max(64, count * bytesPerValue));
    this.#offsets = new Int32Array(count + 1);
  }

  /** Makes room for `atLeast` more bytes, so that a kernel may write them to `bytes` from `length` on. */
  reserve(atLeast: number): void {
    const needed = this.length + atLeast;
    if (needed <= this.bytes.length) return;
    if (needed > bytesMax) {
      throw new ColonnadeError("data", "CAST_TOO_LARGE", "cast column chunk is larger than 2 GiB", {
        bytesMax,
      });
    }
    const larger = new Uint8Array(Math.min(bytesMax, Math.max(needed, this.bytes.length * 2)));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }

  /** ASCII only. */
  ascii(text: string): void {
    this.reserve(text.length);
    for (let i = 0; i < text.length; i += 1) this.bytes[this.length + i] = text.charCodeAt(i);
    this.length += text.length;
  }

  /** Any text, as UTF-8. */
  text(text: string): void {
    this.raw(Buffer.from(text));
  }

  /** A number of exactly `width` digits, zeros in front. */
  digits(value: number, width: number): void {
    this.reserve(width);
    let rest = value;
    for (let i = this.length + width - 1; i >= this.length; i -= 1) {
      const quotient = Math.floor(rest / 10);
      this.bytes[i] = 48 + (rest - quotient * 10);
      rest = quotient;
    }
    this.length += width;
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length] = value;
    this.length += 1;
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  endValue(): void {
    this.#count += 1;
    this.#offsets[this.#count] = this.length;
  }

  /** The values; the builder must not be used any more. */
  finish(): Values & { readonly kind: "bytes" } {
    return { kind: "bytes", offsets: this.#offsets, data: this.bytes.subarray(0, this.length) };
  }
}
