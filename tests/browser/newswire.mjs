// What the browser tests stand on: a real newswire, and a Redis, each on a port and a directory of its own and ended by
// its process id; a site of another origin; and waiting for facts. The program is what NEWSWIRE_BIN names, else the one that cargo builds here.

import assert from "node:assert/strict";
import { execFile, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const FEED = "news-feed";
/** How long a fact is waited for. Generous: a slow machine is no defect. */
export const PATIENCE = 30_000;

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

function program() {
  if (process.env.NEWSWIRE_BIN) return process.env.NEWSWIRE_BIN;
  const built = join(process.env.CARGO_TARGET_DIR ?? join(ROOT, "target"), "debug", "newswire");
  if (!existsSync(built)) execFileSync("cargo", ["build", "--locked"], { cwd: ROOT, stdio: "inherit" });
  return built;
}

/** The environment without settings of newswire. */
function clean() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("NEWSWIRE_")));
}

/**
 * A port where nobody listens, below those that the system gives away by itself: nobody takes it while its server is
 * down, and comes back to the same address.
 */
async function freePort() {
  const port = 11_000 + Math.floor(Math.random() * 9000);
  const probe = createServer();
  const free = await new Promise((done) => probe.on("error", () => done(false)).listen(port, "127.0.0.1", () => done(true)));
  if (!free) return freePort();
  await new Promise((done) => probe.close(done));
  return port;
}

export class Newswire {
  /** What it keeps. */
  #dir = mkdtempSync(join(tmpdir(), "newswire-page-"));
  /** Another store than SQLite, as `--store` takes it. */
  #store = null;
  /** None while it is down. */
  #child = null;
  #log = "";
  /** Where readers look for it, without a path. */
  origin = null;
  /** Where it is. */
  at = null;
  token = null;

  /** On a new SQLite file, or on this store. */
  static async start(store = null) {
    const server = new Newswire();
    server.#store = store;
    await server.up();
    return server;
  }

