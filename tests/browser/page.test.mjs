// The page at `/`, and a browser's own EventSource and WebSocket, against a real server in a real Chromium. Each test is
// named for what a reader may rely on. Whatever the console complains about fails the test, a violation of the page's
// content security policy included; only what a server that is away costs is expected while it is.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { chromium } from "playwright-core";

import { FEED, Newswire, otherSite, PATIENCE, Redis, until } from "./newswire.mjs";

/** Chromium sends nothing by itself. */
const QUIET = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const CHROMIUM =
  process.env.CHROMIUM ?? process.env.PATH.split(":").map((dir) => `${dir}/chromium`).find((path) => existsSync(path));

let browser, site, server;
/** What the console complained about. */
let complaints = [];

before(async () => {
  site = await otherSite();
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu", ...QUIET] });
});
after(async () => {
  await browser?.close();
  site?.end();
});
beforeEach(async () => {
  complaints = [];
  server = await Newswire.start();
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
  await server?.end();
  assert.deepEqual(complaints, [], "the console is silent");
});

/** A new tab. `expected` are complaints that a test causes on purpose. */
async function tab({ expected = /(?!)/, script, ...options } = {}) {
  const context = await browser.newContext({ locale: "en-GB", ...options });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  const complain = (text) => expected.test(text) || complaints.push(text);
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && complain(message.text()));
  page.on("pageerror", (error) => complain(String(error)));
  if (script) await page.addInitScript(script);
  return page;
}

const AWAY = /ERR_CONNECTION_(REFUSED|RESET)|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE_CHUNKED_ENCODING|Connection closed before/;

/** The feed's page, once it is live. */
async function reader(options) {
  const page = await tab(options);
  await page.goto(server.origin);
  await live(page);
  return page;
}

const live = (page) => page.waitForSelector("html[data-status=live]");
const headlines = (page) => page.locator("article .headline").allTextContents();

/** Waits until these, and no others, are the headlines, from top to bottom. */
async function shows(page, ...expected) {
  let seen;
  await until(`the page shows ${expected.join(" | ")}`, async () => {
    seen = await headlines(page);
    return JSON.stringify(seen) === JSON.stringify(expected);
  }).catch((error) => assert.deepEqual(seen, expected, error.message));
}

test("what is published appears by itself, over one WebSocket", async () => {
  await server.publish("Before");
  const page = await tab();
  const sockets = [];
  page.on("websocket", (socket) => sockets.push(socket));
  await page.goto(server.origin);
  await live(page);
  await shows(page, "Before");
  await server.publish({ headline: "After", body: "<p>The <strong>whole</strong> story.</p>", byline: "Mara Quist", located: "Lindenau" });
  await shows(page, "After", "Before");
  const article = page.locator("article").first();
  assert.equal(await article.locator(".body strong").textContent(), "whole");
  assert.equal(await article.locator(".byline").textContent(), "Mara Quist · Lindenau");
  assert.equal(await page.title(), await page.locator("h1").textContent());
  assert.equal(sockets.length, 1);
  assert.ok(sockets[0].url().endsWith(`/v1/feeds/${FEED}/live?last=50`), sockets[0].url());
});

test("a correction changes the item in its place and says what was wrong", async () => {
  const first = await server.publish({ headline: "31 people treated", body: "<p>All were sent home.</p>" });
  await server.publish("Second");
  const page = await reader();
  await shows(page, "Second", "31 people treated");
  await server.edit(
    `items/${first.id}/correct`,
    { kind: "correction", note: "An earlier version gave 24.", changes: { headline: "32 people treated" } },
    { etag: first.etag },
  );
  await shows(page, "Second", "32 people treated");
  const note = page.locator(`#item-${first.id} .note.correction`);
  assert.match(await note.textContent(), /^Correction, .+: An earlier version gave 24\.$/);
});

test("a retraction becomes a notice, and its text is nowhere in the document", async () => {
  const secret = await server.publish({
    headline: "Zanzibarite found",
    body: "<p>A quuxite vein.</p>",
    byline: "Nobody Atall",
    media: [{ kind: "picture", href: `${site.origin}/picture.gif?gone`, alt: "Frobnicated rock", width: 4, height: 3 }],
  });
  await server.publish({ headline: "More on it", updateOf: secret.id });
  const page = await reader();
  await page.waitForSelector("img[alt='Frobnicated rock']");
  await server.edit(`items/${secret.id}/retract`, { reason: "The source withdrew it." });
  await shows(page, "More on it", "This item has been retracted");
  const notice = page.locator(`#item-${secret.id}[data-status=canceled]`);
  assert.match(await notice.textContent(), /The source withdrew it\./);
  const html = await page.content();
  for (const text of ["Zanzibarite", "quuxite", "Nobody Atall", "Frobnicated", "picture.gif"]) {
    assert.ok(!html.includes(text), `${text} is still there`);
  }
});

