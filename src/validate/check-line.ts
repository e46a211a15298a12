import { ColonnadeError } from "../base/errors.ts";
import type { FileLine, Manifest } from "../dataset/formats.ts";
import { parsePartition } from "../dataset/partition.ts";
import type { SchemaVersion } from "../schema/schema-version.ts";
import { partitionFields } from "../schema/walk-fields.ts";
import type { Findings } from "./report.ts";

/** Compares a file list with itself and with its manifest, line by line, in constant memory. */
export class LineChecks {
  readonly #findings: Findings;
  readonly #manifest: Manifest;
  readonly #schema: SchemaVersion | undefined;
  #previous: string | undefined;
  #objects = 0;
  #rowsIn = 0;
  #rows = 0;
  #rowsQuarantined = 0;
  #bytes = 0;
  #bytesCopied = 0;
  #bytesRewritten = 0;
  readonly #invalid = new Map<string, number>();

  constructor(findings: Findings, manifest: Manifest, schema: SchemaVersion | undefined) {
    this.#findings = findings;
    this.#manifest = manifest;
    this.#schema = schema;
  }

  get objects(): number {
    return this.#objects;
  }

  add(line: FileLine): void {
    this.#objects += 1;
    this.#rowsIn += line.source.rows;
    this.#rows += line.rows;
    this.#rowsQuarantined += line.quarantine?.rows ?? 0;
    this.#bytes += line.bytes;
    this.#bytesCopied += line.bytesCopied;
    this.#bytesRewritten += line.bytesRewritten;
    for (const [column, count] of Object.entries(line.invalid)) {
      this.#invalid.set(column, (this.#invalid.get(column) ?? 0) + count);
    }
    this.#checkLine(line);
  }

  /** After the last line: their sums are what the manifest says. */
  finish(): void {
    const { totals } = this.#manifest;
    const sums = {
      objects: this.#objects,
      rowsIn: this.#rowsIn,
      rows: this.#rows,
      rowsQuarantined: this.#rowsQuarantined,
      bytes: this.#bytes,
      bytesCopied: this.#bytesCopied,
      bytesRewritten: this.#bytesRewritten,
    };
    for (const name of Object.keys(sums) as (keyof typeof sums)[]) {
      this.#compareTotal(name, sums[name], totals[name]);
    }
    for (const column of new Set([...this.#invalid.keys(), ...Object.keys(totals.invalid)])) {
      this.#compareTotal(`invalid.${column}`, this.#invalid.get(column) ?? 0, totals.invalid[column] ?? 0);
    }
  }

  #compareTotal(name: string, sum: number, stated: number): void {
    this.#findings.looked("totals");
    if (sum === stated) return;
    this.#findings.error(
      "totals",
      "TOTAL_DIFFERS",
      `manifest's total of ${name} is not the sum of its lines`,
      {},
      {
        total: name,
        sum,
        stated,
      },
    );
  }

  #checkLine(line: FileLine): void {
    const place = { object: line.key };
    const wrong = (code: string, message: string, details: object): void =>
      this.#findings.error("file lists", code, message, place, details);
    this.#findings.looked("file lists");
    const { source, quarantine, rows, task } = line;
    const previous = this.#previous;
    this.#previous = source.key;
    if (previous !== undefined && Buffer.compare(Buffer.from(previous), Buffer.from(source.key)) >= 0) {
      wrong("LINES_OUT_OF_ORDER", "file list is not in the order of its sources, or names one twice", {
        source: source.key,
        previous,
      });
    }
    if (source.rows !== rows + (quarantine?.rows ?? 0)) {
      this.#findings.looked("rows");
      this.#findings.error(
        "rows",
        "ROWS_LOST",
        "rows of the source are not those of the output and its quarantine",
        place,
        {
          rowsIn: source.rows,
          rows,
          rowsQuarantined: quarantine?.rows ?? 0,
        },
      );
    }
    if (line.bytes !== line.bytesCopied + line.bytesRewritten) {
      wrong("BYTES_MISCOUNTED", "bytes copied and rewritten are not those of the object", {
        bytes: line.bytes,
        bytesCopied: line.bytesCopied,
        bytesRewritten: line.bytesRewritten,
      });
    }
    const name = /^data\/.*-([0-9a-f]{32})(?:-[1-9]\d*)?\.parquet$/s.exec(line.key)?.[1];
    if (name !== task.slice(0, 32)) {
      wrong("KEY_WRONG", "object is not named after its task", { task });
    }
    this.#checkPartition(line, wrong);
  }

  #checkPartition(line: FileLine, wrong: (code: string, message: string, details: object) => void): void {
    if (this.#schema === undefined) return;
    const names = partitionFields(this.#schema).map(({ name }) => name);
    const stated = Object.keys(line.partition);
    if (names.length !== stated.length || names.some((name) => !stated.includes(name))) {
      return wrong("PARTITION_DIFFERS", "line has other partition columns than the schema version", {
        partition: stated,
        expected: names,
      });
    }
    if (names.length === 0) return;
    const parsed = parsePartition(line.key.slice("data/".length), "hive");
    const fits =
      !(parsed instanceof ColonnadeError) &&
      parsed.values.length === names.length &&
      parsed.values.every(({ name, value }, i) => name === names[i] && line.partition[name] === value);
    if (!fits)
      wrong("PARTITION_DIFFERS", "object lies under another partition than its line says", {
        partition: line.partition,
      });
  }
}
