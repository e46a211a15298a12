import { type ColonnadeError, exitCodes, toColonnadeError } from "../base/errors.ts";
import { createProgram, isHelp, type ProgramStreams } from "./program.ts";
import { type GlobalOptions, type Host, Session } from "./session.ts";
import { toJson, toJsonLine } from "./text/json.ts";
import { fitLines } from "./text/measure.ts";
import { errorDocument, renderError } from "./view/error.ts";

/** Runs the command that the words name, on this process. Resolves to the exit code; throws nothing. */
export async function runProgram(words: readonly string[]): Promise<number> {
  const stop = new AbortController();
  const host: Host = {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    environment: { variables: process.env, signal: stop.signal },
    workingDirectory: process.cwd(),
  };
  // Until a command has started: where an error of the command line goes.
  let session = new Session(host, globalsIn(words));
  let exitCode = 0;
  const unhook = hookSignals(stop, () => session);
  const program = createProgram(streamsOf(session), async (options: GlobalOptions, action) => {
    session = new Session(host, options);
    const outcome = await action(session);
    if (outcome !== undefined) exitCode = exitCodes[outcome.kind];
  });
  try {
    await program.parseAsync(helpLast(words), { from: "user" });
  } catch (thrown) {
    session.endProgress();
    if (isHelp(thrown)) return thrown.exitCode === 0 ? 0 : exitCodes.invalid;
    return report(toColonnadeError(thrown), session);
  } finally {
    session.endProgress();
    unhook();
  }
  return exitCode;
}

function report(error: ColonnadeError, session: Session): number {
  if (session.json) session.err.write(toJson(errorDocument(error)));
  else if (session.logsJson) {
    session.err.write(
      toJsonLine({ level: "error", time: new Date().toISOString(), ...errorDocument(error) }),
    );
  } else session.err.print(...fitLines(renderError(error, session.err.columns), session.err.columns));
  return exitCodes[error.kind];
}

/** The first signal stops cleanly; the second does not wait. */
function hookSignals(stop: AbortController, session: () => Session): () => void {
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stop.signal.aborted) process.exit(exitCodes.cancelled);
    stop.abort();
    const { err, logsJson } = session();
    void session()
      .progress()
      .then((progress) =>
        progress.note(`${signal}: stopping cleanly${err.isTerminal && !logsJson ? " (again: at once)" : ""}`),
      );
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
    color: false,
  };
}

/** Lines of help that are longer are hard to read, whatever the screen. */
function helpColumns(columns: number): number {
  return Math.min(columns, 100);
}
