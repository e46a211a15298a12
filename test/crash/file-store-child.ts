// A process that writes to a file store until it is done, or until it kills itself at its n-th step.
//   node file-store-child.ts <root> <what> <times> <killAtStep>
// Prints a line for each write that was acknowledged, at once, so that the line is out before the process can die.
import { writeSync } from "node:fs";

import { createFileStore } from "../../src/store/file.ts";
import { createOnly, ifMatch, unconditional } from "../../src/store/object-store.ts";

const [rootPath = "", what = "", times = "1", killAt = "0"] = process.argv.slice(2);
let steps = 0;
const store = createFileStore({
  rootPath,
  onStep() {
    steps += 1;
    if (steps === Number(killAt)) process.kill(process.pid, "SIGKILL");
  },
});

async function increment(): Promise<void> {
  for (;;) {
    const current = await store.get("counter");
    if (current === undefined) throw new Error("no counter");
    const next = String(Number(Buffer.from(current.body).toString()) + 1);
    const result = await store.put("counter", Buffer.from(next), ifMatch(current.etag));
    if (result.outcome === "unknown") throw new Error("unknown", { cause: result.cause });
    if (result.outcome === "written") return void writeSync(1, `${next}\n`);
  }
}

async function writeLarge(): Promise<void> {
  const writer = await store.createWriter("deep/er/large", { precondition: unconditional });
  for (let i = 0; i < 8; i += 1) await writer.write(Buffer.alloc(500_000, "new "));
  const { result } = await writer.complete();
  writeSync(1, `${result.outcome}\n`);
}

for (let i = 0; i < Number(times); i += 1) {
  if (what === "increment") await increment();
  if (what === "create")
    writeSync(1, `${(await store.put("deep/new", Buffer.from("new"), createOnly)).outcome}\n`);
  if (what === "large") await writeLarge();
  if (what === "delete") await store.delete("deep/er/large").then(() => writeSync(1, "deleted\n"));
}
