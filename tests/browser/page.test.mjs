// The server's pages, without JavaScript and with it, and a browser's own EventSource and WebSocket, against a real server in
// a real Chromium. Each test is named for what a reader may rely on. What the widget does is tested beside this.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { HtmlValidate } from "html-validate";

import { FEED, until } from "./newswire.mjs";
import { AWAY, AXE, chromium, correct, headlines, live, server, setFeed, shows, site } from "./stage.mjs";

const STILL = { javaScriptEnabled: false };

/** The feed's page in a new tab; once it is live, where it has JavaScript. */
async function reader({ path = `/feeds/${FEED}`, ...options } = {}) {
  const page = await chromium.tab(options);
  await page.goto(server.origin + path);
  if (options.javaScriptEnabled !== false) await live(page);
  return page;
}

/** The text of a page, once the server has heard of what it should hold: a moment after the editor's answer. */
async function written(what, path = `/feeds/${FEED}`) {
  let text;
  await until(`${path} has ${what}`, async () => {
    text = await (await fetch(server.origin + path, { headers: { accept: "text/html" } })).text();
    return text.includes(what);
  });
  return text;
}

const TRICK = "</script><!--<img src=x onerror=\"window.tricked=1\"><script>window.tricked=1</script>' & \"";

/** Items of every kind that there is; the last has the headline "Last". */
async function everything() {
  const picture = `${site.origin}/picture.gif`;
  const day = (days) => new Date(Date.now() - days * 86_400_000).toISOString();
  const first = await server.publish({ headline: "Polls have closed", published: day(3), keyEvent: true });
  const gone = await server.publish({ headline: "Zanzibarite found", body: "<p>A quuxite vein.</p>", published: day(2) });
  await server.publish({ headline: "On it", updateOf: first.id, published: day(2), located: "Brennick" });
  await server.publish({ headline: "On what is gone", updateOf: gone.id, published: day(2) });
  const old = await server.publish({ headline: "Old", published: day(1), updated: day(0.5), byline: "Mara Quist" });
  await server.publish({
    headline: TRICK,
    body: `<p>Body</p>${TRICK}<ul><li><code>x</code></li></ul><blockquote><p><a href="https://example.org/">There</a></p></blockquote>`,
    authors: [{ name: TRICK, role: TRICK, url: "https://example.org/mara" }, { name: "Owen Pryce" }],
    located: "Valmora",
    media: [
      { kind: "picture", href: picture, alt: "A quay", caption: TRICK, credit: "B. Lens", width: 400, height: 300 },
      { kind: "picture", href: `${picture}?2`, alt: "A boat", credit: "C. Lens", width: 40, height: 30 },
      { kind: "video", href: `${site.origin}/film.mp4`, alt: "Film", width: 1920, height: 1080 },
      { kind: "audio", href: `${site.origin}/sound.mp3?x.y`, caption: "Sound" },
      { kind: "video", href: "https://video.example:8443/watch?v=1.mp4", caption: "In full." },
      { kind: "audio", href: "https://sound.example/a.mp3", alt: "Listen there", contentType: "text/html" },
    ],
    related: [{ title: TRICK, url: "https://example.org/red", image: picture }, { title: "Ferries", url: "https://example.org/f" }],
    breaking: { until: new Date(Date.now() + 600_000).toISOString() },
    keyEvent: true,
    summary: true,
    tags: ["storm", "a,b"],
    urgency: 2,
  });
  await server.publish({ body: "<p>Without a headline.</p>" });
  await server.publish({ headline: "إغلاق", body: "<p>بدأ.</p>", language: "ar", dir: "rtl", keyEvent: true, located: "دمشق" });
  await server.publish({ headline: "Ukrainian", language: "uk" });
  await correct(old, "An earlier version gave 24.", { headline: "Old, corrected" });
  await server.edit(`items/${old.id}/correct`, { kind: "refile", changes: { located: "Brennick" } }, { etag: "*" });
  await server.edit(`items/${old.id}/correct`, { kind: "clarification", note: "Adults only.", changes: { byline: "M. Quist" } }, { etag: "*" });
  await server.edit(`items/${first.id}/pin`, { position: 2 });
  await server.edit(`items/${gone.id}/retract`, { reason: "The source withdrew it.", replacedBy: first.id });
  const last = await server.publish("Last");
  await written("Last");
  return { first, gone, old, last };
}

