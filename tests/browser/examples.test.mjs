// The example of a site, opened from disk as its first lines promise.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

import { Chromium } from "./chromium.mjs";
import { FEED, Newswire, until } from "./newswire.mjs";

test("the example of a site shows the feed live from disk, and leads to it without JavaScript", async (t) => {
  const [server, chromium] = await Promise.all([Newswire.start(), Chromium.start()]);
  const dir = mkdtempSync(join(tmpdir(), "newswire-site-"));
  t.after(async () => {
    await Promise.all([server.end(), chromium.end()]);
    rmSync(dir, { recursive: true });
  });
  const file = join(dir, "site.html");
  const text = readFileSync(new URL("../../examples/site.html", import.meta.url), "utf8");
  writeFileSync(file, text.replaceAll("http://127.0.0.1:8787", server.origin));
  await server.publish("Before");
  const page = await chromium.tab();
  await page.goto(pathToFileURL(file).href);
  await page.waitForSelector("news-feed .newswire[data-state=live]");
  await server.publish("After");
  const headlines = page.locator("news-feed .feed .headline");
  await until("both are shown", async () => (await headlines.allTextContents()).join() === "After,Before");
  const still = await chromium.tab({ javaScriptEnabled: false });
  await still.goto(page.url());
  await still.click("news-feed a");
  assert.equal(still.url(), `${server.origin}/feeds/${FEED}`);
  await chromium.clear();
});
