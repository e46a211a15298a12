import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

/**
 * `npm run soak`: the long forms of the tests that try to break the guarantees, one after the other, and what they did in figures:
 * docs/RELIABILITY.md. All of it takes a night; `-- --share 0.05` takes a twentieth of what is left to chance, `-- --only races` the
 * steps whose titles have that word: the page keeps what the others did when they were last run. PROPERTY_SEED chooses other cases.
 */
const root = resolve(import.meta.dirname, "..");
const page = join(root, "docs/RELIABILITY.md");
const record = join(root, "docs/reliability.json");

interface Step {
  readonly title: string;
  readonly files: readonly string[];
  readonly only?: string;
  readonly environment: Readonly<Record<string, string>>;
}

const { values: options } = parseArgs({
  options: { share: { type: "string", default: "1" }, only: { type: "string", default: "" } },
});
const share = Number(options.share);
if (!(share > 0 && share <= 1)) throw new Error("--share is more than 0 and at most 1");
const only = options.only.toLowerCase();
const part = (all: number): string => String(Math.max(1, Math.round(all * share)));

const steps: readonly Step[] = [
  {
    title: "Simulated races",
    files: ["test/simulation/commit-races.test.ts", "test/simulation/gc-races.test.ts"],
    environment: { PROPERTY_RUNS: part(10_000) },
  },
  {
    title: "Every fault at every call",
    files: [
      "test/simulation/apply-faults.test.ts",
      "test/simulation/commit-faults.test.ts",
      "test/simulation/gc-faults.test.ts",
    ],
    environment: {},
  },
  {
    title: "Protocols that are broken on purpose",
    files: ["test/simulation/commit-mutants.test.ts", "test/simulation/gc-mutants.test.ts"],
    environment: {},
  },
  {
    title: "Races of real writers",
    files: ["test/simulation/commit-real-stores.test.ts"],
    environment: { RACE_ROUNDS: part(100) },
  },
  {
    title: "Faults of the network",
    files: ["test/crash/network.test.ts"],
    environment: { FAULT_SAMPLES: share === 1 ? "all" : part(50) },
  },
  {
    title: "Killed and frozen processes",
    files: [
      "test/crash/apply.test.ts",
      "test/crash/gc.test.ts",
      "test/crash/file-store-kill.test.ts",
      "test/e2e/gc.test.ts",
    ],
    environment: { KILL_MOMENTS: part(100) },
  },
  {
    title: "Many objects",
    files: ["test/unit/dataset/gc-memory.test.ts"],
    environment: { GC_OBJECTS: part(1_000_000) },
  },
  {
    title: "Hostile input",
    files: [
      "test/property/chunk-hostile.test.ts",
      "test/property/footer.test.ts",
      "test/property/schema-hostile.test.ts",
    ],
    environment: { PROPERTY_RUNS: part(100_000) },
  },
  {
    title: "Whole migrations of hostile input",
    files: ["test/property/migration-hostile.test.ts"],
    environment: { PROPERTY_RUNS: part(10_000) },
  },
  {
    title: "Random files",
    files: ["test/property/migration.test.ts"],
    only: "whatever the versions",
    environment: { PROPERTY_RUNS: part(5_000) },
  },
];

/** How a step went when it was last run. */
interface Done {
  readonly title: string;
  readonly passed: boolean;
  readonly day: string;
  readonly share: number;
  readonly minutes: number;
  readonly machine: string;
  /** Sums by what was done. */
  readonly figures: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

async function run(step: Step): Promise<Done> {
  const folder = await mkdtemp(join(tmpdir(), "colonnade-soak-"));
  const path = join(folder, "figures.jsonl");
  const words = ["run", ...step.files, ...(step.only === undefined ? [] : ["-t", step.only])];
  const startedMs = performance.now();
  const child = spawn(join(root, "node_modules/.bin/vitest"), words, {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...step.environment, SOAK_FIGURES: path },
  });
  const code = await new Promise<number | null>((settle) => child.on("close", settle));
  const text = await readFile(path, "utf8").catch(() => "");
  await rm(folder, { recursive: true });
  const [cpu] = cpus();
  return {
    title: step.title,
    passed: code === 0,
    day: new Date().toISOString().slice(0, 10),
    share,
    minutes: Math.ceil((performance.now() - startedMs) / 60_000),
    machine: `${cpus().length} cores (${cpu?.model.trim() ?? "unknown"}) with Node ${process.versions.node}`,
    figures: sumUp(text),
  };
}

