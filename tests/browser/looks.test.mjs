// How the widget looks: whatever the page around it does, on a phone, in light and dark, and to axe, in a real Chromium
// against a real server.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { publishMany, reader } from "./host.mjs";
import { until } from "./newswire.mjs";
import { AXE, correct, server, setFeed, shows, site } from "./stage.mjs";

/** How the parts of the widget look, each as text. */
const looks = (page) =>
  page.evaluate(() =>
    [...document.querySelector("news-feed").shadowRoot.querySelectorAll(".headline, .body, .clock, .item, .share")].map((one) => {
      const { color, fontFamily, fontSize, fontWeight, fontStyle, letterSpacing, lineHeight, textTransform, textAlign, display, visibility } = getComputedStyle(one);
      const { width, height } = one.getBoundingClientRect();
      return JSON.stringify({ color, fontFamily, fontSize, fontWeight, fontStyle, letterSpacing, lineHeight, textTransform, textAlign, display, visibility, width, height });
    }),
  );

test("a hostile style sheet of the page changes nothing in it", async () => {
  await publishMany(3);
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

test("a page that allows other names of Trusted Types alone, and two copies of the module, are no hindrance", async () => {
  await server.publish({ headline: "First", body: "<p>Text.</p>" });
  const { address } = await (await fetch(`${server.origin}/widget.json`)).json();
  const head = `<script type="module" src="${server.origin}${address}"></script>`;
  for (const names of ["other", "newswire"]) {
    const page = await reader({ head, headers: { "content-security-policy": `trusted-types ${names}` }, expected: /policy/i });
    await shows(page, "First");
    assert.equal(await page.locator(".body").textContent(), "Text.");
  }
});

test("a browser without constructed style sheets is given the same looks, under a policy that allows the server's", async () => {
  await publishMany(3);
  const good = await looks(await reader());
  const script = () => {
    for (const one of [Document, ShadowRoot]) delete one.prototype.adoptedStyleSheets;
    delete window.CSSStyleSheet;
  };
  const { origin } = server;
  const policy = `default-src 'none'; script-src ${origin}; style-src ${origin}; connect-src ${origin} ${origin.replace("http", "ws")}; img-src data:`;
  const page = await reader({ script, headers: { "content-security-policy": policy } });
  await until("the style sheet is there", () => page.evaluate(() => [...document.querySelector("news-feed").shadowRoot.styleSheets].length === 1));
  assert.deepEqual(await looks(page), good);
});

test("with forced colours what stands on a ground of its own keeps an edge, and its words", async () => {
  await server.publish({
    headline: "First",
    breaking: { until: new Date(Date.now() + 600_000).toISOString() },
    media: [{ kind: "video", href: "https://video.example/watch", contentType: "text/html" }],
  });
  await publishMany(20);
  const page = await reader({ forcedColors: "active" });
  await page.evaluate(() => scrollTo(0, 1000));
  await server.publish("New");
  await page.waitForSelector(".fresh-button:visible");
  for (const part of [".dot", ".fresh-button", ".embed-button", ".is-breaking"]) {
    const { outlineStyle, outlineColor, color } = await page.locator(part).evaluate((one) => ({ ...getComputedStyle(one) }));
    assert.deepEqual([part, outlineStyle, outlineColor, color], [part, "solid", "rgb(0, 0, 0)", "rgb(0, 0, 0)"]);
  }
});

for (const [language, dir, host] of [["de", "ltr", "rtl"], ["ar", "rtl", "ltr"]]) {
  test(`a time in ${language} is written as such on a page that runs the other way`, async () => {
    await setFeed({ language });
    const { id } = await server.publish({ headline: "Old", published: "2026-11-05T10:31:00Z", related: [{ title: "A longer title", url: "https://example.org/" }] });
    await server.edit(`items/${id}/pin`, {});
    const page = await reader({ head: `<script>document.documentElement.dir = "${host}"</script>` });
    const lefts = await page.locator(".pinned-group .published").evaluate((time) => {
      const [day, clock] = [...time.children].map((one) => one.firstChild);
      const left = (text, from, to) => {
        const range = document.createRange();
        range.setStart(text, from);
        range.setEnd(text, to);
        return range.getBoundingClientRect().left;
      };
      return [left(day, 0, 1), left(day, day.length - 2, day.length - 1), left(clock, 0, 1)];
    });
    assert.deepEqual(lefts.toSorted((one, other) => (dir === "ltr" ? one - other : other - one)), lefts);
  });
}

test("the label of a related page stands at the side of its title, whichever way the page runs", async () => {
  await setFeed({ dir: "ltr" });
  await server.publish({ headline: "First", related: [{ title: "A longer title", url: "https://example.org/" }] });
  const page = await reader({ head: `<script>document.documentElement.lang = "ar"</script>` });
  const label = page.locator(".related-label[dir=rtl]");
  const [left, title] = await label.evaluate((one) => {
    const range = document.createRange();
    range.selectNodeContents(one);
    return [range, one.nextSibling].map((part) => part.getBoundingClientRect().left);
  });
  assert.ok(Math.abs(left - title) < 2, `${left} ${title}`);
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
