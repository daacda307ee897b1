// Makes the pictures in docs/screenshots/: `node tests/browser/screenshots.mjs`, after `npm ci` in tests/browser.
//
// They are what a real server and a real Chromium show: the sample items, some of them corrected and retracted, on the
// server's own pages and in another site's. They are there to be looked at after a change of the looks, and for the
// README: nothing compares them. Their fonts are those of the machine (those here were made with Noto's), their times
// those of today.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { Chromium } from "./chromium.mjs";
import { FEED, Newswire, otherSite, until } from "./newswire.mjs";

const HERE = new URL("../../docs/screenshots/", import.meta.url);
/** What a file may have: they are loaded with the README. */
const MOST_BYTES = 300_000;
/** How far apart the items are. */
const APART = 9 * 60_000;
const AWAY = /ERR_INTERNET_DISCONNECTED/;

const DESKTOP = { viewport: { width: 1080, height: 780 } };
const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };

const example = (name) => readFileSync(new URL(`../../examples/${name}`, import.meta.url), "utf8");

/** The same storm for readers in Arabic. */
const IN_ARABIC = [
  {
    headline: "إنذار أحمر على ساحل سالتمير من السادسة مساءً",
    body: "<p>رفعت هيئة الأرصاد درجة الإنذار بين بورت ألدوس وبرينيك إلى الأحمر.</p>",
    keyEvent: true,
    byline: "هانا رود",
  },
  {
    headline: "متطوعون يملؤون أكياس الرمل على رصيف هارو",
    body: "<p>قالت بيترا ليندكفست: «ملأنا أربعة آلاف كيس، وما زلنا نحتاج إلى أربعة آلاف أخرى».</p>",
    media: [
      {
        kind: "picture",
        href: "/sample/sample-harrow-quay.svg",
        alt: "صف من الناس يتناقلون أكياس الرمل",
        caption: "على رصيف هارو بعد ظهر اليوم.",
        credit: "توماس أبارا",
        width: 2400,
        height: 1600,
      },
    ],
  },
  {
    headline: "انهيار جزء من السور البحري في برينيك",
    body: "<p>تتدفق المياه من فتحة عرضها نحو 12 مترًا.</p><p><strong>على السكان المغادرة الآن نحو الكنيسة.</strong></p>",
    keyEvent: true,
    located: "برينيك",
    byline: "هانا رود",
  },
  {
    headline: "14,500 منزل بلا كهرباء والمستشفى يعمل بمولّده",
    body: "<p>لدى مستشفى سانت مارين وقود يكفي ثلاثة أيام، وهو يستقبل المرضى كالمعتاد.</p>",
  },
];

const site = await otherSite();
const chromium = await Chromium.start();
const storm = await Newswire.start();
const arabic = await Newswire.start();

const live = (page) => page.waitForSelector("news-feed .newswire[data-state=live]");

/** A server's items, the last of them a moment ago. */
async function publish(server, items) {
  const begun = Date.now() - items.length * APART;
  for (const [n, item] of items.entries()) {
    const media = item.media?.map((one) => ({ ...one, href: new URL(one.href, server.origin).href }));
    await server.publish({ ...item, media, published: new Date(begun + n * APART).toISOString() });
  }
}

