import type { ErrorKind } from "../base/errors.ts";
import type { JobContext, JobEvent } from "../execute/job-context.ts";
import type { Environment } from "./open-job.ts";
import type { Progress } from "./progress/progress.ts";
import { toJson } from "./text/json.ts";
import { fitLines } from "./text/measure.ts";
import { createScreen, type Screen } from "./text/screen.ts";
import type { Text } from "./text/styled.ts";

/** What every command understands, before its name and after it. */
export interface GlobalOptions {
  readonly json?: boolean;
  readonly color?: boolean;
  readonly logFormat?: LogFormat;
}

export const logFormats = ["auto", "pretty", "json"] as const;
export type LogFormat = (typeof logFormats)[number];

/** What the process gives to a command: nothing below reads `process`. */
export interface Host {
  readonly stdout: HostStream;
  readonly stderr: HostStream;
  readonly environment: Environment;
}

interface HostStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(content: string): unknown;
}

/** One run of one command: where its result goes, and where it tells what it does. */
export class Session {
  readonly host: Host;
  readonly json: boolean;
  /** Results, and nothing else. */
  readonly out: Screen;
  /** Progress, logs and errors. */
  readonly err: Screen;
  /** Progress and errors as one JSON line an event. */
  readonly logsJson: boolean;
  #progress: Progress | undefined;

  constructor(host: Host, { json = false, color = true, logFormat = "auto" }: GlobalOptions) {
    this.host = host;
    this.json = json;
    const options = { color, environment: host.environment.variables };
    this.out = createScreen(host.stdout, options);
    this.err = createScreen(host.stderr, options);
    this.logsJson = logFormat === "json" || (logFormat === "auto" && !this.err.isTerminal);
  }

  get environment(): Environment {
    return this.host.environment;
  }

  get signal(): AbortSignal {
    return this.host.environment.signal;
  }

  /** The result of a command, for a program or for a person. */
  result(value: unknown, render: (columns: number) => readonly Text[]): void {
    this.pauseProgress();
    if (this.json) this.out.write(toJson(value));
    else this.out.print(...fitLines(render(this.out.columns), this.out.columns));
  }

  /** Opens a job whose events are shown as they come; `words` until the first of them. */
  async openJob(path: string, words = "listing the source"): Promise<JobContext & AsyncDisposable> {
    const [{ openJob }, progress] = await Promise.all([import("./open-job.ts"), this.progress()]);
    const context = await openJob(path, this.environment, (event: JobEvent) => progress.handle(event));
    progress.begin(words);
    return context;
  }

  async progress(): Promise<Progress> {
    if (this.#progress !== undefined) return this.#progress;
    const { createProgress } = await import("./progress/create-progress.ts");
    this.#progress ??= await createProgress(this.err, this.logsJson);
    return this.#progress;
  }

  /** Takes the live line off the screen, so that results and errors stand alone. */
  pauseProgress(): void {
    this.#progress?.pause();
  }
}

/** What a command's action returns: nothing, or how the process ends although nothing failed. */
export type Outcome = undefined | { readonly kind: ErrorKind };

/** Starts a command's action in its session; `main` gives it to the commands. */
export type StartCommand = (
  options: GlobalOptions,
  action: (session: Session) => Promise<Outcome | void>,
) => Promise<void>;
