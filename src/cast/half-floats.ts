/** IEEE 754 binary16, as Parquet's FLOAT16 stores it: two bytes, little endian. */

const scratch = new DataView(new ArrayBuffer(8));

let decoded: Float32Array | undefined;

/** The number of every one of the 65,536 bit patterns. */
function decodeTable(): Float32Array {
  if (decoded !== undefined) return decoded;
  decoded = new Float32Array(65_536);
  for (let bits = 0; bits < 65_536; bits += 1) {
    const exponent = (bits >>> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    const sign = bits >= 0x8000 ? -1 : 1;
    if (exponent === 31) decoded[bits] = fraction === 0 ? sign * Infinity : NaN;
    else if (exponent === 0) decoded[bits] = sign * fraction * 2 ** -24;
    else decoded[bits] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return decoded;
}

/** The number of a bit pattern. */
export function halfNumber(bits: number): number {
  return decodeTable()[bits] as number;
}

export function decodeHalfFloats(bytes: Uint8Array): Float32Array {
  const table = decodeTable();
  const numbers = new Float32Array(bytes.length / 2);
  for (let i = 0; i < numbers.length; i += 1) {
    numbers[i] = table[(bytes[2 * i] as number) | ((bytes[2 * i + 1] as number) << 8)] as number;
  }
  return numbers;
}

/** Nearest, ties to even, straight from the double: going through float32 would round twice. */
export function encodeHalfFloats(numbers: Float32Array | Float64Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(numbers.length * 2);
  for (let i = 0; i < numbers.length; i += 1) {
    const bits = halfBits(numbers[i] as number);
    bytes[2 * i] = bits;
    bytes[2 * i + 1] = bits >>> 8;
  }
  return bytes;
}

/** The bit pattern of the half float nearest to a number; infinity from 65520 on. */
export function halfBits(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude >= 65_520) return sign | 0x7c00;
  if (magnitude < 2 ** -14) return sign | roundTiesToEven(magnitude * 2 ** 24);
  scratch.setFloat64(0, magnitude);
  const exponent = (scratch.getUint32(0) >>> 20) - 1023;
  // A fraction that rounds up to 1024 carries into the exponent, which is the right answer.
  return sign | (((exponent + 15) << 10) + roundTiesToEven((magnitude * 2 ** -exponent - 1) * 1024));
}

function roundTiesToEven(value: number): number {
  const floor = Math.floor(value);
  const fraction = value - floor;
  return fraction > 0.5 || (fraction === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
