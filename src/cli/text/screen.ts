import pc from "picocolors";
import { type Colors, paint, type Text } from "./styled.ts";

/** Standard output or standard error, and what it can show. */
export interface Screen {
  readonly isTerminal: boolean;
  readonly hasColors: boolean;
  /** Infinite when nobody looks at it: a pipe gets whole keys. */
  readonly columns: number;
  /** Lines for people. */
  print(...lines: readonly Text[]): void;
  /** Text that a program reads, and control sequences of our own. */
  write(content: string): void;
  paint(line: Text): string;
}

export interface ScreenOptions {
  readonly color: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

interface Stream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(content: string): unknown;
}

export function createScreen(stream: Stream, { color, environment }: ScreenOptions): Screen {
  const isTerminal = stream.isTTY === true;
  const hasColors = color && wantsColor(isTerminal, environment);
  const colors: Colors = pc.createColors(hasColors);
  return {
    isTerminal,
    hasColors,
    get columns() {
      if (isTerminal) return stream.columns ?? 80;
      const columns = Number(environment["COLUMNS"]);
      return Number.isInteger(columns) && columns >= 20 ? columns : Number.POSITIVE_INFINITY;
    },
    print(...lines) {
      if (lines.length > 0) stream.write(`${lines.map((line) => paint(line, colors)).join("\n")}\n`);
    },
    write(content) {
      stream.write(content);
    },
    paint: (line) => paint(line, colors),
  };
}

/** https://no-color.org and https://force-color.org. */
function wantsColor(isTerminal: boolean, environment: ScreenOptions["environment"]): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = environment;
  if (NO_COLOR !== undefined && NO_COLOR !== "") return false;
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== "") return FORCE_COLOR !== "0";
  return isTerminal && TERM !== "dumb";
}
