// The element <news-feed> in pages of another site, against a real server in a real Chromium. Each test is named for what
// a reader, or the site, may rely on. Whatever the console complains about fails the test, a violation of the page's
// content security policy included; only what a server that is away costs is expected while it is.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { Chromium } from "./chromium.mjs";
import { FEED, Newswire, otherSite, Redis, until } from "./newswire.mjs";

const AXE = createRequire(import.meta.url).resolve("axe-core");
const AWAY = /ERR_CONNECTION_(REFUSED|RESET)|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_INTERNET_DISCONNECTED|Connection closed before/;

let chromium, site, server;

before(async () => {
  [site, chromium] = await Promise.all([otherSite(), Chromium.start()]);
});
after(async () => {
  await chromium?.end();
  site?.end();
});
beforeEach(async () => {
  server = await Newswire.start();
});
afterEach(async () => {
  await chromium.clear();
  await server?.end();
});

/** A page of the other site with the widget in it. `light` is what stands in the element. */
function host({ attributes = "", light = "", head = "", before = "", after = "", headers = {}, path = "/story" } = {}) {
  const script = `<script type="module" src="${server.origin}/widget.js"></script>`;
  const element = `<news-feed server="${server.origin}" feed="${FEED}" ${attributes}>${light}</news-feed>`;
  const meta = "<meta charset='utf-8'><meta name='viewport' content='width=device-width, initial-scale=1'><link rel='icon' href='data:,'>";
  const html = `<!doctype html><html lang="en"><head>${meta}<title>Storm Isolde</title>${head}${script}</head><body><main><h1>Storm</h1>${before}${element}${after}</main></body></html>`;
  site.serve(path, html, headers);
  return `${site.origin}${path}`;
}

const live = (page) => page.waitForSelector("news-feed .newswire[data-state=live]");
const state = (page, name) => page.waitForSelector(`news-feed .newswire[data-state=${name}]`);
const said = (page) => page.locator(".said").textContent();
const headlines = (page) => page.locator(".feed .item .headline").allTextContents();

/** That page, once the widget is live. */
async function reader({ hash = "", wait = live, ...options } = {}) {
  const page = await chromium.tab(options);
  await page.goto(host(options) + hash);
  await wait(page);
  return page;
}

/** Waits until these, and no others, are the headlines, from top to bottom. */
async function shows(page, ...expected) {
  let seen;
  await until(`the page shows ${expected.join(" | ")}`, async () => {
    seen = await headlines(page);
    return JSON.stringify(seen) === JSON.stringify(expected);
  }).catch((error) => assert.deepEqual(seen, expected, error.message));
}

async function publishMany(count, make = (n) => ({ headline: `Report ${n}`, body: "<p>Text of some length, to read.</p>" })) {
  const all = [];
  for (let n = 0; n < count; n += 1) all.push(await server.publish(make(n)));
  return all;
}

const reports = (from, to) => Array.from({ length: to - from }, (_, n) => `Report ${to - 1 - n}`);
const item = (page, { id }) => page.locator(`#item-${id}`);
const topOf = (locator) => locator.evaluate((one) => one.getBoundingClientRect().top);

/** Scrolls so that an item is a little below the upper edge, and waits until that is done. */
async function readAt(page, one) {
  await item(page, one).evaluate((article) => scrollBy({ top: article.getBoundingClientRect().top - 20, behavior: "instant" }));
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}

/** Notes in every frame where an item stands; returns how far it has been from where it was. */
async function watchPlace(page, one) {
  await item(page, one).evaluate((article) => {
    const was = article.getBoundingClientRect().top;
    window.strayed = 0;
    const look = () => {
      window.strayed = Math.max(window.strayed, Math.abs(article.getBoundingClientRect().top - was));
      requestAnimationFrame(look);
    };
    look();
  });
  return () => page.evaluate(() => window.strayed);
}

const correct = (one, note, changes) =>
  server.edit(`items/${one.id}/correct`, { kind: "correction", note, changes }, { etag: "*" });

test("two lines of HTML show a feed in a page of another site, live, over one WebSocket", async () => {
  await server.publish("Before");
  const page = await chromium.tab();
  const sockets = [];
  page.on("websocket", (socket) => sockets.push(socket.url()));
  await page.goto(host());
  await live(page);
  await shows(page, "Before");
  await server.publish({ headline: "After", body: "<p>The <strong>whole</strong> story.</p>", byline: "Mara Quist", located: "Lindenau" });
  await shows(page, "After", "Before");
  const article = page.locator(".item").first();
  assert.equal(await article.locator(".body strong").textContent(), "whole");
  assert.equal(await article.locator(".byline").textContent(), "Mara Quist · Lindenau");
  assert.equal(await said(page), "Live");
  assert.equal(sockets.length, 1);
});

test("on arrival the page stays at its top, and whoever is below the widget is not moved by what changes in it", async () => {
  const all = await publishMany(30);
  const page = await reader({ after: `<p id="below">Comments</p>${"<p>A comment.</p>".repeat(50)}` });
  await shows(page, ...reports(0, 30));
  assert.equal(await page.evaluate(() => scrollY), 0);
  const below = page.locator("#below");
  await below.evaluate((one) => scrollBy({ top: one.getBoundingClientRect().top - 20, behavior: "instant" }));
  await correct(all[20], "Longer. ".repeat(60), { headline: "Report 20, corrected" });
  await page.waitForSelector("text=Report 20, corrected");
  assert.ok(Math.abs((await topOf(below)) - 20) < 1);
});

test("the address of the module is enough where the server is its own", async () => {
  await server.publish("Here");
  site.serve("/bare", `<!doctype html><link rel='icon' href='data:,'><script type="module" src="${server.origin}/widget.js"></script><news-feed feed="${FEED}"></news-feed>`);
  const { address, integrity } = await (await fetch(`${server.origin}/widget.json`)).json();
  site.serve("/pinned", `<!doctype html><link rel='icon' href='data:,'><script type="module" src="${server.origin}${address}" integrity="${integrity}" crossorigin></script><news-feed feed="${FEED}"></news-feed>`);
  for (const path of ["/bare", "/pinned"]) {
    const page = await chromium.tab();
    await page.goto(site.origin + path);
    await live(page);
    await shows(page, "Here");
  }
});

