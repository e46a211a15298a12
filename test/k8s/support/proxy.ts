/** A TCP proxy on loopback that delays what comes back: a store far away, or one that comes up late. */
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

export interface Proxy {
  readonly port: number;
  stop(): Promise<void>;
}

/** `port` 0 takes a free one. */
export async function startProxy(endpoint: string, delayMs: number, port = 0): Promise<Proxy> {
  const { hostname, port: targetPort } = new URL(endpoint);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const target = connect(Number(targetPort), hostname);
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        target.destroy();
      });
    }
    client.pipe(target);
    // The same delay for each piece keeps their order.
    target.on("data", (piece) => setTimeout(() => client.write(piece), delayMs));
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await once(server.close(), "close");
    },
  };
}
