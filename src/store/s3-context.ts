import { S3Client } from "@aws-sdk/client-s3";

import { ColonnadeError } from "../base/errors.ts";
import { MemoryBudget } from "../base/memory-budget.ts";
import { defaultRetryPolicy, retry } from "./retry.ts";
import type { RetryPolicy } from "./retry.ts";
import { isTemporary, s3Error } from "./s3-errors.ts";
import { throwIfAborted } from "./store-errors.ts";

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface S3StoreOptions {
  readonly bucket: string;
  /** Where the store's keys begin, without a slash at either end. Empty by default: the whole bucket. */
  readonly prefix?: string;
  /** For services other than AWS; buckets are then addressed by path. */
  readonly endpoint?: string;
  /** By default what the SDK finds, or `us-east-1` with an endpoint. */
  readonly region?: string;
  /** By default the SDK's chain: environment, profile, web identity, container, instance. */
  readonly credentials?: S3Credentials;
  /**
   * Lets S3 copy large ranges by itself (UploadPartCopy): half the traffic. Off by default, because then no checksum of the
   * whole is known to S3, nor to us before the copied ranges were read back from the source to sum them.
   */
  readonly serverSideCopy?: boolean;
  /** CRC-32 checksums that S3 verifies and keeps. Off only for services that refuse them. */
  readonly checksums?: boolean;
  /** Bytes of one part of a multipart upload; at least 5 MiB, which is the default. Each writer fills one in memory. */
  readonly partBytes?: number;
  /** Bytes of parts of all writers that are under way at once, and in memory: from one part to 32, by default four. */
  readonly uploadBytes?: number;
  /** Connections in use at once: so many for reads and so many for writes, that neither waits for the other. */
  readonly connectionsMax?: number;
  readonly connectTimeoutMs?: number;
  /** A request, or a body, on which nothing moves for so long is given up. */
  readonly idleTimeoutMs?: number;
  readonly retry?: Partial<RetryPolicy>;
}

/** What the parts of one S3 store share. */
export interface S3Context {
  readonly uri: string;
  readonly bucket: string;
  /** Empty, or ends at a `/`. */
  readonly keyPrefix: string;
  /** Names the service and account as far as known: stores that agree in it can copy from one another. */
  readonly identity: string;
  readonly reads: S3Client;
  readonly writes: S3Client;
  readonly policy: RetryPolicy;
  readonly serverSideCopy: boolean;
  readonly checksums: boolean;
  readonly partBytes: number;
  /** For parts that are under way, of all writers together. */
  readonly uploads: MemoryBudget;
  /** Of parts that were uploaded, for those to come. */
  readonly idleParts: Buffer[];
  readonly idleTimeoutMs: number;
  /** What was learned on the way: whether a reply has shown that the bucket is there. */
  readonly learned: { bucketExists: boolean };
}

/** S3's minimum for all parts but the last. */
export const partBytesMin = 5 * 1024 * 1024;

export function createS3Context(options: S3StoreOptions): S3Context {
  const prefix = (options.prefix ?? "").replace(/^\/+|\/+$/g, "");
  const partBytes = options.partBytes ?? partBytesMin;
  if (partBytes < partBytesMin) {
    const message = "part size of multipart uploads is below S3's minimum of 5 MiB";
    throw new ColonnadeError("invalid", "PART_SIZE_INVALID", message, { partBytes });
  }
  return {
    uri: `s3://${options.bucket}${prefix === "" ? "" : `/${prefix}`}`,
    bucket: options.bucket,
    keyPrefix: prefix === "" ? "" : `${prefix}/`,
    identity: JSON.stringify([options.endpoint, options.region, options.credentials?.accessKeyId]),
    reads: createClient(options),
    writes: createClient(options),
    policy: { ...defaultRetryPolicy, ...options.retry },
    serverSideCopy: options.serverSideCopy ?? false,
    checksums: options.checksums ?? true,
    partBytes,
    uploads: new MemoryBudget(uploadBytesOf(options, partBytes)),
    idleParts: [],
    idleTimeoutMs: options.idleTimeoutMs ?? 60_000,
    learned: { bucketExists: false },
  };
}

function uploadBytesOf({ uploadBytes }: S3StoreOptions, partBytes: number): number {
  return Math.max(partBytes, Math.min(uploadBytes ?? 4 * partBytes, 32 * partBytes));
}

function createClient(options: S3StoreOptions): S3Client {
  const { endpoint, region, credentials } = options;
  const agent = { maxSockets: options.connectionsMax ?? 64 };
  const client = new S3Client({
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    ...(region === undefined ? (endpoint === undefined ? {} : { region: "us-east-1" }) : { region }),
    ...(credentials === undefined ? {} : { credentials: { ...credentials } }),
    // A conditional write that is sent twice may fail because it succeeded. Reads are repeated by ourselves (`retry.ts`).
    maxAttempts: 1,
    // Sums are our own: one pass over the bytes gives that of the part and that of the whole.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    // With this header the SDK opens a connection for every request above 2 MB and closes it again.
    expectContinueHeader: false,
    requestHandler: {
      httpAgent: agent,
      httpsAgent: agent,
      connectionTimeout: options.connectTimeoutMs ?? 10_000,
      socketTimeout: options.idleTimeoutMs ?? 60_000,
      logger: silent,
    },
    logger: silent,
  });
  // It puts together what could be logged, for each request and to nobody.
  client.middlewareStack.remove("loggerMiddleware");
  // The SHA-256 of a body, for the signature, costs more than all else we do with it, and the CRC-32 guards it already.
  client.middlewareStack.add(
    (next) => async (args) => {
      const { request } = args as { request: { headers: Record<string, string>; body?: unknown } };
      if (request.body instanceof Uint8Array) request.headers["x-amz-content-sha256"] ??= "UNSIGNED-PAYLOAD";
      return await next(args);
    },
    { step: "build", name: "unsignedPayload" },
  );
  // So that a denied request can say what it takes: S3 does not.
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) =>
        await next(args).catch((error: unknown) => {
          throw typeof error === "object" && error !== null ? Object.assign(error, { commandName }) : error;
        }),
    { step: "initialize", name: "commandOfError" },
  );
  return client;
}

const nothing = (): void => {};
const silent = { trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };

/** Runs a request that may be repeated, until it succeeds or its error lasts. Throws the SDK's error. */
export async function sendAgain<T>(
  context: S3Context,
  request: (abort: { readonly abortSignal?: AbortSignal }) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  throwIfAborted(signal);
  const abort = signal === undefined ? {} : { abortSignal: signal };
  return await retry(context.policy, () => request(abort), isTemporary, signal);
}

/** {@link s3Error} with what every error of this store says. */
export function errorFor(context: S3Context, error: unknown, key?: string): ColonnadeError {
  return s3Error(error, key === undefined ? { uri: context.uri } : { uri: context.uri, key });
}