test("a correction changes the item in its place and says with its date what was wrong", async () => {
  const first = await server.publish({ headline: "31 people treated", body: "<p>All were sent home.</p>" });
  await server.publish("Second");
  const page = await reader();
  await shows(page, "Second", "31 people treated");
  const body = await item(page, first).locator(".body").elementHandle();
  await correct(first, "An earlier version gave 24.", { headline: "32 people treated" });
  await shows(page, "Second", "32 people treated");
  const note = item(page, first).locator(".note.correction");
  assert.match(await note.textContent(), /^Correction, .*\d{4}.*\d\d:\d\d.*: An earlier version gave 24\.$/);
  assert.ok(await body.evaluate((one) => one.isConnected), "what was right already is the same element");
});

test("a retraction becomes a notice, and its text is nowhere in the document", async () => {
  const secret = await server.publish({
    headline: "Zanzibarite found",
    body: "<p>A quuxite vein.</p>",
    byline: "Nobody Atall",
    keyEvent: true,
    media: [{ kind: "picture", href: `${site.origin}/picture.gif?gone`, alt: "Frobnicated rock", width: 4, height: 3 }],
  });
  await server.publish({ headline: "More on it", updateOf: secret.id });
  const page = await reader();
  await page.waitForSelector("img[alt='Frobnicated rock']");
  assert.equal(await page.locator(".update-of a").textContent(), "Zanzibarite found");
  await server.edit(`items/${secret.id}/retract`, { reason: "The source withdrew it." });
  await shows(page, "More on it", "This item has been retracted");
  assert.match(await item(page, secret).locator(".reason").textContent(), /^The source withdrew it\. .*\d{4}/);
  assert.equal(await page.locator(".update-of, .share >> nth=1").count(), 0);
  const html = await page.evaluate(() => document.documentElement.outerHTML + document.querySelector("news-feed").shadowRoot.innerHTML);
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
  assert.equal(await page.locator(".pinned-group .is-pinned").count(), 2);
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
  await page.waitForSelector(".item.breaking .is-breaking");
  await shows(page, "New", "Old");
  await page.waitForSelector(".is-breaking", { state: "detached" });
  assert.equal(await page.locator(".item.breaking, .is-pinned").count(), 0);
});

test("key events are listed, newest first, and lead to their items", async () => {
  const all = await publishMany(20, (n) => ({ headline: `Report ${n}`, body: "<p>Text.</p>", keyEvent: n % 10 === 1 }));
  const page = await reader();
  await shows(page, ...reports(0, 20));
  const lines = page.locator(".key-events-list span");
  assert.deepEqual(await lines.allTextContents(), ["Report 11", "Report 1"]);
  await lines.last().click();
  await until("the item is focused", () => item(page, all[1]).evaluate((one) => one.getRootNode().activeElement === one));
  assert.equal(new URL(page.url()).hash, `#item-${all[1].id}`);
  await server.edit(`items/${all[11].id}/retract`, { reason: "No." });
  await until("it is no event any more", async () => (await lines.allTextContents()).join() === "Report 1");
});

test("whoever reads further down is not moved by 500 items, is told how many there are, and goes to them when asked", async () => {
  const all = await publishMany(30);
  const page = await reader({ attributes: "title-count", reducedMotion: "reduce" });
  await shows(page, ...reports(0, 30));
  await readAt(page, all[9]);
  const strayed = await watchPlace(page, all[9]);
  assert.equal(await page.locator(".fresh-button").isVisible(), false);
  await publishMany(500, (n) => ({ headline: `New ${n}`, keyEvent: n % 100 === 0 }));
  await page.waitForSelector("text=500 new updates");
  assert.equal(await page.title(), "(500) Storm Isolde");
  assert.equal(await strayed(), 0);
  assert.equal(await page.locator(".item").count(), 30);
  await page.click(".fresh-button");
  const first = page.locator(".item").first();
  await until("the newest is focused and seen", async () => (await first.evaluate((one) => one.getRootNode().activeElement === one)) && Math.abs(await topOf(first)) < 40);
  assert.equal(await first.locator(".headline").textContent(), "New 499");
  assert.equal(await page.locator(".fresh-button").isVisible(), false);
  assert.equal(await page.title(), "Storm Isolde");
});

for (const [how, head] of [
  ["does", ""],
  ["does not", "<style>* { overflow-anchor: none !important } html { scroll-behavior: smooth }</style>"],
]) {
  test(`what changes above does not move what is read, where the browser ${how} see to that itself`, async () => {
    const all = await publishMany(30);
    const page = await reader({ head });
    await shows(page, ...reports(0, 30));
    await readAt(page, all[9]);
    const strayed = await watchPlace(page, all[9]);
    for (const n of [20, 21, 22]) await correct(all[n], "It was longer than that. ".repeat(3 * n - 50), { headline: `Report ${n}, corrected` });
    await server.edit(`items/${all[25].id}/retract`, { reason: "Wrong." });
    await server.edit(`items/${all[24].id}/withhold`);
    await server.edit(`items/${all[3].id}/pin`, { position: 1 });
    await page.waitForSelector("text=Report 22, corrected");
    await page.waitForSelector(".pinned-group");
    await server.publish("Last");
    await page.waitForSelector("text=1 new update");
    // Browsers place text on whole pixels; less than one is not seen, and must not add up.
    assert.ok((await strayed()) < 1, `moved by ${await strayed()}`);
  });
}

