import { describeStore } from "./suite.ts";
import { createMemoryStore } from "../../src/store/memory.ts";

describeStore({
  name: "memory",
  async open() {
    const store = createMemoryStore();
    return {
      store,
      again: store,
      other: createMemoryStore(),
      leftovers: async () => [],
      close: () => store.close(),
    };
  },
});
