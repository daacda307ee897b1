// A page of another site with the widget in it, and what is looked at there.

import { FEED } from "./newswire.mjs";
import { chromium, live, server, site } from "./stage.mjs";

/** A page of the other site with the widget in it. `light` is what stands in the element. */
export function host({ attributes = "", light = "", head = "", before = "", after = "", headers = {}, path = "/story" } = {}) {
  const script = `<script type="module" src="${server.origin}/widget.js"></script>`;
  const element = `<news-feed server="${server.origin}" feed="${FEED}" ${attributes}>${light}</news-feed>`;
  const meta = "<meta charset='utf-8'><meta name='viewport' content='width=device-width, initial-scale=1'><link rel='icon' href='data:,'>";
  const html = `<!doctype html><html lang="en"><head>${meta}<title>Storm Isolde</title>${head}${script}</head><body><main><h1>Storm</h1>${before}${element}${after}</main></body></html>`;
  site.serve(path, html, headers);
  return `${site.origin}${path}`;
}

export const state = (page, name) => page.waitForSelector(`news-feed .newswire[data-state=${name}]`);
export const said = (page) => page.locator(".said").textContent();

/** That page, once the widget is live. */
export async function reader({ hash = "", wait = live, ...options } = {}) {
  const page = await chromium.tab(options);
  await page.goto(host(options) + hash);
  await wait(page);
  return page;
}

export async function publishMany(count, make = (n) => ({ headline: `Report ${n}`, body: "<p>Text of some length, to read.</p>" })) {
  const all = [];
  for (let n = 0; n < count; n += 1) all.push(await server.publish(make(n)));
  return all;
}

/** The same, many at a time: they have the order of their numbers by the times that they are given, a day for each `aDay`. */
export async function publishOld(count, aDay) {
  const all = [];
  const first = Date.now() - (count / aDay + 2) * 86_400_000;
  const make = (n) => ({ headline: `Report ${n}`, body: "<p>Text.</p>", published: new Date(first + (n * 86_400_000) / aDay).toISOString() });
  while (all.length < count) {
    const some = Array.from({ length: Math.min(25, count - all.length) }, (_, n) => server.publish(make(all.length + n)));
    all.push(...(await Promise.all(some)));
  }
  return all;
}

export const reports = (from, to) => Array.from({ length: to - from }, (_, n) => `Report ${to - 1 - n}`);
export const item = (page, { id }) => page.locator(`#item-${id}`);
export const topOf = (locator) => locator.evaluate((one) => one.getBoundingClientRect().top);

/** Scrolls so that an item is a little below the upper edge, and waits until that is done. */
export async function readAt(page, one) {
  await item(page, one).evaluate((article) => scrollBy({ top: article.getBoundingClientRect().top - 20, behavior: "instant" }));
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}

/** Notes in every frame where an item stands, and no other any more; returns how far it has been from where it was. */
export async function watchPlace(page, one) {
  await item(page, one).evaluate((article) => {
    const was = article.getBoundingClientRect().top;
    window.strayed = 0;
    window.watched = article;
    const look = () => {
      if (window.watched !== article) return;
      window.strayed = Math.max(window.strayed, Math.abs(article.getBoundingClientRect().top - was));
      requestAnimationFrame(look);
    };
    look();
  });
  return () => page.evaluate(() => window.strayed);
}
