// The client in real tabs of a real Chromium, against a real server: tabs of one origin, and the feeds of one page, share
// one connection, and none of them misses anything when the tab that keeps it goes away.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { FEED, until } from "./newswire.mjs";
import { AWAY, chromium, server, site } from "./stage.mjs";

/** A news site's page: it follows the feeds that its address names, and notes what it is told. */
const PAGE = `<!doctype html><link rel="icon" href="data:,"><title>A site</title><script type="module">
  const query = new URLSearchParams(location.search);
  const { LiveFeed } = await import(new URL("/widget/newswire-client.js", query.get("server")));
  window.feeds = query.getAll("feed").map((feed) => {
    const live = new LiveFeed({ server: query.get("server"), feed, timing: { hidden: Number(query.get("hidden") ?? 300000) } });
    live.came = [];
    live.begun = [];
    live.addEventListener("change", ({ detail }) => live.came.push(detail.item?.headline));
    live.addEventListener("snapshot", ({ detail }) => live.begun.push(detail.reason));
    live.start();
    return live;
  });
</script>`;

/** A tab that is closed may just have begun to connect, in the place of one that was closed before it. */
const ENDING = new RegExp(`${AWAY.source}|WebSocket is closed before the connection is established`);

/** The first tab of a test: the others are beside it. */
let first;
beforeEach(() => {
  first = undefined;
  site.serve("/", PAGE);
});

/** A new tab of the site, once all its feeds are live. */
async function tab(feeds = [FEED], more = "") {
  const page = await chromium.tab({ beside: first, expected: ENDING });
  first ??= page;
  page.sockets = [];
  page.on("websocket", (socket) => page.sockets.push(socket.url()));
  const query = feeds.map((feed) => `&feed=${feed}`).join("");
  await page.goto(`${site.origin}/?server=${encodeURIComponent(server.origin)}${query}${more}`);
  await live(page);
  return page;
}

const live = (page) => page.waitForFunction(() => window.feeds?.every((feed) => feed.status.state === "live"));
const headlines = (page, n = 0) => page.evaluate((which) => window.feeds[which].items.items.map((item) => item.headline), n);
const shows = (page, headline, n) => until(`a tab shows ${headline}`, async () => (await headlines(page, n))[0] === headline);
/** What came as changes, and how often it began anew. */
const came = (page) => page.evaluate(() => [window.feeds[0].came, window.feeds[0].begun.length]);

/** Publishes, and says how many readers the server has for the feed. */
async function publish(headline, feed = FEED) {
  return (await server.edit(`../${feed}/items`, { headline })).readers;
}

test("three tabs have one connection, and each shows everything", async () => {
  await publish("Before");
  const tabs = [await tab(), await tab(), await tab()];
  assert.equal(await publish("After"), 1);
  for (const one of tabs) await shows(one, "After");
  assert.deepEqual(tabs.map((one) => one.sockets.length), [1, 0, 0]);
  for (const one of tabs) assert.deepEqual(await headlines(one), ["After", "Before"]);
});

test("when the tab that keeps the connection is closed, another goes on, and nothing is missed or doubled", async () => {
  const [first, second, third] = [await tab(), await tab(), await tab()];
  const published = [];
  let closing;
  for (let n = 0; n < 60; n += 1) {
    if (n === 20) closing = first.close();
    published.push(`Report ${n}`);
    await publish(`Report ${n}`);
  }
  await closing;
  for (const one of [second, third]) {
    await shows(one, "Report 59");
    const [changes, begun] = await came(one);
    assert.deepEqual(changes, published);
    assert.equal(begun, 1);
  }
  await until("one of the two has the connection", async () => (await publish("Once more")) === 1);
  assert.deepEqual([second.sockets.length, third.sockets.length].sort(), [0, 1]);
});

test("when it is only turned to another page, and when it crashes, another goes on", async () => {
  const [first, second, third] = [await tab(), await tab(), await tab()];
  await first.goto("about:blank");
  await publish("Turned over");
  await shows(second, "Turned over");
  const leader = second.sockets.length ? second : third;
  const other = leader === second ? third : second;
  await leader.goto("chrome://crash").catch(() => {});
  await publish("Crashed");
  await shows(other, "Crashed");
  assert.deepEqual((await came(other))[0].filter((headline) => headline !== "Once more"), ["Turned over", "Crashed"]);
});

test("a server that is killed is missed by no tab, and they come back over one connection", async () => {
  const tabs = [await tab(), await tab()];
  await server.kill();
  for (const one of tabs) await one.waitForFunction(() => window.feeds[0].status.state === "waiting");
  await server.up();
  await publish("Back again");
  for (const one of tabs) {
    await shows(one, "Back again");
    await live(one);
    assert.equal((await came(one))[1], 1);
  }
  assert.equal(await publish("And on"), 1);
});

test("a tab that is opened late has what the others have", async () => {
  const first = await tab();
  for (let n = 0; n < 5; n += 1) await publish(`Report ${n}`);
  await shows(first, "Report 4");
  const late = await tab();
  assert.deepEqual(await headlines(late), await headlines(first));
  await publish("Live");
  await shows(late, "Live");
  assert.equal(late.sockets.length, 0);
});

test("two feeds of one page have one socket, in all its tabs together", async () => {
  await server.command("feed", "create", "other", "--title", "Other");
  await until("it is there", async () => (await fetch(`${server.origin}/v1/feeds/other`)).ok);
  const tabs = [await tab([FEED, "other"]), await tab(["other", FEED])];
  assert.deepEqual(tabs.map((one) => one.sockets.length), [1, 0]);
  assert.match(tabs[0].sockets[0], /\/v1\/live\?/);
  assert.equal(await publish("Here"), 1);
  assert.equal(await publish("There", "other"), 1);
  await shows(tabs[0], "Here", 0);
  await shows(tabs[0], "There", 1);
  await shows(tabs[1], "There", 0);
  await shows(tabs[1], "Here", 1);
});

test("a page from the back/forward cache goes on from its position", async () => {
  const page = await tab();
  await publish("First");
  await shows(page, "First");
  await page.evaluate(() => addEventListener("pageshow", ({ persisted }) => (window.kept = persisted)));
  await page.goto("about:blank");
  await publish("Meanwhile");
  // Waited for below: that it came back is no navigation to who drives the browser.
  await page.evaluate(() => setTimeout(() => history.back()));
  await page.waitForFunction(() => window.kept);
  await shows(page, "Meanwhile");
  await publish("Again");
  await shows(page, "Again");
  assert.deepEqual(await came(page), [["First", "Meanwhile", "Again"], 1]);
});

test("without network it says offline, and comes back by itself", async () => {
  const page = await tab();
  await page.context().setOffline(true);
  await page.waitForFunction(() => window.feeds[0].status.state === "offline");
  await publish("While offline");
  await page.context().setOffline(false);
  await shows(page, "While offline");
  await live(page);
});
