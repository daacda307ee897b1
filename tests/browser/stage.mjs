// What the tests of a file share: a Chromium and a site of another origin for all of them, and a server of its own for each.
// Whatever a console complains about fails the test, a violation of a page's content security policy included.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, afterEach, before, beforeEach } from "node:test";

import { Chromium } from "./chromium.mjs";
import { FEED, Newswire, otherSite, until } from "./newswire.mjs";

export const AXE = createRequire(import.meta.url).resolve("axe-core");
/** What a server that is away costs. */
export const AWAY =
  /ERR_CONNECTION_(REFUSED|RESET)|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_INTERNET_DISCONNECTED|Connection closed before/;

export let chromium, site, server;
/** The server of the next test: it starts while this one runs. */
let next;

before(async () => {
  next = Newswire.start();
  [site, chromium] = await Promise.all([otherSite(), Chromium.start()]);
});
after(async () => {
  await chromium?.end();
  site?.end();
  await (await next)?.end();
});
beforeEach(async () => {
  server = await next;
  next = Newswire.start();
});
afterEach(async () => {
  await chromium.clear();
  await server.end();
});

/** Has another server in the place of this test's, on this store. */
export async function serveFrom(store) {
  await server.end();
  server = await Newswire.start(store);
}

export const live = (page) => page.waitForSelector("news-feed .newswire[data-state=live]");
export const headlines = (page) => page.locator(".feed .item .headline").allTextContents();

/** Waits until these, and no others, are the headlines, from top to bottom. */
export async function shows(page, ...expected) {
  let seen;
  await until(`the page shows ${expected.join(" | ")}`, async () => {
    seen = await headlines(page);
    return JSON.stringify(seen) === JSON.stringify(expected);
  }).catch((error) => assert.deepEqual(seen, expected, error.message));
}

/** Changes the feed itself. */
export async function setFeed(fields) {
  const answer = await fetch(`${server.at}/v1/feeds/${FEED}`, {
    method: "PATCH",
    headers: { authorization: `Bearer ${(server.admin ??= server.administrator())}`, "content-type": "application/json" },
    body: JSON.stringify(fields),
  });
  assert.ok(answer.ok, await answer.text());
}

export const correct = (one, note, changes) =>
  server.edit(`items/${one.id}/correct`, { kind: "correction", note, changes }, { etag: "*" });