  /** Starts it on the same store, where it was; or, `elsewhere`, where no reader looks for it. */
  async up(elsewhere = false) {
    const where = this.origin && !elsewhere ? new URL(this.origin).host : `127.0.0.1:${await freePort()}`;
    const store = this.#store ? ["--store", this.#store] : ["--data", join(this.#dir, "data")];
    const child = spawn(program(), ["--listen", where, "--spread", "0", "--drain", "5", ...store], {
      env: { ...clean(), RUST_LOG: "warn" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    child.stderr.on("data", (text) => (this.#log += text));
    let said = "";
    this.at = await new Promise((found, lost) => {
      child.on("exit", (code) => lost(new Error(`newswire ended with ${code}: ${this.#log}`)));
      child.stdout.on("data", (text) => {
        said += text;
        // The token, if there is one, is written together with the lines before it.
        const api = /page\s+(http:\/\/\S+:\d+)\/\n[\s\S]*API[^\n]*\n/.exec(said);
        if (api) found(api[1]);
      });
    });
    this.token ??= /\bnw_\S+/.exec(said)[0];
    if (!elsewhere) this.origin = this.at;
    await until("the server is ready", async () => (await fetch(`${this.at}/readyz`)).ok);
  }

  /** Ends it as `kill -9` does. */
  async kill() {
    const child = this.#child;
    this.#child = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once("close", done));
    child.kill("SIGKILL");
    await ended;
  }

  /** Tells it to stop, as `kill` does, and waits until it has: its readers are told to come back. */
  async stop() {
    const child = this.#child;
    this.#child = null;
    const ended = new Promise((done) => child.once("close", done));
    child.kill("SIGTERM");
    assert.equal(await ended, 0, this.#log);
  }

  /** Forgets everything: the next start is on an empty store, with another token. The server is down. */
  wipe() {
    rmSync(join(this.#dir, "data"), { recursive: true });
    this.token = null;
  }

  async end() {
    await this.kill();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  /** A token that may change the feed itself. */
  administrator() {
    const store = this.#store ? ["--store", this.#store] : ["--data", join(this.#dir, "data")];
    const command = ["token", "create", "administrator", "--can", "admin", ...store];
    return /\bnw_\S+/.exec(execFileSync(program(), command, { encoding: "utf8" }))[0];
  }

  /** An editor's request below the feed: `items`, `items/ID/retract`. */
  async edit(path, body, { method = "POST", etag } = {}) {
    const answer = await fetch(`${this.at}/v1/feeds/${FEED}/${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, "content-type": "application/json", ...(etag && { "if-match": etag }) },
      body: JSON.stringify(body ?? {}),
    });
    const said = await answer.json();
    assert.ok(answer.ok, JSON.stringify(said));
    return { ...said, etag: answer.headers.get("etag") };
  }

  /** Publishes an item and returns it as its editors see it, with its ETag. */
  async publish(item) {
    const { item: published, etag } = await this.edit("items", typeof item === "string" ? { headline: item } : item);
    return { ...published, etag };
  }

  /** Runs a command beside it, on its store, and returns what it prints: `feed create …`, `token revoke …`. */
  async command(...words) {
    const store = this.#store ? ["--store", this.#store] : ["--data", join(this.#dir, "data")];
    const { stdout } = await promisify(execFile)(program(), [...words, ...store], { env: clean() });
    return stdout.trim();
  }
}

/** An empty redis-server on a port and a directory of its own, which can be stopped as it stands. */
export class Redis {
  #dir = mkdtempSync(join(tmpdir(), "newswire-redis-"));
  #child = null;

  static async start() {
    const redis = new Redis();
    const port = await freePort();
    const settings = ["--port", port, "--bind", "127.0.0.1", "--dir", redis.#dir, "--save", "", "--logfile", "log"];
    redis.#child = spawn(process.env.REDIS_SERVER ?? "redis-server", settings, { stdio: "ignore" });
    redis.url = `redis://127.0.0.1:${port}`;
    const answers = () =>
      new Promise((found, lost) => connect(port, "127.0.0.1", () => found(true)).on("error", lost).unref());
    await until("redis-server answers", answers);
    return redis;
  }

  pause() {
    this.#child.kill("SIGSTOP");
  }

  resume() {
    this.#child.kill("SIGCONT");
  }

  async end() {
    const ended = new Promise((done) => this.#child.once("close", done));
    this.#child.kill("SIGKILL");
    await ended;
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

const PIXEL = Buffer.from("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", "base64");

/** A site of another origin: an empty page, a picture, and what `serve` puts there. `asked` are the paths asked for. */
export async function otherSite() {
  const pages = new Map([
    ["/", ["<!doctype html><link rel='icon' href='data:,'><title>Elsewhere</title>"]],
    ["/picture.gif", [PIXEL, { "content-type": "image/gif" }]],
  ]);
  const asked = [];
  const site = createServer((request, answer) => {
    const { pathname } = new URL(request.url, "http://site");
    asked.push(pathname);
    const [body, headers] = pages.get(pathname) ?? ["nothing here", { "content-type": "text/plain" }];
    answer.writeHead(pages.has(pathname) ? 200 : 404, { "content-type": "text/html; charset=utf-8", ...headers });
    answer.end(body);
  });
  await new Promise((done) => site.listen(0, "127.0.0.1", done));
  return {
    origin: `http://127.0.0.1:${site.address().port}`,
    asked,
    serve: (path, body, headers) => pages.set(path, [body, headers]),
    end: () => site.close(),
  };
}

/** Waits until a fact holds; an error while it is looked for says only that it does not hold yet. */
export async function until(what, fact) {
  const deadline = AbortSignal.timeout(PATIENCE);
  let last;
  while (!deadline.aborted) {
    try {
      if (await fact()) return;
    } catch (error) {
      last = error;
    }
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error(`waited in vain until ${what}`, { cause: last });
}
