// The client against a real server: through proxies that are in the way, with tokens, with filters, far down a feed.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";

import { LiveFeed } from "../../web/widget/newswire-client.js";
import { FEED, Newswire, until } from "../browser/newswire.mjs";
import { BlockingProxy } from "./blocking.mjs";

/** Pauses as they would be on a clock that is ten times as fast. */
const FAST = { firstPause: 50, longestPause: 3000, opening: 3000, watch: 50 };

let server, proxy;
before(async () => {
  server = await Newswire.start();
  proxy = await BlockingProxy.start(server.origin);
});
after(async () => {
  proxy?.end();
  await server?.end();
});

/** The feeds of a test; they are stopped after it. */
const open = [];
afterEach(() => {
  for (const feed of open.splice(0)) feed.stop();
  proxy.asked = [];
  proxy.websocket = proxy.events = "pass";
});

/** A feed that notes what it is told. Unless a test is about that, it has a connection of its own. */
function live(options = {}) {
  const feed = new LiveFeed({ server: proxy.origin, feed: FEED, timing: FAST, share: false, ...options });
  feed.token = options.token;
  feed.heard = { change: [], snapshot: [], status: [], info: [] };
  for (const type in feed.heard) feed.addEventListener(type, ({ detail }) => feed.heard[type].push(detail));
  open.push(feed);
  feed.start();
  return feed;
}

/** Once it is live by this door, and at the head: a snapshot may be a moment old, and what it lacks comes as changes. */
async function isLive(feed, door) {
  await until(`it is live by ${door}`, () => feed.status.state === "live" && feed.status.door === door);
  const headers = feed.token ? { authorization: `Bearer ${feed.token}` } : {};
  const { position } = await (await fetch(`${server.origin}/v1/feeds/${feed.feed}`, { headers })).json();
  await until("it has all there is", () => feed.position === position);
  feed.heard.change = [];
}

const headlines = (feed) => feed.items.items.map((item) => item.headline);
const ended = (feed) => until("it is told that this is for good", () => feed.status.state === "ended");

/** A feed of a name of its own. */
let names = 0;
async function newFeed(...options) {
  names += 1;
  const id = `feed-${names}`;
  await server.command("feed", "create", id, "--title", id, ...options);
  await until("the feed is there", async () => (await fetch(`${server.origin}/v1/feeds/${id}`)).status !== 404);
  return id;
}

/** Publishes in another feed than the server's own. */
async function publish(feed, item) {
  return (await server.edit(`../${feed}/items`, item)).item;
}

for (const [websocket, events, door] of [
  ["pass", "pass", "websocket"],
  ["refuse", "pass", "sse"],
  ["swallow", "pass", "sse"],
  ["refuse", "hold", "poll"],
  ["refuse", "refuse", "poll"],
]) {
  test(`a proxy that would ${websocket} WebSockets and ${events} events: by ${door}, through a cut, from the same position`, async () => {
    Object.assign(proxy, { websocket, events });
    const before = await server.publish("Before");
    const feed = live();
    await isLive(feed, door);
    assert.equal(feed.items.items[0].id, before.id);
    const first = await server.publish("First");
    await until("it came", () => feed.heard.change.length === 1);
    proxy.cut();
    const second = await server.publish("Second");
    await until("it came, too", () => feed.heard.change.length === 2);
    assert.deepEqual(feed.heard.change.map(({ id, fresh }) => [id, fresh]), [[first.id, true], [second.id, true]]);
    assert.equal(feed.heard.snapshot.length, 1, "it never began anew");
  });
}

test("a reader changes doors with its position: what is published meanwhile comes once", async () => {
  const feed = live();
  await isLive(feed, "websocket");
  proxy.websocket = "refuse";
  proxy.cut();
  const missed = await server.publish("Missed");
  await until("it came", () => feed.heard.change.length === 1);
  assert.equal(feed.heard.change[0].id, missed.id);
  await isLive(feed, "sse");
  assert.equal(feed.heard.snapshot.length, 1);
});

test("from a page's snapshot it goes on at its position, without another snapshot", async () => {
  await server.publish("On the page");
  const { items, position, before } = await (await fetch(`${server.origin}/v1/feeds/${FEED}/items?limit=10`)).json();
  await server.publish("Since then");
  const feedInfo = { id: FEED, title: "As the page has it", status: "live" };
  const feed = live({ snapshot: { feedInfo, items, position, before } });
  assert.equal(feed.info.title, "As the page has it");
  assert.equal(headlines(feed)[0], "On the page");
  await isLive(feed, "websocket");
  assert.equal(headlines(feed)[0], "Since then");
  assert.deepEqual(feed.heard.snapshot, []);
});

