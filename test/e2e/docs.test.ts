// What the documentation shows is true: its blocks run, its links lead somewhere, its commands exist, its examples parse.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, posix } from "node:path";

import { PutBucketPolicyCommand } from "@aws-sdk/client-s3";
import { Command } from "commander";
import { parse } from "yaml";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { z } from "zod";

import type { GcView } from "../../src/cli/view/gc.ts";
import { receiptSchema } from "../../src/dataset/gc/receipts.ts";
import { commandEntries } from "../../src/cli/commands.ts";
import { layOutFlights } from "../../scripts/flights-data.ts";
import { fileLineSchema, manifestSchema, pointerSchema } from "../../src/dataset/formats.ts";
import { jobFileSchema, parseJob } from "../../src/dataset/job.ts";
import { parseSchemaVersion } from "../../src/schema/parse-schema-version.ts";
import {
  anchorsOf,
  type Block,
  blocksOf,
  commandsOf,
  linksOf,
  type Mark,
  pages,
  readPage,
  repository,
} from "../support/docs-pages.ts";
import { createTestBucket, createTestClient, describeS3 } from "../support/minio.ts";
import { program } from "../support/program.ts";
import { pythonWith } from "../support/python.ts";

const python = pythonWith(["pyarrow", "pandas", "polars"]);
const blocks = pages.flatMap(blocksOf);

function marked(mark: Mark, page?: string): Block[] {
  return blocks.filter((block) => block.mark === mark && (page === undefined || block.page === page));
}

/** A folder as `npm start` leaves the repository, before the first apply. */
class Checkout {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;

  constructor(folder: string, environment: Readonly<Record<string, string>> = {}) {
    this.folder = folder;
    // The program, the tests' own Python, and the Node that runs this.
    const folders = [
      join(folder, "bin"),
      python === undefined ? "" : dirname(python),
      dirname(process.execPath),
    ];
    const path = [...folders.filter((name) => name !== ""), process.env["PATH"] ?? ""].join(delimiter);
    this.environment = { PATH: path, COLUMNS: "100", NO_COLOR: "1", ...environment };
  }

  /** Runs a program in the folder; rejects with everything that it said when it fails. */
  run(command: string, args: readonly string[], input = ""): Promise<string> {
    return new Promise((resolve, reject) => {
      const child = spawn(command, args, {
        cwd: this.folder,
        env: { ...process.env, ...this.environment },
        stdio: "pipe",
      });
      let output = "";
      let errors = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
      child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
      child.stdin.on("error", () => {});
      child.on("error", reject);
      child.on("close", (code) => {
        if (code === 0) resolve(output);
        else reject(new Error(`${command} ended with ${code}\n${output}\n${errors}`));
      });
      child.stdin.end(input);
    });
  }

  colonnade(...args: string[]): Promise<string> {
    return this.run(process.execPath, [program, ...args]);
  }
}

const temporary = await mkdtemp(join(tmpdir(), "colonnade-docs-"));
const raw = join(temporary, "raw");

async function createCheckout(name: string, environment?: Record<string, string>): Promise<Checkout> {
  const folder = join(temporary, name);
  await mkdir(join(folder, "bin"), { recursive: true });
  await cp(raw, join(folder, ".data/flights/raw"), { recursive: true });
  for (const copied of ["jobs", "schemas"])
    await cp(join(repository, copied), join(folder, copied), { recursive: true });
  // The example's grace period ends one day; what the pages say of it is to stay tested.
  const newest = join(folder, "schemas/flights/2.yaml");
  const text = await readFile(newest, "utf8");
  await writeFile(newest, text.replace(/until: \d{4}-\d\d-\d\d/, "until: 9999-12-31"));
  const shim = join(folder, "bin/colonnade");
  await writeFile(shim, `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`);
  await chmod(shim, 0o755);
  return new Checkout(folder, environment);
}

beforeAll(() => layOutFlights(raw));
afterAll(() => rm(temporary, { recursive: true, force: true }));

