import {
  closeSync,
  fdatasync,
  fstatSync,
  fsync,
  futimes,
  futimesSync,
  open,
  openSync,
  read,
  readSync,
  write,
} from "node:fs";
import type { BigIntStats } from "node:fs";
import { promisify } from "node:util";

import { quickReads, quickWrites } from "./quick-calls.ts";

const openElsewhere = promisify(open);
const readElsewhere = promisify(read);
const writeElsewhere = promisify(write);
const fsyncElsewhere = promisify(fsync);
const fdatasyncElsewhere = promisify(fdatasync);
const futimesElsewhere = promisify(futimes);

/** What is read in place at most, when that is quick. More goes on beside other work. */
const inPlaceBytesMax = 256 * 1024;

/** Linux moves less than 2 GiB at once, and Node refuses to ask for more. */
const ioBytesMax = 1024 ** 3;

/**
 * An open file. Like Node's `FileHandle` it is closed only when no call on it is under way; unlike that it makes short calls in
 * place (`quick-calls.ts`).
 */
export class OpenFile {
  readonly #fd: number;
  #underWay = 0;
  #isClosed = false;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  static async toRead(path: string, flags: string | number = "r"): Promise<OpenFile> {
    return new OpenFile(
      await quickReads.make(
        () => openSync(path, flags),
        () => openElsewhere(path, flags),
      ),
    );
  }

  /** A new file, to be written and read. To make one takes the kernel longer than another thread's turn. */
  static async create(path: string): Promise<OpenFile> {
    return new OpenFile(await openElsewhere(path, "wx+"));
  }

  /**
   * At once: the kernel has the facts since it opened the file, on network file systems as well, and to hand the call to another
   * thread costs many times what it takes.
   */
  stat(): BigIntStats {
    this.#assertOpen();
    return fstatSync(this.#fd, { bigint: true });
  }

  /** Sets the times of access and modification, in seconds. */
  stamp(seconds: number): Promise<void> {
    return this.#use(async () => {
      const elsewhere = (): Promise<void> => futimesElsewhere(this.#fd, seconds, seconds);
      // NFS sends what was written before it sets the time.
      if (this.stat().size > inPlaceBytesMax) return elsewhere();
      return quickWrites.make(() => futimesSync(this.#fd, seconds, seconds), elsewhere);
    });
  }

  /** Reads up to `length` bytes; returns how many, 0 at the file's end. */
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    return this.#use(async () => {
      const elsewhere = async (): Promise<number> =>
        (await readElsewhere(this.#fd, buffer, offset, length, position)).bytesRead;
      if (length > inPlaceBytesMax) return elsewhere();
      return quickReads.make(() => readSync(this.#fd, buffer, offset, length, position), elsewhere);
    });
  }

  /** Fills the buffer from a position of the file; returns fewer bytes than it holds when the file ends before. */
  async readFully(buffer: Uint8Array, position: number): Promise<number> {
    let done = 0;
    while (done < buffer.length) {
      const wanted = Math.min(buffer.length - done, ioBytesMax);
      const bytes = await this.read(buffer, done, wanted, position + done);
      if (bytes === 0) break;
      done += bytes;
    }
    return done;
  }

  /** Writes the first `bytes` of the buffer. */
  writeAll(buffer: Uint8Array, bytes: number, position: number): Promise<void> {
    return this.#use(async () => {
      for (let done = 0; done < bytes;) {
        const length = Math.min(bytes - done, ioBytesMax);
        done += (await writeElsewhere(this.#fd, buffer, done, length, position + done)).bytesWritten;
      }
    });
  }

  sync(): Promise<void> {
    return this.#use(() => fsyncElsewhere(this.#fd));
  }

  datasync(): Promise<void> {
    return this.#use(() => fdatasyncElsewhere(this.#fd));
  }

  /** At once, or after what is under way. Never throws: what had to be durable was synced before. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#underWay === 0) this.#closeNow();
  }

  async #use<T>(call: () => Promise<T>): Promise<T> {
    this.#assertOpen();
    this.#underWay += 1;
    try {
      return await call();
    } finally {
      this.#underWay -= 1;
      if (this.#isClosed && this.#underWay === 0) this.#closeNow();
    }
  }

  #closeNow(): void {
    try {
      closeSync(this.#fd);
    } catch {
      // The descriptor is gone whatever the kernel answers (close(2)).
    }
  }

  #assertOpen(): void {
    if (this.#isClosed) throw Object.assign(new Error("file is closed"), { code: "EBADF" });
  }
}
