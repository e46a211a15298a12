import { setFlagsFromString } from "node:v8";

let isHeld = false;

/**
 * To be called before threads start that load WebAssembly: parquet-wasm, and Node's own type stripping when the program
 * runs as source. V8 recompiles the wrappers between JavaScript and WebAssembly once they are warm, and frees the old ones; in
 * several threads at once that has ended the process, rarely (seen once: V8_Fatal below WasmImportWrapperCache::Free).
 * The wrappers stay as they first were, which costs nothing that can be measured here.
 */
export function keepWasmWrappers(): void {
  if (isHeld) return;
  isHeld = true;
  setFlagsFromString("--wasm-wrapper-tiering-budget=1000000000");
}
