import * as fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson } from "../../../src/base/canonical-json.ts";
import { combineCrc32, crc32Hex, updateCrc32 } from "../../../src/base/digest.ts";

test("the CRC of two joined byte strings follows from their CRCs and the second's length", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), fc.uint8Array({ maxLength: 3000 }), (a, b) => {
      const joined = updateCrc32(Buffer.concat([a, b]));
      expect(combineCrc32(updateCrc32(a), updateCrc32(b), b.length)).toBe(joined);
    }),
  );
});

test("CRC-32 of the standard check string is cbf43926", () => {
  expect(crc32Hex(updateCrc32(Buffer.from("123456789")))).toBe("cbf43926");
});

test("canonical JSON does not depend on the order in which keys were added", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
      const reversed = Object.fromEntries(Object.entries(object).toReversed());
      expect(canonicalJson(reversed)).toBe(canonicalJson(object));
      expect(JSON.parse(canonicalJson(object))).toEqual(JSON.parse(JSON.stringify(object)));
    }),
  );
});
