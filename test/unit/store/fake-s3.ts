import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";

import { createS3Store } from "../../../src/store/s3.ts";
import type { S3StoreOptions } from "../../../src/store/s3-context.ts";
import type { ObjectStore } from "../../../src/store/object-store.ts";

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** What the server does with one request; it may end the connection instead of replying. */
export type Answer = (request: SeenRequest, reply: ServerResponse) => void;

export interface FakeS3 {
  readonly endpoint: string;
  readonly seen: SeenRequest[];
  readonly store: ObjectStore;
  close(): Promise<void>;
}

export const secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/** A server that gives the answers in turn, the last of them for ever, to test what a real one cannot be told to do. */
export async function startFakeS3(
  answers: readonly Answer[],
  options: Partial<S3StoreOptions> = {},
): Promise<FakeS3> {
  const seen: SeenRequest[] = [];
  const server = createServer((request, reply) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url = "", headers } = request;
      const body = Buffer.concat(chunks);
      seen.push({ method, url, headers, body });
      answers[Math.min(seen.length, answers.length) - 1]?.({ method, url, headers, body }, reply);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const endpoint = `http://127.0.0.1:${port}`;
  const store = createS3Store({
    bucket: "bucket",
    prefix: "p",
    endpoint,
    credentials: {
      accessKeyId: "AKIAIOSFODNN7EXAMPLE",
      secretAccessKey: secret,
      sessionToken: "session-secret",
    },
    retry: { attempts: 3, baseMs: 1, capMs: 2 },
    idleTimeoutMs: 300,
    ...options,
  });
  return {
    endpoint,
    seen,
    store,
    async close() {
      await store.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function fail(status: number, code: string, message = "no"): Answer {
  return (request, reply) => {
    const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message><AWSAccessKeyId>AKIAIOSFODNN7EXAMPLE</AWSAccessKeyId><StringToSign>${secret}</StringToSign></Error>`;
    reply.writeHead(status, { "content-type": "application/xml" });
    reply.end(request.method === "HEAD" ? undefined : body);
  };
}

/** The request arrived whole, and no reply comes: whether it had an effect cannot be known. */
export const reset: Answer = (_request, reply) => void reply.socket?.destroy();
export const silence: Answer = () => {};

export const written: Answer = (_request, reply) => {
  reply.writeHead(200, { etag: '"new"' }).end();
};

export function xml(body: string): Answer {
  return (_request, reply) => {
    reply.writeHead(200, { "content-type": "application/xml" }).end(`<?xml version="1.0"?>${body}`);
  };
}

/** Serves a range of `content` as S3 does, but ends the connection after `bytesMax` bytes of the body. */
export function serve(content: Buffer, etag: string, bytesMax = Infinity, stall = false): Answer {
  return (request, reply) => {
    const [, from = "0", to = String(content.length - 1)] =
      /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? "") ?? [];
    const body = content.subarray(Number(from), Number(to === "" ? content.length - 1 : to) + 1);
    reply.writeHead(request.headers.range === undefined ? 200 : 206, {
      etag,
      "content-length": body.length,
      "last-modified": new Date(0).toUTCString(),
      ...(request.headers.range === undefined
        ? {}
        : { "content-range": `bytes ${from}-${Number(from) + body.length - 1}/${content.length}` }),
    });
    if (bytesMax >= body.length) return void reply.end(body);
    reply.write(body.subarray(0, bytesMax), () => {
      if (!stall) setTimeout(() => reply.socket?.destroy(), 20);
    });
  };
}
