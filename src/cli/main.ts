#!/usr/bin/env node
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { exitCodes, toColonnadeError } from "../base/errors.ts";
import { holdNursery } from "../base/nursery.ts";
import { packageFile } from "./package-file.ts";

function readVersion(): string {
  const manifest = JSON.parse(readFileSync(packageFile("package.json"), "utf8")) as { version: string };
  return manifest.version;
}

/** All of it must be said before anything else is loaded. */
function prepareRuntime(environment: NodeJS.ProcessEnv): void {
  // A read, a write and a sync each hold a thread of Node's pool while they wait: four, its default, leave one of several
  // objects in flight without.
  environment["UV_THREADPOOL_SIZE"] ??= "8";
  // What is young in our heaps is little, whatever the data: a nursery that grew to V8's 32 MB would only hold garbage.
  holdNursery();
  const folder = compiledFolder(environment);
  if (folder !== undefined) enableCompileCache(folder);
}

/**
 * glibc's allocator can be told how to treat large buffers only by the environment that a process begins with (mallopt(3)), so a command
 * that handles pages begins a second time. This costs some 25 ms. docs/decisions/threads.md has the figures.
 *
 * `M_MMAP_THRESHOLD`: by itself it has a buffer above 128 kB from the kernel and gives it back, page by page, each a fault: a fifth of
 * a run. `M_TRIM_THRESHOLD`: `limits.memory` is a promise about what the system sees, and what is freed would be kept, up to 64 MB in
 * each thread, as soon as one large buffer has come and gone. `hugetlb`: what does come from the kernel may come in pages of 2 MB.
 */
const allocator = {
  MALLOC_MMAP_THRESHOLD_: String(2 * 1024 ** 2),
  MALLOC_TRIM_THRESHOLD_: String(8 * 1024 ** 2),
  GLIBC_TUNABLES: "glibc.malloc.hugetlb=1",
};

function prepareAllocator(words: readonly string[], environment: NodeJS.ProcessEnv): void {
  const handlesPages = words.includes("apply") || words.includes("verify");
  const isPrepared = Object.keys(allocator).every((name) => environment[name] !== undefined);
  if (!handlesPages || process.platform !== "linux" || isPrepared) return;
  const command = [process.argv0, ...process.execArgv, ...process.argv.slice(1)];
  process.execve?.(process.execPath, command, { ...allocator, ...environment });
}

/** Where compiled code is kept between runs: where only this user can write. Undefined without a home, or in a read-only one. */
function compiledFolder({ XDG_CACHE_HOME, HOME, LOCALAPPDATA }: NodeJS.ProcessEnv): string | undefined {
  const cache = XDG_CACHE_HOME ?? (HOME === undefined ? LOCALAPPDATA : join(HOME, ".cache"));
  if (cache === undefined || cache === "") return undefined;
  // One level at a time, not as `mkdir -p`: a home that is missing is not made, and under /proc Node's own never ends.
  const folders = [cache, join(cache, "colonnade"), join(cache, "colonnade", "compiled")];
  for (const folder of folders) {
    if (existsSync(folder)) continue;
    try {
      mkdirSync(folder, { mode: 0o700 });
    } catch {
      return undefined;
    }
  }
  return folders.at(-1);
}

const unsettledCode = 13;
let isFinished = false;

/** Nothing may be left that could settle what is waited for. Node's own code for that says something else here. */
function noticeUnfinishedWork(): void {
  process.on("exit", (code) => {
    if (isFinished || code !== unsettledCode) return;
    process.stderr.write("error: program ended in the middle of its work UNSETTLED\n");
    process.exitCode = exitCodes.internal;
  });
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

prepareAllocator(process.argv.slice(2), process.env);
prepareRuntime(process.env);
noticeUnfinishedWork();
endQuietlyOnBrokenPipes();
process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  // Only what happens before there is anything to render it with.
  process.stderr.write(`error: ${toColonnadeError(error).message}\n`);
  return exitCodes.internal;
});
isFinished = true;
// A worker or a connection that lingers must not keep a finished run alive.
for (const stream of [process.stdout, process.stderr]) {
  await new Promise((resolve) => stream.write("", resolve));
}
process.exit();
