// How a connection behaves over time, on a clock of the test's own: pauses, silence, sleep, what the server asks for.
// The WebSocket is the test's; whatever else is asked of the server finds it away.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { pauseAfter } from "../../web/widget/connection.js";
import { LiveFeed } from "../../web/widget/newswire-client.js";

const NOON = Date.parse("2026-03-01T12:00:00.000Z");
const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** Every WebSocket that was opened. */
let sockets;
class FakeSocket {
  constructor(url, protocols) {
    Object.assign(this, { url: String(url), protocols, open: true });
    sockets.push(this);
  }
  close() {
    this.open = false;
  }
  say(...messages) {
    for (const message of messages) this.onmessage?.({ data: JSON.stringify({ feed: "news", ...message }) });
  }
  drop() {
    this.open = false;
    this.onclose?.();
  }
}

const real = { WebSocket: globalThis.WebSocket, fetch: globalThis.fetch, navigator: globalThis.navigator };
let events, feeds, online;
beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: NOON });
  mock.method(Math, "random", () => 0.5);
  [sockets, feeds, online] = [[], [], true];
  events = new EventTarget();
  globalThis.WebSocket = FakeSocket;
  globalThis.fetch = async () => Promise.reject(new TypeError("away"));
  globalThis.addEventListener = (...words) => events.addEventListener(...words);
  globalThis.document = Object.assign(new EventTarget(), { visibilityState: "visible", baseURI: "http://site.test/page/" });
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { get onLine() { return online; } } });
});
afterEach(() => {
  for (const feed of feeds) feed.stop();
  mock.timers.tick(1);
  mock.timers.reset();
  mock.restoreAll();
  delete globalThis.document;
  delete globalThis.addEventListener;
  Object.assign(globalThis, { WebSocket: real.WebSocket, fetch: real.fetch });
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: real.navigator });
});

function start(options = {}) {
  const feed = new LiveFeed({ server: "http://news.test/", feed: "news", ...options });
  feed.heard = [];
  feed.addEventListener("status", ({ detail }) => feed.heard.push(detail.state));
  feeds.push(feed);
  feed.start();
  mock.timers.tick(1);
  return feed;
}

const at = (ms) => new Date(NOON + ms).toISOString();
const HELLO = { type: "hello", heartbeat: 15, feedInfo: { id: "news", status: "live" } };
const SNAPSHOT = { type: "snapshot", items: [], done: true, position: "7-00000000" };
const last = () => sockets.at(-1);

/** Passes time in steps, so that timers that are set meanwhile run in their turn. */
function pass(ms) {
  for (let left = ms; left > 0; left -= 100) mock.timers.tick(Math.min(left, 100));
}

/** Lets everything run that waits for nothing but its turn. */
async function settled() {
  for (let n = 0; n < 10; n += 1) await new Promise((done) => setImmediate(done));
}

test("pauses grow to half a minute and are jittered by half", () => {
  assert.deepEqual([0, 1, 2].map((n) => pauseAfter(n, 0)), [250, 500, 1000]);
  assert.equal(pauseAfter(1000, 0), 15_000);
  assert.ok(pauseAfter(1000, 0.999_999) <= 30_000);
});

test("while the server is away it is asked less and less often, and the reader is told until when", () => {
  const feed = start();
  const began = [];
  for (let n = 0; n < 9; n += 1) {
    const pause = pauseAfter(n, 0.5);
    const { length } = sockets;
    last().drop();
    assert.deepEqual([feed.status.state, feed.status.until], ["waiting", Date.now() + pause]);
    pass(pause - 1);
    assert.equal(sockets.length, length, "not before its time");
    pass(2);
    assert.equal(sockets.length, length + 1);
    began.push(pause);
  }
  assert.deepEqual(began.slice(-2), [22_500, 22_500]);
});

test("it comes back from the position that it has", () => {
  const feed = start();
  last().say(HELLO, SNAPSHOT, { type: "item.published", position: "9-0000000a", item: { id: "a", version: 1, published: at(0) } });
  assert.equal(feed.status.state, "live");
  last().drop();
  pass(MINUTE);
  assert.equal(new URL(last().url).searchParams.get("after"), "9-0000000a");
});

test("a snapshot that is cut off leaves no position behind", () => {
  start();
  last().say(HELLO, { ...SNAPSHOT, done: false });
  last().drop();
  pass(5 * SECOND);
  assert.equal(new URL(last().url).searchParams.get("after"), null);
});

