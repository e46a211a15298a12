import { CommanderError, InvalidArgumentError } from "commander";
import { describe, expect, test } from "vitest";
import { parseCount, parseDuration } from "../../../src/cli/command-parts.ts";
import { openableUri } from "../../../src/cli/commands/files.ts";
import { createProgram } from "../../../src/cli/program.ts";
import type { GlobalOptions } from "../../../src/cli/session.ts";
import { createScreen } from "../../../src/cli/text/screen.ts";
import { red } from "../../../src/cli/text/styled.ts";

describe("arguments", () => {
  test.each([
    ["30s", 30_000],
    ["5m", 300_000],
    ["1h", 3_600_000],
    ["500ms", 500],
    ["7", 7000],
  ])("a time of %s is %i ms", (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });

  test.each(["", "0", "-1", "1.5h", "1d", "soon", "99999999s"])("a time of %j is refused", (text) => {
    expect(() => parseDuration(text)).toThrow(InvalidArgumentError);
  });

  test("a number is whole and from 1", () => {
    expect(parseCount("42")).toBe(42);
    for (const text of ["0", "-1", "1e3", "0x1", "", "4.2", "1234567890"]) {
      expect(() => parseCount(text)).toThrow(InvalidArgumentError);
    }
  });
});

test("files are named so that any reader opens them", () => {
  expect(openableUri("file:/data/flights", "data/month=2001-01/a.parquet")).toBe(
    "/data/flights/data/month=2001-01/a.parquet",
  );
  expect(openableUri("s3://lake/flights", "data/a.parquet")).toBe("s3://lake/flights/data/a.parquet");
});

describe("a screen", () => {
  const print = (stream: { isTTY?: boolean; columns?: number }, color: boolean, environment = {}): string => {
    let written = "";
    const screen = createScreen(
      { ...stream, write: (content) => (written += content) },
      { color, environment },
    );
    screen.print(red("x"));
    return written;
  };

  test("has colour on a terminal only, unless the environment or an option says otherwise", () => {
    expect(print({ isTTY: true }, true)).toBe("\u001B[31mx\u001B[39m\n");
    expect(print({}, true)).toBe("x\n");
    expect(print({}, true, { FORCE_COLOR: "1" })).toBe("\u001B[31mx\u001B[39m\n");
    expect(print({ isTTY: true }, true, { NO_COLOR: "1" })).toBe("x\n");
    expect(print({ isTTY: true }, true, { TERM: "dumb" })).toBe("x\n");
    expect(print({ isTTY: true }, false)).toBe("x\n");
    expect(print({ isTTY: true }, true, { NO_COLOR: "", FORCE_COLOR: "0" })).toBe("x\n");
  });

  test("is as wide as its terminal; a pipe is as wide as COLUMNS says, or without an end", () => {
    const columns = (stream: { isTTY?: boolean; columns?: number }, environment = {}): number =>
      createScreen({ ...stream, write: () => undefined }, { color: false, environment }).columns;
    expect(columns({ isTTY: true, columns: 132 }, { COLUMNS: "60" })).toBe(132);
    expect(columns({}, { COLUMNS: "60" })).toBe(60);
    expect(columns({}, { COLUMNS: "nonsense" })).toBe(Number.POSITIVE_INFINITY);
    expect(columns({})).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("the command line", () => {
  const streams = {
    writeOut: () => {},
    writeErr: () => {},
    outColumns: 80,
    errColumns: 80,
    outHasColors: false,
    errHasColors: false,
  };

  test.each([
    [["--json", "plan", "job.yaml"], { json: true }],
    [["plan", "job.yaml", "--json"], { json: true }],
    [["--log-format", "json", "plan", "job.yaml", "--log-format", "pretty"], { logFormat: "pretty" }],
    [["--no-color", "schema", "diff", "a.yaml"], { color: false }],
    [["schema", "diff", "a.yaml", "--no-color"], { color: false }],
    [["files", "job.yaml", "--version", "3"], {}],
  ])("global options are understood before and after the command: %j", async (words, expected) => {
    const given: GlobalOptions[] = [];
    const program = createProgram(streams, async (options) => void given.push(options));
    await program.parseAsync(words, { from: "user" });
    expect(given).toEqual([expected]);
  });

  test("help is shown for every command without running it", async () => {
    const program = createProgram(streams, () => expect.unreachable());
    await expect(program.parseAsync(["schema", "check", "--help"], { from: "user" })).rejects.toThrow(
      CommanderError,
    );
  });
});
