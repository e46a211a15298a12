/**
 * The documentation as tests see it: pages, links and fenced blocks. A block is tested when an HTML comment stands right before
 * it, which readers do not see:
 *
 * - `<!-- run -->`: executed. Python blocks of a page are one session from top to bottom, SQL blocks one connection.
 * - `<!-- syntax -->`: parsed only, since the tests do not have what it needs.
 * - `<!-- example: job -->`: parses as a job, a schema version or another format of schemas/formats/.
 * - `<!-- file: jobs/flights.yaml -->`: the same text as that file.
 * - `<!-- output: colonnade plan jobs/flights.yaml -->`: what the command prints, but for times, sizes and places.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const repository = join(import.meta.dirname, "../..");

export type Mark = "run" | "syntax" | "example" | "file" | "output";

export interface Block {
  readonly page: string;
  /** Of the opening fence, from 1. */
  readonly line: number;
  readonly language: string;
  readonly text: string;
  readonly mark?: Mark;
  /** What follows the mark's colon. */
  readonly argument?: string;
}

/** Paths of all pages, relative to the repository. */
export const pages: readonly string[] = [
  ...readdirSync(repository).filter((name) => name.endsWith(".md")),
  ...readdirSync(join(repository, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
].toSorted();

export function readPage(page: string): string {
  return readFileSync(join(repository, page), "utf8");
}

/** The fenced blocks of a page, in their order. Throws when a mark is misspelt or has no block after it. */
export function blocksOf(page: string): Block[] {
  const lines = readPage(page).split("\n");
  const blocks: Block[] = [];
  for (let i = 0; i < lines.length; i += 1) {
    const fence = /^(`{3,}|~{3,})(\w*)\s*$/.exec(lines[i] ?? "");
    if (fence === null) continue;
    const end = lines.indexOf(fence[1] ?? "", i + 1);
    if (end < 0) throw new Error(`${page}:${i + 1} opens a block that never ends`);
    const comment = /^<!-- (.*?) -->$/.exec(lines[i - 1] ?? "")?.[1];
    blocks.push({
      page,
      line: i + 1,
      language: fence[2] ?? "",
      text: lines.slice(i + 1, end).join("\n"),
      ...parseMark(comment),
    });
    i = end;
  }
  const marks = lines.filter((line) => /^<!-- (run|syntax|example|file|output)\b/.test(line)).length;
  const marked = blocks.filter(({ mark }) => mark !== undefined).length;
  if (marks !== marked) throw new Error(`${page} has ${marks} marks and ${marked} marked blocks`);
  return blocks;
}

function parseMark(comment: string | undefined): Pick<Block, "mark" | "argument"> {
  const match = /^(run|syntax|example|file|output)(?:: (.+))?$/.exec(comment ?? "");
  if (match === null) return {};
  const mark = match[1] as Mark;
  return match[2] === undefined ? { mark } : { mark, argument: match[2] };
}

/** The text without its fenced blocks. */
export function proseOf(page: string): string {
  return readPage(page).replaceAll(/^(`{3,})[^`]*?^\1$/gms, "");
}

export interface Link {
  readonly page: string;
  /** Relative to the page's folder, as written; empty for a place on the same page. */
  readonly path: string;
  readonly anchor?: string;
}

/** Links, pictures included, that lead into the repository. */
export function linksOf(page: string): Link[] {
  const prose = proseOf(page).replaceAll(/`[^`\n]*`/g, (code) => " ".repeat(code.length));
  const targets = [
    ...prose.matchAll(/\]\(([^()\s]+(?:\([^()]*\)[^()\s]*)?)\)/g),
    ...prose.matchAll(/\b(?:src|href)="([^"]+)"/g),
  ].map((match) => match[1] ?? "");
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = "", anchor] = target.split("#");
      return { page, path, ...(anchor === undefined ? {} : { anchor }) };
    });
}

/** The anchors that GitHub gives to a page's headings. */
export function anchorsOf(page: string): Set<string> {
  const seen = new Map<string, number>();
  const anchors = new Set<string>();
  for (const [, heading = ""] of proseOf(page).matchAll(/^#{1,6} +(.+?) *#*$/gm)) {
    const slug = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, "")
      .replaceAll(" ", "-");
    const before = seen.get(slug) ?? 0;
    seen.set(slug, before + 1);
    anchors.add(before === 0 ? slug : `${slug}-${before}`);
  }
  return anchors;
}

/** Commands of Colonnade that a page shows: lines of shell blocks, and code that begins with the program's name. */
export function commandsOf(page: string): string[] {
  const shell = blocksOf(page)
    .filter(({ language }) => language === "sh")
    .flatMap(({ text }) => text.replaceAll("\\\n", " ").split("\n"));
  const outputs = blocksOf(page).flatMap(({ mark, argument }) =>
    mark === "output" && argument !== undefined ? [argument] : [],
  );
  const inline = Array.from(proseOf(page).matchAll(/`(colonnade [^`]+)`/g), (match) => match[1] ?? "");
  return [...shell, ...outputs, ...inline]
    .map((line) => /(?:^|^\$ |\| )(colonnade .*)$/.exec(line.trim())?.[1])
    .filter((command) => command !== undefined)
    .map((command) => command.replace(/\s+#.*$|\s*\|.*$/s, "").trim());
}
