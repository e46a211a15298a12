import { expect, test } from "vitest";
import { SecondReader } from "../../../src/validate/second-reader.ts";

function garbage(bytes: number): Uint8Array {
  const file = new Uint8Array(bytes).fill(0xa5);
  file.set(Buffer.from("PAR1"), 0);
  file.set(Buffer.from("PAR1"), bytes - 4);
  new DataView(file.buffer).setUint32(bytes - 8, bytes - 12, true);
  return file;
}

test("damaged bytes are answered with a reason, one after the other, and the reader lives on", async () => {
  const reader = new SecondReader(1, new AbortController().signal);
  try {
    for (let bytes = 12; bytes < 40; bytes += 1) {
      const reply = await reader.run({ kind: "footer", objectBytes: bytes, tail: garbage(bytes) });
      expect(reply).toMatchObject({ kind: "failed", reason: expect.stringMatching(/./) as string });
    }
  } finally {
    await reader.close();
  }
});

test("an aborted signal ends what is asked and what waits, as cancelled", async () => {
  const controller = new AbortController();
  const reader = new SecondReader(1, controller.signal);
  const asked = [1, 2, 3].map(() =>
    reader.run({ kind: "footer", objectBytes: 40, tail: garbage(40) }).then(
      ({ kind }) => kind,
      (error: unknown) => (error as { code?: string }).code,
    ),
  );
  controller.abort();
  expect(await Promise.all(asked)).toEqual(["CANCELLED", "CANCELLED", "CANCELLED"]);
  await expect(reader.run({ kind: "footer", objectBytes: 12, tail: garbage(12) })).rejects.toMatchObject({
    kind: "cancelled",
  });
  await reader.close();
});
