// What the widget does, and says, when the server, its store, the network or the clock fail it, in a real Chromium against a
// real server. Only what a server that is away costs is complained about, while it is away.

import assert from "node:assert/strict";
import { test } from "node:test";

import { host, publishMany, readAt, reader, reports, said, state, watchPlace } from "./host.mjs";
import { Redis, until } from "./newswire.mjs";
import { AWAY, chromium, correct, live, serveFrom, server, setFeed, shows, site } from "./stage.mjs";

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
  const top = await page.locator("news-feed .status").evaluate((one) => one.getBoundingClientRect().top);
  assert.equal(top, 0, "it says so where it is read");
  await server.up(true);
  await server.publish("While away");
  await correct(all[20], "Longer. ".repeat(60), { headline: "Report 20, corrected" });
  await server.kill();
  await server.up();
  await page.waitForSelector("text=1 new update");
  await page.waitForSelector("text=Report 20, corrected");
  await live(page);
  const bottom = await page.locator("news-feed .status").evaluate((one) => one.getBoundingClientRect().bottom);
  assert.ok(bottom < 0, "all is well again: it stands at the top of the list");
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

test("offline from the beginning, it says so and names no time", async () => {
  const page = await reader({
    wait: (page) => state(page, "offline"),
    script: () => {
      Object.defineProperty(navigator, "onLine", { get: () => false });
      window.WebSocket = class { constructor() { setTimeout(() => this.onclose?.({})); } close() {} };
      window.fetch = async () => Promise.reject(new TypeError("away"));
    },
  });
  assert.equal(await said(page), "You are offline");
});

test("where the reader's clock is set back, it goes on, and nothing is said of times to come", async () => {
  await server.publish("Before");
  const page = await chromium.tab({
    expected: AWAY,
    script: () => {
      const Real = Date;
      window.back = 0;
      window.Date = class extends Real {
        constructor(...given) {
          super(...(given.length ? given : [window.Date.now()]));
        }
        static now() {
          return Real.now() - window.back;
        }
      };
    },
  });
  const sockets = [];
  page.on("websocket", (socket) => sockets.push(socket));
  await page.goto(host());
  await live(page);
  await page.evaluate(() => (window.back = 3 * 3_600_000));
  await until("it has another connection, and the old one is closed", () => sockets.length === 2 && sockets[0].isClosed());
  await live(page);
  await server.publish("After");
  await shows(page, "After", "Before");
  assert.deepEqual(await page.locator(".ago").allTextContents(), ["", ""]);
  await server.kill();
  await state(page, "waiting");
  assert.match(await said(page), /^Connection lost\. Trying again in [0-2] s$/);
  await server.up();
  await server.publish("At last");
  await shows(page, "At last", "After", "Before");
});

test("while the server has lost its store, it says that what it shows may be out of date", async () => {
  const redis = await Redis.start();
  try {
    await serveFrom(redis.url);
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
  await setFeed({ status: "closed" });
  await state(page, "closed");
  assert.equal(await said(page), "This coverage has ended");
  const other = await chromium.tab({ expected: /404/ });
  site.serve("/none", `<!doctype html><link rel='icon' href='data:,'><script type="module" src="${server.origin}/widget.js"></script><news-feed feed="no-such-feed"></news-feed>`);
  await other.goto(`${site.origin}/none`);
  await state(other, "ended");
  assert.equal(await said(other), "There is no such feed here.");
});

test("a filter that is none is said to be so, and asked for no more", async () => {
  const page = await reader({ attributes: 'urgency="99"', wait: (page) => state(page, "ended"), expected: /400/ });
  assert.equal(await said(page), "This feed cannot be read as this page asks for it.");
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