describe("links", () => {
  test.each(pages)("%s links to pages and headings that are there", (page) => {
    const broken = linksOf(page).filter(({ path, anchor }) => {
      const target = path === "" ? page : posix.normalize(posix.join(posix.dirname(page), path));
      if (!existsSync(join(repository, target))) return true;
      return anchor !== undefined && target.endsWith(".md") && !anchorsOf(target).has(anchor);
    });
    expect(broken).toEqual([]);
  });

  test("every page can be reached from the README", () => {
    const reached = new Set(["README.md"]);
    for (const page of reached) {
      for (const { path } of linksOf(page)) {
        const target = posix.normalize(posix.join(posix.dirname(page), path));
        if (pages.includes(target)) reached.add(target);
      }
    }
    expect(pages.filter((page) => !reached.has(page))).toEqual([]);
  });
});

/** The options that a command line may have; undefined when there is no such command. */
async function optionsOf([first = "", second = ""]: readonly string[]): Promise<string[] | undefined> {
  const everywhere = ["--json", "--log-format", "--no-color", "--help", "--version"];
  if (first.startsWith("-")) return everywhere;
  const entry = commandEntries.find(({ name }) => name === first);
  const child = entry?.children?.find(({ name }) => name === second);
  if (entry === undefined || (entry.children !== undefined && second !== "" && child === undefined))
    return undefined;
  const command = new Command(first);
  const { configure } = await (child ?? entry).load();
  configure(command, async () => {});
  return [...everywhere, ...command.options.map(({ long }) => long ?? "")];
}

