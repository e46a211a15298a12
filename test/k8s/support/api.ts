/** The little of the Kubernetes API that the tests and the kubelet stand-in speak: JSON requests and watches. */
import { Agent, request } from "node:https";
import type { IncomingMessage } from "node:http";
import { createInterface } from "node:readline";

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
}

export interface KubeObject {
  readonly metadata: ObjectMeta;
}

export interface WatchEvent<T> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: T;
}

/** An answer of the API server other than 2xx. */
export class KubeApiError extends Error {
  override readonly name = "KubeApiError";
  readonly status: number;

  constructor(method: string, path: string, status: number, body: string) {
    super(`${method} ${path}: ${status} ${body.slice(0, 500)}`);
    this.status = status;
  }
}

const patchTypes = {
  strategic: "application/strategic-merge-patch+json",
  merge: "application/merge-patch+json",
} as const;

export class KubeApi {
  readonly #server: string;
  readonly #token: string;
  readonly #agent: Agent;

  constructor(server: string, token: string, certificate: string) {
    this.#server = server;
    this.#token = token;
    this.#agent = new Agent({ ca: certificate, keepAlive: true });
  }

  get<T>(path: string): Promise<T> {
    return this.#json("GET", path);
  }

  post<T = unknown>(path: string, body: unknown): Promise<T> {
    return this.#json("POST", path, body);
  }

  patch<T = unknown>(path: string, body: unknown, type: keyof typeof patchTypes = "merge"): Promise<T> {
    return this.#json("PATCH", path, body, patchTypes[type]);
  }

  delete(path: string, body?: unknown): Promise<unknown> {
    return this.#json("DELETE", path, body);
  }

  /**
   * What happens to the objects of a collection, beginning with an ADDED for each that is there; starts over
   * when the server ends the stream. Ends when `signal` aborts.
   */
  async *watch<T extends KubeObject>(path: string, signal: AbortSignal): AsyncGenerator<WatchEvent<T>> {
    while (!signal.aborted) {
      const list = await this.get<{ metadata: { resourceVersion: string }; items: T[] }>(path);
      for (const object of list.items) yield { type: "ADDED", object };
      const query = `?watch=1&timeoutSeconds=300&resourceVersion=${list.metadata.resourceVersion}`;
      try {
        const response = await this.#send("GET", path + query, undefined, undefined, signal);
        for await (const line of createInterface({ input: response })) {
          const event = JSON.parse(line) as WatchEvent<T>;
          if (event.type === "ERROR") break;
          yield event;
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
  }

  /** Closes the kept connections. */
  close(): void {
    this.#agent.destroy();
  }

  async #json<T>(method: string, path: string, body?: unknown, type?: string): Promise<T> {
    const response = await this.#send(method, path, body, type);
    const text = (await response.setEncoding("utf8").toArray()).join("");
    const status = response.statusCode ?? 0;
    if (status < 200 || status > 299) throw new KubeApiError(method, path, status, text);
    return (text.startsWith("{") ? JSON.parse(text) : {}) as T;
  }

  #send(
    method: string,
    path: string,
    body?: unknown,
    type = "application/json",
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const content = body === undefined ? "" : JSON.stringify(body);
      const headers = {
        Authorization: `Bearer ${this.#token}`,
        "Content-Type": type,
        // Node does not frame the body of a DELETE by itself.
        "Content-Length": Buffer.byteLength(content),
      };
      const options = { method, headers, agent: this.#agent, ...(signal && { signal }) };
      const outgoing = request(this.#server + path, options, resolve);
      outgoing.on("error", reject);
      outgoing.end(content);
    });
  }
}