test("withheld and removed items vanish, and a released one returns to its place", async () => {
  const [a, b] = [await server.publish("A"), await server.publish("B")];
  await server.publish("C");
  const page = await reader();
  await shows(page, "C", "B", "A");
  await server.edit(`items/${b.id}/withhold`);
  await shows(page, "C", "A");
  await server.edit(`items/${a.id}/remove`);
  await shows(page, "C");
  await server.edit(`items/${b.id}/release`);
  await shows(page, "C", "B");
});

test("pinned items stand first, and return to their places", async () => {
  const [a, b] = [await server.publish("A"), await server.publish("B")];
  await server.publish("C");
  const page = await reader();
  await server.edit(`items/${a.id}/pin`, { position: 2 });
  await shows(page, "A", "C", "B");
  await server.edit(`items/${b.id}/pin`, { position: 1 });
  await shows(page, "B", "A", "C");
  assert.equal(await page.locator("#pinned .is-pinned").count(), 2);
  await server.publish("D");
  await shows(page, "B", "A", "D", "C");
  await server.edit(`items/${b.id}/unpin`);
  await shows(page, "A", "D", "C", "B");
});

test("a breaking mark and a pin end by themselves", async () => {
  const soon = () => new Date(Date.now() + 2_500).toISOString();
  const old = await server.publish("Old");
  const page = await reader();
  await server.publish({ headline: "New", breaking: { until: soon() } });
  await server.edit(`items/${old.id}/pin`, { position: 1, until: soon() });
  await shows(page, "Old", "New");
  await page.waitForSelector("article.breaking .is-breaking");
  await shows(page, "New", "Old");
  await page.waitForSelector(".is-breaking", { state: "detached" });
  assert.equal(await page.locator("article.breaking, .is-pinned").count(), 0);
});

test("after kill -9 the page says that it waits, and then shows what it missed, once, without a reload", async () => {
  const first = await server.publish("First");
  const page = await reader({ expected: AWAY });
  await shows(page, "First");
  await page.evaluate(() => (window.sameDocument = true));
  await server.kill();
  await page.waitForSelector("html[data-status=waiting]");
  assert.match(await page.locator("#status").textContent(), /^Connection lost\. Reconnecting/);
  await shows(page, "First");
  // Nobody looks for it there: the page is certainly away.
  await server.up(true);
  await server.publish("While away");
  await server.edit("items/" + first.id, { headline: "First, updated" }, { method: "PATCH", etag: first.etag });
  await server.kill();
  await server.up();
  await server.publish("Right after");
  await shows(page, "Right after", "While away", "First, updated");
  await live(page);
  assert.match(await page.locator("#status").textContent(), /^Live/);
  await server.publish("Later");
  await shows(page, "Later", "Right after", "While away", "First, updated");
  assert.equal(await page.evaluate(() => window.sameDocument), true);
});

test("a server that stops tells the page, which comes back to the next one by itself", async () => {
  const page = await reader({ expected: AWAY });
  await server.stop();
  await page.waitForSelector("html[data-status=waiting]");
  await server.up();
  await server.publish("After the stop");
  await shows(page, "After the stop");
});

test("where the store was replaced, the page starts again and keeps nothing of the old one", async () => {
  for (const headline of ["Old 1", "Old 2", "Old 3"]) await server.publish(headline);
  const page = await reader({ expected: AWAY });
  await shows(page, "Old 3", "Old 2", "Old 1");
  await server.kill();
  server.wipe();
  await server.up();
  await server.publish("New");
  await shows(page, "New");
  await live(page);
  assert.ok(!(await page.content()).includes("Old"));
});

test("while the server has lost its store, the page says that what it shows may be out of date", async () => {
  await server.end();
  const redis = await Redis.start();
  try {
    server = await Newswire.start(redis.url);
    await server.publish("Before");
    const page = await reader();
    await shows(page, "Before");
    redis.pause();
    await page.waitForSelector("html[data-status=stale]");
    assert.match(await page.locator("#status").textContent(), /may be out of date/);
    await shows(page, "Before");
    redis.resume();
    await live(page);
    await server.publish("After");
    await shows(page, "After", "Before");
  } finally {
    await redis.end();
  }
});

