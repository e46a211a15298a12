import { spawnSync } from "node:child_process";
import { existsSync, globSync, statSync } from "node:fs";
import { join, resolve } from "node:path";

const repository = resolve(import.meta.dirname, "../..");
const parts = ["src/**/*.ts", "scripts/build.ts", "package-lock.json"];

/** The program as users have it, built by `npm run build`: it starts in half the time that its TypeScript takes. */
export const program = join(repository, "dist/bin/colonnade.js");

/** Builds it when something that it is made of is newer. */
export function buildProgram(): void {
  const changedMs = globSync(parts, { cwd: repository }).map(
    (path) => statSync(join(repository, path)).mtimeMs,
  );
  if (existsSync(program) && statSync(program).mtimeMs > Math.max(...changedMs)) return;
  const { status } = spawnSync(process.execPath, ["scripts/build.ts"], { cwd: repository, stdio: "inherit" });
  if (status !== 0) throw new Error("the program could not be built");
}
