/**
 * A process that publishes versions in a race: `racing-writer.ts <folder> <name> <count>`. It begins when its stdin ends, so that several
 * start together, and prints one JSON outcome a line.
 */
import { randomIds, systemClock } from "../../src/base/clock.ts";
import { readPointer } from "../../src/dataset/pointer.ts";
import { publishVersion } from "../../src/dataset/publish-version.ts";
import { createFileStore } from "../../src/store/file.ts";
import { lineOf, publicationOf } from "./dataset-fixtures.ts";

const [rootPath = "", name = "", count = "0"] = process.argv.slice(2);
const store = createFileStore({ rootPath });
const base = await readPointer(store, "current");
for await (const _ of process.stdin);

const destination = { store, clock: systemClock, ids: randomIds() };
const outcomes = Array.from({ length: Number(count) }, async (_, index) => {
  const publication = publicationOf(base, [lineOf("2026-01-01")], { reason: `by ${name}-${index}` });
  return (await publishVersion(destination, publication)).outcome;
});
for (const outcome of await Promise.all(outcomes)) console.log(JSON.stringify(outcome));
