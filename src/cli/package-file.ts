/** Of the package, which lies two folders up: from `src/cli/` and from `dist/bin/` alike. */
export function packageFile(path: string): URL {
  return new URL(`../../${path}`, import.meta.url);
}
