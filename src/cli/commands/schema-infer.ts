import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { basename, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { ColonnadeError } from "../../base/errors.ts";
import { inferFromSource } from "../../execute/infer-source.ts";
import { formatSchemaVersion } from "../../schema/parse-schema-version.ts";
import { formatType } from "../../schema/describe-change.ts";
import { explained, jobArgument, type JobOptions, parseCount } from "../command-parts.ts";
import { packageFile } from "../package-file.ts";
import { openJobSource, readJobFile, schemaDirectoryOf } from "../open-job.ts";
import type { Session, StartCommand } from "../session.ts";
import { countOf } from "../text/units.ts";
import { type InferReport, renderInference } from "../view/schema-infer.ts";

interface InferOptions extends JobOptions {
  readonly dataset?: string;
  readonly objects: number;
  readonly dryRun?: boolean;
}

export function configure(command: Command, start: StartCommand): void {
  command
    .argument("<job>", jobArgument)
    .option("--dataset <name>", "name of the dataset; that of the schema folder by default")
    .option("--objects <count>", "footers to read at most, spread evenly over the source", parseCount, 1000)
    .option("--dry-run", "print the YAML, write nothing")
    .addHelpText(
      "after",
      explained(
        [
          "Reads the footers of the source's objects and the folders they lie in, and writes 1.yaml into the job's schema folder. What most objects say wins; those that say otherwise are named. An existing 1.yaml is never replaced.",
        ],
        ["colonnade schema infer jobs/flights.yaml", "write schemas/flights/1.yaml"],
        ["colonnade schema infer jobs/flights.yaml --dry-run", "look at it first"],
      ),
    )
    .action((job: string, options: InferOptions) =>
      start(options, (session) => runInfer(session, job, options)),
    );
}

async function runInfer(session: Session, path: string, options: InferOptions): Promise<void> {
  const job = await readJobFile(path, session.environment);
  const directory = schemaDirectoryOf(job, path);
  const file = join(directory, "1.yaml");
  if (options.dryRun !== true && existsSync(file)) throw exists(file);
  const progress = await session.progress();
  const source = await openJobSource(job, path, session.environment);
  try {
    const inference = await inferFromSource({
      job,
      source,
      signal: session.signal,
      onEvent: (event) => progress.handle(event),
      dataset: options.dataset ?? basename(directory),
      objectsMax: options.objects,
    });
    const yaml = formatSchemaVersion(inference.version, editorSchema(directory));
    const { version, notes, conflicts, objects, objectsRead, unreadable } = inference;
    if (options.dryRun !== true) await writeNew(directory, file, yaml);
    else {
      for (const note of notes) progress.note(note);
      for (const { path, detail, objects } of conflicts) {
        progress.note(`column ${path} ${detail} in ${countOf(objects.length, "object")}`, { objects });
      }
    }
    const report: InferReport = {
      dataset: version.dataset,
      file: options.dryRun === true ? null : file,
      yaml,
      fields: version.fields.map((field) => ({
        id: field.id,
        name: field.name,
        type: formatType(field),
        nullable: field.nullable,
        partition: version.partitionBy.includes(field.id),
      })),
      objects,
      objectsRead,
      notes,
      conflicts,
      unreadable,
    };
    // The YAML alone, as it is, so that it can go into a file.
    if (options.dryRun === true && !session.json && !session.out.isTerminal) session.out.write(yaml);
    else session.result(report, (columns) => renderInference(report, columns));
  } finally {
    await source.close();
  }
}

async function writeNew(directory: string, file: string, yaml: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  try {
    await writeFile(file, yaml, { flag: "wx" });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") throw exists(file);
    throw new ColonnadeError(
      "invalid",
      "FILE_UNWRITABLE",
      "schema version cannot be written",
      { file },
      { cause },
    );
  }
}

function exists(file: string): ColonnadeError {
  return new ColonnadeError("invalid", "FILE_EXISTS", "schema version 1 is there already", { file });
}

/** Where an editor finds the JSON Schema: beside the folder when it is there, else in this package. */
function editorSchema(directory: string): string {
  const name = join("formats", "schema-version.schema.json");
  if (existsSync(join(directory, "..", name))) return toUrlPath(join("..", name));
  const own = fileURLToPath(packageFile(`schemas/${name}`));
  return toUrlPath(relative(directory, own));
}

function toUrlPath(path: string): string {
  return path.split(sep).join("/");
}
