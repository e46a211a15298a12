import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { writeFlights } from "../../support/flights-data.ts";
import { program } from "../../support/program.ts";

const repository = resolve(import.meta.dirname, "../../..");

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** Called once the program runs. */
  readonly onStart?: (run: RunningCli) => void;
}

export interface RunningCli {
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly type: (keys: string) => void;
  /** Resolves as soon as either stream has shown the text. */
  readonly shows: (text: string) => Promise<void>;
}

/** The example of the repository in a folder of its own: job, schema versions, and a few small objects. */
export class Workspace implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(shape: {
    readonly rows: number;
    readonly objectsPerMonth: number;
  }): Promise<Workspace> {
    const folder = await mkdtemp(join(tmpdir(), "colonnade-cli-"));
    await cp(join(repository, "jobs"), join(folder, "jobs"), { recursive: true });
    await cp(join(repository, "schemas"), join(folder, "schemas"), { recursive: true });
    await mkdir(join(folder, ".data/flights"), { recursive: true });
    await writeFlights(join(folder, ".data/flights/raw"), shape);
    return new Workspace(folder);
  }

  path(...parts: readonly string[]): string {
    return join(this.folder, ...parts);
  }

  /** Runs `colonnade` with these words, standard output and error being pipes. */
  run(words: readonly string[], options: RunOptions = {}): Promise<Ran> {
    return this.#start(process.execPath, [program, ...words], options);
  }

  /** Runs `colonnade` in a terminal of this width; `stdout` is what the terminal was sent. */
  runInTerminal(columns: number, words: readonly string[], options: RunOptions = {}): Promise<Ran> {
    const quoted = [process.execPath, program, ...words].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
    const command = `stty cols ${columns} rows 40; exec ${quoted.join(" ")}`;
    const environment = { TERM: "xterm-256color", NO_COLOR: "", ...options.environment };
    return this.#start("script", ["-qec", command, "/dev/null"], { ...options, environment });
  }

  /** A result as a program reads it. */
  async json(words: readonly string[]): Promise<unknown> {
    const { code, stdout, stderr } = await this.run([...words, "--json"]);
    if (code !== 0 && stdout === "")
      throw new Error(`colonnade ${words.join(" ")} ended with ${code}: ${stderr}`);
    return JSON.parse(stdout);
  }

  #start(program: string, args: readonly string[], { environment = {}, onStart }: RunOptions): Promise<Ran> {
    const child = spawn(program, args, {
      cwd: this.folder,
      env: { ...process.env, ...environment },
      stdio: ["pipe", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    const waiting: { readonly text: string; readonly resolve: () => void }[] = [];
    const look = (): void => {
      for (const { text, resolve } of waiting) if ((stdout + stderr).includes(text)) resolve();
    };
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      stdout += chunk;
      look();
    });
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      stderr += chunk;
      look();
    });
    onStart?.({
      kill: (signal) => child.kill(signal),
      type: (keys) => child.stdin.write(keys),
      shows: (text) =>
        new Promise((resolve) => {
          waiting.push({ text, resolve });
          look();
        }),
    });
    // `script` wants its input open as long as it runs.
    if (program !== "script") child.stdin.end();
    return new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) => resolve({ code, stdout, stderr }));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