test("at the top, what is new slides in at once; with reduced motion it is simply there", async () => {
  for (const reducedMotion of ["no-preference", "reduce"]) {
    await publishMany(3);
    const page = await reader({ reducedMotion });
    await page.evaluate(() => {
      window.animated = 0;
      const animate = Element.prototype.animate;
      Element.prototype.animate = function (...given) {
        window.animated += 1;
        return animate.apply(this, given);
      };
    });
    await server.publish(`New, ${reducedMotion}`);
    await page.waitForSelector(`.headline:text("New, ${reducedMotion}")`);
    assert.equal(await page.locator(".fresh-button").isVisible(), false);
    const animated = await page.evaluate(() => window.animated);
    assert.equal(animated > 0, reducedMotion !== "reduce", `${animated} animations`);
    await page.close();
  }
});

test("while the tab is hidden new items wait, and slide in when somebody looks", async () => {
  await publishMany(3);
  const page = await reader({
    attributes: "title-count",
    script: () => Object.defineProperty(document, "visibilityState", { get: () => (window.away ? "hidden" : "visible") }),
  });
  await page.evaluate(() => (window.away = true));
  await server.publish("Meanwhile");
  await until("the title counts it", async () => (await page.title()) === "(1) Storm Isolde");
  await shows(page, ...reports(0, 3));
  await page.evaluate(() => {
    window.away = false;
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await shows(page, "Meanwhile", ...reports(0, 3));
  assert.equal(await page.title(), "Storm Isolde");
});

test("what is retracted while it waits behind the button is never shown, nor counted", async () => {
  const all = await publishMany(20);
  const page = await reader();
  await shows(page, ...reports(0, 20));
  await readAt(page, all[5]);
  await page.evaluate(() => {
    window.seen = "";
    new MutationObserver(() => (window.seen += document.querySelector("news-feed").shadowRoot.textContent)).observe(
      document.querySelector("news-feed").shadowRoot,
      { childList: true, subtree: true, characterData: true },
    );
  });
  const secret = await server.publish({ headline: "Zanzibarite found", keyEvent: true });
  await page.waitForSelector("text=1 new update");
  await server.publish("Harmless");
  await page.waitForSelector("text=2 new updates");
  await server.edit(`items/${secret.id}/retract`, { reason: "The source withdrew it." });
  await page.waitForSelector("text=1 new update");
  await page.click(".fresh-button");
  await shows(page, "Harmless", "This item has been retracted", ...reports(0, 20));
  assert.ok(!(await page.evaluate(() => window.seen)).includes("Zanzibarite"));
});

test("what the server wrote into the element is shown from the beginning, and goes on without a gap or a double", async () => {
  const all = await publishMany(5, (n) => ({ headline: `Report ${n}`, body: "<p>Text.</p>", keyEvent: n === 2, urgency: 3 }));
  await server.edit(`items/${all[1].id}/pin`, {});
  await correct(all[0], "It was otherwise.", { headline: "Report 0, corrected" });
  const { light, style } = await written();
  await server.publish("While it was on its way");
  const page = await chromium.tab({
    script: () => {
      window.blank = 0;
      const look = () => {
        const feed = document.querySelector("news-feed");
        const seen = (root) => [...(root?.querySelectorAll(".item") ?? [])].some((one) => one.getClientRects().length);
        if (feed && !seen(feed) && !seen(feed.shadowRoot)) window.blank += 1;
        requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    },
  });
  const requests = [];
  page.on("request", (request) => requests.push(new URL(request.url()).pathname));
  const sockets = [];
  page.on("websocket", (socket) => sockets.push(new URL(socket.url())));
  await page.goto(host({ light, head: style, after: "<footer>End</footer>" }));
  await live(page);
  await shows(page, "Report 1", "While it was on its way", "Report 4", "Report 3", "Report 2", "Report 0, corrected");
  assert.equal(await page.evaluate(() => window.blank), 0);
  assert.ok(sockets[0].searchParams.get("after"), sockets[0].href);
  assert.deepEqual(requests.filter((path) => path.startsWith("/v1/")), [], "nothing is asked for but what came since");
  assert.equal(await page.evaluate(() => document.querySelector("news-feed").children.length), 0, "what was written is not kept beside it");
});

test("nothing moves when the widget takes over what the server wrote", async () => {
  const [first] = await publishMany(5, (n) => ({ headline: `Report ${n}`, keyEvent: n === 2 }));
  await server.edit(`items/${first.id}`, { updated: new Date(Date.now() + 3_600_000).toISOString() }, { method: "PATCH", etag: "*" }).catch(() => {});
  const { light, style } = await written();
  const url = host({ light, head: style, after: "<footer>End</footer>" });
  const places = () => {
    const feed = document.querySelector("news-feed");
    const parts = [...(feed.shadowRoot ?? feed).querySelectorAll(".status, .key-events, .day, .item, .stamp, .headline"), document.querySelector("footer")];
    return parts.map((one) => {
      const { x, y, width, height } = one.getBoundingClientRect();
      return [one.className, x, y, width, height].join(" ");
    });
  };
  for (const viewport of [{ width: 1000, height: 800 }, { width: 360, height: 640 }]) {
    const still = await chromium.tab({ expected: /ERR_FAILED/, viewport });
    await still.route("**/widget.js", (route) => route.abort());
    await still.goto(url);
    const before = await still.evaluate(places);
    const page = await chromium.tab({
      viewport,
      script: () => {
        window.shifted = 0;
        const add = (list) => list.getEntries().forEach(({ value }) => (window.shifted += value));
        new PerformanceObserver(add).observe({ type: "layout-shift", buffered: true });
      },
    });
    await page.goto(url);
    await live(page);
    assert.deepEqual(await page.evaluate(places), before);
    assert.equal(await page.evaluate(() => window.shifted), 0);
  }
});

/** What a server writes: here it is what the widget shows, with a snapshot. */
async function written() {
  const page = await reader({ path: "/written" });
  const light = await page.evaluate(() => {
    const copy = document.querySelector("news-feed").shadowRoot.querySelector(".newswire").cloneNode(true);
    for (const one of copy.querySelectorAll(".unseen, .fresh, .after, .share, [hidden], .feed:empty")) one.remove();
    for (const one of copy.querySelectorAll(".ago")) one.textContent = "";
    return copy.outerHTML;
  });
  await page.close();
  const door = `${server.origin}/v1/feeds/${FEED}`;
  const [list, feedInfo] = await Promise.all([`${door}/items?limit=50`, door].map(async (url) => (await fetch(url)).json()));
  const data = JSON.stringify({ feedInfo, ...list }).replaceAll("<", "\\u003c");
  return {
    light: `${light}<script type="application/json" data-newswire="snapshot">${data}</script>`,
    style: `<link rel="stylesheet" href="${server.origin}/widget/news-feed.css">`,
  };
}

test("after kill -9 it says that it waits, and for how long, and then shows what it missed, once, without a reload", async () => {
  const first = await server.publish("First");
  const page = await reader({ expected: AWAY });
  await shows(page, "First");
  await page.evaluate(() => (window.sameDocument = true));
  await server.kill();
  await state(page, "waiting");
  await until("it tells the seconds", async () => /^Connection lost\. Trying again in \d+ s$/.test(await said(page)));
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
  await server.publish("Later");
  await shows(page, "Later", "Right after", "While away", "First, updated");
  assert.equal(await page.evaluate(() => window.sameDocument), true);
});

test("a reader further down keeps the place while the server is killed and comes back with more", async () => {
  const all = await publishMany(30);
  const page = await reader({ expected: AWAY });
  await shows(page, ...reports(0, 30));
  await readAt(page, all[9]);
  const strayed = await watchPlace(page, all[9]);
  await server.kill();
  await state(page, "waiting");
  await server.up(true);
  await server.publish("While away");
  await correct(all[20], "Longer. ".repeat(60), { headline: "Report 20, corrected" });
  await server.kill();
  await server.up();
  await page.waitForSelector("text=1 new update");
  await page.waitForSelector("text=Report 20, corrected");
  await live(page);
  assert.ok((await strayed()) < 1, `moved by ${await strayed()}`);
});

test("a server that stops tells the widget, which comes back to the next one by itself", async () => {
  const page = await reader({ expected: AWAY });
  await server.stop();
  await state(page, "waiting");
  await server.up();
  await server.publish("After the stop");
  await shows(page, "After the stop");
});

test("where the store was replaced, the widget starts again and keeps nothing of the old one", async () => {
  for (const headline of ["Old 1", "Old 2", "Old 3"]) await server.publish(headline);
  const page = await reader({ expected: AWAY });
  await shows(page, "Old 3", "Old 2", "Old 1");
  await server.kill();
  server.wipe();
  await server.up();
  await server.publish("New");
  await shows(page, "New");
  assert.ok(!(await page.evaluate(() => document.querySelector("news-feed").shadowRoot.innerHTML)).includes("Old"));
});

test("offline it says up to when it shows news, and back it goes on", async () => {
  await server.publish("Before");
  const page = await reader({ expected: AWAY });
  await shows(page, "Before");
  await page.context().setOffline(true);
  await state(page, "offline");
  assert.match(await said(page), /^You are offline\. Showing updates up to \d\d:\d\d$/);
  await server.publish("Meanwhile");
  await page.context().setOffline(false);
  await live(page);
  await shows(page, "Meanwhile", "Before");
});

test("while the server has lost its store, it says that what it shows may be out of date", async () => {
  await server.end();
  const redis = await Redis.start();
  try {
    server = await Newswire.start(redis.url);
    await server.publish("Before");
    const page = await reader();
    await shows(page, "Before");
    redis.pause();
    await state(page, "stale");
    assert.match(await said(page), /^Connected, but the news source is away since \d\d:\d\d\. This may be out of date\.$/);
    await shows(page, "Before");
    redis.resume();
    await live(page);
    await server.publish("After");
    await shows(page, "After", "Before");
  } finally {
    await redis.end();
  }
});

test("a feed that is closed is said to have ended, and one that is not there is said to be so and asked for no more", async () => {
  const page = await reader();
  const answer = await fetch(`${server.origin}/v1/feeds/${FEED}`, {
    method: "PATCH",
    headers: { authorization: `Bearer ${server.administrator()}` },
    body: JSON.stringify({ status: "closed" }),
  });
  assert.equal(answer.status, 200);
  await state(page, "closed");
  assert.equal(await said(page), "This coverage has ended");
  const other = await chromium.tab({ expected: /404/ });
  site.serve("/none", `<!doctype html><link rel='icon' href='data:,'><script type="module" src="${server.origin}/widget.js"></script><news-feed feed="no-such-feed"></news-feed>`);
  await other.goto(`${site.origin}/none`);
  await state(other, "ended");
  assert.equal(await said(other), "There is no such feed here.");
});

for (const [how, script] of [
  ["missing", () => delete window.WebSocket],
  ["cut by a proxy", () => (window.WebSocket = class { constructor() { setTimeout(() => this.onclose?.({}), 10); } close() {} })],
]) {
  test(`where WebSocket is ${how}, it goes by other ways, also through a restart`, async () => {
    await server.publish("First");
    const page = await reader({ script, expected: AWAY });
    await server.publish("Second");
    await shows(page, "Second", "First");
    await server.kill();
    await state(page, "waiting");
    await server.up();
    await server.publish("Third");
    await shows(page, "Third", "Second", "First");
  });
}

test("older items are loaded when they are asked for, and changes to them are not shown before", async () => {
  const published = await publishMany(60);
  const page = await reader();
  await shows(page, ...reports(10, 60));
  await server.edit(`items/${published[3].id}`, { headline: "Report 3, updated" }, { method: "PATCH", etag: published[3].etag });
  await server.edit(`items/${published[4].id}/withhold`);
  await server.publish("Newest");
  await shows(page, "Newest", ...reports(10, 60));
  await page.evaluate(() => {
    window.busy = [];
    const note = (all) => all.forEach(({ target }) => window.busy.push(`${target.role} ${target.ariaBusy}`));
    new MutationObserver(note).observe(document.querySelector("news-feed").shadowRoot, { subtree: true, attributeFilter: ["aria-busy"] });
  });
  await page.locator(".older").focus();
  await page.keyboard.press("Enter");
  await shows(page, "Newest", ...reports(5, 60), "Report 3, updated", ...reports(0, 3));
  assert.equal(await page.locator(".older").isVisible(), false);
  assert.equal(await page.evaluate(() => document.querySelector("news-feed").shadowRoot.activeElement?.querySelector(".headline").textContent), "Report 9");
  assert.deepEqual(await page.evaluate(() => window.busy), ["feed true", "feed null"]);
});

test("a link to an item opens it where it stands, also an old one, on arrival and later", async () => {
  const all = await publishMany(80);
  const page = await reader({ hash: `#item-${all[2].id}` });
  const at = (one) => until("it is at the top and focused", async () => {
    const top = await topOf(item(page, one));
    return top > -5 && top < 120 && (await item(page, one).evaluate((article) => article.getRootNode().activeElement === article));
  });
  await until("it is seen and focused", () =>
    item(page, all[2]).evaluate((one) => one.getRootNode().activeElement === one && one.getBoundingClientRect().bottom <= innerHeight),
  );
  assert.ok((await headlines(page)).includes("Report 10"), "without a hole above it");
  await page.evaluate((id) => (location.hash = `item-${id}`), all[70].id);
  await at(all[70]);
  await item(page, all[60]).locator(".permalink").click();
  await at(all[60]);
  assert.equal(new URL(page.url()).hash, `#item-${all[60].id}`);
  await page.goBack();
  await at(all[70]);
});

test("an old item that a link led to is there again after the widget has begun anew", async () => {
  const [old] = await publishMany(60);
  const page = await chromium.tab();
  let socket;
  await page.routeWebSocket("**", (one) => {
    socket = one;
    one.connectToServer();
  });
  await page.goto(`${host()}#item-${old.id}`);
  await item(page, old).waitFor();
  const { items, position } = await page.evaluate(async (url) => (await fetch(url)).json(), `${server.origin}/v1/feeds/${FEED}/items?limit=10`);
  const last = items.at(-1);
  const before = `${Date.parse(last.published)}_${last.id}`;
  await page.evaluate(() => {
    document.querySelector("news-feed").addEventListener("snapshot", () => (window.anew = true));
  });
  socket.send(JSON.stringify({ type: "reset", feed: FEED, reason: "trimmed" }));
  socket.send(JSON.stringify({ type: "snapshot", feed: FEED, items, before, position, done: true }));
  await page.waitForFunction(() => window.anew);
  await item(page, old).waitFor();
  assert.ok((await headlines(page)).length > items.length);
});

test("a link is shared, or copied, or put into the address bar: whatever the browser can do", async () => {
  const one = await server.publish("Worth it");
  const copying = await reader({ permissions: ["clipboard-read", "clipboard-write"] });
  assert.equal(await copying.locator(".share").textContent(), "Copy link");
  await copying.click(".share");
  await copying.waitForSelector("text=Link copied");
  assert.equal(await copying.evaluate(() => navigator.clipboard.readText()), `${site.origin}/story#item-${one.id}`);
  const sharing = await reader({
    attributes: "permalink='https://example.org/items/{id}'",
    script: () => (navigator.share = async (what) => (window.shared = what)),
  });
  await sharing.click(".share:text('Share')");
  assert.deepEqual(await sharing.evaluate(() => window.shared), { url: `https://example.org/items/${one.id}`, title: "Worth it" });
  const neither = await reader({ script: () => Object.defineProperty(navigator, "clipboard", { value: undefined }) });
  await neither.click(".share");
  await until("it is in the address bar", () => new URL(neither.url()).hash === `#item-${one.id}`);
});

test("the keyboard goes from item to item, out at both ends, and Tab finds one of them", async () => {
  await publishMany(6);
  const page = await reader({ after: "<a href='#end'>After</a>" });
  await shows(page, ...reports(0, 6));
  const focused = () =>
    page.evaluate(() => {
      const one = document.activeElement.shadowRoot?.activeElement ?? document.activeElement;
      return one.matches(".item") ? one.querySelector(".headline").textContent : one.className || one.textContent;
    });
  await page.locator(".item").first().focus();
  for (const [key, expected] of [
    ["PageDown", "Report 4"],
    ["PageDown", "Report 3"],
    ["PageUp", "Report 4"],
    ["Control+Home", "status"],
    ["Tab", "permalink"],
    ["Tab", "share"],
    ["PageDown", "Report 4"],
    ["Control+End", "after"],
    ["Tab", "After"],
  ]) {
    await page.keyboard.press(key);
    assert.equal(await focused(), expected, key);
  }
  const [size, places] = await page.locator(".item").evaluateAll((all) => [all.map((one) => one.ariaSetSize), all.map((one) => one.ariaPosInSet)]);
  assert.deepEqual(new Set(size), new Set(["6"]));
  assert.deepEqual(places, ["1", "2", "3", "4", "5", "6"]);
});

test("focus stays where it is when what is around it changes, and goes to the next item when its own vanishes", async () => {
  const [a, b, c] = await publishMany(3, (n) => ({ headline: `Report ${n}`, body: `<p>A <a href="https://example.org/${n}">source</a>.</p>` }));
  const page = await reader();
  const focused = () => page.evaluate(() => {
    const one = document.activeElement.shadowRoot.activeElement;
    return [one.textContent.slice(0, 6), one.closest(".item")?.dataset.id].join(" ");
  });
  await item(page, b).locator(".body a").focus();
  await correct(b, "It was otherwise.", { headline: "Report 1, corrected" });
  await page.waitForSelector(".note");
  assert.equal(await focused(), `source ${b.id}`);
  await page.keyboard.press("Shift+Tab");
  await server.publish("New");
  await page.waitForSelector("text=1 new update");
  await server.edit(`items/${b.id}/withhold`);
  await item(page, b).waitFor({ state: "detached" });
  assert.equal((await focused()).split(" ").at(-1), a.id);
  await server.edit(`items/${a.id}/pin`, {});
  await page.waitForSelector(".pinned-group");
  assert.equal((await focused()).split(" ").at(-1), a.id);
  assert.ok(c);
});

test("a screen reader is told counts and how the connection is, never bodies, at most every ten seconds", async () => {
  await publishMany(3);
  const page = await chromium.tab({ expected: AWAY });
  await page.clock.install();
  await page.goto(host());
  await live(page);
  await page.evaluate(() => {
    window.told = [];
    const status = document.querySelector("news-feed").shadowRoot.querySelector("[role=status]");
    new MutationObserver(() => window.told.push(status.textContent)).observe(status, { childList: true });
  });
  const told = () => page.evaluate(() => window.told);
  for (let n = 0; n < 3; n += 1) await server.publish(`Secret ${n}`);
  await shows(page, "Secret 2", "Secret 1", "Secret 0", ...reports(0, 3));
  await page.clock.runFor(1_000);
  assert.deepEqual(await told(), ["3 new updates"]);
  await server.publish("Secret 3");
  await page.waitForSelector("text=Secret 3");
  await page.clock.runFor(8_000);
  assert.deepEqual(await told(), ["3 new updates"]);
  await page.clock.runFor(3_000);
  assert.deepEqual(await told(), ["3 new updates", "", "1 new update"]);
  await page.evaluate(() => document.querySelector("news-feed").pause());
  await page.clock.runFor(11_000);
  assert.deepEqual(await told(), ["3 new updates", "", "1 new update", "", "Paused"]);
  await page.evaluate(() => document.querySelector("news-feed").resume());
  await live(page);
  await server.publish("Secret 4");
  await page.waitForSelector("text=Secret 4");
  await page.clock.runFor(11_000);
  assert.deepEqual((await told()).slice(-2), ["", "1 new update. Live"]);
  for (const headline of ["Secret 5", "Secret 6"]) {
    await server.publish(headline);
    await page.waitForSelector(`text=${headline}`);
    await page.clock.runFor(11_000);
    assert.deepEqual((await told()).slice(-2), ["", "1 new update"], "the same words, and new ones");
  }
});

test("an item has its own language and direction, in a feed that has another", async () => {
  await server.publish({ headline: "إغلاق صناديق الاقتراع", body: "<p>بدأ الفرز.</p>", language: "ar", dir: "rtl" });
  await server.publish("In English");
  const page = await reader();
  const [english, arabic] = await page.locator(".story").evaluateAll((all) => all.map((one) => [one.lang, getComputedStyle(one).direction]));
  assert.deepEqual(arabic, ["ar", "rtl"]);
  assert.equal(english[1], "ltr");
  const right = await reader({ head: "<style>html { direction: rtl }</style>", path: "/right" });
  const sides = await right.locator(".item").first().evaluate((one) => [".stamp", ".story"].map((part) => one.querySelector(part).getBoundingClientRect().left));
  assert.ok(sides[0] > sides[1], "the times stand on the right of the stories");
});

test("times are the newsroom's or the reader's, with the offset of the item's own day, and days are set apart", async () => {
  const answer = await fetch(`${server.origin}/v1/feeds/${FEED}`, {
    method: "PATCH",
    headers: { authorization: `Bearer ${server.administrator()}` },
    body: JSON.stringify({ timeZone: "Europe/Berlin", language: "en" }),
  });
  assert.equal(answer.status, 200);
  await server.publish({ headline: "Summer", published: "2026-07-01T22:30:00.000Z" });
  await server.publish({ headline: "Winter", published: "2026-01-10T12:00:00.000Z" });
  for (const [zone, times, days] of [
    ["", ["00:30 GMT+2", "13:00 GMT+1"], ["Thursday, July 2, 2026", "Saturday, January 10, 2026"]],
    ["reader", ["04:00 GMT+5:30", "17:30 GMT+5:30"], ["Thursday, July 2, 2026", "Saturday, January 10, 2026"]],
    ["America/New_York", ["18:30 GMT-4", "07:00 GMT-5"], ["Wednesday, July 1, 2026", "Saturday, January 10, 2026"]],
  ]) {
    const page = await reader({ timezoneId: "Asia/Kolkata", attributes: zone && `time-zone="${zone}"` });
    await shows(page, "Summer", "Winter");
    assert.deepEqual(await page.locator(".published").allTextContents(), times, zone);
    assert.deepEqual(await page.locator(".day").allTextContents(), days, zone);
    assert.equal(await page.locator(".published").first().getAttribute("datetime"), "2026-07-01T22:30:00.000Z");
  }
});

test("it is told how long ago something was, and that goes on", async () => {
  await server.publish("Now");
  const page = await reader({ expected: AWAY });
  await until("it is new", async () => (await page.locator(".ago").textContent()) === "just now");
  await page.clock.setSystemTime(Date.now() + 5 * 60_000);
  await server.publish("Later");
  await until("it is not any more", async () => (await page.locator(".ago").last().textContent()) === "5 min. ago");
});

test("a picture's space is kept until it is there, and in the place of one that cannot be had stands what it shows", async () => {
  await server.publish({
    headline: "Picture",
    media: [
      { kind: "picture", href: `${site.origin}/gone.jpg`, alt: "A quay at dawn", caption: "The quay.", width: 400, height: 300 },
      { kind: "picture", href: `${site.origin}/late.svg`, alt: "A pier", credit: "Owen Pryce", width: 400, height: 300 },
    ],
    related: [{ title: "More", url: "https://example.org/more", image: `${site.origin}/gone-too.jpg` }],
  });
  const page = await chromium.tab({ expected: /404/ });
  let release;
  const held = new Promise((done) => (release = done));
  await page.route("**/late.svg", async (route) => {
    await held;
    await route.fulfill({ body: '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="300"/>', contentType: "image/svg+xml" });
  });
  await page.goto(host());
  await live(page);
  await until("it is replaced", async () => (await page.locator("figure .missing").allTextContents()).join() === "A quay at dawn");
  await page.waitForSelector(".related img", { state: "detached" });
  const pier = page.locator("img[alt='A pier']");
  await pier.scrollIntoViewIfNeeded();
  const { width, height } = await pier.boundingBox();
  assert.ok(Math.abs(height - (width * 3) / 4) < 1, `${width} × ${height}`);
  release();
  await until("it is there", () => pier.evaluate((one) => one.complete));
  assert.deepEqual(await pier.boundingBox().then((box) => [box.width, box.height]), [width, height]);
  assert.equal(await page.locator(".credit").textContent(), "Owen Pryce");
});

test("nothing of another site's player is loaded before somebody asks for it", async () => {
  site.serve("/player", "<!doctype html><link rel='icon' href='data:,'>Player");
  const href = site.origin.replace("127.0.0.1", "localhost");
  const one = await server.publish({ headline: "Speech", media: [{ kind: "video", href: `${href}/player?v=1`, contentType: "text/html", alt: "The speech" }] });
  const page = await reader();
  await page.waitForSelector(".embed-button");
  assert.ok(!site.asked.includes("/player"));
  await page.click(".embed-button");
  await until("it is loaded", () => site.asked.includes("/player"));
  const frame = page.locator("iframe");
  assert.match(await frame.getAttribute("sandbox"), /allow-scripts/);
  await correct(one, "The date was wrong.", { headline: "Speech, of Monday" });
  await page.waitForSelector(".note");
  assert.equal(await frame.count(), 1, "a correction leaves it open");
});

test("a hostile style sheet of the page changes nothing in it", async () => {
  await publishMany(3);
  const looks = (page) =>
    page.evaluate(() =>
      [...document.querySelector("news-feed").shadowRoot.querySelectorAll(".headline, .body, .clock, .item, .share")].map((one) => {
        const { color, fontFamily, fontSize, fontWeight, fontStyle, letterSpacing, lineHeight, textTransform, textAlign, display, visibility } = getComputedStyle(one);
        const { width, height } = one.getBoundingClientRect();
        return JSON.stringify({ color, fontFamily, fontSize, fontWeight, fontStyle, letterSpacing, lineHeight, textTransform, textAlign, display, visibility, width, height });
      }),
    );
  const good = await looks(await reader());
  const hostile = `<style>
    html { font-size: 62.5% }
    * { letter-spacing: 1em !important; text-transform: uppercase !important; color: hotpink !important; line-height: 4 !important; box-sizing: content-box !important;
        font: italic 900 40px fantasy !important; text-align: right !important; visibility: hidden; text-indent: 3em !important; word-spacing: 2em !important; white-space: pre !important }
    article, .item, .headline, h3, p { display: none !important; float: right !important; margin: 50px !important }
    main { font-size: 16px; visibility: visible }
    main > h1 { display: none }
  </style>`;
  assert.deepEqual(await looks(await reader({ head: hostile })), good);
});

test("a page with a strict content security policy needs to allow the server and nothing inline", async () => {
  await publishMany(2, (n) => ({ headline: `Report ${n}`, body: "<p>Text.</p>", media: [{ kind: "picture", href: `${site.origin}/picture.gif`, alt: "Grey", width: 4, height: 3 }] }));
  const ws = server.origin.replace("http", "ws");
  const policy = `default-src 'none'; script-src ${server.origin}; connect-src ${server.origin} ${ws}; img-src ${site.origin} data:; require-trusted-types-for 'script'; trusted-types newswire`;
  const page = await reader({ headers: { "content-security-policy": policy } });
  await server.publish("Live");
  await shows(page, "Live", "Report 1", "Report 0");
  assert.match(await page.locator(".headline").first().evaluate((one) => getComputedStyle(one).fontFamily), /Palatino/);
  await until("the picture is there", () => page.locator(".item img").first().evaluate((one) => one.complete && one.naturalWidth > 0));
});

test("what an item's fields hold is text, whatever it looks like", async () => {
  const trick = "<img src=x onerror=\"window.tricked=1\"><script>window.tricked=1</script>";
  const one = await server.publish({ headline: trick, byline: trick, located: trick, body: `<p>Body</p>${trick}` });
  await correct(one, trick, { byline: `By ${trick}` });
  const page = await reader();
  await shows(page, trick);
  await page.waitForSelector(".note");
  assert.equal(await page.locator(".item img, .item script").count(), 0);
  assert.equal(await page.evaluate(() => window.tricked), undefined);
});

/** An item of every kind. */
async function everything() {
  const long = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft".repeat(2);
  const first = await server.publish({
    headline: long,
    byline: long,
    located: long.slice(0, 120),
    body: `<p>${long}</p><ul><li><code>${long}</code></li></ul><blockquote><p><a href="https://example.org/${long}">${long}</a></p></blockquote>`,
    media: [
      { kind: "picture", href: `${site.origin}/picture.gif`, alt: "Wide", caption: long, credit: long, width: 4000, height: 300 },
      { kind: "video", href: `${site.origin}/film.mp4`, alt: "Film", width: 1920, height: 1080 },
      { kind: "video", href: `${site.origin}/player`, alt: "Player" },
      { kind: "audio", href: `${site.origin}/sound.mp3`, alt: "Sound" },
    ],
    related: [{ title: long, url: `${site.origin}/${long}`, image: `${site.origin}/picture.gif` }],
    keyEvent: true,
    summary: true,
    breaking: { until: new Date(Date.now() + 600_000).toISOString() },
  });
  const wrong = await server.publish({ headline: "Wrong" });
  await server.edit(`items/${wrong.id}/retract`, { reason: long });
  const fixed = await server.publish({ headline: "Fixed", body: "<h2>A</h2><p>Text.</p>", updateOf: first.id, authors: [{ name: "Mara", url: "https://example.org" }] });
  await correct(fixed, long, { headline: "Fixed now" });
  await server.edit(`items/${fixed.id}/pin`, {});
  await server.publish({ headline: "إغلاق", body: "<p>بدأ.</p>", language: "ar", dir: "rtl", keyEvent: true });
  await server.publish({ body: "<p>Without a headline.</p>" });
}

test("a phone's page never scrolls sideways, whatever an item holds", async () => {
  await everything();
  for (const width of [320, 390]) {
    const page = await reader({ viewport: { width, height: 700 }, isMobile: true, hasTouch: true });
    await page.locator(".related").scrollIntoViewIfNeeded();
    const [content, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert.equal(screen, width);
    assert.ok(content <= screen, `${content} > ${screen}`);
  }
});

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds nothing to complain about, ${colorScheme}`, async () => {
    await everything();
    await publishMany(60);
    const page = await reader({ colorScheme, head: "<meta name='color-scheme' content='light dark'>" });
    await page.evaluate(() => scrollTo(0, 3000));
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(done)));
    await server.publish("New");
    await page.waitForSelector(".fresh-button:visible");
    await page.addScriptTag({ content: readFileSync(AXE, "utf8") });
    const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
    assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html, failureSummary }) => `${html}\n${failureSummary}`).join("\n")}`), []);
  });
}

