// What somebody who reads may rely on: nothing moves, nothing new is forced upon them, links lead where they should, and the
// keyboard and a screen reader have all of it, in a real Chromium against a real server.

import assert from "node:assert/strict";
import { test } from "node:test";

import { host, item, publishMany, publishOld, readAt, reader, reports, topOf, watchPlace } from "./host.mjs";
import { FEED, until } from "./newswire.mjs";
import { AWAY, chromium, correct, headlines, live, server, setFeed, shows, site } from "./stage.mjs";

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

/** How far below the upper edge stands what is gone to: below the button. */
const LANDING = 64;

test("whoever reads further down is not moved by 500 items, is told how many there are, and goes to them when asked", async () => {
  const all = await publishMany(30);
  const page = await reader({ attributes: "title-count", reducedMotion: "reduce" });
  await shows(page, ...reports(0, 30));
  await readAt(page, all[9]);
  const strayed = await watchPlace(page, all[9]);
  assert.equal(await page.locator(".fresh-button").isVisible(), false);
  const news = Array.from({ length: 499 }, (_, n) => ({ headline: `New ${n}`, keyEvent: n % 100 === 0 }));
  while (news.length) await Promise.all(news.splice(0, 25).map((one) => server.publish(one)));
  await server.publish("New 499");
  await page.waitForSelector("text=500 new updates");
  assert.equal(await page.title(), "(500) Storm Isolde");
  assert.equal(await strayed(), 0);
  assert.equal(await page.locator(".item").count(), 30);
  await page.click(".fresh-button");
  const first = page.locator(".item").first();
  await until("the newest is focused and seen", async () => (await first.evaluate((one) => one.getRootNode().activeElement === one)) && Math.abs((await topOf(first)) - LANDING) < 24);
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
  assert.equal(await page.title(), "Storm Isolde", "the title counts only where it is asked to");
  await server.edit(`items/${secret.id}/retract`, { reason: "The source withdrew it." });
  await page.waitForSelector("text=1 new update");
  await page.click(".fresh-button");
  await shows(page, "Harmless", "This item has been retracted", ...reports(0, 20));
  assert.ok(!(await page.evaluate(() => window.seen)).includes("Zanzibarite"));
});

test("where the button is counted away while it has the focus, that goes to what is before the items", async () => {
  const all = await publishMany(20);
  const page = await reader();
  await shows(page, ...reports(0, 20));
  await readAt(page, all[5]);
  const { id } = await server.publish("Waits");
  const button = page.locator(".fresh-button");
  await button.focus();
  await server.edit(`items/${id}/retract`, { reason: "It was not so." });
  await button.waitFor({ state: "hidden" });
  await readAt(page, all[5]);
  const focused = await page.evaluate(() => document.activeElement.shadowRoot?.activeElement.className);
  assert.equal(focused, "status");
});

test("a title that counts what waits counts it in all widgets, and leaves a number of its own", async () => {
  const { origin } = server;
  const script = () => Object.defineProperty(document, "visibilityState", { value: "hidden" });
  const second = `<news-feed id="second" server="${origin}" feed="${FEED}" last="10" title-count></news-feed>`;
  const page = await reader({ attributes: "title-count", head: "<script>document.title = '(500) miles'</script>", after: second, script });
  const both = (text) => until(`both say ${text}`, async () => (await page.locator(".fresh-button").allTextContents()).join() === `${text},${text}`);
  await until("both are live", async () => (await page.locator("news-feed .newswire[data-state=live]").count()) === 2);
  for (const [n, text] of ["1 new update", "2 new updates"].entries()) {
    await server.publish(`New ${n}`);
    await both(text);
    assert.equal(await page.title(), `(${2 * n + 2}) (500) miles`);
  }
  await page.evaluate(() => document.querySelector("#second").remove());
  await until("one is left", async () => (await page.title()) === "(2) (500) miles");
  await page.click(".fresh-button");
  await until("nothing waits", async () => (await page.title()) === "(500) miles");
});

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

