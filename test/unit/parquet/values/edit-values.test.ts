import * as fc from "fast-check";
import { expect, test } from "vitest";
import { insertValues, replaceValues } from "../../../../src/parquet/values/edit-values.ts";
import type { Values } from "../../../../src/parquet/values/values.ts";

function bytesOf(texts: readonly string[]): Values {
  const offsets = new Int32Array(texts.length + 1);
  const data = Buffer.concat(texts.map((text) => Buffer.from(text)));
  texts.forEach((text, i) => (offsets[i + 1] = (offsets[i] as number) + Buffer.byteLength(text)));
  return { kind: "bytes", offsets, data: new Uint8Array(data) };
}

function textsOf(values: Values): string[] {
  if (values.kind !== "bytes") throw new Error("not bytes");
  return Array.from(values.offsets.subarray(1), (end, i) =>
    Buffer.from(values.data.subarray(values.offsets[i], end)).toString(),
  );
}

const positionsIn = (length: number): fc.Arbitrary<number[]> =>
  fc.subarray(Array.from({ length }, (_, i) => i)).map((picked) => picked.toSorted((a, b) => a - b));

test("replacing changes the named positions and nothing else, for fixed and for variable widths", () => {
  const cases = fc
    .array(fc.string(), { minLength: 1 })
    .chain((texts) => fc.tuple(fc.constant(texts), positionsIn(texts.length)));
  fc.assert(
    fc.property(cases, fc.string(), ([texts, positions], one) => {
      const expected = texts.map((text, i) => (positions.includes(i) ? one : text));
      expect(textsOf(replaceValues(bytesOf(texts), Uint32Array.from(positions), bytesOf([one])))).toEqual(
        expected,
      );
      const numbers: Values = { kind: "double", data: Float64Array.from(texts.keys()) };
      const replaced = replaceValues(numbers, Uint32Array.from(positions), {
        kind: "double",
        data: Float64Array.of(-1),
      });
      expect([...replaced.data]).toEqual([...texts.keys()].map((i) => (positions.includes(i) ? -1 : i)));
    }),
  );
});

test("inserting puts one value before each named position, several where positions repeat", () => {
  fc.assert(
    fc.property(fc.array(fc.string()), fc.array(fc.nat()), fc.string(), (texts, raw, one) => {
      const positions = raw.map((n) => n % (texts.length + 1)).toSorted((a, b) => a - b);
      const expected = [...texts];
      for (const position of positions.toReversed()) expected.splice(position, 0, one);
      expect(textsOf(insertValues(bytesOf(texts), Uint32Array.from(positions), bytesOf([one])))).toEqual(
        expected,
      );
    }),
  );
});

test("values of a fixed width move as a whole", () => {
  const values: Values = { kind: "fixed", width: 2, data: Uint8Array.of(1, 1, 2, 2, 3, 3) };
  const one: Values = { kind: "fixed", width: 2, data: Uint8Array.of(9, 8) };
  expect([...replaceValues(values, Uint32Array.of(1), one).data]).toEqual([1, 1, 9, 8, 3, 3]);
  expect([...insertValues(values, Uint32Array.of(0, 3), one).data]).toEqual([9, 8, 1, 1, 2, 2, 3, 3, 9, 8]);
});
