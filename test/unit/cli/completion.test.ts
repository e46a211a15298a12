import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bashCompletion } from "../../../src/cli/completion/bash.ts";
import { fishCompletion } from "../../../src/cli/completion/fish.ts";
import { allCommands, type CommandSpec, describeCommand } from "../../../src/cli/completion/spec.ts";
import { zshCompletion } from "../../../src/cli/completion/zsh.ts";
import { commandEntries } from "../../../src/cli/commands.ts";
import { createWholeProgram } from "../../../src/cli/program.ts";

let program: CommandSpec;
const folder = mkdtempSync(join(tmpdir(), "colonnade-completion-"));

beforeAll(async () => {
  program = describeCommand(await createWholeProgram());
  mkdirSync(join(folder, "jobs"));
  writeFileSync(join(folder, "jobs", "flights.yaml"), "");
  writeFileSync(join(folder, "jobs", "notes.txt"), "");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("every command is described, with its options and what they take", () => {
  const paths = allCommands(program).map(({ path }) => path);
  expect(paths).toEqual(
    expect.arrayContaining(["", ...commandEntries.map(({ name }) => name), "schema check"]),
  );
  const check = allCommands(program).find(({ path }) => path === "schema check");
  expect(check?.options.find(({ long }) => long === "--compatibility")?.value).toMatchObject({
    choices: expect.arrayContaining(["FULL_TRANSITIVE"]) as string[],
  });
  expect(check?.value).toEqual({ kind: "file" });
});

function isMissing(shell: string): boolean {
  return spawnSync(shell, ["--version"]).error !== undefined;
}

describe.skipIf(isMissing("bash"))("in bash", () => {
  function complete(...words: readonly string[]): string[] {
    const script = `${bashCompletion(program)}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _colonnade; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const output = execFileSync("bash", ["--norc", "-c", script, "bash", ...words], { cwd: folder });
    return output.toString().split("\n").filter(Boolean).toSorted();
  }

  test("commands, those below them, options and choices are completed", () => {
    expect(complete("colonnade", "ro")).toEqual(["rollback"]);
    expect(complete("colonnade", "schema", "")).toEqual(["check", "diff", "infer"]);
    expect(complete("colonnade", "apply", "jobs/flights.yaml", "--d")).toEqual(["--dry-run"]);
    expect(complete("colonnade", "schema", "check", "--compatibility", "FULL")).toEqual([
      "FULL",
      "FULL_TRANSITIVE",
    ]);
    expect(complete("colonnade", "--log-format", "p")).toEqual(["pretty"]);
    expect(complete("colonnade", "completion", "")).toEqual(["bash", "fish", "zsh"]);
  });

  test("where a job is expected, YAML files and folders are offered", () => {
    expect(complete("colonnade", "plan", "")).toEqual(["jobs"]);
    expect(complete("colonnade", "plan", "jobs/")).toEqual(["jobs/flights.yaml"]);
    expect(complete("colonnade", "watch", "jobs/flights.yaml", "--state", "jobs/n")).toEqual([
      "jobs/notes.txt",
    ]);
  });
});

describe.skipIf(isMissing("fish"))("in fish", () => {
  test("commands, options and choices are completed", () => {
    const file = join(folder, "colonnade.fish");
    writeFileSync(file, fishCompletion(program));
    const complete = (line: string): string[] =>
      execFileSync("fish", ["--no-config", "-c", `source ${file}; complete -C ${JSON.stringify(line)}`], {
        cwd: folder,
      })
        .toString()
        .split("\n")
        .filter(Boolean)
        .map((one) => one.split("\t")[0] ?? "");
    expect(complete("colonnade roll")).toEqual(["rollback"]);
    expect(complete("colonnade schema ")).toEqual(["check", "diff", "infer"]);
    expect(complete("colonnade diff --vers")).toEqual([]);
    expect(complete("colonnade verify --de")).toEqual(["--deep"]);
    expect(complete("colonnade schema check --compatibility BACKWARD")).toEqual([
      "BACKWARD",
      "BACKWARD_TRANSITIVE",
    ]);
  });
});

test("the scripts are free of what their shells would take for syntax", () => {
  for (const [shell, script] of [
    ["bash", bashCompletion(program)],
    ["zsh", zshCompletion(program)],
    ["fish", fishCompletion(program)],
  ] as const) {
    expect(script).toContain("colonnade");
    if (isMissing(shell)) continue;
    const file = join(folder, `syntax.${shell}`);
    writeFileSync(file, script);
    const checked = spawnSync(shell, ["-n", file]);
    expect(checked.stderr.toString()).toBe("");
  }
});
