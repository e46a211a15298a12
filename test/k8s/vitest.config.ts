import { defineConfig } from "vitest/config";

/** `npm run test:k8s`: apart from `npm test`, since it needs root and six minutes for its first build. */
export default defineConfig({
  test: {
    include: ["test/k8s/**/*.test.ts"],
    testTimeout: 180_000,
    // The first start builds the control plane.
    hookTimeout: 1_800_000,
    // Each file has a control plane of its own.
    fileParallelism: false,
  },
});
