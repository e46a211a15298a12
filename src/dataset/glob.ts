/**
 * Patterns over keys: `*` and `?` within a segment, a segment `**` for any number of segments (none included), `\`
 * before a character that means itself. Matching takes time proportional to pattern times key at worst, since both
 * levels go back only to their last star; so a hostile pattern costs no more than a long one.
 */
export const globCharactersMax = 1024;

type Segment = "**" | readonly Token[];
type Token =
  | { readonly kind: "star" }
  | { readonly kind: "any" }
  | { readonly kind: "character"; readonly character: string };

/** What is wrong with a pattern, or undefined. The message does not repeat it. */
export function explainGlob(pattern: string): string | undefined {
  if (pattern === "") return "is empty";
  if (pattern.length > globCharactersMax) return `is longer than ${globCharactersMax} characters`;
  if (pattern.startsWith("/")) return "begins with a slash: keys are relative to the source";
  if (pattern.replaceAll("\\\\", "").endsWith("\\")) return "ends with a backslash";
  const bare = pattern.replace(/\\./gsu, "_");
  if (/[{}[\]]/.test(bare)) return "has braces or brackets: list the patterns one by one, or put a \\ before";
  if (bare.split("/").some((segment) => segment.includes("**") && segment !== "**")) {
    return "has ** beside other characters: it stands alone between slashes";
  }
  if (bare.split("/").some((segment) => segment === "" || segment === "." || segment === "..")) {
    return "has a segment that no key has (empty, . or ..)";
  }
  return undefined;
}

/** A test of keys: at least one `include` and no `exclude` pattern matches. */
export function compileGlobs(
  include: readonly string[],
  exclude: readonly string[],
): (key: string) => boolean {
  const [wanted, unwanted] = [include.map(compile), exclude.map(compile)];
  return (key) => {
    const segments = key.split("/");
    return (
      wanted.some((pattern) => matchesSegments(pattern, segments)) &&
      !unwanted.some((pattern) => matchesSegments(pattern, segments))
    );
  };
}

/** As {@link compileGlobs}, for a single key. */
export function matchesInclude(key: string, include: readonly string[], exclude: readonly string[]): boolean {
  return compileGlobs(include, exclude)(key);
}

function compile(pattern: string): Segment[] {
  const segments: Segment[] = [];
  let tokens: Token[] = [];
  const close = (): void => {
    const [first, second] = tokens;
    const isGlobstar = tokens.length === 2 && first?.kind === "star" && second?.kind === "star";
    segments.push(isGlobstar ? "**" : tokens);
    tokens = [];
  };
  let escaped = false;
  for (const character of pattern) {
    if (!escaped && character === "\\") {
      escaped = true;
      continue;
    }
    if (!escaped && character === "/") close();
    else if (!escaped && character === "*") tokens.push({ kind: "star" });
    else if (!escaped && character === "?") tokens.push({ kind: "any" });
    else tokens.push({ kind: "character", character });
    escaped = false;
  }
  close();
  return segments;
}

function matchesSegments(pattern: readonly Segment[], segments: readonly string[]): boolean {
  return matchesStarred(
    pattern.length,
    segments.length,
    (p) => pattern[p] === "**",
    (p, s) => matchesTokens(pattern[p] as readonly Token[], segments[s] as string),
  );
}

function matchesTokens(tokens: readonly Token[], text: string): boolean {
  const characters = Array.from(text);
  return matchesStarred(
    tokens.length,
    characters.length,
    (t) => tokens[t]?.kind === "star",
    (t, c) => {
      const token = tokens[t];
      return token?.kind === "any" || (token?.kind === "character" && token.character === characters[c]);
    },
  );
}

/**
 * Whether a pattern of `patternLength` parts, some of them stars, matches `textLength` parts. When the rest does not
 * fit, only the last star need take one more: an earlier one could win nothing by it.
 */
function matchesStarred(
  patternLength: number,
  textLength: number,
  isStar: (p: number) => boolean,
  fits: (p: number, t: number) => boolean,
): boolean {
  let [p, t] = [0, 0];
  let star = -1;
  let taken = 0;
  while (t < textLength) {
    if (p < patternLength && isStar(p)) {
      star = p;
      taken = t;
      p += 1;
    } else if (p < patternLength && fits(p, t)) {
      p += 1;
      t += 1;
    } else if (star >= 0) {
      taken += 1;
      t = taken;
      p = star + 1;
    } else return false;
  }
  while (p < patternLength && isStar(p)) p += 1;
  return p === patternLength;
}