test("two feeds are read over one connection, and the end of one leaves the other", async () => {
  const gone = await newFeed();
  const [one, other] = [live({ share: true }), live({ share: true, feed: gone })];
  await isLive(one, "websocket");
  await isLive(other, "websocket");
  const sockets = proxy.asked.filter((asked) => asked.startsWith("websocket"));
  assert.deepEqual(sockets, [`websocket /v1/live?feed=${FEED}&feed=${gone}&last=50`]);
  await publish(gone, { headline: "Over there" });
  await until("it came where it belongs", () => headlines(other)[0] === "Over there");
  assert.deepEqual(one.heard.change, []);
  await server.command("feed", "delete", gone, "--yes");
  await ended(other);
  assert.equal(other.status.why, "This feed no longer exists.");
  await server.publish("Still here");
  await until("the other goes on", () => headlines(one)[0] === "Still here");
  assert.equal(one.heard.snapshot.length, 1);
});

test("a feed that joins where its feed is read already catches up by itself, and both go on", async () => {
  await server.publish("Zero");
  const first = live({ share: true });
  await isLive(first, "websocket");
  const { items, position } = await (await fetch(`${server.origin}/v1/feeds/${FEED}/items?limit=1`)).json();
  await server.publish("One");
  await until("the first has it", () => headlines(first)[0] === "One");
  const second = live({ share: true, snapshot: { items, position, before: null } });
  await until("the second has it", () => headlines(second)[0] === "One");
  await server.publish("Two");
  for (const feed of [first, second]) await until("both have it", () => headlines(feed)[0] === "Two");
  assert.deepEqual(second.heard.change.map(({ item }) => item.headline), ["One", "Two"]);
});

test("a feed that is not there, or not for us, is given up with a sentence", async () => {
  const secret = await newFeed("--access", "token");
  const [unknown, forbidden, wrong] = [live({ feed: "no-such-feed" }), live({ feed: secret }), live({ filter: { urgency: [99] } })];
  await ended(unknown);
  await ended(forbidden);
  await ended(wrong);
  assert.equal(unknown.status.why, "There is no such feed here.");
  assert.match(forbidden.status.why, /token/);
  assert.equal(wrong.status.why, "This feed cannot be read as this page asks for it.");
});

for (const [websocket, events, door] of [["pass", "pass", "websocket"], ["refuse", "pass", "sse"], ["refuse", "refuse", "poll"]]) {
  test(`a private feed is read with its token by ${door}, until the token is revoked`, async () => {
    Object.assign(proxy, { websocket, events });
    const secret = await newFeed("--access", "token");
    const name = `reader-${secret}`;
    const token = await server.command("token", "create", name, "--can", "read", "--feed", secret);
    const feed = live({ feed: secret, token });
    await isLive(feed, door);
    await publish(secret, { headline: "For a few" });
    await until("it came", () => headlines(feed)[0] === "For a few");
    assert.ok(!proxy.asked.some((asked) => asked.includes(token)), "the token stands in no address");
    await server.command("token", "revoke", name);
    await ended(feed);
  });
}

test("a filter is in every address, and what no longer matches leaves", async () => {
  const filter = { tag: ["storm"], urgency: ["1", "2"] };
  const flash = await server.publish({ headline: "Flash", urgency: 1, tags: ["storm"] });
  const feed = live({ filter });
  await isLive(feed, "websocket");
  assert.deepEqual(headlines(feed), ["Flash"]);
  await server.publish({ headline: "Routine", urgency: 6, tags: ["storm"] });
  await server.edit(`items/${flash.id}`, { tags: ["calm"] }, { method: "PATCH", etag: flash.etag });
  await until("it left", () => feed.items.items.length === 0);
  assert.deepEqual(feed.heard.change.map(({ type, id, item }) => [type, id, item]), [["item.left", flash.id, null]]);
  assert.match(proxy.asked[0], /urgency=1&urgency=2&tag=storm/);
});

test("older items come page by page, and a link to an old one finds it in its place", async () => {
  const feedId = await newFeed();
  const published = [];
  for (let n = 0; n < 40; n += 1) published.push(await publish(feedId, { headline: `Report ${n}` }));
  const feed = live({ feed: feedId, last: 10 });
  await isLive(feed, "websocket");
  assert.equal(feed.items.items.length, 10);
  assert.equal((await feed.older(10)).length, 10);
  assert.equal(headlines(feed).at(-1), "Report 20");
  assert.equal(feed.item(published[0].id), null);
  assert.equal((await feed.find(published[0].id)).headline, "Report 0");
  assert.equal(headlines(feed).at(-1), "Report 0");
  assert.equal(feed.before, null);
  assert.deepEqual(await feed.older(), []);
  assert.equal(await feed.find("01890000-0000-7000-8000-000000000000"), null);
  assert.equal(await feed.find("no id at all"), null);
  await server.edit(`../${feedId}/items/${published[5].id}/withhold`);
  await until("it is gone", () => !headlines(feed).includes("Report 5"));
  assert.equal(await feed.find(published[5].id), null);
});

