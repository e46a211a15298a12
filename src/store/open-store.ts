import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { ColonnadeError } from "../base/errors.ts";
import { createFileStore } from "./file.ts";
import type { ObjectStore } from "./object-store.ts";
import type { S3StoreOptions } from "./s3-context.ts";

export interface OpenStoreOptions {
  /** The process's environment, or what stands for it: endpoint, region and credentials come from there. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What relative `file:` paths are relative to. */
  readonly baseDirectory: string;
  /** For stores that are only read: a missing folder is an error, not an empty store. */
  readonly mustExist?: boolean;
  /** `limits.memory` of the job: a twelfth of it is for what is being uploaded. */
  readonly memoryBytes?: number;
}

const uploadsShare = 12;

/**
 * Opens the store that a URI names. The caller closes it.
 *
 * - `s3://bucket` or `s3://bucket/prefix`. Read from the environment, as every S3 tool does: `AWS_ENDPOINT_URL_S3`,
 *   `AWS_ENDPOINT_URL` or `S3_ENDPOINT`; `AWS_REGION` or `AWS_DEFAULT_REGION`; `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
 *   `AWS_SESSION_TOKEN` (without them the SDK's chain: profile, web identity, container, instance);
 *   `AWS_REQUEST_CHECKSUM_CALCULATION=WHEN_REQUIRED` turns checksums off for services that refuse them.
 * - `file:path`, relative or absolute, taken as it is; `file:///path` as a URL, with percent-encoding (RFC 8089).
 *
 * Throws `invalid` `STORE_URI_INVALID`. What is wrong with bucket, folder or credentials shows on the first use.
 */
export async function openStore(uri: string, options: OpenStoreOptions): Promise<ObjectStore> {
  if (uri.startsWith("s3://")) {
    const s3Options = s3OptionsOf(uri, options.environment);
    // Loaded only here: the SDK takes longer to start than a small job on a folder.
    const { createS3Store } = await import("./s3.ts");
    const { memoryBytes } = options;
    const uploads = memoryBytes === undefined ? {} : { uploadBytes: memoryBytes / uploadsShare };
    return createS3Store({ ...s3Options, ...uploads });
  }
  if (uri.startsWith("file:")) {
    const rootPath = pathOf(uri, options.baseDirectory);
    return createFileStore({ rootPath, mustExist: options.mustExist ?? false });
  }
  throw uriInvalid(uri, "begins with neither s3:// nor file:");
}

function pathOf(uri: string, baseDirectory: string): string {
  if (uri.startsWith("file://")) {
    try {
      return fileURLToPath(uri);
    } catch (error) {
      throw uriInvalid(uri, "is no URL of a local folder", error);
    }
  }
  const path = uri.slice("file:".length);
  if (path === "" || path.includes("\0")) throw uriInvalid(uri, "names no folder");
  return resolve(baseDirectory, path);
}

function s3OptionsOf(uri: string, environment: OpenStoreOptions["environment"]): S3StoreOptions {
  const [, bucket = "", prefix = ""] = /^s3:\/\/([^/]*)\/?(.*)$/su.exec(uri) ?? [];
  if (!/^[a-z0-9A-Z][a-z0-9A-Z._-]{1,254}$/.test(bucket)) throw uriInvalid(uri, "names no valid bucket");
  const segments = prefix.replace(/\/$/, "").split("/");
  if (prefix !== "" && segments.some((segment) => segment === "" || segment === "." || segment === ".."))
    throw uriInvalid(uri, "has an empty or dotted segment in its prefix");
  const read = (...names: readonly string[]): string | undefined =>
    names.map((name) => environment[name]).find((value) => value !== undefined && value !== "");
  const endpoint = read("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "S3_ENDPOINT");
  if (endpoint !== undefined && !/^https?:\/\/[^/@]+/.test(endpoint))
    throw new ColonnadeError("invalid", "ENDPOINT_INVALID", "endpoint of S3 is no http or https URL");
  const region = read("AWS_REGION", "AWS_DEFAULT_REGION");
  const accessKeyId = read("AWS_ACCESS_KEY_ID");
  const secretAccessKey = read("AWS_SECRET_ACCESS_KEY");
  const sessionToken = read("AWS_SESSION_TOKEN");
  const complete = accessKeyId !== undefined && secretAccessKey !== undefined;
  return {
    bucket,
    prefix: segments.join("/"),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(complete
      ? {
          credentials: {
            accessKeyId,
            secretAccessKey,
            ...(sessionToken === undefined ? {} : { sessionToken }),
          },
        }
      : {}),
    checksums: read("AWS_REQUEST_CHECKSUM_CALCULATION")?.toUpperCase() !== "WHEN_REQUIRED",
  };
}

function uriInvalid(uri: string, what: string, cause?: unknown): ColonnadeError {
  // A URI may carry a password before an @.
  const shown = uri.replace(/\/\/[^/@]*@/, "//***@");
  const message = `store URI ${what}`;
  return new ColonnadeError("invalid", "STORE_URI_INVALID", message, { uri: shown }, { cause });
}
