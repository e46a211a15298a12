import { posix } from "node:path";
import { z } from "zod";
import { explainZodError, spellPath } from "../schema/explain-zod-error.ts";
import { explainProblems, parseYaml } from "../schema/parse-yaml.ts";
import type { YamlPath, YamlProblem } from "../schema/parse-yaml.ts";
import type { Retention } from "./gc/retention.ts";
import { explainGlob } from "./glob.ts";

export { compileGlobs, matchesInclude } from "./glob.ts";

/** A job as its YAML file says it, defaults filled in. URIs and the schema directory are relative to that file. */
export interface Job {
  readonly job: string;
  readonly source: {
    readonly uri: string;
    readonly partitioning: "hive" | "flat";
    readonly include: readonly string[];
    readonly exclude: readonly string[];
  };
  readonly schema: {
    readonly directory: string;
    readonly from: number | "detect";
    readonly to: number | "latest";
  };
  readonly destination: { readonly uri: string; readonly channel: string };
  readonly output: { readonly compression: Compression };
  readonly limits: { readonly memoryBytes: number; readonly workers: number; readonly requests: number };
  readonly retention: Retention;
}

const compressions = ["keep", "zstd", "snappy", "gzip", "brotli", "lz4_raw", "uncompressed"] as const;
export type Compression = (typeof compressions)[number];

const uri = z.string().min(1).max(2000);
const glob = z.string();
const versionNumber = z.int().min(1);

const defaults = {
  partitioning: "hive",
  include: ["**/*.parquet"],
  from: "detect",
  to: "latest",
  channel: "current",
  compression: "keep",
  memory: "300MB",
  workers: 2,
  requests: 16,
  versions: 10,
  days: 30,
  runDays: 3,
  consumerDays: 30,
} as const;

export const memoryBytesMin = 64_000_000;

/** The YAML form of a job. */
export const jobFileSchema = z.strictObject({
  job: z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
      "up to 63 letters, digits, '.', '_' and '-', a letter or digit first",
    )
    .describe("Name of the job, in manifests and logs."),
  source: z
    .strictObject({
      uri: uri.describe(
        "Where the dataset is: s3://bucket/prefix, or file:path relative to this file. ${NAME} is taken from the environment, ${NAME:-otherwise} with a default.",
      ),
      partitioning: z
        .enum(["hive", "flat"])
        .default(defaults.partitioning)
        .describe("Whether folders such as day=2026-01-01/ hold the values of partition fields."),
      include: z
        .array(glob)
        .min(1)
        .max(100)
        .default([...defaults.include])
        .describe("Keys that belong to the dataset: *, ? and ** as a whole segment."),
      exclude: z.array(glob).max(100).default([]).describe("Keys that do not, although they are included."),
    })
    .describe("The dataset that is read. It is never changed."),
  schema: z.strictObject({
    directory: z.string().min(1).max(2000).describe("Folder of the schema versions, relative to this file."),
    from: z
      .union([versionNumber, z.literal("detect")])
      .default(defaults.from)
      .describe("The version that the source has, or `detect`: by each object's footer."),
    to: z
      .union([versionNumber, z.literal("latest")])
      .default(defaults.to)
      .describe("The version that the destination gets."),
  }),
  destination: z.strictObject({
    uri: uri.describe("Where versions, data and pointers are written: s3://bucket/prefix or file:path."),
    channel: z
      .string()
      .regex(
        /^[a-z0-9][a-z0-9_-]{0,62}$/,
        "up to 63 lowercase letters, digits, '_' and '-', a letter or digit first",
      )
      .default(defaults.channel)
      .describe("The pointer that is moved: pointers/<channel>.json."),
  }),
  output: z
    .strictObject({
      compression: z
        .enum(compressions)
        .default(defaults.compression)
        .describe(
          "Codec of what is written anew; `keep`: each chunk's own. Copied chunks always keep theirs.",
        ),
    })
    .prefault({}),
  limits: z
    .strictObject({
      memory: z
        .union([z.string().max(40), z.int()])
        .default(defaults.memory)
        .describe("Peak memory of the process: 300MB, 1.5GiB, or a number of bytes."),
      workers: z.int().min(1).max(256).default(defaults.workers).describe("Threads that rewrite objects."),
      requests: z
        .int()
        .min(1)
        .max(1024)
        .default(defaults.requests)
        .describe("Requests to a store at a time."),
    })
    .prefault({}),
  retention: z
    .strictObject({
      versions: z
        .int()
        .min(1)
        .max(10_000)
        .default(defaults.versions)
        .describe("Newest versions of each channel that `gc` keeps, the served one included."),
      days: z
        .int()
        .min(0)
        .max(36_500)
        .default(defaults.days)
        .describe("Days for which `gc` keeps a version after it was served."),
      runDays: z
        .int()
        .min(1)
        .max(365)
        .default(defaults.runDays)
        .describe("Days after which `gc` takes a run for dead that the store has not heard of."),
      consumerDays: z
        .int()
        .min(1)
        .max(36_500)
        .default(defaults.consumerDays)
        .describe("Days after which `gc` takes a consumer for dead that has not finished a version."),
    })
    .prefault({})
    .describe(
      "What `gc` keeps at the destination, beside what is served, what running jobs need and what consumers read.",
    ),
});

/**
 * A job from its YAML file. `environment` gives the values of `${NAME}`. Throws `invalid` `JOB_INVALID` with the details
 * `file`, `line` and `column`; no message has a value that came from the environment.
 */
