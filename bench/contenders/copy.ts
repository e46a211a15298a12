// A plain copy of the source, as durable as Colonnade's output: every file and its folder are fsynced.
import { constants } from "node:fs";
import { copyFile, mkdir, open, readdir } from "node:fs/promises";
import { join } from "node:path";

const [source = "", target = "", lanes = "2"] = process.argv.slice(2);
await mkdir(target, { recursive: true });
const names = await readdir(source);
const fsync = async (path: string): Promise<void> => {
  const file = await open(path, "r");
  await file.sync();
  await file.close();
};
const copyAll = async (): Promise<void> => {
  for (let name = names.shift(); name !== undefined; name = names.shift()) {
    // Without reflinks: a clone would share the blocks and copy nothing.
    await copyFile(join(source, name), join(target, name), constants.COPYFILE_EXCL);
    await fsync(join(target, name));
  }
};
await Promise.all(Array.from({ length: Number(lanes) }, copyAll));
await fsync(target);
