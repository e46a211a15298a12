// `colonnade stream` between real programs: pipes, files, signals, and readers that go away.
import { spawn } from "node:child_process";
import { closeSync, createReadStream, openSync, readFileSync, writeFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { loadHistory } from "../../src/schema/history.ts";
import { migrateStream } from "../../src/stream/migrate-stream.ts";
import { type Ran, Workspace } from "../unit/cli/run-cli.ts";
import { program } from "../support/program.ts";
import { pythonWith, runPython } from "../support/python.ts";

const job = "jobs/flights.yaml";
const python = pythonWith(["pyarrow"]);
vi.setConfig({ testTimeout: 120_000 });

let workspace: Workspace;

/** All objects of the source as one stream; the month of the path is a column like any other. */
const writeRaw = `
import sys
import pyarrow as pa, pyarrow.dataset as ds, pyarrow.ipc
raw = ds.dataset(sys.argv[1], partitioning=ds.partitioning(pa.schema([("month", pa.string())]), flavor="hive"))
table = raw.to_table().replace_schema_metadata()
with pa.OSFile(sys.argv[2], "wb") as sink, pa.ipc.new_stream(sink, table.schema) as out:
    out.write_table(table, max_chunksize=1000)
`;
/** Batches of one to four megabytes. */
const writeLarge = `
import sys
import pyarrow as pa, pyarrow.ipc
table = pa.ipc.open_stream(open(sys.argv[1], "rb")).read_all()
table = pa.concat_tables([table] * 120).combine_chunks()
with pa.OSFile(sys.argv[2], "wb") as sink, pa.ipc.new_stream(sink, table.schema) as out:
    start = 0
    for number in range(10):
        rows = 30_000 + 20_000 * (number * 7 % 4)
        out.write_batch(table.slice(start, rows).to_batches()[0])
        start += rows
`;
const compare = `
import sys
import pyarrow as pa, pyarrow.dataset as ds, pyarrow.ipc
with pa.OSFile(sys.argv[1], "rb") as source:
    streamed = pa.ipc.open_stream(source).read_all()
streamed.validate(full=True)
migrated = ds.dataset(sys.stdin.read().split(), partitioning=ds.partitioning(pa.schema([("month", pa.string())]), flavor="hive")).to_table()
migrated = migrated.select(streamed.schema.names)
order = [(name, "ascending") for name in streamed.schema.names]
print(streamed.num_rows, [f.name for f in streamed.schema], [str(f.type) for f in streamed.schema] == [str(f.type) for f in migrated.schema])
print(streamed.sort_by(order).cast(migrated.schema).equals(migrated.sort_by(order)))
`;

beforeAll(async () => {
  workspace = await Workspace.create({ rows: 6000, objectsPerMonth: 1 });
  if (python === undefined) return;
  await runPython(writeRaw, undefined, [workspace.path(".data/flights/raw"), workspace.path("raw.arrows")]);
});
afterAll(() => workspace[Symbol.asyncDispose]());

/** Runs the program on pipes: `input` is what comes out of one, undefined one that stays open. */
async function stream(
  words: readonly string[],
  input: Uint8Array | undefined,
  watch: (child: ReturnType<typeof spawn>) => void = () => {},
): Promise<Ran & { readonly output: Buffer }> {
  const child = spawn(process.execPath, [program, "stream", ...words], {
    cwd: workspace.folder,
    stdio: "pipe",
  });
  const output: Buffer[] = [];
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.on("error", () => {});
  watch(child);
  if (input !== undefined) child.stdin.end(input);
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  child.stdin.destroy();
  return { code, stdout: "", stderr, output: Buffer.concat(output) };
}

describe.runIf(python !== undefined)("a stream", () => {
  test("becomes what the batch job makes of the same rows", async () => {
    const { code, output, stderr } = await stream([job], await readFile(workspace.path("raw.arrows")));
    expect(code).toBe(0);
    const told = JSON.parse(stderr.trim()) as object;
    expect(told).toMatchObject({ event: "streamed", from: 1, to: 2, rows: 6000, rowsQuarantined: 0 });
    await writeFile(workspace.path("new.arrows"), output);
    await workspace.json(["apply", job]);
    const { stdout } = await workspace.run(["files", job]);
    const [first = "", equal] = (await runPython(compare, stdout, [workspace.path("new.arrows")])).split(
      "\n",
    );
    expect(first).toContain("6000 [");
    expect(first).toContain("'delay_minutes'");
    expect(equal).toBe("True");
  });

  test("from a file to a file is the same bytes as through pipes", async () => {
    const [input, output] = [
      openSync(workspace.path("raw.arrows"), "r"),
      openSync(workspace.path("file.arrows"), "w"),
    ];
    const child = spawn(process.execPath, [program, "stream", job], {
      cwd: workspace.folder,
      stdio: [input, output, "ignore"],
    });
    expect(await new Promise((resolve) => child.on("close", resolve))).toBe(0);
    closeSync(input);
    closeSync(output);
    const piped = await stream([job], readFileSync(workspace.path("raw.arrows")));
    expect(readFileSync(workspace.path("file.arrows")).equals(piped.output)).toBe(true);
  });

  test("of large batches, whose memory serves again, is the same through files, pipes and the library", async () => {
    const path = workspace.path("large.arrows");
    await runPython(writeLarge, undefined, [workspace.path("raw.arrows"), path]);
    const input = readFileSync(path);
    const expected: Uint8Array[] = [];
    const names = ["flights/1.yaml", "flights/2.yaml"];
    const history = loadHistory(
      names.map((name) => ({ name, text: readFileSync(workspace.path("schemas", name), "utf8") })),
    );
    for await (const bytes of migrateStream(createReadStream(path), { history, from: 1, to: 2, day: "" })) {
      expected.push(bytes);
    }
    const toFile = async (words: readonly string[]): Promise<Buffer> => {
      const child = spawn("sh", ["-c", `"$@" > large-out.arrows`, "sh", ...words], {
        cwd: workspace.folder,
        stdio: ["pipe", "ignore", "ignore"],
      });
      // One of them reads a file instead.
      child.stdin.on("error", () => {});
      child.stdin.end(input);
      expect(await new Promise((resolve) => child.on("close", resolve))).toBe(0);
      return readFileSync(workspace.path("large-out.arrows"));
    };
    const command = [process.execPath, program, "stream", job];
    const fromFile = ["sh", "-c", `"$@" < large.arrows`, "sh", ...command];
    const outputs = [(await stream([job], input)).output, await toFile(command), await toFile(fromFile)];
    for (const output of outputs) expect(output.equals(Buffer.concat(expected))).toBe(true);
  });

  test("whose reader goes away ends quietly", async () => {
    const { code, stderr } = await stream([job], readFileSync(workspace.path("raw.arrows")), (child) => {
      child.stdout?.once("data", () => child.stdout?.destroy());
    });
    expect(stderr).not.toContain("error");
    expect(code).toBe(0);
  });

  test("that stands still ends on SIGTERM, with 21", async () => {
    const bytes = readFileSync(workspace.path("raw.arrows"));
    const { code, stderr } = await stream([job], undefined, (child) => {
      child.stdin?.write(bytes.subarray(0, bytes.length * 0.6));
      // It gives something out, so it listens by now.
      child.stdout?.once("data", () => child.kill("SIGTERM"));
    });
    expect(stderr).toContain('"kind":"cancelled"');
    expect(code).toBe(21);
  });

  test("that stops in the middle of a batch is an error, and what was given out until then is whole batches", async () => {
    const bytes = readFileSync(workspace.path("raw.arrows"));
    const { code, output, stderr } = await stream([job], bytes.subarray(0, bytes.length * 0.6));
    expect(code).toBe(12);
    expect(JSON.parse(stderr.trim())).toMatchObject({ code: "STREAM_TRUNCATED", kind: "data" });
    writeFileSync(workspace.path("part.arrows"), output);
    const rows = `import sys, pyarrow as pa; print(sum(b.num_rows for b in pa.ipc.open_stream(open(sys.argv[1], "rb"))))`;
    const read = Number(
      await runPython(`import pyarrow.ipc; ${rows}`, undefined, [workspace.path("part.arrows")]),
    );
    expect(read).toBeGreaterThan(1000);
    expect(read).toBeLessThan(6000);
  });
});

test("no input is an error that says so", async () => {
  const { code, stderr } = await stream([job], new Uint8Array(0));
  expect(code).toBe(12);
  expect(JSON.parse(stderr.trim())).toMatchObject({
    code: "STREAM_MALFORMED",
    message: "stream is empty: there is not even a schema",
  });
});

test("a quarantine that cannot be written is refused before anything is read", async () => {
  const { code, stderr } = await stream([job, "--quarantine", "no/such/folder/file"], undefined);
  expect(code).toBe(10);
  expect(JSON.parse(stderr.trim())).toMatchObject({ code: "FILE_UNWRITABLE" });
});

test("in a terminal it says that a stream is no text", async () => {
  const { code, stdout } = await workspace.runInTerminal(100, ["stream", job]);
  expect(code).toBe(10);
  expect(stdout).toContain("standard output is a terminal");
});
