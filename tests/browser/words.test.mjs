// In which language pages and the widget speak, against a real server in a real Chromium. What a reader sees is looked at in
// every frame, since a word that is there for a moment only is what must not be.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { Chromium } from "./chromium.mjs";
import { FEED, Newswire, otherSite, until } from "./newswire.mjs";

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

const live = (page) => page.waitForSelector("news-feed .newswire[data-state=live]");

async function setFeed(fields) {
  const answer = await fetch(`${server.at}/v1/feeds/${FEED}`, {
    method: "PATCH",
    headers: { authorization: `Bearer ${(server.admin ??= server.administrator())}`, "content-type": "application/json" },
    body: JSON.stringify(fields),
  });
  assert.ok(answer.ok, await answer.text());
}

/** Items with every word that an article can have; the last has the headline "Last". */
async function everyWord() {
  const day = (days) => new Date(Date.now() - days * 86_400_000).toISOString();
  const first = await server.publish({ body: "<p>Without a headline.</p>", published: day(3) });
  const gone = await server.publish({ headline: "Gone", published: day(2) });
  await server.publish({ headline: "On it", updateOf: first.id, published: day(2), updated: day(1) });
  const old = await server.publish({ headline: "Old", published: day(1), updated: day(0.999), keyEvent: true, summary: true });
  for (const kind of ["correction", "clarification"]) {
    await server.edit(`items/${old.id}/correct`, { kind, note: "A note.", changes: { located: kind } }, { etag: "*" });
  }
  await server.edit(`items/${old.id}/pin`, {});
  await server.edit(`items/${gone.id}/retract`, { reason: "Withdrawn.", replacedBy: first.id });
  await server.publish({
    headline: "Last",
    breaking: { until: new Date(Date.now() + 600_000).toISOString() },
    media: [{ kind: "video", href: "https://video.example/watch", contentType: "text/html" }],
    related: [{ title: "Ferries", url: "https://example.org/f" }],
  });
}

/** What the page says in words and times of its own, wherever it stands: `[class, lang, dir, title, text]`. */
const WORDED = ".day, .clock, .zone, .date, .updated, .label, .update-of, .instead, .canceled .headline, .reason, .note, .related-label, .key-events-title, .key-events-list, .embed";
const worded = (page) =>
  page.locator(WORDED).evaluateAll((all) =>
    all.map((one) => {
      // What opens an embed is a button only with JavaScript, and what it is called by is the same.
      const text = one.matches(".embed") ? one.firstElementChild.textContent : one.textContent;
      return [one.className, one.getAttribute("lang"), one.getAttribute("dir"), one.closest("[title]")?.title, text];
    }),
  );

/** To be run before a page's own scripts: notes in each frame what widgets say, as far as it differs from before. */
function watch() {
  window.seen = new Set();
  const look = () => {
    for (const feed of document.querySelectorAll("news-feed")) {
      for (const one of feed.shadowRoot?.querySelectorAll(".said, .label, .share, .older, .fresh-button, .zone") ?? []) window.seen.add(one.textContent);
    }
    requestAnimationFrame(look);
  };
  look();
}
const seen = (page) => page.evaluate(() => [...window.seen].filter(Boolean));

/** A page of the other site with widgets in it; asked for words so often. */
async function elsewhere({ page: lang = "", widgets = 1, light = "", script, expected, labels } = {}) {
  const set = labels ? `<script>document.querySelector("news-feed").labels = ${JSON.stringify(labels)}</script>` : "";
  const element = `<news-feed server="${server.origin}" feed="${FEED}">${light}</news-feed>`.repeat(widgets);
  const html = `<!doctype html><html${lang && ` lang="${lang}"`}><meta charset="utf-8"><link rel="icon" href="data:,"><title>Elsewhere</title><body>${element}${set}<script type="module" src="${server.origin}/widget.js"></script>`;
  site.serve("/words", html);
  const page = await chromium.tab({ script: script ?? watch, expected });
  const asked = [];
  page.on("request", (request) => request.url().includes("/widget/words/") && asked.push(new URL(request.url()).pathname));
  return { page, asked, open: () => page.goto(`${site.origin}/words`) };
}

