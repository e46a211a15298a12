import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Field } from "../../src/schema/schema-version.ts";
import { formatLeafType } from "../../src/parquet/leaf-type.ts";
import { childFields } from "../../src/schema/walk-fields.ts";
import { pythonWith } from "./python.ts";

/** A row, or a value in it: decimals are texts, timestamps microseconds, maps lists of pairs. */
export type Value = null | number | string | readonly Value[] | { readonly [name: string]: Value };
export type Row = { readonly [name: string]: Value };

export interface FieldSpec {
  readonly name: string;
  readonly nullable: boolean;
  readonly kind: "leaf" | "struct" | "list" | "map";
  readonly type?: string;
  readonly children?: readonly FieldSpec[];
}

export interface ReadMetadata {
  /** All that the footer says of the chunks but where they are. */
  readonly text: string;
  readonly schema: string;
  readonly keys: readonly string[];
}

export interface ReadTable {
  readonly fields: readonly FieldSpec[];
  readonly rows: readonly Row[];
  readonly rowGroups: number;
  /** Statistics that are not true of the values. */
  readonly faults: readonly string[];
  /** Rows that each filter found. */
  readonly found: readonly number[];
}

/** A Python process that writes and reads with pyarrow: starting one for every file takes longer than all of its work. */
export interface PyarrowService extends AsyncDisposable {
  /** False when a damaged file has ended the process. */
  readonly isAlive: boolean;
  write(path: string, fields: readonly Field[], rows: readonly Row[], options: object): Promise<void>;
  metadata(path: string): Promise<ReadMetadata>;
  read(path: string, filters?: readonly (readonly [string, Value])[]): Promise<ReadTable>;
  /** An Arrow IPC stream; `seed` decides how the batches are cut and which forms the types have. */
  writeStream(
    path: string,
    fields: readonly Field[],
    rows: readonly Row[],
    options: { readonly seed: number; readonly compression: "zstd" | "lz4" | null },
  ): Promise<void>;
  readStream(path: string): Promise<Pick<ReadTable, "fields" | "rows">>;
  /** An Arrow IPC stream of the columns that a Python expression makes, of `pa`, `np`, `datetime`, `uuid` and `D` (Decimal). */
  writeColumns(path: string, columns: string, compression: "zstd" | "lz4" | null): Promise<void>;
  /** Each column of a stream on a line, as Python writes its name, type and values. */
  describeStream(path: string): Promise<readonly string[]>;
}

/** Undefined without pyarrow. */
export function startPyarrow(): PyarrowService | undefined {
  const interpreter = pythonWith(["pyarrow"]);
  if (interpreter === undefined) return undefined;
  const script = join(import.meta.dirname, "pyarrow-service.py");
  const child = spawn(interpreter, ["-I", "-X", "utf8", script], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let last: Promise<unknown> = Promise.resolve();

  async function call<T>(request: object): Promise<T> {
    child.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await lines.next();
    if (done === true) throw new Error("pyarrow service ended");
    const answer = JSON.parse(value) as T & { readonly error?: string };
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer;
  }

  /** One request at a time: answers have no names. */
  function inTurn<T>(request: object): Promise<T> {
    const answer = last.then(
      () => call<T>(request),
      () => call<T>(request),
    );
    last = answer;
    return answer;
  }

  child.stdin.on("error", () => {}); // The answer that does not come says so.
  return {
    get isAlive() {
      return child.exitCode === null && child.signalCode === null;
    },
    write: async (path, fields, rows, options) =>
      void (await inTurn({ call: "write", path, fields: fields.map(specOf), rows, options })),
    metadata: (path) => inTurn({ call: "metadata", path }),
    read: (path, filters = []) => inTurn({ call: "read", path, filters }),
    writeStream: async (path, fields, rows, options) =>
      void (await inTurn({ call: "writeStream", path, fields: fields.map(specOf), rows, options })),
    readStream: (path) => inTurn({ call: "readStream", path }),
    writeColumns: async (path, columns, compression) =>
      void (await inTurn({ call: "writeColumns", path, columns, compression })),
    async describeStream(path) {
      const { columns } = await inTurn<{ readonly columns: readonly string[] }>({
        call: "describeStream",
        path,
      });
      return columns;
    },
    async [Symbol.asyncDispose]() {
      await last.catch(() => undefined);
      child.stdin.end();
    },
  };
}

export function specOf(field: Field): FieldSpec {
  const { name, nullable, type } = field;
  if (type.kind === "leaf") return { name, nullable, kind: "leaf", type: formatLeafType(type.leaf) };
  return { name, nullable, kind: type.kind, children: childFields(type).map(specOf) };
}
