import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { withTables } from "../../../scripts/semantics.ts";

test("the tables of docs/SEMANTICS.md are those of the code (run `node scripts/semantics.ts`)", () => {
  const document = readFileSync(join(import.meta.dirname, "../../../docs/SEMANTICS.md"), "utf8");
  expect(document).toBe(withTables(document));
});