for (const [language, dir, said] of [["de-AT", "ltr", "Live"], ["ar", "rtl", "مباشر"], ["ar-EG", "rtl", "مباشر"]]) {
  test(`a page in ${language} says the same before the widget takes over and after, and asks for no words`, async () => {
    await setFeed({ language, timeZone: "Europe/Berlin", title: "T" });
    await everyWord();
    let text;
    await until("it is written", async () => (text = await (await fetch(`${server.origin}/feeds/${FEED}`)).text()).includes("Last") && text.includes(`<html lang="${language}"`));
    const still = await chromium.tab({ javaScriptEnabled: false });
    await still.goto(`${server.origin}/feeds/${FEED}`);
    const written = await worded(still);
    const page = await chromium.tab({ script: watch });
    const asked = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.goto(`${server.origin}/feeds/${FEED}`);
    await live(page);
    assert.ok(written.length > 25, String(written.length));
    assert.deepEqual(await worded(page), written);
    assert.equal(await page.locator(".said").textContent(), said);
    assert.equal(await page.locator(".said").getAttribute("dir"), dir);
    const [english, own] = ["en", language.slice(0, 2)].map((name) => JSON.parse(readFileSync(new URL(`../../web/widget/words/${name}.json`, import.meta.url), "utf8")));
    const foreign = Object.keys(english).filter((key) => english[key] !== own[key]).map((key) => english[key]);
    assert.deepEqual((await seen(page)).filter((one) => foreign.includes(one)), [], "no English, in no frame");
    assert.deepEqual(asked.filter((url) => url.includes("/words/")), []);
  });
}

test("on a French page the widgets speak French, asked for once, and nobody sees other words or a button without any before", async () => {
  const { id } = await server.publish({ headline: "First", keyEvent: true });
  await server.edit(`items/${(await server.publish("Gone")).id}/retract`, { reason: "It was not so." });
  const { page, asked, open } = await elsewhere({ page: "fr-CA", widgets: 2, light: "Written" });
  let come;
  const comes = new Promise((done) => (come = done));
  await page.route("**/widget/words/**", (route) => comes.then(() => route.continue()));
  await open();
  const first = page.locator("news-feed").first();
  await until("the items are there", () => first.evaluate((feed) => feed.items?.items.length));
  assert.equal(await first.innerText(), "Written");
  assert.equal(await page.locator(".newswire").count(), 0, "nothing is drawn yet");
  come();
  await until("they speak French", async () => (await page.locator(".said").allTextContents()).join() === "En direct,En direct");
  assert.equal(await first.innerText(), "");
  assert.equal(await page.locator(".label").first().textContent(), "Temps fort");
  assert.equal(await page.locator(`#item-${id} .share`).first().textContent(), "Copier le lien");
  assert.equal(await page.locator(".share").first().getAttribute("lang"), "fr");
  assert.equal(await page.locator(".canceled .headline").first().textContent(), "Cette publication a été retirée");
  assert.deepEqual(asked, ["/widget/words/fr-CA.json"]);
  assert.deepEqual((await seen(page)).sort(), ["Afficher les publications précédentes", "Copier le lien", "En direct", "Temps fort", "UTC"]);
});

test("words are not waited for longer than two seconds, and are taken when they come", async () => {
  await server.publish("First");
  const { page, open } = await elsewhere({ page: "fr" });
  let come;
  const comes = new Promise((done) => (come = done));
  await page.route("**/widget/words/**", (route) => comes.then(() => route.continue()));
  await open();
  await live(page);
  assert.equal(await page.locator(".said").textContent(), "Live");
  assert.equal(await page.locator(".share").textContent(), "Copy link");
  come();
  await until("it speaks French", async () => (await page.locator(".share").textContent()) === "Copier le lien");
  assert.equal(await page.locator(".said").textContent(), "En direct");
});

test("words that could not be had are asked for again by another widget, and when it is live again", async () => {
  await server.publish("First");
  const { page, open } = await elsewhere({ page: "fr", expected: /Failed to load resource/ });
  let away = true;
  await page.route("**/widget/words/**", (route) => (away ? route.fulfill({ status: 503, body: "" }) : route.continue()));
  await open();
  await until("it speaks English", async () => (await page.locator(".said").textContent()) === "Live");
  away = false;
  await page.evaluate(() => document.body.append(document.querySelector("news-feed").cloneNode()));
  const says = (...words) => until(`they say ${words}`, async () => (await page.locator(".said").allTextContents()).join() === words.join());
  await says("Live", "En direct");
  await page.locator("news-feed").first().evaluate((feed) => (feed.pause(), feed.resume()));
  await says("En direct", "En direct");
});

