import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/global-setup.ts"],
    exclude: ["test/k8s/**"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Two cores: more forks would only make the process-killing tests fight each other.
    maxWorkers: 2,
  },
});
