// Between a client and a server: a proxy that cuts connections at random moments, also in the middle of a frame. What is
// random comes from a seed, so that a run can be repeated as far as clocks allow.

import { connect, createServer } from "node:net";

/** Random numbers from 0 up to 1, from a seed (mulberry32). */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class CuttingProxy {
  /** How many connections were cut, and how many of them while something was on its way to the client. */
  cuts = 0;
  midway = 0;
  cutting = true;
  #sockets = new Set();

  static async start(target, random) {
    const proxy = new CuttingProxy();
    const { hostname, port } = new URL(target);
    proxy.server = createServer((client) => proxy.#carry(client, connect(port, hostname), random));
    await new Promise((done) => proxy.server.listen(0, "127.0.0.1", done));
    proxy.origin = `http://127.0.0.1:${proxy.server.address().port}`;
    return proxy;
  }

  #carry(client, server, random) {
    // Half of them are cut after so many bytes, wherever in a message that is; the others after so many milliseconds.
    let left = random() < 0.5 ? Math.floor(random() * 8000) : Infinity;
    const cut = () => {
      clearTimeout(timer);
      if (!this.cutting || client.destroyed) return;
      this.cuts += 1;
      client.destroy();
      server.destroy();
    };
    const timer = setTimeout(cut, left === Infinity ? random() * 400 : 600);
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      const other = socket === client ? server : client;
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#sockets.delete(socket);
        clearTimeout(timer);
        // What was read is still written: a server that says goodbye is heard.
        other.end();
      });
    }
    client.on("data", (bytes) => server.write(bytes));
    server.on("data", (bytes) => {
      if (!this.cutting || bytes.length <= left) {
        left -= bytes.length;
        client.write(bytes);
        return;
      }
      this.midway += 1;
      const part = bytes.subarray(0, left);
      left = 0;
      if (part.length) client.write(part, cut);
      else cut();
    });
  }

  end() {
    for (const socket of this.#sockets) socket.destroy();
    this.server.close();
  }
}