for (const [how, script] of [
  ["missing", () => delete window.WebSocket],
  ["cut by a proxy", () => (window.WebSocket = class { constructor() { setTimeout(() => this.onclose?.({}), 10); } close() {} })],
]) {
  test(`where WebSocket is ${how}, the page goes by server-sent events, also through a restart`, async () => {
    await server.publish("First");
    const page = await reader({ script, expected: AWAY });
    await server.publish("Second");
    await shows(page, "Second", "First");
    const streams = () => page.evaluate(() => performance.getEntriesByType("resource").map((one) => one.name).filter((name) => name.includes("/live")));
    await server.kill();
    await page.waitForSelector("html[data-status=waiting]");
    assert.equal((await streams()).length, 1);
    await server.up();
    await server.publish("Third");
    await shows(page, "Third", "Second", "First");
  });
}

/** Follows by hand in a page of another origin what a restart goes through, and returns what came, as ids. */
async function through(follow) {
  const page = await tab({ expected: AWAY });
  await page.goto(site.origin);
  assert.notEqual(await page.evaluate(() => location.origin), server.origin);
  const sent = [(await server.publish("0")).id];
  await page.evaluate(follow, `${server.origin}/v1/feeds/${FEED}/live`);
  const came = () => page.evaluate(() => window.came);
  await until("the first item came", async () => (await came()).length === 1);
  sent.push((await server.publish("1")).id);
  await until("the live one came", async () => (await came()).length === 2);
  await server.kill();
  await server.up(true);
  for (const headline of ["2", "3", "4"]) sent.push((await server.publish(headline)).id);
  await server.kill();
  await server.up();
  sent.push((await server.publish("5")).id);
  await until("all came", async () => (await came()).length >= sent.length);
  sent.push((await server.publish("6")).id);
  await until("it is live again", async () => (await came()).length >= sent.length);
  await server.stop();
  await server.up();
  sent.push((await server.publish("7")).id);
  await until("it came back after bye", async () => (await came()).length >= sent.length);
  assert.deepEqual(await came(), sent, "every item once, in order");
}

test("a bare EventSource of another site follows through a restart with nothing but what browsers do", async () => {
  await through((url) => {
    window.came = [];
    new EventSource(`${url}?after=0`).onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.type === "item.published") window.came.push(message.item.id);
    };
  });
});

test("a bare WebSocket of another site follows through a restart with the position it kept", async () => {
  await through((url) => {
    window.came = [];
    let position = "0";
    const open = () => {
      const socket = new WebSocket(`${url.replace("http:", "ws:")}?after=${position}`);
      socket.onmessage = ({ data }) => {
        const message = JSON.parse(data);
        if (message.type === "item.published") window.came.push(message.item.id);
        if (message.type !== "hello" && message.position) position = message.position;
      };
      socket.onclose = () => setTimeout(open, 200);
    };
    open();
  });
});

