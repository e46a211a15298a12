import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

/** SHA-256 as 64 lowercase hex digits. */
export function sha256Hex(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex");
}

/** A CRC-32 (IEEE 802.3, as in gzip and in S3's `CRC32` checksums) as eight lowercase hex digits. */
export function crc32Hex(crc: number): string {
  return (crc >>> 0).toString(16).padStart(8, "0");
}

/** CRC-32 over chunks: pass the previous result to go on. */
export function updateCrc32(chunk: Uint8Array, previous = 0): number {
  return crc32(chunk, previous);
}

// The CRC is linear over GF(2), so appending `lengthBytes` zero bytes is a matrix power. After zlib's
// crc32_combine (Mark Adler), which squares the one-zero-bit operator.
function timesMatrix(matrix: Uint32Array, vector: number): number {
  let sum = 0;
  let rest = vector >>> 0;
  for (let i = 0; rest !== 0; i += 1, rest >>>= 1) if ((rest & 1) !== 0) sum ^= matrix[i] as number;
  return sum >>> 0;
}

function squareMatrix(matrix: Uint32Array): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(matrix, (row) => timesMatrix(matrix, row));
}

/** CRC-32 of `a ++ b`, from the CRCs of both and the length of `b` in bytes. */
export function combineCrc32(crcA: number, crcB: number, lengthB: number): number {
  let operator: Uint32Array<ArrayBuffer> = new Uint32Array(32); // one zero bit
  operator[0] = 0xedb88320;
  for (let i = 1; i < 32; i += 1) operator[i] = 2 ** (i - 1);
  operator = squareMatrix(squareMatrix(squareMatrix(operator))); // one zero byte
  let crc = crcA >>> 0;
  for (let rest = lengthB; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) crc = timesMatrix(operator, crc);
    operator = squareMatrix(operator);
  }
  return (crc ^ crcB) >>> 0;
}
