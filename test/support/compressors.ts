import { zstdDecompressSync } from "node:zlib";
import { compressors as ofHyparquet } from "hyparquet-compressors";

/** What hyparquet decompresses pages with. Its own zstd is JavaScript, and took a quarter of the time of all readers of the corpus. */
export const compressors: typeof ofHyparquet = { ...ofHyparquet, ZSTD: (input) => zstdDecompressSync(input) };
