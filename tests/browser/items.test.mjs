// What an item looks like in the widget, and what becomes of it as its editors change it, in a real Chromium against a real
// server. Each test is named for what a reader may rely on.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { host, item, publishMany, reader, reports } from "./host.mjs";
import { until } from "./newswire.mjs";
import { AWAY, chromium, correct, live, server, setFeed, shows, site } from "./stage.mjs";

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
  await setFeed({ timeZone: "Europe/Berlin", language: "en" });
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

test("what stands in the place of a lost picture is corrected with it", async () => {
  const picture = { kind: "picture", href: `${site.origin}/gone.jpg`, alt: "A quay at dawn", width: 400, height: 300 };
  const one = await server.publish({ headline: "Picture", media: [picture] });
  const page = await reader({ expected: /404/ });
  const missing = page.locator("figure .missing");
  await until("it is replaced", async () => (await missing.allTextContents()).join() === "A quay at dawn");
  await correct(one, "It was another time.", { media: [{ ...picture, alt: "A quay at dusk" }] });
  await until("it says what is right", async () => (await missing.allTextContents()).join() === "A quay at dusk");
  assert.equal(await page.locator("figure img").count(), 0);
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