test("the pause that the server asks for is waited at least, whoever looks at the page", () => {
  start();
  last().say(HELLO, SNAPSHOT, { type: "bye", reason: "draining", retryMs: 20_000 });
  pass(5 * SECOND);
  document.dispatchEvent(new Event("visibilitychange"));
  events.dispatchEvent(new Event("online"));
  pass(14_900);
  assert.equal(sockets.length, 1);
  pass(SECOND);
  assert.equal(sockets.length, 2);
});

test("who looks at the page does not wait out a pause that is our own", () => {
  start();
  for (let n = 0; n < 8; n += 1) {
    last().drop();
    pass(pauseAfter(n, 0.5) + 1);
  }
  last().drop();
  const { length } = sockets;
  document.dispatchEvent(new Event("visibilitychange"));
  assert.equal(sockets.length, length + 1);
});

test("a connection on which nothing is heard for two and a half heartbeats is left", () => {
  const feed = start();
  last().say(HELLO, SNAPSHOT);
  pass(30 * SECOND);
  last().say({ type: "heartbeat", checked: at(30_000) });
  assert.equal(feed.status.checked, at(30_000));
  pass(35 * SECOND);
  assert.equal(sockets.length, 1);
  pass(6 * SECOND);
  assert.equal(sockets.length, 2);
  assert.equal(sockets[0].open, false);
});

test("after a sleep it does not trust what it finds open", () => {
  start();
  last().say(HELLO, SNAPSHOT);
  mock.timers.setTime(NOON + 8 * 60 * MINUTE);
  last().say({ type: "heartbeat", checked: at(0) });
  mock.timers.tick(2001);
  assert.equal(sockets.length, 2, "also where a word from before the sleep was read first");
});

test("offline is said at once, with when the server was last heard; online is tried at once", () => {
  const feed = start();
  last().say(HELLO, SNAPSHOT);
  online = false;
  pass(10 * SECOND);
  events.dispatchEvent(new Event("offline"));
  assert.deepEqual([feed.status.state, feed.status.since], ["offline", at(1)]);
  pass(2 * MINUTE);
  assert.ok(sockets.length > 1, "a browser may be wrong about that");
  last().drop();
  const { length } = sockets;
  online = true;
  events.dispatchEvent(new Event("online"));
  assert.equal(sockets.length, length + 1);
  last().say(HELLO, { type: "caughtUp", position: "7-00000000" });
  assert.equal(feed.status.state, "live");
});

test("a page that is hidden for long lets go, and goes on from its position when it is looked at", () => {
  const feed = start({ timing: { hidden: 5 * MINUTE } });
  last().say(HELLO, SNAPSHOT);
  const show = (state) => {
    document.visibilityState = state;
    document.dispatchEvent(new Event("visibilitychange"));
  };
  const beat = (minutes) => {
    for (let n = 0; n < 4 * minutes; n += 1) {
      pass(15 * SECOND);
      last().say({ type: "heartbeat", checked: at(0) });
    }
  };
  show("hidden");
  beat(4);
  show("visible");
  show("hidden");
  beat(4);
  assert.equal(last().open, true, "a look in between counts");
  beat(1);
  pass(SECOND);
  assert.deepEqual([sockets.length, last().open, feed.status.state], [1, false, "paused"]);
  pass(60 * MINUTE);
  assert.equal(sockets.length, 1);
  show("visible");
  assert.equal(sockets.length, 2);
  assert.equal(new URL(last().url).searchParams.get("after"), "7-00000000");
});

test("a page that is put aside holds nothing open, and goes on when it is shown again", () => {
  start();
  last().say(HELLO, SNAPSHOT);
  events.dispatchEvent(new Event("pagehide"));
  assert.equal(last().open, false);
  pass(MINUTE);
  assert.equal(sockets.length, 1);
  events.dispatchEvent(new Event("pageshow"));
  assert.equal(sockets.length, 2);
  last().drop();
  events.dispatchEvent(new Event("pagehide"));
  pass(MINUTE);
  assert.equal(sockets.length, 2, "nor is anything opened while it is away");
});

test("a server that lost its store is said to be stale until it has looked at it again", () => {
  const feed = start();
  last().say(HELLO, SNAPSHOT, { type: "stale", since: at(0) });
  assert.deepEqual([feed.status.state, feed.status.since], ["stale", at(0)]);
  last().say({ type: "heartbeat", checked: at(0) });
  assert.equal(feed.status.state, "stale");
  last().say({ type: "heartbeat", checked: at(1) });
  assert.equal(feed.status.state, "live");
});