test("the page is told of items and of the connection, can pause and resume, and move the element", async () => {
  const one = await server.publish("First");
  const page = await chromium.tab();
  const sockets = [];
  page.on("websocket", (socket) => sockets.push(socket));
  await page.goto(host({ before: "<div id='elsewhere'></div>" }));
  await page.evaluate(() => {
    window.events = [];
    const feed = document.querySelector("news-feed");
    feed.addEventListener("item", ({ detail }) => window.events.push(`${detail.type} ${detail.item?.headline}`));
    feed.addEventListener("status", ({ detail }) => window.events.push(detail.state));
  });
  await live(page);
  const events = () => page.evaluate(() => window.events.filter((one) => one !== "connecting" && one !== "live"));
  await server.edit(`items/${one.id}`, { headline: "First, updated" }, { method: "PATCH", etag: one.etag });
  await until("it is told", async () => (await events()).join() === "item.updated First, updated");
  await page.evaluate(() => document.querySelector("#elsewhere").append(document.querySelector("news-feed")));
  await server.publish("Second");
  await shows(page, "Second", "First, updated");
  assert.equal(sockets.length, 1, "moved, it keeps its connection");
  await page.evaluate(() => document.querySelector("news-feed").pause());
  await state(page, "paused");
  assert.equal(await said(page), "Paused");
  await until("the connection is closed", () => sockets[0].isClosed());
  await server.publish("Third");
  await page.evaluate(() => document.querySelector("news-feed").resume());
  await shows(page, "Third", "Second", "First, updated");
  assert.ok((await events()).includes("paused"));
  await page.evaluate(() => document.querySelector("news-feed").remove());
  await until("taken away, it leaves nothing behind", () => sockets.every((socket) => socket.isClosed()));
});

