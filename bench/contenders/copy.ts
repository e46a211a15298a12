// A plain copy of the source, as durable as Colonnade's output: every file and its folder are fsynced.
import { constants } from "node:fs";
import { copyFile, mkdir, open, readdir } from "node:fs/promises";
import { join } from "node:path";

const [source = "", target = ""] = process.argv.slice(2);
const startedMs = performance.now();
await mkdir(target, { recursive: true });
const names = await readdir(source);
const fsync = async (path: string): Promise<void> => {
  const file = await open(path, "r");
  await file.sync();
  await file.close();
};
const copyAll = async (mine: readonly string[]): Promise<void> => {
  for (const name of mine) {
    // Without reflinks: a clone would share the blocks and copy nothing.
    await copyFile(join(source, name), join(target, name), constants.COPYFILE_EXCL);
    await fsync(join(target, name));
  }
};
// Two at a time, as the others have two threads.
await Promise.all([0, 1].map((lane) => copyAll(names.filter((_, i) => i % 2 === lane))));
await fsync(target);
console.log(
  JSON.stringify({
    seconds: (performance.now() - startedMs) / 1000,
    peakBytes: process.resourceUsage().maxRSS * 1024,
  }),
);
