import { updateCrc32 } from "../base/digest.ts";
import type { OpenFile } from "./open-file.ts";

// Measured on Linux 6.18 with ext4: with 1 MiB and more the kernel looks for as large pieces of free memory to cache what is
// written, and now and then spends several times the copy's own time on it; with 256 KiB the calls cost a third more.
const bufferBytes = 512 * 1024;
const buffersMax = 12;
/** How much is written before the disk is asked to begin, so that the fsync at the end finds little left to do. */
const syncEveryBytes = 32 * 1024 * 1024;

/**
 * Buffers between two uses. What small objects would leave behind otherwise, a buffer each, the garbage collector sees late: it
 * lies outside of its heap. No more than four objects in flight use.
 */
const idleBuffers: Buffer[] = [];
const idleBuffersMax = 4 * buffersMax;

/**
 * Appends to a file through a few large buffers (6 MiB in all): while one is being read into, another is summed (CRC-32) and
 * others are being written and synced. Small ranges share a buffer, so that writes stay large and aligned.
 */
export interface FileSink {
  write(chunk: Uint8Array): Promise<void>;
  /** Appends `[start, end)` of an open file. Resolves to false when the file ends before. */
  copyFrom(source: OpenFile, start: number, end: number): Promise<boolean>;
  /** Writes what is left. The file is not synced yet. */
  flush(): Promise<{ readonly bytes: number; readonly crc32: number }>;
  /** Waits until nothing is in flight any more; never throws. */
  settle(): Promise<void>;
}

export function createFileSink(file: OpenFile): FileSink {
  const free: Buffer[] = [];
  const inFlight = new Set<Promise<void>>();
  let allocated = 0;
  let current: Buffer | undefined;
  let full: Buffer | undefined; // read by copyFrom, to be summed and written while the next read runs
  let fill = 0;
  let flushedBytes = 0;
  let unsyncedBytes = 0;
  // One write at a time: the kernel locks the file for each, and whoever waits for that lock burns a core.
  let writing: Promise<void> | undefined;
  let syncing: Promise<void> | undefined;
  let crc = 0;
  let failure: { readonly error: unknown } | undefined;

  function track(work: Promise<void>): Promise<void> {
    const tracked = work
      .catch((error: unknown) => {
        // Kept for the next caller: the kernel reports a failed write-back to one fsync only.
        failure ??= { error };
      })
      .finally(() => inFlight.delete(tracked));
    inFlight.add(tracked);
    return tracked;
  }

  function throwFailure(): void {
    if (failure !== undefined) throw failure.error;
  }

  async function takeBuffer(): Promise<Buffer> {
    for (;;) {
      throwFailure();
      const buffer = free.pop();
      if (buffer !== undefined) return buffer;
      if (allocated < buffersMax) {
        allocated += 1;
        return idleBuffers.pop() ?? Buffer.allocUnsafeSlow(bufferBytes);
      }
      await Promise.race(inFlight);
    }
  }

  function emit(buffer: Buffer, bytes: number): void {
    const position = flushedBytes;
    flushedBytes += bytes;
    crc = updateCrc32(bytes === buffer.length ? buffer : buffer.subarray(0, bytes), crc);
    const before = writing;
    const write = async (): Promise<void> => {
      await before;
      await file.writeAll(buffer, bytes, position);
      free.push(buffer);
      unsyncedBytes += bytes;
      if (unsyncedBytes >= syncEveryBytes && syncing === undefined) startSync();
    };
    writing = track(write());
  }

  /** To be called when nothing is in flight: what was written is nobody's any more. */
  function giveBack(): void {
    for (const buffer of free.splice(0)) {
      allocated -= 1;
      if (idleBuffers.length < idleBuffersMax) idleBuffers.push(buffer);
    }
  }

  function emitFull(): void {
    if (full !== undefined) emit(full, full.length);
    full = undefined;
  }

  function startSync(): void {
    unsyncedBytes = 0;
    syncing = track(file.datasync()).finally(() => {
      syncing = undefined;
    });
  }

  return {
    async write(chunk) {
      for (let start = 0; start < chunk.length;) {
        current ??= await takeBuffer();
        const bytes = Math.min(chunk.length - start, current.length - fill);
        current.set(chunk.subarray(start, start + bytes), fill);
        start += bytes;
        fill += bytes;
        if (fill === current.length) {
          emit(current, fill);
          current = undefined;
          fill = 0;
        }
      }
      throwFailure();
    },
    async copyFrom(source, start, end) {
      let position = start;
      while (position < end) {
        if (free.length === 0 && allocated === buffersMax) emitFull();
        current ??= await takeBuffer();
        const wanted = Math.min(end - position, current.length - fill);
        const reading = source.read(current, fill, wanted, position);
        // The buffer read before this one is summed and written while this read goes on.
        emitFull();
        const bytes = await reading;
        if (bytes === 0) return false;
        position += bytes;
        fill += bytes;
        if (fill === current.length) {
          full = current;
          current = undefined;
          fill = 0;
        }
      }
      emitFull();
      throwFailure();
      return true;
    },
    async flush() {
      if (current !== undefined && fill > 0) emit(current, fill);
      else if (current !== undefined) free.push(current);
      current = undefined;
      fill = 0;
      while (inFlight.size > 0) await Promise.all(inFlight);
      throwFailure();
      giveBack();
      return { bytes: flushedBytes, crc32: crc };
    },
    async settle() {
      while (inFlight.size > 0) await Promise.all(inFlight);
      giveBack();
    },
  };
}
