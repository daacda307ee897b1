// A tab that follows another: the lock is held elsewhere, and the test says what the leader says. What the tab reads by
// itself is answered by the test too.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { LiveFeed } from "../../web/widget/newswire-client.js";

const NOON = Date.parse("2026-03-01T12:00:00.000Z");

/** All that is open by this name, in one process and at once. */
class Channel {
  static all = [];
  constructor(name) {
    this.name = name;
    Channel.all.push(this);
  }
  postMessage(data) {
    for (const other of [...Channel.all]) {
      if (other !== this && other.name === this.name) other.onmessage?.({ data: structuredClone(data) });
    }
  }
  close() {
    Channel.all = Channel.all.filter((one) => one !== this);
  }
}

let sockets;
class FakeSocket {
  constructor(url) {
    this.url = String(url);
    sockets.push(this);
  }
  close() {}
}

/** Lets everything run that waits for nothing but its turn. */
async function settled() {
  for (let n = 0; n < 10; n += 1) await new Promise((done) => setImmediate(done));
}

const real = { WebSocket: globalThis.WebSocket, fetch: globalThis.fetch, BroadcastChannel: globalThis.BroadcastChannel };
const realNavigator = globalThis.navigator;
/** Hands the lock to the tab; the answers to its reads, in turn; what it asked for. */
let promote, answers, asked, leader, feed;
/** What the lock waits for before it is answered at all. */
let decided;
beforeEach(async () => {
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: NOON });
  [sockets, answers, asked, Channel.all] = [[], [], [], []];
  decided = null;
  globalThis.document = new EventTarget();
  Object.assign(globalThis, {
    WebSocket: FakeSocket,
    BroadcastChannel: Channel,
    fetch: async (url) => {
      asked.push(`${url.pathname.split("/").at(-1)}?${url.searchParams}`);
      const answer = answers.shift();
      return answer ? Response.json(await answer) : Response.error();
    },
  });
  const locks = {
    async request(name, { ifAvailable }, act) {
      if (decided) await decided;
      if (ifAvailable) act(null);
      else await new Promise((granted) => (promote = () => granted(act({ name }))));
    },
  };
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { locks } });
  answers.push(page([], "5-00000000"));
  feed = new LiveFeed({ server: "http://news.test/", feed: "news", snapshot: { items: [], position: "5-00000000" } });
  feed.came = [];
  feed.addEventListener("change", ({ detail }) => feed.came.push(detail.id));
  feed.start();
  mock.timers.tick(1);
  leader = new Channel(Channel.all[0].name);
  leader.n = 0;
  say({ status: { state: "live", door: "websocket" } });
  await settled();
  asked = [];
});
afterEach(async () => {
  feed.stop();
  mock.timers.tick(1);
  await settled();
  mock.timers.reset();
  Object.assign(globalThis, real);
  delete globalThis.document;
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: realNavigator });
});

function say(word, from = 1) {
  leader.postMessage({ from, n: leader.n, word });
  leader.n += 1;
}
const page = (changes, position) => ({ changes, position, more: false });
const published = new Date(NOON).toISOString();
const change = (seq, id) => ({
  type: "item.published",
  feed: "news",
  position: `${seq}-00000000`,
  item: { id, version: 1, status: "usable", published },
});

test("it opens no connection, and shows and says what it hears", () => {
  say({ message: change(6, "a") });
  say({ status: { state: "stale", since: published } });
  assert.deepEqual([feed.came, feed.position, feed.status.state], [["a"], "6-00000000", "stale"]);
  assert.deepEqual([sockets, asked], [[], []]);
});

test("what was said before it listened, it reads by itself, and what comes meanwhile waits", async () => {
  let answer;
  leader.n += 1;
  answers.push(new Promise((done) => (answer = done)));
  say({ message: change(8, "c") });
  say({ message: change(9, "d") });
  await settled();
  assert.deepEqual([feed.came, asked], [[], ["changes?after=5-00000000&limit=200"]]);
  answer(page([change(6, "a"), change(7, "b"), change(8, "c")], "8-00000000"));
  await settled();
  assert.deepEqual(feed.came, ["a", "b", "c", "d"], "in order, and once");
});

test("it does not claim to be live before it has read what it needs", async () => {
  let answer;
  answers.push(new Promise((done) => (answer = done)));
  feed.stop();
  feed.start();
  mock.timers.tick(1);
  say({ status: { state: "waiting" } });
  say({ status: { state: "connecting" } });
  say({ status: { state: "live" } });
  assert.equal(feed.status.state, "connecting");
  await settled();
  answer(page([], "5-00000000"));
  await settled();
  assert.equal(feed.status.state, "live");
});

test("another leader may stand elsewhere: it reads what it may have missed", async () => {
  answers.push(page([change(6, "a")], "6-00000000"));
  say({ message: change(7, "b") }, 2);
  await settled();
  assert.deepEqual(feed.came, ["a", "b"]);
});

