import { crc32Hex, sha256Hex, updateCrc32 } from "../../../src/base/digest.ts";
import { encodeDocument } from "../../../src/dataset/document.ts";
import { readFileList } from "../../../src/dataset/file-list.ts";
import type { FileLine, Manifest } from "../../../src/dataset/formats.ts";
import { pointerKey } from "../../../src/dataset/layout.ts";
import { createLineEncoder } from "../../../src/dataset/line-codec.ts";
import { readManifest } from "../../../src/dataset/manifest.ts";
import { readPointer } from "../../../src/dataset/pointer.ts";
import { type ObjectStore, unconditional } from "../../../src/store/object-store.ts";

/** Changes lines and manifest of what a channel serves, with all digests made right again: a lie that hashes do not see. */
export async function doctorVersion(
  store: ObjectStore,
  edit: { line?: (line: FileLine) => FileLine; manifest?: (manifest: Manifest) => Manifest },
): Promise<void> {
  const read = await readPointer(store, "current");
  if (read === undefined) throw new Error("nothing is served");
  const manifest = await readManifest(store, read.pointer.manifest);
  const parts = [];
  for (const part of manifest.parts) {
    const encoder = createLineEncoder();
    for await (const line of readFileList(store, [part])) await encoder.add(edit.line?.(line) ?? line);
    const body = await encoder.finish();
    await store.put(part.key, body, unconditional);
    parts.push({ ...part, sha256: sha256Hex(body), bytes: body.length });
  }
  const edited = edit.manifest?.({ ...manifest, parts }) ?? { ...manifest, parts };
  const body = encodeDocument(edited);
  await store.put(read.pointer.manifest.key, body, unconditional);
  const reference = { ...read.pointer.manifest, sha256: sha256Hex(body), bytes: body.length };
  const pointer = encodeDocument({ ...read.pointer, manifest: reference });
  await store.put(pointerKey("current"), pointer, unconditional);
}

/** Exchanges a data object's content and its line with it, sizes and CRC right, totals as well. */
export async function doctorObject(store: ObjectStore, line: FileLine, bytes: Uint8Array): Promise<void> {
  await store.put(line.key, bytes, unconditional);
  const crc32 = crc32Hex(updateCrc32(bytes));
  const difference = bytes.length - line.bytes;
  await doctorVersion(store, {
    line: (one) =>
      one.key === line.key
        ? { ...one, crc32, bytes: bytes.length, bytesRewritten: one.bytesRewritten + difference }
        : one,
    manifest: (manifest) => {
      const { totals } = manifest;
      return {
        ...manifest,
        totals: {
          ...totals,
          bytes: totals.bytes + difference,
          bytesRewritten: totals.bytesRewritten + difference,
        },
      };
    },
  });
}

export async function bodyOf(store: ObjectStore, key: string): Promise<Uint8Array<ArrayBuffer>> {
  const object = await store.get(key);
  if (object === undefined) throw new Error(`${key} is missing`);
  return Uint8Array.from(object.body);
}