/** What a list holds, without what only the widget adds; to be run in the page. */
function plain(list) {
  const copy = list.cloneNode(true);
  for (const one of copy.querySelectorAll(".unseen, .fresh, .after, .share, .status, .more, [hidden], .feed:empty, slot")) one.remove();
  for (const one of copy.querySelectorAll(".ago")) one.textContent = "";
  // Without the widget, which finds an old item, the way to it is its own page.
  for (const one of copy.querySelectorAll(".permalink")) one.setAttribute("href", one.getAttribute("href").replace(/^(#item-|.+\/items\/)/, ""));
  // What is behind a click is a button there.
  for (const one of copy.querySelectorAll(".embed")) one.replaceChildren();
  const own = ["part", "role", "aria-label", "aria-posinset", "aria-setsize", "data-state", "data-target"];
  for (const one of [copy, ...copy.querySelectorAll("*")]) for (const name of own) one.removeAttribute(name);
  for (const one of copy.querySelectorAll("article")) one.setAttribute("tabindex", "-1");
  return [...copy.querySelectorAll("article, .day, .key-events")].map((one) => one.outerHTML);
}

test("without JavaScript a page shows everything, and axe finds nothing to complain about", async () => {
  const { old } = await everything();
  for (const colorScheme of ["light", "dark"]) {
    const page = await reader({ ...STILL, colorScheme });
    const shown = ["Polls have closed", "Last", "Ukrainian", "إغلاق", TRICK, "Old, corrected", "On what is gone", "On it", "This item has been retracted"];
    assert.deepEqual(await headlines(page), shown);
    assert.deepEqual(await page.locator(".label").allTextContents(), ["Pinned", "Key event", "Key event", "Breaking", "Key event", "Summary"]);
    assert.deepEqual(await page.locator(".key-events-list span").allTextContents(), ["إغلاق", TRICK, "Polls have closed"]);
    assert.equal(await page.locator(".day").count(), 4);
    const notes = await page.locator(`#item-${old.id} .note`).allTextContents();
    assert.match(notes.join("|"), /^Correction, .+, \d{4}, \d\d:\d\d GMT: An earlier version gave 24\.\|Clarification, .+: Adults only\.$/);
    assert.equal(await page.locator(".update-of a").count(), 1, "what is gone is no link");
    assert.equal(await page.locator(".instead a").textContent(), "Polls have closed");
    assert.deepEqual(await page.locator("figure img").first().evaluate(({ width, alt }) => [width > 0, alt]), [true, "A quay"]);
    assert.equal(await page.locator("article[data-status=usable] .story[lang=ar][dir=rtl]").count(), 1);
    const text = await page.content();
    for (const gone of ["Zanzibarite", "quuxite"]) assert.ok(!text.includes(gone), gone);
    assert.equal(await page.locator("article script, article img[onerror]").count(), 0);
    // Axe itself needs JavaScript: it looks at the same page before the widget is there, and after.
    const judged = await chromium.tab({ colorScheme });
    let come;
    const comes = new Promise((done) => (come = done));
    await judged.route("**/widget/**", (route) => comes.then(() => route.continue()));
    await judged.goto(page.url(), { waitUntil: "commit" });
    await judged.waitForSelector("footer");
    for (const before of [true, false]) {
      if (!before) {
        come();
        await live(judged);
      }
      await judged.evaluate(readFileSync(AXE, "utf8"));
      const { violations } = await judged.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
      assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`), []);
    }
  }
});

test("what the server writes is valid HTML", async () => {
  const { gone, last } = await everything();
  // The markup of the news is the widget's too, and what it is for is told there.
  const rules = { "no-inline-style": "error", "long-title": "off", "prefer-native-element": "off", "no-redundant-for": "off" };
  const validator = new HtmlValidate({ extends: ["html-validate:standard"], elements: ["html5", { "news-feed": { flow: true, permittedContent: ["@flow", "@script"] } }], rules });
  const paths = [`/feeds/${FEED}`, `/feeds/${FEED}?tag=storm`, `/feeds/${FEED}/items/${last.id}`, `/feeds/${FEED}/items/${gone.id}`, `/embed/${FEED}`, "/feeds/nothing"];
  for (const path of paths) {
    const answer = await fetch(server.origin + path, { headers: { accept: "text/html" } });
    const { results } = await validator.validateString(await answer.text());
    const wrong = results.flatMap(({ messages }) => messages.map(({ ruleId, message, line, column }) => `${path} ${line}:${column} ${ruleId}: ${message}`));
    assert.deepEqual(wrong, []);
  }
});

for (const [zone, language] of [["Europe/Berlin", "en"], ["Asia/Kolkata", "en-GB"], ["Africa/Abidjan", "en-GB"], ["Europe/Berlin", "de"], ["Asia/Riyadh", "ar-EG"]]) {
  test(`the templates write what the widget makes, in ${zone} and ${language}`, async () => {
    await setFeed({ timeZone: zone, language });
    await everything();
    await written(`lang="${language}"`);
    const still = await reader(STILL);
    const templated = await still.locator(".newswire").evaluate(plain);
    const page = await reader();
    const made = await page.locator("news-feed .newswire").evaluate(plain);
    assert.ok(made.length >= 15, String(made.length));
    assert.deepEqual(templated, made);
  });
}

test("nothing moves, doubles or is missing when the page goes on live", async () => {
  await everything();
  const first = await written("Last");
  const path = `/feeds/${FEED}`;
  const page = await chromium.tab({
    script: () => {
      window.shifted = 0;
      new PerformanceObserver((list) => list.getEntries().forEach(({ value }) => (window.shifted += value))).observe({ type: "layout-shift", buffered: true });
    },
  });
  const sockets = [];
  page.on("websocket", (socket) => sockets.push(new URL(socket.url())));
  await page.goto(server.origin + path);
  await live(page);
  const ids = [...first.matchAll(/ data-id="([^"]+)"/g)].map(([, id]) => id);
  const now = () => page.locator(".feed .item").evaluateAll((all) => all.map(({ dataset }) => dataset.id));
  assert.deepEqual(await now(), ids);
  assert.equal(await page.evaluate(() => window.shifted), 0);
  assert.equal(sockets.length, 1);
  assert.equal(sockets[0].searchParams.get("after"), JSON.parse(/data-newswire="snapshot">(.*)<\/script>/.exec(first)[1]).position);
  const { id } = await server.publish("Newer");
  await until("it is there", async () => (await now()).includes(id));
  assert.equal(await page.evaluate(() => window.tricked), undefined);
});

test("what is published while the page is on its way arrives", async () => {
  await server.publish("Before");
  await written("Before");
  const page = await chromium.tab();
  // The page is there before the widget is.
  await page.route("**/widget/**", async (route) => {
    assert.deepEqual(await headlines(page), ["Before"]);
    const { id } = await server.publish("Meanwhile");
    await server.edit(`items/${id}/pin`, {});
    await route.continue();
  });
  await page.goto(`${server.origin}/feeds/${FEED}`);
  await live(page);
  await shows(page, "Meanwhile", "Before");
});

test("a page goes on live also where the widget that it names is not there any more", async () => {
  const { id } = await server.publish("First");
  await written("First");
  for (const path of [`/feeds/${FEED}`, `/feeds/${FEED}/items/${id}`]) {
    const page = await chromium.tab({ expected: /status of 404/ });
    await page.route("**/widget/*/news-feed.js", (route) => route.fulfill({ status: 404 }));
    const opened = page.waitForEvent("websocket");
    await page.goto(server.origin + path);
    await opened;
  }
});

test("an item's own page, older pages and filters need no JavaScript", async () => {
  const { first, gone } = await everything();
  for (let n = 0; n < 50; n += 1) await server.publish({ headline: `Report ${n}`, tags: [n % 2 ? "odd" : "even"] });
  await written("Report 49");
  const page = await reader(STILL);
  await page.click(".older");
  assert.match(page.url(), /\?before=/);
  await shows(page, "Last", "Ukrainian", "إغلاق", TRICK, "Old, corrected", "On what is gone", "On it", "This item has been retracted");
  await page.click("h1 a");
  assert.equal(page.url(), `${server.origin}/feeds/${FEED}`);
  await page.goto(`${server.origin}/feeds/${FEED}?tag=odd`);
  assert.equal(await page.locator(".item").count(), 25);
  await page.goto(`${server.origin}/feeds/${FEED}/items/${gone.id}`);
  await shows(page, "This item has been retracted");
  await page.click(".instead a");
  assert.equal(page.url(), `${server.origin}/feeds/${FEED}/items/${first.id}`);
  await shows(page, "Polls have closed");
});

test("what is retracted while the page is open is nowhere in the document", async () => {
  const item = await server.publish({ headline: "Zanzibarite found", body: "<p>A quuxite vein.</p>" });
  await written("Zanzibarite");
  const page = await reader();
  await shows(page, "Zanzibarite found");
  await server.edit(`items/${item.id}/retract`, { reason: "The source withdrew it." });
  await shows(page, "This item has been retracted");
  const texts = [await page.content(), await page.locator("news-feed .newswire").innerHTML()];
  for (const text of ["Zanzibarite", "quuxite"]) assert.ok(!texts.join().includes(text), text);
});

test("what is taken away while the page is away, or before its script is there, is not in its head", async () => {
  const item = await server.publish({ headline: "Zanzibarite found", body: "<p>A quuxite vein.</p>" });
  await written("Zanzibarite");
  const bare = (page) => until("the head is bare", async () => !/Zanzibarite|quuxite/.test(await page.content()));
  const early = await chromium.tab();
  let come;
  const comes = new Promise((done) => (come = done));
  await early.route("**/page/feed.js*", (route) => comes.then(() => route.continue()));
  await early.goto(`${server.origin}/feeds/${FEED}`, { waitUntil: "commit" });
  await live(early);
  const page = await reader({ expected: AWAY });
  assert.match(await page.locator("meta[name=description]").getAttribute("content"), /Zanzibarite/, "nothing is lost unasked");
  await server.edit(`items/${item.id}/withhold`);
  await early.waitForSelector("news-feed .empty");
  come();
  await Promise.all([bare(early), bare(page)]);
});

test("a page that begins anew on another store keeps nothing of the old one in its head", async () => {
  await server.publish({ headline: "Zanzibarite found", body: "<p>A quuxite vein.</p>" });
  await written("Zanzibarite");
  const page = await reader({ expected: AWAY });
  await server.kill();
  server.wipe();
  await server.up();
  await server.publish("Anew");
  await shows(page, "Anew");
  assert.doesNotMatch(await page.content(), /Zanzibarite|quuxite/);
});

test("an item's own page takes nothing back from a server that is behind", async () => {
  const first = await server.publish("Zanzibarite found");
  const item = await server.publish({ headline: "On it", updateOf: first.id });
  const path = `/feeds/${FEED}/items/${item.id}`;
  const before = await written("Zanzibarite", path);
  const page = await chromium.tab({ expected: /ERR_FAILED/ });
  const socket = page.waitForEvent("websocket").then((one) => one.waitForEvent("framereceived"));
  await page.goto(server.origin + path);
  await socket;
  assert.equal(await page.locator(".update-of").count(), 1);
  let asked = 0;
  await page.route("**/items/*?at=*", (route) => {
    asked += 1;
    if (asked === 1) return route.abort();
    return asked === 2 ? route.fulfill({ body: before, contentType: "text/html" }) : route.continue();
  });
  await page.evaluate(() => {
    window.shown = [];
    new MutationObserver(() => window.shown.push(document.querySelectorAll(".update-of").length)).observe(document.querySelector("main"), { childList: true, subtree: true });
  });
  await server.edit(`items/${first.id}/retract`, { reason: "The source withdrew it." });
  await until("a server that knows has answered", async () => asked === 3 && (await page.evaluate(() => window.shown.length)) > 1);
  assert.deepEqual(await page.evaluate(() => [...new Set(window.shown)]), [0]);
  await shows(page, "On it");
});

test("an item's own page changes where it stands, and loses at once what is taken away", async () => {
  const first = await server.publish("First");
  const item = await server.publish({ headline: "Zanzibarite found", body: "<p>A quuxite vein.</p>", updateOf: first.id });
  const path = `/feeds/${FEED}/items/${item.id}`;
  await written("Zanzibarite", path);
  const page = await chromium.tab({ expected: /status of 4(04|10)/ });
  const socket = page.waitForEvent("websocket").then((one) => one.waitForEvent("framereceived"));
  await page.goto(server.origin + path);
  await socket;
  await page.evaluate(() => (window.sameDocument = true));
  assert.equal(await page.locator(".update-of").count(), 1);
  await server.edit(`items/${first.id}/withhold`);
  await page.waitForSelector(".update-of", { state: "detached" });
  await correct(item, "It was not.", { headline: "Zanzibarite not found" });
  await page.waitForSelector(".note");
  await shows(page, "Zanzibarite not found");
  assert.match(await page.title(), /^Zanzibarite not found/);
  await server.edit(`items/${item.id}/retract`, { reason: "The source withdrew it." });
  await shows(page, "This item has been retracted");
  for (const text of ["Zanzibarite", "quuxite"]) assert.ok(!(await page.content()).includes(text), text);
  await server.edit(`items/${item.id}/remove`);
  await page.waitForSelector("text=removed for good");
  assert.equal(await page.evaluate(() => window.sameDocument), true);
});

test("a filtered page goes on live with what matches", async () => {
  await server.publish({ headline: "Storm", tags: ["storm"] });
  await server.publish("Other");
  await written("Storm", `/feeds/${FEED}?tag=storm`);
  const page = await reader({ path: `/feeds/${FEED}?tag=storm` });
  await server.publish("More of other");
  await server.publish({ headline: "More storm", tags: ["storm"] });
  await shows(page, "More storm", "Storm");
  const path = `/feeds/${FEED}?tag=a,%20b%26c&tag=d&urgency=5`;
  await server.publish({ headline: "Listed", tags: ["a, b&c"] });
  await written("Listed", path);
  const commas = await reader({ path });
  for (const tag of ["a", "b&c", "a, b&c", "d"]) await server.publish({ headline: `Of ${tag}`, tags: [tag] });
  await shows(commas, "Of d", "Of a, b&c", "Listed");
});

test("another site shows a feed in a frame, and no other page of ours", async () => {
  const { id } = await server.publish({ headline: "Framed", body: "<p><a href='https://example.org/'>There</a></p>" });
  await written("Framed", `/embed/${FEED}`);
  site.serve("/frame", `<!doctype html><link rel="icon" href="data:,"><title>Elsewhere</title><iframe title="News" src="${server.origin}/embed/${FEED}"></iframe>`);
  const page = await chromium.tab();
  await page.goto(`${site.origin}/frame`);
  const frame = page.frameLocator("iframe");
  await frame.locator("news-feed .newswire[data-state=live]").waitFor();
  await page.frames()[1].evaluate(readFileSync(AXE, "utf8"));
  const { violations } = await page.frames()[1].evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`), []);
  const whole = await frame.locator("footer a").evaluate(({ href, target, ownerDocument }) => [href, target || ownerDocument.querySelector("base").target]);
  assert.deepEqual(whole, [`${server.origin}/feeds/${FEED}`, "_blank"]);
  await server.publish("Framed, too");
  await frame.locator(`text=Framed, too`).first().waitFor();
  const opened = page.context().waitForEvent("page");
  await page.context().route("https://example.org/**", (route) => route.fulfill({ body: "<title>There</title>", contentType: "text/html" }));
  await frame.locator(".body a").click();
  const tab = await opened;
  await until("it opens in a tab of its own", () => tab.url() === "https://example.org/");
  assert.equal(await tab.evaluate(() => window.opener), null);
  const refused = await chromium.tab({ expected: /frame-ancestors/ });
  site.serve("/frame", `<!doctype html><link rel="icon" href="data:,"><title>Elsewhere</title><iframe title="News" src="${server.origin}/feeds/${FEED}/items/${id}"></iframe>`);
  await refused.goto(`${site.origin}/frame`);
  assert.equal(await refused.frameLocator("iframe").locator("article").count(), 0);
});

test("the first page leads to the feed, whose title changes where it stands, and a page that is not there says so", async () => {
  await server.publish("First");
  await setFeed({ title: "Storm Isolde", description: "From the coast." });
  await written("Storm Isolde");
  const page = await reader({ path: "/" });
  assert.equal(page.url(), `${server.origin}/feeds/${FEED}`);
  assert.equal(await page.title(), "Storm Isolde");
  assert.equal(await page.locator("h1").textContent(), "Storm Isolde");
  await live(page);
  await setFeed({ title: "Storm Jonas" });
  await until("the title has changed", async () => (await page.title()) === "Storm Jonas");
  assert.equal(await page.locator("h1").textContent(), "Storm Jonas");
  const nowhere = await chromium.tab({ expected: /404/ });
  await nowhere.goto(`${server.origin}/feeds/nothing`);
  assert.match(await nowhere.locator("main").textContent(), /There is no feed "nothing" here/);
  await nowhere.click("main a");
  await live(nowhere);
});

test("after kill -9 of the server the page shows what it missed, once, without a reload", async () => {
  const first = await server.publish("First");
  await written("First");
  const page = await reader({ expected: AWAY });
  await page.evaluate(() => (window.sameDocument = true));
  await server.kill();
  await page.waitForSelector("news-feed .newswire[data-state=waiting]");
  await server.up(true);
  await server.publish("While away");
  await server.edit("items/" + first.id, { headline: "First, updated" }, { method: "PATCH", etag: first.etag });
  await server.kill();
  await server.up();
  await shows(page, "While away", "First, updated");
  assert.equal(await page.evaluate(() => window.sameDocument), true);
});

test("a phone's page never scrolls sideways, without JavaScript either", async () => {
  await everything();
  const long = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft".repeat(2);
  await server.publish({ headline: long, byline: long, body: `<p>${long}</p><ul><li><code>${long}</code></li></ul>` });
  await written(long);
  for (const width of [320, 390]) {
    const page = await reader({ ...STILL, viewport: { width, height: 700 }, isMobile: true, hasTouch: true });
    const [content, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert.equal(screen, width);
    assert.ok(content <= screen, `${content} > ${screen}`);
  }
});

/** Follows by hand in a page of another origin what a restart goes through, and returns what came, as ids. */
async function through(follow) {
  const page = await chromium.tab({ expected: AWAY });
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
  const page = await chromium.tab();
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Network.enable");
  const [agreed, came] = [[], []];
  devtools.on("Network.webSocketHandshakeResponseReceived", ({ response }) => agreed.push(response.headersText ?? JSON.stringify(response.headers)));
  devtools.on("Network.webSocketFrameReceived", ({ response }) => came.push(response));
  await page.goto(`${server.origin}/feeds/${FEED}`);
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
  const page = await chromium.tab();
  await page.goto(site.origin);
  const [status, etag, items] = await page.evaluate(async (url) => {
    const answer = await fetch(url);
    return [answer.status, answer.headers.get("etag"), (await answer.json()).items.length];
  }, `${server.origin}/v1/feeds/${FEED}/items`);
  assert.equal(status, 200);
  assert.ok(etag);
  assert.equal(items, 1);
});