test("its words can be another language's", async () => {
  await server.publish("Erstes");
  const page = await reader();
  await page.evaluate(() => {
    document.querySelector("news-feed").labels = { lang: "de", live: "Live dabei", copy: "Link kopieren", fresh: (count) => `${count} neue Meldungen` };
  });
  await until("they are", async () => (await said(page)) === "Live dabei" && (await page.locator(".share").textContent()) === "Link kopieren");
  assert.equal(await page.locator(".share").getAttribute("lang"), "de");
});

test("a private feed is read with a token that the page sets", async () => {
  const answer = await fetch(`${server.origin}/v1/feeds/${FEED}`, {
    method: "PATCH",
    headers: { authorization: `Bearer ${server.administrator()}` },
    body: JSON.stringify({ access: "token" }),
  });
  assert.equal(answer.status, 200);
  await server.publish("Private");
  const page = await reader({ wait: (page) => state(page, "ended"), expected: /401|Authentication failed/ });
  assert.match(await said(page), /token/);
  await page.evaluate((token) => (document.querySelector("news-feed").token = token), server.token);
  await live(page);
  await shows(page, "Private");
});

test("the module can be imported where there is no document", async () => {
  const text = await (await fetch(`${server.origin}/widget.js`)).text();
  const module = await import(`data:text/javascript,${encodeURIComponent(text)}`);
  assert.equal(typeof module.LiveFeed, "function");
  assert.equal(typeof module.NewsFeed, "function");
});

