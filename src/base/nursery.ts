import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";

/** Two halves of 8 MB, of which one is in use. */
const grownBytes = 16 * 1024 ** 2;

let state: "left to V8" | "held" | "growing" | "grown" = "left to V8";

/** Keeps V8's young generation as large as it is, in all threads: 1 MB when called at the start. */
export function holdNursery(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
  state = "held";
}

/**
 * Lets V8's flags be its own while threads load. What was compiled in an earlier process, as all of Node's own modules were, V8 takes only
 * under the flags that it was compiled under (its `SerializedCodeData::SanityCheck`), and to compile those anew is half of what it takes a thread
 * to load. Returns what holds the young generation again.
 */
export function releaseNursery(): () => void {
  if (state === "left to V8") return () => undefined;
  setFlagsFromString("--semi-space-growth-factor=2");
  let isReleased = true;
  return () => {
    if (isReleased) setFlagsFromString("--semi-space-growth-factor=1");
    isReleased = false;
  };
}

/**
 * Lets this thread's young generation grow to 8 MB, if it was held: for thousands of requests. The SDK makes half a megabyte of objects
 * for each of the dozen that are under way, and what survives two turns of 1 MB counts as old, although it dies with its request. 3,000
 * small objects on S3 take a seventh less time so, and 45 MB less memory.
 *
 * V8 has no call for it, only this factor, by which it grows as soon as much survives. So this is to be called again and again meanwhile,
 * to see that it has, and `stopGrowing` at the end.
 */
export function growNursery(): void {
  if (state === "held") {
    setFlagsFromString("--semi-space-growth-factor=8");
    state = "growing";
  } else if (state === "growing") {
    const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space");
    if ((young?.space_size ?? grownBytes) < grownBytes) return;
    holdNursery();
    state = "grown";
  }
}

export function stopGrowing(): void {
  if (state === "growing") holdNursery();
}
