import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from "node:http";

/** What happens to one request on its way to a real server, or to the server's reply. */
export const networkFaults = [
  /** The connection is reset before the server hears of it. */
  "reset",
  /** The server does what it is asked, and its reply is lost. */
  "lostReply",
  /** … and its reply breaks off in the middle of the body. */
  "cutReply",
  /** 503 SlowDown; the server hears nothing. */
  "slowDown",
  /** The server does what it is asked, and the reply is a 500. */
  "internalAfter",
  /** … and the reply is an error with status 200, as S3 sends for what takes long (CompleteMultipartUpload, CopyObject). */
  "errorIn200",
  /** A bit of the request's body is another when it arrives. */
  "corruptedRequest",
  /** The request arrives a second late. */
  "delayed",
  /** A proxy repeats the request after a reply that it did not like: the second reply may be a false 412. */
  "sentTwice",
  /** From here on the client's credentials are no longer accepted. */
  "expired",
] as const;
export type NetworkFault = (typeof networkFaults)[number];

export interface FaultProxy {
  readonly endpoint: string;
  /** Requests since {@link arm}. */
  readonly calls: number;
  /** Faults that requests have met, since the start. */
  readonly met: number;
  /** From here on, the `at`-th request (from 0) meets the fault. Without one, requests are only counted. */
  arm(fault?: { readonly at: number; readonly kind: NetworkFault }): void;
  close(): Promise<void>;
}

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/**
 * Stands between a client and a server that speaks S3. Signatures stay valid: the server sees the host that was asked. Where
 * `admits` resolves to false, the client's credentials have expired.
 */
export async function startFaultProxy(
  endpoint: string,
  admits: (asked: IncomingMessage) => Promise<boolean> = () => Promise.resolve(true),
): Promise<FaultProxy> {
  const target = new URL(endpoint);
  let calls = 0;
  let met = 0;
  let fault: { readonly at: number; readonly kind: NetworkFault } | undefined;

  function send(asked: IncomingMessage, body: Buffer): Promise<Reply> {
    const options = {
      host: target.hostname,
      port: target.port,
      method: asked.method,
      path: asked.url,
      headers: asked.headers,
    };
    return new Promise((resolve, reject) => {
      const sent = request(options, (answered) => {
        const chunks: Buffer[] = [];
        answered.on("data", (chunk: Buffer) => chunks.push(chunk));
        answered.on("error", reject);
        answered.on("end", () =>
          resolve({
            status: answered.statusCode ?? 0,
            headers: answered.headers,
            body: Buffer.concat(chunks),
          }),
        );
      });
      sent.on("error", reject);
      sent.end(body);
    });
  }

  async function answer(asked: IncomingMessage, body: Buffer, reply: ServerResponse): Promise<void> {
    const isMet = fault?.at === calls;
    const isLasting = fault?.kind === "expired" && fault.at < calls;
    const kind = isMet || isLasting ? fault?.kind : undefined;
    calls += 1;
    if (isMet) met += 1;
    if (!(await admits(asked))) {
      sendError(reply, 403, "ExpiredToken");
      return;
    }
    switch (kind) {
      case "reset":
        reply.socket?.resetAndDestroy();
        return;
      case "expired":
        sendError(reply, 403, "ExpiredToken");
        return;
      case "slowDown":
        sendError(reply, 503, "SlowDown");
        return;
      case "delayed":
        await new Promise((resolve) => setTimeout(resolve, 1000));
        break;
      case "corruptedRequest":
        if (body.length > 0) body[body.length >> 1] = (body[body.length >> 1] ?? 0) ^ 1;
        break;
      case "sentTwice":
        await send(asked, body);
        break;
      default:
    }
    const found = await send(asked, body);
    switch (kind) {
      case "lostReply":
        reply.socket?.resetAndDestroy();
        return;
      case "internalAfter":
        sendError(reply, 500, "InternalError");
        return;
      case "errorIn200":
        if (asked.method !== "POST" || !asked.url?.includes("uploadId=")) break;
        sendError(reply, 200, "InternalError");
        return;
      case "cutReply":
        reply.writeHead(found.status, found.headers);
        reply.write(found.body.subarray(0, found.body.length >> 1), () => reply.socket?.resetAndDestroy());
        return;
      default:
    }
    reply.writeHead(found.status, found.headers);
    reply.end(found.body);
  }

  const server = createServer((asked, reply) => {
    const chunks: Buffer[] = [];
    asked.on("data", (chunk: Buffer) => chunks.push(chunk));
    asked.on("error", () => {});
    asked.on("end", () => {
      answer(asked, Buffer.concat(chunks), reply).catch(() => reply.socket?.resetAndDestroy());
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    get calls() {
      return calls;
    },
    get met() {
      return met;
    },
    arm(next) {
      calls = 0;
      fault = next;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function sendError(reply: ServerResponse, status: number, code: string): void {
  reply.writeHead(status, { "content-type": "application/xml" });
  reply.end(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>no</Message></Error>`);
}
