import type { Command } from "commander";
import { readFileList } from "../../dataset/file-list.ts";
import type { FileLine } from "../../dataset/formats.ts";
import { resolveVersion } from "../../dataset/resolve-version.ts";
import { parsePartitionFilter, passesFilter } from "../../plan/partition-filter.ts";
import { schemaVersionFromContent } from "../../schema/fingerprint.ts";
import { partitionFields } from "../../schema/walk-fields.ts";
import { collect, explained, jobArgument, type JobOptions, parseCount } from "../command-parts.ts";
import { openDestination } from "../open-job.ts";
import type { Session, StartCommand } from "../session.ts";
import { toJsonLine } from "../text/json.ts";
import { text } from "../text/styled.ts";

interface FilesOptions extends JobOptions {
  readonly version?: number;
  readonly partition?: readonly string[];
}

/** One object of a version; `files --json` prints one a line. */
export interface ListedFile {
  /** What a reader opens: `s3://bucket/key`, or the path of a file. */
  readonly uri: string;
  readonly key: string;
  readonly partition: FileLine["partition"];
  readonly rows: number;
  readonly bytes: number;
  readonly crc32: string;
}

export function configure(command: Command, start: StartCommand): void {
  command
    .argument("<job>", jobArgument)
    .option("--version <n>", "another version than the channel serves", parseCount)
    .option("--partition <name=value>", "only this partition; again for more", collect)
    .addHelpText(
      "after",
      explained(
        [
          "The objects of exactly one version, one a line: s3:// URIs, or paths for a folder. Any Parquet reader takes them; listing the data/ prefix instead would mix versions. --json prints one JSON line an object.",
        ],
        ["colonnade files jobs/flights.yaml", "what the channel serves"],
        ["colonnade files jobs/flights.yaml --partition month=2001-03", "of one partition"],
        ["colonnade files jobs/flights.yaml > served.txt", "a list that any Parquet reader takes"],
        [
          "colonnade files jobs/flights.yaml --version 1 --json |\n  jq -s 'map(.rows) | add'",
          "rows of version 1",
        ],
      ),
    )
    .action((job: string, options: FilesOptions) =>
      start(options, (session) => runFiles(session, job, options)),
    );
}

async function runFiles(session: Session, job: string, options: FilesOptions): Promise<void> {
  await using destination = await openDestination(job, session.environment);
  const { store, channel } = destination;
  const { manifest } = await resolveVersion(store, channel, options.version);
  const names = partitionFields(schemaVersionFromContent(manifest.schema.content)).map(({ name }) => name);
  const filter = parsePartitionFilter(options.partition ?? [], names);
  for await (const line of readFileList(store, manifest.parts)) {
    if (session.signal.aborted) return;
    const values = Object.entries(line.partition).map(([name, value]) => ({ name, value }));
    if (!passesFilter(filter, { values, directory: "", stem: "" })) continue;
    const { key, partition, rows, bytes, crc32 } = line;
    const file: ListedFile = { uri: openableUri(store.uri, key), key, partition, rows, bytes, crc32 };
    if (session.json) session.out.write(toJsonLine(file));
    else session.out.print(text`${file.uri}`);
  }
}

/** `file:/data/x` is no URL that every reader knows, but `/data/x` is a path to all of them. */
export function openableUri(storeUri: string, key: string): string {
  return `${storeUri.replace(/^file:/, "")}/${key}`;
}
