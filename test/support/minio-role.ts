import { createHash, createHmac } from "node:crypto";
import type { S3TestServer } from "./minio.ts";

/** A policy document as S3 has it. */
export interface Policy {
  readonly Version: string;
  readonly Statement: readonly {
    readonly Effect: string;
    readonly Action: readonly string[];
    readonly Resource: readonly string[];
  }[];
}

/**
 * The environment of somebody who may do what the policy says and no more: temporary credentials of the server's own STS
 * (AssumeRole, https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html, signed with version 4).
 */
export async function environmentWith(
  server: S3TestServer,
  policy: Policy,
): Promise<Readonly<Record<string, string>>> {
  const body = new URLSearchParams({
    Action: "AssumeRole",
    Version: "2011-06-15",
    DurationSeconds: "3600",
    Policy: JSON.stringify(policy),
  }).toString();
  const instant = new Date().toISOString().replaceAll(/[-:]|\.\d{3}/g, "");
  const day = instant.slice(0, 8);
  const { host } = new URL(server.endpoint);
  const scope = `${day}/${server.region}/sts/aws4_request`;
  const headers = `content-type:application/x-www-form-urlencoded\nhost:${host}\nx-amz-date:${instant}\n`;
  const signed = "content-type;host;x-amz-date";
  const request = ["POST", "/", "", headers, signed, sha256(body)].join("\n");
  const toSign = ["AWS4-HMAC-SHA256", instant, scope, sha256(request)].join("\n");
  let key: Buffer | string = `AWS4${server.secretAccessKey}`;
  for (const part of scope.split("/")) key = createHmac("sha256", key).update(part).digest();
  const signature = createHmac("sha256", key).update(toSign).digest("hex");
  const reply = await fetch(server.endpoint, {
    method: "POST",
    body,
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      "x-amz-date": instant,
      authorization: `AWS4-HMAC-SHA256 Credential=${server.accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`,
    },
  });
  const text = await reply.text();
  const member = (name: string): string => {
    const found = new RegExp(`<${name}>([^<]+)</${name}>`).exec(text)?.[1];
    if (found === undefined) throw new Error(`AssumeRole answered ${reply.status}: ${text}`);
    return found;
  };
  return {
    AWS_ENDPOINT_URL: server.endpoint,
    AWS_REGION: server.region,
    AWS_ACCESS_KEY_ID: member("AccessKeyId"),
    AWS_SECRET_ACCESS_KEY: member("SecretAccessKey"),
    AWS_SESSION_TOKEN: member("SessionToken"),
  };
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
