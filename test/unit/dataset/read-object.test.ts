import { describe, expect, test } from "vitest";
import { FooterSizes, readFooter } from "../../../src/dataset/read-object.ts";
import { encodeStruct } from "../../../src/parquet/thrift/thrift-writer.ts";
import { frameFooter } from "../../../src/parquet/footer/rewrite-footer.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { type ObjectStore, unconditional } from "../../../src/store/object-store.ts";
import { fileMetaData, leaf, root } from "../../support/build-footer.ts";

/** An object of so many columns, and how many bytes each request for it asked for. */
async function objectOf(columns: number) {
  const leaves = Array.from({ length: columns }, (_, index) =>
    leaf("optional", `c${index}`, { kind: "int", bits: 64, signed: true }),
  );
  const footer = frameFooter(encodeStruct(fileMetaData(root(...leaves), [10])));
  const body = new Uint8Array(2_000_000 + footer.length);
  body.set(footer, 2_000_000);
  const memory = createMemoryStore();
  await memory.put("a", body, unconditional);
  const asked: number[] = [];
  const store: ObjectStore = {
    ...memory,
    get(key, options) {
      const { range } = options ?? {};
      if (range !== undefined && "start" in range) asked.push(range.end - range.start);
      return memory.get(key, options);
    },
  };
  const { etag = "", bytes = 0 } = (await memory.head("a")) ?? {};
  return { object: { store, key: "a", etag, bytes }, asked, footerBytes: footer.length - 8 };
}

describe("the end of an object", () => {
  test("is asked for again when its footer is longer than 64 KiB, but only of the first", async () => {
    const { object, asked, footerBytes } = await objectOf(2_000);
    expect(footerBytes).toBeGreaterThan(64 * 1024);
    const sizes = new FooterSizes();
    const first = await readFooter(object, undefined, sizes);
    expect(asked).toEqual([64 * 1024, footerBytes]);
    const second = await readFooter(object, undefined, sizes);
    expect(asked.slice(2)).toEqual([Math.ceil((footerBytes + 8) * 1.25)]);
    expect(second.bytes).toEqual(first.bytes);
  });

  test("is asked for as far as footers have reached, when those are short", async () => {
    const { object, asked, footerBytes } = await objectOf(40);
    const sizes = new FooterSizes();
    for (let round = 0; round < 3; round += 1) await readFooter(object, undefined, sizes);
    const again = Math.max(4096, Math.ceil((footerBytes + 8) * 1.25));
    expect(asked).toEqual([64 * 1024, again, again]);
  });

  test("is asked for by no more than 1 MiB, however long a footer has been", async () => {
    const { object, asked } = await objectOf(20);
    const sizes = new FooterSizes();
    sizes.add(44_000_000);
    await readFooter(object, undefined, sizes);
    expect(asked).toEqual([1024 * 1024]);
  });
});
