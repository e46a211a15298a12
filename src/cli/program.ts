import { Command, CommanderError, Option } from "commander";
import { boldTitle } from "./command-parts.ts";
import type { CommandEntry } from "./commands.ts";
import { commandEntries } from "./commands.ts";
import { type GlobalOptions, logFormats, type StartCommand } from "./session.ts";
import { usageError } from "./usage-error.ts";

export interface ProgramStreams {
  readonly writeOut: (text: string) => void;
  readonly writeErr: (text: string) => void;
  readonly outColumns: number;
  readonly errColumns: number;
  readonly outHasColors: boolean;
  readonly errHasColors: boolean;
}

const description =
  `Migrates the schema of Parquet datasets, at nearly the cost of a copy: columns that do not change are
copied as bytes, and every reader of the pointer moves to the new version at one instant.`.replace("\n", " ");

const overview = `
Start here:
  $ colonnade plan jobs/flights.yaml      # what would be done, and what it would cost
  $ colonnade apply jobs/flights.yaml     # do it, and move the pointer
  $ colonnade status jobs/flights.yaml    # what is served now

Exit codes:
  0 done · 10 invalid: fix the job · 11 conflict: plan again · 12 data: inspect the object
  13 validation: review · 20 unavailable: retry · 21 cancelled: rerun resumes
  22 commit state unknown: rerun decides · 70 a bug`;

/** The command line. Commands are named at once and loaded when they are asked for. */
export function createProgram(streams: ProgramStreams, start: StartCommand): Command {
  const program = new Command("colonnade");
  const globals: GlobalOptions[] = [];
  prepare(program, streams);
  program
    .description(description)
    .usage("<command> [options]")
    .enablePositionalOptions()
    .helpCommand(false)
    // main.ts answers it before anything is loaded; here it is for the help.
    .option("-V, --version", "print the version")
    .addHelpText("after", overview);
  addGlobalOptions(program);
  const startMerged: StartCommand = (options, action) => start(merge([...globals, options]), action);
  for (const entry of commandEntries) addCommand(program, entry, streams, startMerged);
  program.hook("preSubcommand", () => void globals.push(program.opts<GlobalOptions>()));
  return program;
}

function addCommand(
  parent: Command,
  entry: Omit<CommandEntry, "group"> & { readonly group?: string },
  streams: ProgramStreams,
  start: StartCommand,
): void {
  const command = new Command(entry.name);
  prepare(command, streams);
  command.description(sentence(entry.summary)).summary(entry.summary).helpCommand(false);
  if (entry.group !== undefined) command.helpGroup(entry.group);
  parent.addCommand(command);
  for (const child of entry.children ?? []) addCommand(command, child, streams, start);
  parent.hook("preSubcommand", async (_, chosen) => {
    if (chosen === command) await configureCommand(command, entry, start);
  });
}

async function configureCommand(
  command: Command,
  entry: Omit<CommandEntry, "group">,
  start: StartCommand,
): Promise<void> {
  const { configure } = await entry.load();
  configure(command, start);
  if (entry.children === undefined) addGlobalOptions(command);
}

/** The command line with every command in full, to look at. */
export async function createWholeProgram(): Promise<Command> {
  const streams = {
    writeOut: () => {},
    writeErr: () => {},
    outColumns: 80,
    errColumns: 80,
    outHasColors: false,
    errHasColors: false,
  };
  const program = createProgram(streams, async () => {});
  for (const entry of commandEntries) {
    const command = program.commands.find((one) => one.name() === entry.name);
    if (command === undefined) continue;
    await configureCommand(command, entry, async () => {});
    for (const child of entry.children ?? []) {
      const below = command.commands.find((one) => one.name() === child.name);
      if (below !== undefined) await configureCommand(below, child, async () => {});
    }
  }
  return program;
}

function sentence(summary: string): string {
  return `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
}

function addGlobalOptions(command: Command): void {
  const group = "Everywhere:";
  command
    .addOption(new Option("--json", "print the result (and an error) as JSON").helpGroup(group))
    .addOption(
      new Option(
        "--log-format <format>",
        "progress on standard error: for people, one JSON line an event, or as fits",
      )
        .choices(logFormats)
        .helpGroup(group),
    )
    .addOption(
      new Option("--no-color", "plain text; so does the environment variable NO_COLOR").helpGroup(group),
    );
}

/** What is said before the command's name and after it; the latter counts. */
function merge(options: readonly GlobalOptions[]): GlobalOptions {
  const given = options.map(({ json, color, logFormat }) => ({
    ...(json === undefined ? {} : { json }),
    ...(color === false ? { color } : {}),
    ...(logFormat === undefined ? {} : { logFormat }),
  }));
  return Object.assign({}, ...given) as GlobalOptions;
}

function prepare(command: Command, streams: ProgramStreams): void {
  command
    .helpOption("-h, --help", "show this help")
    .exitOverride((error) => {
      throw isHelp(error) ? error : usageError(error, command);
    })
    .configureOutput({
      writeOut: streams.writeOut,
      writeErr: streams.writeErr,
      getOutHelpWidth: () => streams.outColumns,
      getErrHelpWidth: () => streams.errColumns,
      // Commander takes the colours out again where there are to be none.
      getOutHasColors: () => streams.outHasColors,
      getErrHasColors: () => streams.errHasColors,
      // Errors are shown by whoever catches them.
      outputError: () => {},
    })
    // Titles stand out; the rest of a help is read, not looked at.
    .configureHelp({ styleTitle: boldTitle });
}

export function isHelp(error: unknown): error is CommanderError {
  return error instanceof CommanderError && (error.exitCode === 0 || error.code === "commander.help");
}
