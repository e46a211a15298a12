#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { exitCodes, toColonnadeError } from "../base/errors.ts";

/** Of the package, which lies two folders up: from src/cli/ and from dist/cli/ alike. */
function readVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  return manifest.version;
}

/** A reader that has seen enough, as in `colonnade files … | head`, is no failure. */
function endQuietlyOnBrokenPipes(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(process.exitCode ?? 0);
    throw error;
  });
  process.stderr.on("error", (error: NodeJS.ErrnoException) => {
    // Nobody listens to the log any more; the work goes on.
    if (error.code !== "EPIPE") throw error;
  });
}

async function main(words: readonly string[]): Promise<number> {
  if (words[0] === "--version" || words[0] === "-V") {
    process.stdout.write(`${readVersion()}\n`);
    return 0;
  }
  const { runProgram } = await import("./run-program.ts");
  return runProgram(words);
}

endQuietlyOnBrokenPipes();
process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  // Only what happens before there is anything to render it with.
  process.stderr.write(`error: ${toColonnadeError(error).message}\n`);
  return exitCodes.internal;
});
// A worker or a connection that lingers must not keep a finished run alive.
for (const stream of [process.stdout, process.stderr]) {
  await new Promise((resolve) => stream.write("", resolve));
}
process.exit();