async function prepare() {
  const about = ["--title", "Storm Isolde and the night in Valmora", "--language", "en-GB"];
  const description = "What happens on the coast and in the counting hall, as it happens.";
  await storm.command("feed", "set", FEED, ...about, "--description", description);
  const lines = example("sample-items.jsonl").replaceAll("https://newswire.example/", `${storm.origin}/`).trim().split("\n");
  const items = lines.map((line) => JSON.parse(line));
  const named = (start) => items.find(({ headline }) => headline?.startsWith(start));
  const turnout = named("Turnout about");
  const body = turnout.body;
  turnout.body = body.replace("Tannery Hill", "the Glassworks");
  await publish(storm, items);
  await storm.edit(`items/${named("The night in Valmora").id}/pin`, {});
  const note = "An earlier version said that polling places in the Glassworks ran out of pencils.";
  await storm.edit(`items/${turnout.id}/correct`, { kind: "correction", note, changes: { body } }, { etag: "*" });
  const reason = "The figures were those of an earlier election. The Glassworks has not been counted yet.";
  const replacedBy = named("Half the districts").id;
  await storm.edit(`items/${named("First district").id}/retract`, { reason, replacedBy });

  const inArabic = ["--title", "العاصفة إيزولده على ساحل سالتمير", "--language", "ar", "--dir", "rtl"];
  await arabic.command("feed", "set", FEED, ...inArabic, "--description", "ما يجري على الساحل لحظة بلحظة.");
  await publish(arabic, IN_ARABIC);

  site.serve("/storm", example("site.html").replaceAll("http://127.0.0.1:8787", storm.origin));
  const embed = `src="${storm.origin}/embed/${FEED}" title="Storm and election night" width="100%" height="620"`;
  const frame = `<iframe ${embed} style="box-sizing: border-box; border: 1px solid #8885"></iframe>`;
  const framed = example("site.html").replace(/<news-feed[\s\S]*<\/news-feed>/, frame).replace(/<script.*<\/script>/, "");
  site.serve("/embed", framed);
  for (const [server, last] of [[storm, "In its place:"], [arabic, "14,500"]]) {
    const text = async () => (await fetch(`${server.origin}/feeds/${FEED}`)).text();
    await until("the pages have everything", async () => (await text()).includes(last));
  }
}

/** Opens a page, does what is to be seen, and keeps what the window shows then, once its pictures are there. */
async function picture(name, address, options, act = live) {
  const page = await chromium.tab({ deviceScaleFactor: 1, reducedMotion: "reduce", expected: AWAY, ...options });
  await page.goto(address, { waitUntil: "networkidle" });
  await act(page);
  const loaded = (all) => all.every((one) => one.complete || one.getBoundingClientRect().top > innerHeight);
  await until("the pictures are there", () => page.locator("img").evaluateAll(loaded));
  const [content, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(content <= screen, `${name} scrolls sideways: ${content} > ${screen}`);
  const path = fileURLToPath(new URL(`${name}.png`, HERE));
  await page.screenshot({ path });
  const { size } = statSync(path);
  assert.ok(size < MOST_BYTES, `${path} has ${size} bytes`);
  console.log(`${name}.png ${size}`);
  await page.context().close();
}

/** Scrolls until an item is below the upper edge, as a reader does. */
async function scrollTo(page, selector) {
  await page.locator(selector).first().evaluate((one) => scrollBy(0, one.getBoundingClientRect().top - 40));
}

try {
  mkdirSync(HERE, { recursive: true });
  await prepare();
  const feed = `${storm.origin}/feeds/${FEED}`;
  const story = `${site.origin}/storm`;
  await picture("desktop", feed, { viewport: { width: 1080, height: 1040 } });
  await picture("phone", feed, PHONE, async (page) => {
    await live(page);
    await scrollTo(page, ".breaking");
  });
  await picture("dark", feed, { ...DESKTOP, colorScheme: "dark" }, async (page) => {
    await live(page);
    await scrollTo(page, ".item:has([src*=net-street])");
  });
  await picture("rtl", `${arabic.origin}/feeds/${FEED}`, DESKTOP);
  await picture("retraction", feed, DESKTOP, async (page) => {
    await live(page);
    await scrollTo(page, ".item:has(.correction)");
  });
  await picture("offline", story, DESKTOP, async (page) => {
    await live(page);
    await page.context().setOffline(true);
    await page.waitForSelector("news-feed .newswire[data-state=offline]");
  });
  await picture("embed", `${site.origin}/embed`, DESKTOP, (page) =>
    page.frameLocator("iframe").locator(".newswire[data-state=live]").waitFor(),
  );
  await picture("nojs", feed, { ...PHONE, javaScriptEnabled: false }, () => {});
  // Last, as it publishes.
  await picture("button", story, DESKTOP, async (page) => {
    await live(page);
    await scrollTo(page, ".item:has([src*=brennick])");
    for (const headline of ["Bridge open again", "Ferries sail from noon", "Last district counted"]) {
      await storm.publish(headline);
    }
    await page.waitForSelector(".fresh-button:has-text('3')");
  });
} finally {
  await Promise.all([storm.end(), arabic.end(), chromium.end()]);
  site.end();
}
