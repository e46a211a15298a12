import { randomBytes } from "node:crypto";

/** Time and randomness come in as parameters, so that simulations can replay them. */
export interface Clock {
  /** Wall clock, for people to read; no decision of correctness may rest on it. */
  now(): Date;
  /** Milliseconds on a clock that never jumps, for durations. */
  monotonicMs(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Ids {
  /** A fresh identifier: 26 lowercase characters, time-ordered like a ULID. */
  next(): string;
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener("abort", done, { once: true });
    }),
};

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"; // Crockford's base 32

const idRandomBytes = 16;

/** Ten characters of milliseconds and sixteen of randomness (https://github.com/ulid/spec). */
export function randomIds(clock: Clock = systemClock): Ids {
  // Randomness is asked for in advance: a call of its own for each takes longer than all the rest.
  let random = Buffer.alloc(0);
  return {
    next() {
      let time = clock.now().getTime();
      let head = "";
      for (let i = 0; i < 10; i += 1, time = Math.floor(time / 32)) head = alphabet[time % 32] + head;
      if (random.length < idRandomBytes) random = randomBytes(64 * idRandomBytes);
      let tail = "";
      for (let i = 0; i < idRandomBytes; i += 1) tail += alphabet[(random[i] as number) & 31];
      random = random.subarray(idRandomBytes);
      return head + tail;
    },
  };
}
