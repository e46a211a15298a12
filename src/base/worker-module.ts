/**
 * The module that a worker thread runs, which stands beside the one with the URL `from`: TypeScript in the sources, where Node strips its
 * types, JavaScript in the package.
 */
export function workerModule(name: string, from: string): URL {
  return new URL(`./${name}.${isSource(from) ? "ts" : "js"}`, from);
}

/** Whether a module runs as its source. */
export function isSource(url: string): boolean {
  return url.endsWith(".ts");
}