test("the markup is what is written down for the server's templates", async () => {
  const text = readFileSync(new URL("../../web/widget/MARKUP.md", import.meta.url), "utf8");
  const pairs = [...text.matchAll(/```json\n(.*)\n```\n\n```html\n([\s\S]*?)```/g)].map(([, json, html]) => ({ json: JSON.parse(json), html }));
  assert.ok(pairs.length >= 12);
  const page = await chromium.tab({ expected: /404/ });
  await page.goto(`${server.origin}/widget/labels.js`);
  const different = await page.evaluate(async (pairs) => {
    const [{ article }, { Dates }, { LABELS }] = await Promise.all(["article", "dates", "labels"].map((name) => import(`/widget/${name}.js`)));
    const dates = new Dates({ timeZone: "Europe/Berlin", language: "en", labels: LABELS });
    const now = Date.parse("2026-11-24T08:00:00.000Z");
    const known = { id: "019c9f59-0000-7000-8000-000000000001", status: "usable", version: 1, headline: "Polls have closed" };
    const feed = { item: (id) => (id === known.id ? known : null) };
    const context = { feed, dates, labels: LABELS, now, today: dates.today(now) };
    const different = [];
    for (const { json, html } of pairs) {
      const made = article(json, context);
      made.normalize();
      for (const one of [made, ...made.querySelectorAll("[part]")]) one.removeAttribute("part");
      const written = new DOMParser().parseFromString(html.replace(/>\n\s*</g, "><").trim(), "text/html").body.firstChild;
      if (!made.isEqualNode(written)) different.push([made.outerHTML, written.outerHTML]);
    }
    return different;
  }, pairs);
  assert.deepEqual(different, []);
});