function sumUp(text: string): Done["figures"] {
  const sums: Record<string, Record<string, number>> = {};
  for (const line of text.split("\n").filter(Boolean)) {
    const { what, figures } = JSON.parse(line) as { what: string; figures: Record<string, number> };
    const sum = (sums[what] ??= {});
    for (const [name, value] of Object.entries(figures)) sum[name] = (sum[name] ?? 0) + value;
  }
  return sums;
}

function render(done: readonly Done[]): string {
  const rows = done.flatMap(({ title, passed, day, share: part, minutes, figures }) => {
    const all = Object.entries(figures);
    const lines = all.length === 0 ? [["as in `npm test`", {}] as const] : all;
    return lines.map(([what, sums], i) =>
      [
        i === 0 ? title : "",
        what,
        Object.entries(sums)
          .map(([name, value]) => `${value.toLocaleString("en")} ${name}`)
          .join(", "),
        ...(i === 0
          ? [part === 1 ? "all" : `${part * 100} %`, passed ? "held" : "**broken**", day, `${minutes} min`]
          : ["", "", "", ""]),
      ].join(" | "),
    );
  });
  const machines = [...new Set(done.map(({ machine }) => machine))];
  return `# Reliability

How Colonnade's guarantees were last tried, in figures. Written by \`npm run soak\` ([scripts/soak.ts](../scripts/soak.ts)), which runs the long forms of
tests that \`npm test\` has in short: the same code, more of what is left to chance. What is tried, and why it should hold, is in [GC.md](GC.md),
[FORMATS.md](FORMATS.md#how-a-version-is-committed) and [SECURITY.md](SECURITY.md).

Each step as it was last run; its share is that of what is left to chance. On ${machines.join("; ")}.

| | what | how much | share | | | |
| --- | --- | --- | --: | --- | --- | --: |
${rows.map((row) => `| ${row} |`).join("\n")}

- A *call* is one request to a store; each fault at each call is a run of its own, with a rerun after it. After each, what is served must be complete, what the run said of itself must be true, and the rerun must come to what an undisturbed run comes to.
- A *seed* is one order of every call that several participants make, with stalls and faults; after each removal and each commit, all that any channel serves must be there. A failing seed is printed, and replays.
- Of the protocols that are broken on purpose, each must be noticed.
- A *case* is one damaged input: it must be refused by name, or give something sound, in bounded time and memory.

What the figures do not cover: stores other than MinIO, a folder and memory; disks that lie about what they have synced; bytes that change on their way from the source without TLS, which only \`verify --deep\` finds.
`;
}

const lastDone = new Map<string, Done>();
const recorded = await readFile(record, "utf8").catch(() => "[]");
for (const one of JSON.parse(recorded) as Done[]) lastDone.set(one.title, one);
const broken: string[] = [];
for (const step of steps) {
  if (!step.title.toLowerCase().includes(only)) continue;
  process.stdout.write(`\n${step.title}\n`);
  const done = await run(step);
  if (!done.passed) broken.push(done.title);
  lastDone.set(done.title, done);
  // After each: a night may end early.
  const inOrder = steps.flatMap(({ title }) => lastDone.get(title) ?? []);
  await writeFile(record, `${JSON.stringify(inOrder, null, 2)}\n`);
  await writeFile(page, render(inOrder));
}
process.stdout.write(broken.length === 0 ? "\nEverything held.\n" : `\nBroken: ${broken.join(", ")}\n`);
process.exitCode = broken.length === 0 ? 0 : 1;