test("a link to an item far down finds it with what followed it, and the list goes on to there without a hole", async () => {
  const feedId = await newFeed();
  const noon = Date.parse("2026-03-01T12:00:00.000Z");
  const published = [];
  const report = (n) => ({ headline: `Report ${n}`, published: new Date(noon + n * 60_000).toISOString(), tags: [n === 85 ? "calm" : "storm"] });
  for (let n = 0; n < 350; n += 50) {
    const some = Array.from({ length: 50 }, (_, m) => publish(feedId, report(n + m)));
    published.push(...(await Promise.all(some)));
  }
  const down = (from, to) => Array.from({ length: from - to + 1 }, (_, n) => `Report ${from - n}`);
  const feed = live({ feed: feedId, last: 10 });
  await isLive(feed, "websocket");
  const apart = () => feed.items.apart.map((item) => item.headline);
  assert.equal((await feed.find(published[80].id)).headline, "Report 80");
  assert.deepEqual([headlines(feed), apart()], [down(349, 140), down(80, 31)], "a page of the list, and one from there on");
  const edit = (n, path, body) => server.edit(`../${feedId}/items/${published[n].id}${path}`, body, { etag: "*" });
  await edit(80, "/correct", { kind: "correction", note: "It was wrong.", changes: { headline: "Corrected" } });
  await edit(79, "/retract", { reason: "It was wrong." });
  await edit(78, "/withhold");
  await until("it is shown", () => apart().join().startsWith("Corrected,,Report 77"));
  const before = proxy.asked.length;
  assert.equal((await feed.find(published[40].id)).headline, "Report 40");
  assert.equal(proxy.asked.length, before, "what stands there is not asked for");
  while (feed.before) await feed.older(200);
  assert.deepEqual(headlines(feed), [...down(349, 81), "Corrected", undefined, ...down(77, 0)]);
  assert.deepEqual(apart(), []);
  const filtered = live({ feed: feedId, last: 10, filter: { tag: ["storm"] } });
  await isLive(filtered, "websocket");
  assert.deepEqual([await filtered.find(published[85].id), filtered.items.apart], [null, []], "what a filter hides is not shown");
  assert.equal((await filtered.find(published[77].id)).headline, "Report 77");
});

test("a closed feed is said to be closed, and live again once it is reopened", async () => {
  const feedId = await newFeed();
  const feed = live({ feed: feedId });
  await isLive(feed, "websocket");
  await server.command("feed", "close", feedId);
  await until("it is closed", () => feed.status.state === "closed");
  await server.command("feed", "reopen", feedId);
  await isLive(feed, "websocket");
  assert.deepEqual(feed.heard.info.map((info) => info.status), ["live", "closed", "live"]);
});

test("paused, it hears nothing; resumed, it has what it missed", async () => {
  const feed = live();
  await isLive(feed, "websocket");
  feed.pause();
  assert.equal(feed.status.state, "paused");
  await server.publish("While it paused");
  assert.deepEqual(feed.heard.change, []);
  feed.resume();
  await until("it came", () => headlines(feed)[0] === "While it paused");
  assert.equal(feed.heard.snapshot.length, 1);
});

test("a store that is not the one it was is told as a reset, with its reason", async () => {
  const feed = live();
  await isLive(feed, "websocket");
  await server.kill();
  server.wipe();
  await server.up();
  await server.publish("A new beginning");
  await until("it began anew", () => feed.heard.snapshot.length === 2);
  assert.deepEqual(feed.heard.snapshot.map(({ reason }) => reason), ["first", "storeChanged"]);
  await until("and shows what there is", () => headlines(feed).join() === "A new beginning");
});

test("a position that is none begins anew by every door", async () => {
  await server.publish("Here");
  for (const [websocket, events] of [["pass", "pass"], ["refuse", "refuse"]]) {
    Object.assign(proxy, { websocket, events });
    const feed = live({ snapshot: { items: [], position: "not-a-position", before: null } });
    await until("it began anew", () => feed.heard.snapshot.length === 1);
    assert.equal(feed.heard.snapshot[0].reason, "unknown");
    // A snapshot may be a moment old, and what it lacks comes as changes.
    await until("it has what there is", () => headlines(feed)[0] === "Here");
  }
});
