import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ColonnadeError } from "../../../src/base/errors.ts";
import { parseBytes, parseJob } from "../../../src/dataset/job.ts";

function job(overrides: Readonly<Record<string, string>> = {}): string {
  const lines: Record<string, string> = {
    job: "flights",
    source: "{ uri: 's3://lake/raw' }",
    schema: "{ directory: ../schemas/flights }",
    destination: "{ uri: 's3://lake/out' }",
    ...overrides,
  };
  return Object.entries(lines)
    .map(([key, value]) => `${key}: ${value}`)
    .join("\n");
}

function refusal(text: string, environment: Record<string, string> = {}): ColonnadeError {
  try {
    parseJob(text, "jobs/a.yaml", environment);
  } catch (error) {
    if (error instanceof ColonnadeError && error.code === "JOB_INVALID" && error.kind === "invalid")
      return error;
    throw error;
  }
  throw new Error("the job was accepted");
}

describe("a job", () => {
  test("is read from the flights example", () => {
    const text = readFileSync(new URL("../../../jobs/flights.yaml", import.meta.url), "utf8");
    expect(parseJob(text, "flights.yaml", {})).toMatchObject({
      job: "flights",
      source: { partitioning: "hive", include: ["**/*.parquet"], exclude: [] },
      schema: { directory: "../schemas/flights", to: 2 },
      destination: { channel: "current" },
      output: { compression: "keep" },
      limits: { memoryBytes: 300_000_000, workers: 2, requests: 16 },
      retention: { versions: 10, days: 30, runDays: 3, consumerDays: 30 },
    });
  });

  test("needs only a name, a source, a schema and a destination", () => {
    expect(parseJob(job(), "a.yaml", {})).toStrictEqual({
      job: "flights",
      source: { uri: "s3://lake/raw", partitioning: "hive", include: ["**/*.parquet"], exclude: [] },
      schema: { directory: "../schemas/flights", from: "detect", to: "latest" },
      destination: { uri: "s3://lake/out", channel: "current" },
      output: { compression: "keep" },
      limits: { memoryBytes: 300_000_000, workers: 2, requests: 16 },
      retention: { versions: 10, days: 30, runDays: 3, consumerDays: 30 },
    });
  });

  test("takes values from the environment, with a default or a literal where one is given", () => {
    const text = job({ source: "{ uri: 's3://${BUCKET}/${PREFIX:-raw}/$${x}' }" });
    expect(parseJob(text, "a.yaml", { BUCKET: "lake", PREFIX: "" }).source.uri).toBe("s3://lake/raw/${x}");
  });

  test("names a variable that is missing, and its place", () => {
    const error = refusal(job({ source: "{ uri: 's3://${BUCKET}/raw' }" }));
    expect(error.message).toBe("jobs/a.yaml:2:16: environment variable BUCKET is not set");
    expect(refusal(job({ source: "{ uri: 's3://${toString}/raw' }" })).message).toContain(
      "toString is not set",
    );
    expect(refusal(job({ source: "{ uri: 's3://${a b}/raw' }" })).message).toContain(
      "has a ${ that names no variable",
    );
    expect(refusal(job({ source: "{ uri: 's3://${BUCKET' }" })).message).toContain(
      "has a ${ that names no variable",
    );
  });

  test("never repeats a value of the environment in an error", () => {
    const environment = { SECRET: "hunter2" };
    for (const text of [
      job({ job: "'${SECRET} x'" }),
      job({ source: "{ uri: '${SECRET}' }" }),
      job({ source: "{ uri: 's3://x:${SECRET}@lake/raw' }" }),
      job({ source: "{ uri: 's3://lake/raw', partitioning: '${SECRET}' }" }),
      job({ source: "{ uri: 's3://lake/raw', include: ['{${SECRET}}'] }" }),
      job({ limits: "{ memory: '${SECRET}' }" }),
      job({ limits: "{ workers: '${SECRET}' }" }),
      job({ schema: "{ directory: x, to: '${SECRET}' }" }),
    ]) {
      const error = refusal(text, environment);
      expect(JSON.stringify([error.message, error.details])).not.toContain("hunter2");
    }
  });

  test.each<[string, string, string]>([
    [
      "an unknown key",
      job({ destination: "{ uri: 's3://b/c', chanel: x }" }),
      '4:33: unknown key "chanel", did you mean "channel"?',
    ],
    ["an unknown section", `${job()}\nlimit: {}`, '5:1: unknown key "limit", did you mean "limits"?'],
    ["a missing section", "job: a", "1:1: source is missing"],
    ["an unknown word", job({ output: "{ compression: zsdt }" }), "output.compression is none of keep, zstd"],
    [
      "a version that is no number",
      job({ schema: "{ directory: x, from: first }" }),
      "schema.from is neither a number nor detect",
    ],
    ["too little memory", job({ limits: "{ memory: 1MB }" }), "limits.memory is less than 64MB"],
    [
      "memory that is no size",
      job({ limits: "{ memory: lots }" }),
      "limits.memory is not a size such as 300MB or 1GiB",
    ],
    ["no workers", job({ limits: "{ workers: 0 }" }), "limits.workers: too small"],
    [
      "another scheme",
      job({ source: "{ uri: 'gs://lake/raw' }" }),
      "source.uri begins with neither s3:// nor file:",
    ],
    ["no bucket", job({ source: "{ uri: 's3:///raw' }" }), "source.uri names no bucket"],
    [
      "a destination that is the source",
      job({ destination: "{ uri: 's3://lake/raw/' }" }),
      "destination.uri is the source",
    ],
    [
      "a destination inside the source",
      job({ destination: "{ uri: 's3://lake/raw/out' }" }),
      "destination.uri is inside the source",
    ],
    [
      "a detour into the source",
      job({ source: "{ uri: 'file:../a' }", destination: "{ uri: 'file:../b/../a/c' }" }),
      "destination.uri is inside the source",
    ],
    [
      "a source inside the destination",
      job({ source: "{ uri: 's3://lake/out/data' }" }),
      "source.uri is inside the destination",
    ],
    [
      "a channel that is no key",
      job({ destination: "{ uri: 's3://b/c', channel: ../x }" }),
      "destination.channel",
    ],
    [
      "a dangerous pattern",
      job({ source: "{ uri: 's3://lake/raw', include: ['a', '**x'] }" }),
      "source.include[1] has ** beside other characters",
    ],
  ])("%s is refused", (_, text, expected) => {
    expect(refusal(text).message).toContain(expected);
  });

  test("a bucket beside another is not inside it", () => {
    const text = job({ source: "{ uri: 's3://lake' }", destination: "{ uri: 's3://lake-out' }" });
    expect(parseJob(text, "a.yaml", {}).destination.uri).toBe("s3://lake-out");
  });
});

test.each<[string, number | undefined]>([
  ["300MB", 300_000_000],
  ["1GiB", 1_073_741_824],
  ["1.5 gib", 1_610_612_736],
  ["512Mi", 536_870_912],
  ["1000", 1000],
  ["10 b", 10],
  ["1e9", undefined],
  ["-1MB", undefined],
  ["MB", undefined],
  ["1 parsec", undefined],
  ["999999999999999TiB", undefined],
])("a size of %s is %s bytes", (text, bytes) => {
  expect(parseBytes(text)).toBe(bytes);
});