test("a reading that fails is tried again, and then has everything", async () => {
  leader.n += 1;
  say({ message: change(7, "b") });
  await settled();
  assert.deepEqual(feed.came, []);
  answers.push(page([change(6, "a"), change(7, "b")], "7-00000000"));
  mock.timers.tick(1000);
  await settled();
  assert.deepEqual(feed.came, ["a", "b"]);
});

test("a snapshot of which it did not hear the first page is not taken for the whole", async () => {
  const snapshot = (id, done) => ({ message: { ...change(9, id), type: "snapshot", items: [change(9, id).item], done } });
  answers.push(page([change(6, "a")], "9-00000000"));
  say(snapshot("x", true));
  await settled();
  assert.deepEqual(feed.items.items.map(({ id }) => id), ["a"]);
  say({ message: { type: "reset", feed: "news", reason: "storeChanged" } });
  say(snapshot("y", false));
  say(snapshot("z", true));
  assert.deepEqual(feed.items.items.map(({ id }) => id).sort(), ["y", "z"]);
});

test("put aside and looked at again, it has what it missed, however late the lock is answered", async () => {
  let decide;
  decided = new Promise((done) => (decide = done));
  document.dispatchEvent(new Event("freeze"));
  say({ message: change(6, "a") });
  document.dispatchEvent(new Event("resume"));
  say({ message: change(7, "b") });
  answers.push(page([change(6, "a"), change(7, "b")], "7-00000000"));
  decide();
  await settled();
  assert.deepEqual(feed.came, ["a", "b"]);
});

test("what ended for the leader ended for it", () => {
  say({ feed: "news", why: "This feed no longer exists." });
  assert.deepEqual([feed.status.state, feed.status.why], ["ended", "This feed no longer exists."]);
});

test("once the leader is gone it leads, from where it is", async () => {
  say({ message: change(6, "a") });
  promote();
  await settled();
  assert.deepEqual(sockets.map(({ url }) => new URL(url).searchParams.get("after")), ["6-00000000"]);
  const heard = [];
  leader.onmessage = ({ data }) => heard.push(data.word);
  sockets[0].onmessage({ data: JSON.stringify(change(7, "b")) });
  assert.deepEqual(heard.filter(({ message }) => message), [{ message: change(7, "b") }], "and says what it hears");
  heard.length = 0;
  leader.postMessage({});
  assert.deepEqual(heard.map(({ status }) => status.state), ["live"], "and how it is, to whoever asks");
});

test("a leader that does not answer any more is not believed in", () => {
  const questions = [];
  leader.onmessage = ({ data }) => questions.push(data);
  for (let n = 0; n < 9; n += 1) mock.timers.tick(5000);
  assert.deepEqual([questions.length, sockets.length], [1, 0]);
  say({ status: { state: "live" } });
  for (let n = 0; n < 12; n += 1) mock.timers.tick(5000);
  assert.deepEqual([questions.length, sockets.length], [5, 0], "an answer counts");
  mock.timers.tick(5000);
  assert.equal(sockets.length, 1, "it has a connection of its own");
  assert.equal(new URL(sockets[0].url).searchParams.get("after"), "5-00000000");
});

test("a leader is asked, and not believed in, also where the clock was set back meanwhile", (t) => {
  const questions = [];
  leader.onmessage = ({ data }) => questions.push(data);
  const { now } = Date;
  t.mock.method(Date, "now", () => now() - 3_600_000);
  for (let n = 0; n < 4; n += 1) mock.timers.tick(5000);
  assert.deepEqual([questions.length, sockets.length], [4, 0]);
  mock.timers.tick(5000);
  assert.equal(sockets.length, 1);
});

for (const [what, deny] of [
  ["locks", () => (navigator.locks.request = async () => Promise.reject(new DOMException("denied", "SecurityError")))],
  ["channels", () => (globalThis.BroadcastChannel = function denied() { throw new DOMException("denied", "SecurityError"); })],
]) {
  test(`where a page may have no ${what}, it has a connection of its own`, async () => {
    feed.stop();
    mock.timers.tick(1);
    deny();
    feed.start();
    mock.timers.tick(1);
    await settled();
    assert.deepEqual(sockets.map(({ url }) => new URL(url).searchParams.get("after")), ["5-00000000"]);
    sockets[0].onmessage({ data: JSON.stringify(change(6, "a")) });
    assert.deepEqual([feed.came, feed.status.state], [["a"], "live"]);
  });
}

test("a crowd of messages does not wait for a reading for ever", async () => {
  leader.n += 1;
  answers.push(new Promise(() => {}));
  for (let seq = 7; seq < 7 + 1001; seq += 1) say({ message: change(seq, `i${seq}`) });
  await settled();
  assert.equal(asked.length, 2, "it begins anew");
});
