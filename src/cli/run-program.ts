import { type ColonnadeError, exitCodes, toColonnadeError } from "../base/errors.ts";
import { createProgram, isHelp, type ProgramStreams } from "./program.ts";
import { type GlobalOptions, type Host, type Outcome, Session, type StartCommand } from "./session.ts";
import { toJson, toJsonLine } from "./text/json.ts";
import { fitLines } from "./text/measure.ts";
import { errorDocument, renderError } from "./view/error.ts";

/** Runs the command that the words name, on this process. Resolves to the exit code; throws nothing. */
export async function runProgram(words: readonly string[]): Promise<number> {
  // Until a command has started: where an error of the command line goes.
  return runOnProcess(globalsIn(words), async (session, start) => {
    await createProgram(streamsOf(session), start).parseAsync(helpLast(words), { from: "user" });
  });
}

/** Runs one action as a command would be run: signals, progress, errors and exit codes. */
export async function runAction(
  options: GlobalOptions,
  action: (session: Session) => Promise<Outcome | void>,
): Promise<number> {
  return runOnProcess(options, (_, start) => start(options, action));
}

async function runOnProcess(
  options: GlobalOptions,
  run: (session: Session, start: StartCommand) => Promise<void>,
): Promise<number> {
  const stop = new AbortController();
  const host: Host = {
    stdout: process.stdout,
    stderr: process.stderr,
    environment: { variables: process.env, signal: stop.signal },
  };
  let session = new Session(host, options);
  let exitCode = 0;
  const unhook = hookSignals(stop, () => session);
  try {
    await run(session, async (given, action) => {
      session = new Session(host, given);
      const outcome = await action(session);
      if (outcome !== undefined) exitCode = exitCodes[outcome.kind];
    });
    return exitCode;
  } catch (thrown) {
    session.pauseProgress();
    if (isHelp(thrown)) return thrown.exitCode === 0 ? 0 : exitCodes.invalid;
    return report(toColonnadeError(thrown), session);
  } finally {
    session.pauseProgress();
    unhook();
  }
}

function report(error: ColonnadeError, { json, logsJson, err }: Session): number {
  if (json) err.write(toJson(errorDocument(error)));
  else if (logsJson) {
    err.write(toJsonLine({ level: "error", time: new Date().toISOString(), ...errorDocument(error) }));
  } else err.print(...fitLines(renderError(error, err.columns), err.columns));
  return exitCodes[error.kind];
}

/** The first signal stops cleanly; the second does not wait. */
function hookSignals(stop: AbortController, session: () => Session): () => void {
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stop.signal.aborted) process.exit(exitCodes.cancelled);
    stop.abort();
    const { err, logsJson } = session();
    const words = `${signal}: stopping cleanly${err.isTerminal && !logsJson ? " (again: at once)" : ""}`;
    void session()
      .progress()
      .then((progress) => progress.note(words));
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return () => {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  };
}

/** `colonnade help plan` is `colonnade plan --help`. */
function helpLast(words: readonly string[]): string[] {
  return words[0] === "help" ? [...words.slice(1), "--help"] : [...words];
}

/** What errors of the command line itself need to know before it is parsed. */
function globalsIn(words: readonly string[]): GlobalOptions {
  const format = words[words.indexOf("--log-format") + 1];
  return {
    json: words.includes("--json"),
    color: !words.includes("--no-color"),
    ...(words.includes("--log-format") && (format === "json" || format === "pretty")
      ? { logFormat: format }
      : {}),
  };
}

function streamsOf({ out, err }: Session): ProgramStreams {
  return {
    writeOut: (content) => out.write(content),
    writeErr: (content) => err.write(content),
    outColumns: helpColumns(out.columns),
    errColumns: helpColumns(err.columns),
    outHasColors: out.hasColors,
    errHasColors: err.hasColors,
  };
}

/** Lines of help that are longer are hard to read, whatever the screen. */
function helpColumns(columns: number): number {
  return Math.min(columns, 100);
}