describe("commands", () => {
  const shown = [...new Set(pages.flatMap(commandsOf))];

  test("every command and option that a page shows is one of the program's", async () => {
    const wrong: string[] = [];
    for (const command of shown) {
      const words = command.split(/\s+/).slice(1);
      const options = words.filter((word) => /^--[a-z]/.test(word)).map((word) => word.split("=")[0] ?? "");
      const known = await optionsOf(words);
      if (known === undefined || options.some((option) => !known.includes(option))) wrong.push(command);
    }
    expect(shown.length).toBeGreaterThan(10);
    expect(wrong).toEqual([]);
  });

  test("every npm script that a page shows is in package.json", async () => {
    const { scripts } = JSON.parse(await readFile(join(repository, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
    };
    const named = pages.flatMap((page) =>
      Array.from(
        readPage(page)
          .replaceAll(/<!--.*?-->/gs, "")
          .matchAll(/\bnpm (?:run ([a-z][a-z0-9:-]*)|(start|test)\b)/g),
        (match) => ({
          page,
          script: match[1] ?? match[2] ?? "",
        }),
      ),
    );
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter(({ script }) => scripts[script] === undefined)).toEqual([]);
  });
});

describe("dependencies", () => {
  test("docs/decisions/dependencies.md has a reason for each runtime dependency, and src/ imports each", async () => {
    const { dependencies } = JSON.parse(await readFile(join(repository, "package.json"), "utf8")) as {
      dependencies: Record<string, string>;
    };
    const page = readPage("docs/decisions/dependencies.md");
    const explained = Array.from(page.matchAll(/^\| `([^`]+)` \|/gm), (match) => match[1] ?? "");
    expect(explained.toSorted()).toEqual(Object.keys(dependencies).toSorted());
    const sources = await Promise.all(
      (await readdir(join(repository, "src"), { recursive: true }))
        .filter((path) => path.endsWith(".ts"))
        .map((path) => readFile(join(repository, "src", path), "utf8")),
    );
    const isImported = (name: string): boolean =>
      sources.some((text) => text.includes(`from "${name}"`) || text.includes(`import("${name}")`));
    expect(explained.filter((name) => !isImported(name))).toEqual([]);
  });
});

const formats: Readonly<Record<string, z.ZodType>> = {
  pointer: pointerSchema,
  manifest: manifestSchema,
  "file-line": fileLineSchema,
};

/** docs/FORMATS.md has a test of its own, which also asks that its examples have every member. */
const examples = marked("example").filter(({ page }) => page !== "docs/FORMATS.md");

function parseExample(format: string, text: string): unknown {
  if (format === "job") return parseJob(text, "example.yaml", {});
  if (format === "schema-version") return parseSchemaVersion(text, "example.yaml");
  const known = formats[format];
  if (known === undefined) throw new Error(`no format ${format}`);
  return known.parse(JSON.parse(text));
}

describe("examples", () => {
  test.each(examples)("$page:$line is a $argument", ({ argument = "", text }) => {
    expect(() => parseExample(argument, text)).not.toThrow();
  });

  test.each(marked("file"))("$page:$line is $argument", async ({ argument = "", text }) => {
    expect(`${text}\n`).toBe(await readFile(join(repository, argument), "utf8"));
  });

  test("the keys of a job that the README explains are the keys that there are", () => {
    const job = marked("file", "README.md").find(({ argument }) => argument?.startsWith("jobs/"));
    const keys = Object.keys(parse(job?.text ?? "") as object);
    expect(keys.toSorted()).toEqual(Object.keys(jobFileSchema.shape).toSorted());
  });
});

/** What differs between two runs of the same thing, and white space, which depends on the widths of the former. */
function masked(output: string): string {
  return output
    .replaceAll(/file:\S*(?=\/\.data\/)/g, "file:<checkout>")
    .replaceAll(/\b\d[\d,.]* (?:B|kB|MB|GB)(?:\/s)?/g, "<bytes>")
    .replaceAll(/\b\d[\d,.]* (?:ms|s|min)\b(?: \d+ s)?/g, "<time>")
    .replaceAll(/until \d{4}-\d\d-\d\d/g, "until <day>")
    .replaceAll(/\s+/g, " ")
    .trim();
}

/** Python blocks as one session; a failure names its place on the page. */
function session(page: string, more = ""): string {
  const cells = marked("run", page).filter(({ language }) => language === "python");
  return [
    ...cells.map(({ line, text }) => ({ name: `${page}:${line}`, text })),
    { name: "the test", text: more },
  ]
    .map(({ name, text }) => `exec(compile(${JSON.stringify(text)}, ${JSON.stringify(name)}, "exec"))`)
    .join("\n");
}

describe("a session with the flights", () => {
  const outputs = marked("output", "README.md");
  const printed: string[] = [];
  let checkout: Checkout;
  beforeAll(async () => {
    checkout = await createCheckout("flights");
    for (const { argument = "" } of outputs) printed.push(await checkout.run("sh", ["-c", argument]));
  });

  test("prints what the README shows of it", () => {
    expect(outputs.map(({ argument }) => argument)).toContain("colonnade apply jobs/flights.yaml");
    expect(printed.map(masked)).toEqual(outputs.map(({ text }) => masked(text)));
  });

  test.skipIf(python === undefined)("the Python of docs/READING.md runs", async () => {
    const receipts = `
import os

def read(key):
    path = f"{base}/{key}"
    return open(path, "rb").read() if os.path.exists(path) else None

def write(key, body):
    os.makedirs(os.path.dirname(f"{base}/{key}"), exist_ok=True)
    with open(f"{base}/{key}", "wb") as file:
        file.write(body)
    print("receipt:", body.decode())

begin_reading(read, write, pointer, "nightly")()
begin_reading(lambda key: None, write, pointer, "late")`;
    const text = session("docs/READING.md", receipts);
    const output = await checkout.run(python ?? "", ["-I", "-X", "utf8", "-"], text);
    expect(output).toContain("flights: version 1, schema 2, 7 objects");
    expect(output).toContain("511502 rows in 1 objects");
    const states = [...output.matchAll(/^receipt: (.*)$/gm)].map(
      ([, receipt = ""]) => receiptSchema.parse(JSON.parse(receipt)).state,
    );
    expect(states).toEqual(["reading", "finished", "reading", "givenUp"]);
    const { kept } = JSON.parse(await checkout.colonnade("gc", "jobs/flights.yaml", "--json")) as GcView;
    expect(kept).toMatchObject([{ version: 1, because: [{ reason: "served" }, { reason: "newest" }] }]);
  });

  test.skipIf(python === undefined)("the Python of docs/STREAMS.md runs", async () => {
    const output = await checkout.run(
      python ?? "",
      ["-I", "-X", "utf8", "-"],
      session("docs/STREAMS.md", "print(new.schema.names)"),
    );
    expect(output).toContain("'carrier_group', 'month', 'date'");
  });

  test.skipIf(python === undefined)("the Python that cannot run here is at least Python", async () => {
    const cells = marked("syntax").filter(({ language }) => language === "python");
    const script = cells
      .map(({ page, line, text }) => `compile(${JSON.stringify(text)}, "${page}:${line}", "exec")`)
      .join("\n");
    expect(cells.length).toBeGreaterThan(0);
    await checkout.run(python ?? "", ["-I", "-"], script);
  });

  test.each(marked("run").filter(({ language }) => language === "sql"))(
    "the SQL of $page:$line runs, and finds every row",
    async ({ text }) => {
      // In a process of its own: paths are relative to where it runs.
      const script = `
        import { DuckDBInstance } from ${JSON.stringify(import.meta.resolve("@duckdb/node-api"))};
        const connection = await (await DuckDBInstance.create(":memory:")).connect();
        const statements = await connection.extractStatements(${JSON.stringify(text)});
        let rows = [];
        for (let i = 0; i < statements.count; i += 1) {
          const prepared = await statements.prepare(i);
          rows = (await prepared.runAndReadAll()).getRowObjectsJson();
        }
        console.log(JSON.stringify(rows));`;
      const output = await checkout.run(process.execPath, ["--input-type=module", "-e", script]);
      const rows = JSON.parse(output) as { month: string; flights: string }[];
      expect(rows.map(({ month }) => month)).toContain("2001-03");
      expect(rows.reduce((sum, { flights }) => sum + Number(flights), 0)).toBe(3_000_000);
    },
  );

  test.each(marked("run").filter(({ language }) => language === "sh"))(
    "the shell of $page:$line runs",
    async (block) => {
      if (python === undefined && block.text.includes("python3")) return;
      expect((await checkout.run("sh", ["-euc", block.text])).trim()).not.toBe("");
    },
  );

  test("every block that is to run is in a language that something here runs", () => {
    const unknown = marked("run").filter(
      ({ page, language }) =>
        !["sql", "sh"].includes(language) &&
        !(language === "python" && ["docs/READING.md", "docs/STREAMS.md"].includes(page)),
    );
    expect(unknown).toEqual([]);
  });
});

describeS3("docs/READING.md on a bucket", (server) => {
  test.skipIf(python === undefined)("its Python runs, and polling costs a 304", async () => {
    const bucket = await createTestBucket(server);
    const root = `s3://${bucket}/flights`;
    const checkout = await createCheckout("bucket", {
      AWS_ENDPOINT_URL: server.endpoint,
      AWS_REGION: server.region,
      AWS_ACCESS_KEY_ID: server.accessKeyId,
      AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
      AWS_ALLOW_HTTP: "true",
    });
    const job = join(checkout.folder, "jobs/flights.yaml");
    await writeFile(job, (await readFile(job, "utf8")).replace("file:../.data/flights/migrated", root));
    await checkout.colonnade("apply", "jobs/flights.yaml");
    await allowAnonymousReads(server, bucket);

    const polled = `
url = ${JSON.stringify(`${server.endpoint}/${bucket}/flights/pointers/current.json`)}
found, etag = poll(url)
assert found == pointer and poll(url, etag) is None
class Done(Exception): pass
def handle(found):
    raise Done(found["generation"])
try:
    follow(lambda etag: poll(url, etag), handle)
except Done as done:
    print("followed to generation", done)`;
    const text = session("docs/READING.md", polled);
    const there = text.replace('root = \\".data/flights/migrated\\"', `root = \\"${root}\\"`);
    expect(there).not.toBe(text);
    const output = await checkout.run(python ?? "", ["-I", "-X", "utf8", "-"], there);
    expect(output).toContain("511502 rows in 1 objects");
    expect(output).toContain("followed to generation 1");
    expect(await checkout.colonnade("files", "jobs/flights.yaml")).toContain(`${root}/data/month=2001-03/`);
  });
});

/** As for a public dataset, or one behind a proxy that signs. */
async function allowAnonymousReads(
  server: Parameters<typeof createTestClient>[0],
  bucket: string,
): Promise<void> {
  const client = createTestClient(server);
  const statement = {
    Effect: "Allow",
    Principal: { AWS: ["*"] },
    Action: ["s3:GetObject"],
    Resource: [`arn:aws:s3:::${bucket}/*`],
  };
  const policy = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
  await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: policy }));
  client.destroy();
}
