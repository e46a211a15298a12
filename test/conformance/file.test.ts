import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describeStore } from "./suite.ts";
import { createFileStore } from "../../src/store/file.ts";

describeStore({
  name: "file",
  async open() {
    const rootPath = await mkdtemp(join(tmpdir(), "colonnade-file-store-"));
    const otherPath = await mkdtemp(join(tmpdir(), "colonnade-file-store-"));
    return {
      store: createFileStore({ rootPath }),
      again: createFileStore({ rootPath }),
      other: createFileStore({ rootPath: otherPath }),
      async leftovers() {
        const entries = await readdir(join(rootPath, ".colonnade"), { recursive: true });
        return entries.filter((entry) => entry.includes("/"));
      },
      async close() {
        await rm(rootPath, { recursive: true });
        await rm(otherPath, { recursive: true });
      },
    };
  },
});