export function parseJob(
  text: string,
  fileName: string,
  environment: Readonly<Record<string, string | undefined>>,
): Job {
  const document = parseYaml(text, fileName, "JOB_INVALID");
  const expansion = new Expansion(environment);
  const value = expansion.expand(document.value, []);
  if (expansion.problems.length > 0) throw explainProblems(document, expansion.problems);
  const parsed = jobFileSchema.safeParse(value);
  if (!parsed.success) throw explainZodError(parsed.error, document, jobFileSchema);
  const { source, destination, limits } = parsed.data;
  const memoryBytes = typeof limits.memory === "number" ? limits.memory : parseBytes(limits.memory);
  const problems = [
    ...uriProblems(["source", "uri"], source.uri),
    ...uriProblems(["destination", "uri"], destination.uri),
    ...overlapProblems(source.uri, destination.uri),
    ...globProblems(["source", "include"], source.include),
    ...globProblems(["source", "exclude"], source.exclude),
    ...memoryProblems(memoryBytes),
  ];
  if (problems.length > 0 || memoryBytes === undefined) throw explainProblems(document, problems);
  return { ...parsed.data, limits: { memoryBytes, workers: limits.workers, requests: limits.requests } };
}

class Expansion {
  readonly problems: YamlProblem[] = [];
  readonly #environment: Readonly<Record<string, string | undefined>>;

  constructor(environment: Readonly<Record<string, string | undefined>>) {
    this.#environment = environment;
  }

  expand(value: unknown, path: YamlPath): unknown {
    if (typeof value === "string") return this.#text(value, path);
    if (Array.isArray(value)) return value.map((item, index) => this.expand(item, [...path, index]));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [key, this.expand(member, [...path, key])]),
    );
  }

  /** `${NAME}`, `${NAME:-otherwise}`, and `$${` for a literal `${`. */
  #text(text: string, path: YamlPath): string {
    return text.replace(/\$?\$\{([^{}]*)\}?/g, (match, inside: string) => {
      if (match.startsWith("$$")) return match.slice(1);
      const parts = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(inside);
      const name = parts?.[1];
      if (name === undefined || !match.endsWith("}")) {
        this.problems.push({ path, message: `${spellPath(path)} has a $\{ that names no variable` });
        return "";
      }
      const value = Object.hasOwn(this.#environment, name) ? this.#environment[name] : undefined;
      if (value !== undefined && value !== "") return value;
      if (parts?.[2] !== undefined) return parts[2];
      this.problems.push({ path, message: `environment variable ${name} is not set` });
      return "";
    });
  }
}

const units: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
  // As Kubernetes writes its limits.
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
};

/** `300MB`, `1.5 GiB`, `512Mi` or `1000` as bytes, rounded down; undefined for anything else. */
export function parseBytes(text: string): number | undefined {
  const match = /^\s*([0-9]{1,15}(?:\.[0-9]{1,6})?)\s*([A-Za-z]{0,3})\s*$/.exec(text);
  const unit = units[(match?.[2] ?? "").toLowerCase()];
  if (match === null || unit === undefined) return undefined;
  const bytes = Math.floor(Number(match[1]) * unit);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

function memoryProblems(bytes: number | undefined): YamlProblem[] {
  const path = ["limits", "memory"];
  if (bytes === undefined) return [{ path, message: "limits.memory is not a size such as 300MB or 1GiB" }];
  if (bytes >= memoryBytesMin) return [];
  return [{ path, message: `limits.memory is less than ${memoryBytesMin / 1e6}MB` }];
}

function uriProblems(path: YamlPath, text: string): YamlProblem[] {
  const name = spellPath(path);
  if (/[\p{Cc}]/u.test(text)) return [{ path, message: `${name} has a control character` }];
  if (text.startsWith("file:")) {
    return text === "file:" ? [{ path, message: `${name} names no folder` }] : [];
  }
  if (text.startsWith("memory:")) return [];
  const bucket = /^s3:\/\/([^/]*)/.exec(text)?.[1];
  if (bucket === undefined) return [{ path, message: `${name} begins with neither s3:// nor file:` }];
  if (bucket.includes("@")) {
    return [
      { path, message: `${name} has credentials: they belong into the environment (AWS_ACCESS_KEY_ID, …)` },
    ];
  }
  return bucket === "" ? [{ path, message: `${name} names no bucket` }] : [];
}

/** A destination inside its source would be read as data by the next run, and the other way round kept from gc. */
function overlapProblems(source: string, destination: string): YamlProblem[] {
  const [from, to] = [normalize(source), normalize(destination)];
  const path = ["destination", "uri"];
  if (from === to) return [{ path, message: "destination.uri is the source" }];
  if (to.startsWith(from)) return [{ path, message: "destination.uri is inside the source" }];
  if (from.startsWith(to)) return [{ path, message: "source.uri is inside the destination" }];
  return [];
}

/** `scheme:path/` with a slash at the end and no dots in between. */
function normalize(text: string): string {
  const colon = text.indexOf(":") + 1;
  const path = posix.normalize(`${text.slice(colon).replace(/^\/\/(?=\/)/, "")}/`);
  return text.slice(0, colon) + path;
}

function globProblems(path: YamlPath, patterns: readonly string[]): YamlProblem[] {
  return patterns.flatMap((pattern, index) => {
    const complaint = explainGlob(pattern);
    const at = [...path, index];
    return complaint === undefined ? [] : [{ path: at, message: `${spellPath(at)} ${complaint}` }];
  });
}