test("a browser and the server agree on compression, and the text is right", async () => {
  const page = await tab();
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Network.enable");
  const [agreed, came] = [[], []];
  devtools.on("Network.webSocketHandshakeResponseReceived", ({ response }) => agreed.push(response.headersText ?? JSON.stringify(response.headers)));
  devtools.on("Network.webSocketFrameReceived", ({ response }) => came.push(response));
  await page.goto(server.origin);
  await live(page);
  const story = "Żółw, 北京, 🗳 – counting goes on. ".repeat(40).trim();
  await server.publish({ headline: "Packed", body: `<p>${story}</p>` });
  await shows(page, "Packed");
  assert.equal(await page.locator("article .body p").textContent(), story);
  assert.match(agreed[0].toLowerCase(), /sec-websocket-extensions[": ]+permessage-deflate; server_no_context_takeover; client_no_context_takeover/);
  assert.ok(came.some(({ payloadData }) => payloadData.includes(story)), "the frame was unpacked by the browser");
});

test("a page of another site may read items and their ETag", async () => {
  await server.publish("Readable");
  const page = await tab();
  await page.goto(site.origin);
  const [status, etag, items] = await page.evaluate(async (url) => {
    const answer = await fetch(url);
    return [answer.status, answer.headers.get("etag"), (await answer.json()).items.length];
  }, `${server.origin}/v1/feeds/${FEED}/items`);
  assert.equal(status, 200);
  assert.ok(etag);
  assert.equal(items, 1);
});

test("older items are loaded when they are asked for, and changes to them are not shown before", async () => {
  const published = [];
  for (let n = 0; n < 60; n += 1) published.push(await server.publish(`Report ${n}`));
  const page = await reader();
  const all = (from, to) => published.slice(from, to).map((_, n) => `Report ${from + n}`).reverse();
  await shows(page, ...all(10, 60));
  await server.edit(`items/${published[3].id}`, { headline: "Report 3, updated" }, { method: "PATCH", etag: published[3].etag });
  await server.edit(`items/${published[4].id}/withhold`);
  await server.publish("Newest");
  await shows(page, "Newest", ...all(10, 60));
  await page.click("#older");
  const older = ["Report 3, updated", ...all(0, 3)];
  await shows(page, "Newest", ...all(5, 60), ...older);
  assert.equal(await page.locator("#older").isVisible(), false);
});

test("whoever reads further down is not moved, and is told of new items", async () => {
  for (let n = 0; n < 30; n += 1) await server.publish({ headline: `Report ${n}`, body: "<p>Text.</p>" });
  const page = await reader({ reducedMotion: "reduce" });
  await page.waitForSelector("article");
  const place = () => page.locator("article", { hasText: "Report 9" }).evaluate((one) => Math.round(one.getBoundingClientRect().top));
  await page.locator("article", { hasText: "Report 9" }).evaluate((one) => one.scrollIntoView());
  assert.equal(await page.locator("#fresh").isVisible(), false);
  const before = await place();
  await server.publish("New 1");
  await page.waitForSelector("text=1 new item");
  await server.publish("New 2");
  await page.waitForSelector("text=2 new items");
  assert.equal(await place(), before);
  await page.click("#fresh");
  await until("the top is shown", () => page.evaluate(() => scrollY === 0));
  await page.waitForSelector("#fresh", { state: "hidden" });
});

test("what an item's fields hold is text, whatever it looks like", async () => {
  const trick = "<img src=x onerror=\"window.tricked=1\"><script>window.tricked=1</script>";
  const item = await server.publish({ headline: trick, byline: trick, located: trick, body: `<p>Body</p>${trick}` });
  await server.edit(`items/${item.id}/correct`, { kind: "correction", note: trick, changes: { byline: `By ${trick}` } }, { etag: item.etag });
  const page = await reader();
  await shows(page, trick);
  await page.waitForSelector(".note");
  assert.equal(await page.locator("article img, article script").count(), 0);
  assert.equal(await page.evaluate(() => window.tricked), undefined);
});

test("a feed that is not there is said to be so, and is not asked for again and again", async () => {
  const page = await tab({ expected: /404/ });
  await page.goto(`${server.origin}/?feed=no-such-feed`);
  await page.waitForSelector("html[data-status=ended]");
  assert.equal(await page.locator("#status").textContent(), "There is no such feed here.");
});

test("a phone's page never scrolls sideways, whatever an item holds", async () => {
  const long = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft".repeat(2);
  await server.publish({
    headline: long,
    byline: long,
    located: long.slice(0, 120),
    body: `<p>${long}</p><ul><li><code>${long}</code></li></ul><blockquote><p><a href="https://example.org/${long}">${long}</a></p></blockquote>`,
    media: [
      { kind: "picture", href: `${site.origin}/picture.gif`, alt: "Wide", caption: long, credit: long, width: 4000, height: 300 },
      { kind: "video", href: `${site.origin}/film.mp4`, alt: "Film", width: 1920, height: 1080 },
      { kind: "audio", href: `${site.origin}/sound.mp3`, alt: "Sound" },
    ],
    related: [{ title: long, url: `${site.origin}/${long}`, image: `${site.origin}/picture.gif` }],
    keyEvent: true,
    summary: true,
    breaking: { until: new Date(Date.now() + 600_000).toISOString() },
  });
  const wrong = await server.publish({ headline: "Wrong" });
  await server.edit(`items/${wrong.id}/retract`, { reason: long });
  for (const width of [320, 390]) {
    const page = await reader({ viewport: { width, height: 700 }, isMobile: true, hasTouch: true });
    await page.locator("article .related").scrollIntoViewIfNeeded();
    const [content, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert.equal(screen, width);
    assert.ok(content <= screen, `${content} > ${screen}`);
  }
});

test("in the place of a picture that cannot be had stands what it shows", async () => {
  await server.publish({
    headline: "Picture",
    media: [{ kind: "picture", href: `${site.origin}/gone.jpg`, alt: "A quay at dawn", caption: "The quay.", width: 400, height: 300 }],
    related: [{ title: "More", url: "https://example.org/more", image: `${site.origin}/gone-too.jpg` }],
  });
  const page = await reader({ expected: /404/ });
  await until("it is replaced", async () => (await page.locator("figure .missing").allTextContents()).join() === "A quay at dawn");
  await page.waitForSelector("article img", { state: "detached" });
});