test("the widget's words follow the feed, its language and the page's", async () => {
  await setFeed({ language: "ar" });
  await server.publish("First");
  await server.command("feed", "create", "second", "--title", "Second", "--language", "fr");
  await until("the other feed is there", async () => (await fetch(`${server.at}/v1/feeds/second`)).ok);
  const { page, open } = await elsewhere();
  await open();
  const says = (...words) => until(`it says ${words}`, async () => (await page.locator(".said, .empty, .share").allTextContents()).join() === words.join());
  await says("مباشر", "نسخ الرابط");
  await page.locator("news-feed").evaluate((feed) => feed.setAttribute("feed", "second"));
  await says("En direct", "Aucune information pour l’instant. Les nouvelles publications s’afficheront ici automatiquement.");
  await page.locator("news-feed").evaluate((feed, id) => feed.setAttribute("feed", id), FEED);
  await says("مباشر", "نسخ الرابط");
  await setFeed({ language: "de" });
  await says("Live", "Link kopieren");
  await page.locator("news-feed").evaluate((feed) => {
    feed.lang = "uk";
    feed.setAttribute("feed", "second");
  });
  await until("it speaks Ukrainian", async () => (await page.locator(".said").textContent()) === "Наживо");
  await page.locator("news-feed").evaluate((feed, id) => {
    feed.labels = { live: "Mine" };
    feed.setAttribute("feed", id);
  }, FEED);
  await says("Mine", "Copy link");
});

test("on a page that names no language the widget speaks that of the feed", async () => {
  await setFeed({ language: "uk" });
  await server.publish("First");
  const { page, asked, open } = await elsewhere();
  await open();
  await until("it speaks Ukrainian", async () => (await page.locator(".said").textContent()) === "Наживо");
  assert.deepEqual(asked, ["/widget/words/uk.json"]);
  assert.ok(!(await seen(page)).some((one) => /[a-z]{4}/.test(one)), String(await seen(page)));
});

test("where the page is in English, or in a language without words, the widget speaks English", async () => {
  await setFeed({ language: "uk" });
  await server.publish("First");
  for (const [lang, words] of [["en-GB", []], ["fi", ["/widget/words/fi.json"]]]) {
    const { page, asked, open } = await elsewhere({ page: lang });
    await open();
    await until("it speaks English", async () => (await page.locator(".said").textContent()) === "Live");
    assert.deepEqual(asked, words);
  }
});

test("a host's own labels win, and no words are asked for", async () => {
  await server.publish({ headline: "First", keyEvent: true });
  const { page, asked, open } = await elsewhere({ page: "fr", labels: { lang: "gsw", live: "Live derbii", key: "Wichtig" } });
  await open();
  await live(page);
  assert.equal(await page.locator(".said").textContent(), "Live derbii");
  assert.equal(await page.locator(".label").textContent(), "Wichtig");
  assert.equal(await page.locator(".share").textContent(), "Copy link");
  assert.deepEqual(asked, []);
});

test("words that cannot be had are English ones", async () => {
  await server.publish("First");
  const { page, open } = await elsewhere({ page: "fr", expected: /Failed to load resource/ });
  await page.route("**/widget/words/**", (route) => route.fulfill({ status: 404, contentType: "application/json", body: '{"live":"wrong"}' }));
  await open();
  await until("it speaks English", async () => (await page.locator(".said").textContent()) === "Live");
  assert.equal(await page.locator(".share").textContent(), "Copy link");
});

test("why a feed cannot be read is said in the page's language", async () => {
  const { page, open } = await elsewhere({ page: "de", expected: /404|WebSocket/ });
  await server.command("feed", "delete", FEED, "--yes");
  await open();
  await until("it says so in German", async () => (await page.locator(".said").textContent()) === "Diesen Feed gibt es hier nicht.");
});
