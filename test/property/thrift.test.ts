import * as fc from "fast-check";
import { expect, test } from "vitest";
import { patchStruct } from "../../src/parquet/thrift/patch-struct.ts";
import { decodeStruct, ThriftReader } from "../../src/parquet/thrift/thrift-reader.ts";
import { encodeStruct, ThriftWriter } from "../../src/parquet/thrift/thrift-writer.ts";
import {
  ThriftStruct,
  type ThriftType,
  thriftType,
  type ThriftValue,
} from "../../src/parquet/thrift/thrift.ts";
import { thrownCode } from "../support/thrown-code.ts";

type Typed = { readonly type: ThriftType; readonly value: ThriftValue };

const scalar: fc.Arbitrary<Typed> = fc.oneof(
  fc.integer({ min: -128, max: 127 }).map((value) => ({ type: thriftType.i8, value: value & 0xff })),
  fc.integer({ min: -0x8000, max: 0x7fff }).map((value) => ({ type: thriftType.i16, value })),
  fc.integer().map((value) => ({ type: thriftType.i32, value })),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => ({ type: thriftType.i64, value })),
  fc.uint8Array({ minLength: 8, maxLength: 8 }).map((value) => ({ type: thriftType.double, value })),
  fc.uint8Array({ minLength: 16, maxLength: 16 }).map((value) => ({ type: thriftType.uuid, value })),
  fc.uint8Array({ maxLength: 200 }).map((value) => ({ type: thriftType.binary, value })),
);

function sameTyped(values: fc.Arbitrary<Typed>, maxLength: number): fc.Arbitrary<Typed[]> {
  return fc.array(values, { maxLength }).map((items) => items.filter((item) => item.type === items[0]?.type));
}

const { struct } = fc.letrec<{ struct: ThriftStruct; value: Typed }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    scalar,
    tie("struct").map((value) => ({ type: thriftType.struct, value })),
    fc
      .tuple(sameTyped(tie("value"), 20), fc.constantFrom(thriftType.list, thriftType.set))
      .map(([items, type]) => ({
        type,
        value: { elementType: items[0]?.type ?? thriftType.i32, elements: items.map((item) => item.value) },
      })),
    fc.tuple(sameTyped(tie("value"), 4), sameTyped(scalar, 4)).map(([values, keys]) => {
      const size = Math.min(values.length, keys.length);
      const entries = keys.slice(0, size).map(({ value }, i) => [value, values[i]?.value ?? 0] as const);
      const types = size === 0 ? [0, 0] : [keys[0]?.type ?? 0, values[0]?.type ?? 0];
      return { type: thriftType.map, value: { keyType: types[0] ?? 0, valueType: types[1] ?? 0, entries } };
    }),
  ),
  struct: fc
    .uniqueArray(
      fc.tuple(
        fc.integer({ min: -0x8000, max: 0x7fff }),
        fc.oneof(
          tie("value"),
          fc.boolean().map((value) => ({ type: thriftType.true, value })),
        ),
      ),
      { maxLength: 8, selector: ([id]) => id },
    )
    .map((fields) => new ThriftStruct(fields.map(([id, { type, value }]) => ({ id, type, value })))),
}));

test("any struct comes back as it was, in whatever order its fields are", () => {
  fc.assert(
    fc.property(struct, (original) => {
      expect(decodeStruct(encodeStruct(original))).toEqual(original);
    }),
  );
});

test("skipping ends where decoding ends", () => {
  fc.assert(
    fc.property(struct, fc.uint8Array({ maxLength: 5 }), (original, rest) => {
      const encoded = encodeStruct(original);
      const reader = new ThriftReader(Uint8Array.from([...encoded, ...rest]));
      reader.skip(thriftType.struct);
      expect(reader.position).toBe(encoded.length);
    }),
  );
});

test("what decodes at all can be skipped to the same place, and anything else is a typed error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const decoding = new ThriftReader(bytes);
      const code = thrownCode(() => decoding.struct());
      expect(["none", "THRIFT_MALFORMED"]).toContain(code);
      const skipping = new ThriftReader(bytes);
      if (code === "none") skipping.skip(thriftType.struct);
      expect(skipping.position).toBe(code === "none" ? decoding.position : 0);
    }),
    { numRuns: 2000 },
  );
});

test("patching a struct's bytes is the same as decoding it, setting the fields and encoding it", () => {
  const id = fc.integer({ min: 1, max: 20 });
  const patch = fc.oneof(
    fc.record({ id, type: fc.constant(thriftType.i32), value: fc.option(fc.integer(), { nil: undefined }) }),
    fc.record({
      id,
      type: fc.constant(thriftType.i64),
      value: fc.option(fc.maxSafeInteger(), { nil: undefined }),
    }),
  );
  const patches = fc
    .uniqueArray(patch, { maxLength: 6, selector: (one) => one.id })
    .map((all) => all.toSorted((a, b) => a.id - b.id));
  fc.assert(
    fc.property(struct, patches, (original, wanted) => {
      // In order, as Parquet's writers have them, and with gaps.
      const fields = original.fields.map((field, i) => ({ ...field, id: 2 * i + 3 }));
      const writer = new ThriftWriter();
      patchStruct(new ThriftReader(encodeStruct(new ThriftStruct(fields))), writer, wanted);
      const expected = new ThriftStruct(fields);
      for (const { id: at, type, value } of wanted) {
        const present = expected.get(at);
        const isNumber = typeof present === "number" || typeof present === "bigint";
        if (value !== undefined) expected.set(at, type, type === thriftType.i64 ? BigInt(value) : value);
        else if (isNumber) expected.set(at, type, undefined);
      }
      expect(writer.finish()).toEqual(encodeStruct(expected));
    }),
  );
});
