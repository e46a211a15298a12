import { join } from "node:path";
import { defineConfig } from "vitest/config";

// For all processes and threads that tests start: a thread that casts is TypeScript here, and takes 0.3 s to load without.
process.env["NODE_COMPILE_CACHE"] ??= join(import.meta.dirname, "node_modules/.cache/compiled");

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/global-setup.ts"],
    setupFiles: ["test/support/setup.ts"],
    exclude: ["test/k8s/**"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // As src/base/wasm-in-threads.ts does, for the test runner's own processes, whose code comes first.
    execArgv: ["--wasm-wrapper-tiering-budget=1000000000"],
    // Two cores: more forks would only make the process-killing tests fight each other.
    maxWorkers: 2,
  },
});
