// Between a client and a server: an HTTP proxy that is in the way of streams, as some companies' and hotels' are.

import { createServer, request } from "node:http";
import { connect } from "node:net";

export class BlockingProxy {
  /** What it does to a WebSocket: "pass"; "refuse"; "swallow", which opens it and lets nothing of it through. */
  websocket = "pass";
  /** What it does to events: "pass"; "hold", which keeps them for ever; "refuse". */
  events = "pass";
  /** The addresses that were asked for, and how. */
  asked = [];
  #sockets = new Set();

  static async start(target) {
    const proxy = new BlockingProxy();
    const { hostname, port } = new URL(target);
    proxy.server = createServer((asked, answer) => {
      const events = (asked.headers.accept ?? "").includes("text/event-stream");
      proxy.asked.push(`${events ? "events" : asked.method} ${asked.url}`);
      if (events && proxy.events === "refuse") {
        answer.writeHead(403).end("No streams here.");
        return;
      }
      const onward = request({ hostname, port, path: asked.url, method: asked.method, headers: asked.headers }, (got) => {
        if (events && proxy.events === "hold") {
          got.resume();
          return;
        }
        answer.writeHead(got.statusCode, got.headers);
        got.pipe(answer);
        got.on("error", () => answer.destroy());
      });
      onward.on("error", () => answer.destroy());
      answer.on("close", () => onward.destroy());
      asked.pipe(onward);
    });
    proxy.server.on("upgrade", (asked, client, head) => {
      proxy.asked.push(`websocket ${asked.url}`);
      // A client may be gone before it is answered.
      client.on("error", () => {});
      if (proxy.websocket === "refuse") {
        client.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        return;
      }
      const server = connect(port, hostname);
      const lines = Object.entries(asked.headers).map(([name, value]) => `${name}: ${value}\r\n`);
      server.write(`GET ${asked.url} HTTP/1.1\r\n${lines.join("")}\r\n`);
      server.write(head);
      client.pipe(server);
      if (proxy.websocket === "pass") server.pipe(client);
      else server.once("data", (bytes) => client.write(bytes.subarray(0, bytes.indexOf("\r\n\r\n") + 4)));
      server.on("error", () => {});
      for (const [one, other] of [[client, server], [server, client]]) one.on("close", () => other.destroy());
    });
    proxy.server.on("connection", (socket) => {
      proxy.#sockets.add(socket);
      socket.on("close", () => proxy.#sockets.delete(socket));
    });
    await new Promise((done) => proxy.server.listen(0, "127.0.0.1", done));
    proxy.origin = `http://127.0.0.1:${proxy.server.address().port}`;
    return proxy;
  }

  /** Cuts what is open. */
  cut() {
    for (const socket of this.#sockets) socket.destroy();
  }

  end() {
    this.cut();
    this.server.close();
  }
}