/** A server that answers what is asked of it only when the test says so, with this status: `{asks, streams}`. */
function slowServer() {
  const late = { asks: [], streams: [] };
  globalThis.fetch = (_, { method }) =>
    new Promise((answer) => late[method === "HEAD" ? "asks" : "streams"].push((status = 200) => answer(new Response(null, { status }))));
  return late;
}

test("however late it is known that a door lets nothing through, the next one is taken then, and not blamed for it", async () => {
  const { asks, streams } = slowServer();
  const feed = start();
  pass(25 * SECOND);
  assert.deepEqual([sockets.length, asks.length, streams.length], [3, 2, 0], "meanwhile the same door is tried again");
  asks[0]();
  await settled();
  assert.deepEqual([last().open, streams.length], [false, 1], "the last try is not waited for");
  asks[1]();
  await settled();
  feed.heard = [];
  pass(9 * SECOND);
  assert.deepEqual([streams.length, feed.heard], [1, []], "what is said of the first door does not count for this one");
  pass(4 * SECOND);
  assert.deepEqual([feed.status.door, streams.length], ["sse", 2]);
});

test("what is learnt late of a failure ends nothing that has opened since", async () => {
  const { asks } = slowServer();
  const feed = start();
  last().drop();
  pass(SECOND);
  last().say(HELLO, SNAPSHOT);
  asks[0](404);
  await settled();
  assert.deepEqual([feed.status.state, last().open], ["live", true]);
});

test("heartbeats are no news", () => {
  const feed = start();
  last().say(HELLO, SNAPSHOT);
  const { length } = feed.heard;
  for (let n = 1; n < 5; n += 1) last().say({ type: "heartbeat", checked: at(n), position: "7-00000000" });
  assert.equal(feed.heard.length, length);
});

test("what the feed skips or says twice moves nothing back", () => {
  const feed = start({ snapshot: { items: [], position: "9-00000000" } });
  const item = { id: "a", version: 1, status: "usable", published: at(0) };
  last().say(HELLO, { type: "item.published", position: "8-00000000", item }, { type: "heartbeat", position: "8-00000000", checked: at(0) });
  assert.deepEqual([feed.items.items, feed.position], [[], "9-00000000"]);
});

test("a pin and a breaking mark end by themselves, and that is told", () => {
  const feed = start();
  const changes = [];
  feed.addEventListener("change", ({ detail }) => changes.push([detail.type, detail.id]));
  const item = (id, more) => ({ id, version: 1, status: "usable", published: at(0), ...more });
  const pinned = item("a", { pinned: { position: 1, until: at(MINUTE) } });
  last().say(HELLO, { ...SNAPSHOT, items: [pinned, item("b", { breaking: { until: at(2 * MINUTE) } })] });
  assert.equal(feed.items.pinned.length, 1);
  last().drop();
  pass(MINUTE + SECOND);
  assert.deepEqual(changes, [["ended", "a"]]);
  assert.equal(feed.items.pinned.length, 0);
  pass(MINUTE);
  assert.deepEqual(changes, [["ended", "a"], ["ended", "b"]]);
});

test("a token is offered as a subprotocol, and stands in no address", () => {
  start({ token: "nw_secret" });
  assert.deepEqual(last().protocols, ["newswire.v1", "newswire.token.nw_secret"]);
  assert.ok(!last().url.includes("nw_secret"));
});

test("the server may stand below a path, and its address may be relative to the page", () => {
  start({ server: "../live" });
  assert.equal(last().url, "ws://site.test/live/v1/feeds/news/live?last=50");
});

test("more than sixteen feeds take a second connection", () => {
  for (let n = 0; n < 17; n += 1) {
    const feed = new LiveFeed({ server: "http://news.test/", feed: `feed-${n}` });
    feeds.push(feed);
    feed.start();
  }
  mock.timers.tick(1);
  assert.deepEqual(sockets.map(({ url }) => new URL(url).searchParams.getAll("feed").length), [16, 0]);
});

test("a widget that is moved in its page, or made twice in one task, opens one connection", () => {
  const feed = start();
  const { length } = sockets;
  feed.stop();
  feed.start();
  start();
  pass(SECOND);
  assert.equal(sockets.length - length, 1);
  assert.equal(sockets.filter((socket) => socket.open).length, 1);
});