test("a link that could not be followed is tried again once it is live, unless the reader has gone elsewhere", async () => {
  const [old, other] = await publishMany(62);
  let away = true;
  const follow = async () => {
    const page = await chromium.tab({ expected: /ERR_FAILED/ });
    let refused = 0;
    away = true;
    await page.route("**/items/*", (route) => (away ? (refused += 1, route.abort()) : route.continue()));
    await page.goto(`${host()}#item-${old.id}`);
    await live(page);
    await until("it was tried", () => refused);
    return page;
  };
  const again = (page) => page.evaluate(() => {
    const feed = document.querySelector("news-feed");
    feed.pause();
    feed.resume();
  });
  const at = (page, one) => item(page, one).evaluate((article) => article.getRootNode().activeElement === article).catch(() => false);
  const page = await follow();
  away = false;
  await again(page);
  await until("it is there and focused", () => at(page, old));
  const gone = await follow();
  away = false;
  await gone.evaluate((id) => (location.hash = `item-${id}`), other.id);
  await until("the other is focused", () => at(gone, other));
  await again(gone);
  await live(gone);
  await server.publish("Newest");
  await gone.waitForSelector("text=1 new update");
  assert.ok(await at(gone, other));
});

test("a link to an item far down opens it among those of its time, where it changes as any other, until the list has come to it", async () => {
  const all = await publishOld(300, 20);
  await setFeed({ timeZone: "UTC" });
  const page = await chromium.tab();
  await page.goto(`${host({ head: "<style>* { overflow-anchor: none !important }</style>" })}#item-${all[25].id}`);
  const linked = item(page, all[25]);
  await until("it is focused, and at the top", async () =>
    (await linked.evaluate((one) => one.getRootNode().activeElement === one)) && Math.abs((await topOf(linked)) - LANDING) < 2,
  );
  const down = [...reports(50, 300), ...reports(0, 26)];
  assert.deepEqual(await headlines(page), down, "one page of the list, and what followed it");
  const day = new Intl.DateTimeFormat("en", { dateStyle: "full", timeZone: "UTC" }).format(new Date(all[25].published));
  assert.equal(await linked.locator("xpath=../../h2").textContent(), day);
  const brief = new Intl.DateTimeFormat("en", { month: "short", day: "numeric", timeZone: "UTC" }).format(new Date(all[25].published));
  assert.equal(await linked.locator(".date").textContent(), brief, "its day's heading is out of sight");
  const strayed = await watchPlace(page, all[25]);
  await correct(all[200], "It was longer than that. ".repeat(30), { headline: "Report 200, corrected" });
  await correct(all[25], "It was wrong.", { headline: "Report 25, corrected" });
  await server.edit(`items/${all[24].id}/retract`, { reason: "It was wrong." });
  await server.edit(`items/${all[23].id}/withhold`);
  await server.publish("Newest");
  await page.waitForSelector("text=1 new update");
  const now = { "Report 200": "Report 200, corrected", "Report 25": "Report 25, corrected", "Report 24": "This item has been retracted", "Report 23": null };
  const changed = (list) => list.map((headline) => (headline in now ? now[headline] : headline)).filter(Boolean);
  await shows(page, ...changed(down));
  assert.ok((await strayed()) < 1, `moved by ${await strayed()}`);
  await server.edit(`items/${all[25].id}/retract`, { reason: "All of it was wrong." });
  now["Report 25"] = "This item has been retracted";
  await shows(page, ...changed(down));
  await server.edit(`items/${all[25].id}/remove`);
  now["Report 25"] = null;
  await shows(page, ...changed(down));
  assert.ok(await item(page, all[24]).evaluate((one) => one.getRootNode().activeElement === one), "its neighbour has the focus");
  await readAt(page, all[51]);
  const above = await watchPlace(page, all[50]);
  await page.click(".older");
  await shows(page, ...changed(reports(0, 300)));
  assert.ok((await above()) < 1, `moved by ${await above()}`);
  assert.equal(await page.locator(".older").isVisible(), false);
  await page.click(".fresh-button");
  await shows(page, "Newest", ...changed(reports(0, 300)));
  assert.equal(await page.locator(".date").count(), 0);
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
