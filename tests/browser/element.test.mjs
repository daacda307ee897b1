// The element <news-feed> as a page of another site has it: how it comes there, what the server wrote into it, its
// attributes, properties, methods and events, in a real Chromium against a real server.

import assert from "node:assert/strict";
import { test } from "node:test";

import { host, publishMany, reader, said, state } from "./host.mjs";
import { FEED, until } from "./newswire.mjs";
import { chromium, correct, live, server, setFeed, shows, site } from "./stage.mjs";

test("two lines of HTML show a feed in a page of another site, live, over one WebSocket", async () => {
  await server.publish("Before");
  const page = await chromium.tab();
  const sockets = [];
  page.on("websocket", (socket) => sockets.push(socket.url()));
  await page.goto(host());
  await live(page);
  await shows(page, "Before");
  await server.publish({ headline: "After", body: "<p>The <strong>whole</strong> story.</p>", byline: "Mara Quist", located: "Lindenau" });
  await shows(page, "After", "Before");
  const article = page.locator(".item").first();
  assert.equal(await article.locator(".body strong").textContent(), "whole");
  assert.equal(await article.locator(".byline").textContent(), "Mara Quist · Lindenau");
  assert.equal(await said(page), "Live");
  assert.equal(sockets.length, 1);
});

test("the address of the module is enough where the server is its own", async () => {
  await server.publish("Here");
  site.serve("/bare", `<!doctype html><link rel='icon' href='data:,'><script type="module" src="${server.origin}/widget.js"></script><news-feed feed="${FEED}"></news-feed>`);
  const { address, integrity } = await (await fetch(`${server.origin}/widget.json`)).json();
  site.serve("/pinned", `<!doctype html><link rel='icon' href='data:,'><script type="module" src="${server.origin}${address}" integrity="${integrity}" crossorigin></script><news-feed feed="${FEED}"></news-feed>`);
  for (const path of ["/bare", "/pinned"]) {
    const page = await chromium.tab();
    await page.goto(site.origin + path);
    await live(page);
    await shows(page, "Here");
  }
});

test("what the server wrote into the element is shown from the beginning, and goes on without a gap or a double", async () => {
  const all = await publishMany(5, (n) => ({ headline: `Report ${n}`, body: "<p>Text.</p>", keyEvent: n === 2, urgency: 3 }));
  await server.edit(`items/${all[1].id}/pin`, {});
  await correct(all[0], "It was otherwise.", { headline: "Report 0, corrected" });
  const { light, style } = await written();
  await server.publish("While it was on its way");
  const page = await chromium.tab({
    script: () => {
      window.blank = 0;
      const look = () => {
        const feed = document.querySelector("news-feed");
        const seen = (root) => [...(root?.querySelectorAll(".item") ?? [])].some((one) => one.getClientRects().length);
        if (feed && !seen(feed) && !seen(feed.shadowRoot)) window.blank += 1;
        requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    },
  });
  const requests = [];
  page.on("request", (request) => requests.push(new URL(request.url()).pathname));
  const sockets = [];
  page.on("websocket", (socket) => sockets.push(new URL(socket.url())));
  await page.goto(host({ light, head: style, after: "<footer>End</footer>" }));
  await live(page);
  await shows(page, "Report 1", "While it was on its way", "Report 4", "Report 3", "Report 2", "Report 0, corrected");
  assert.equal(await page.evaluate(() => window.blank), 0);
  assert.ok(sockets[0].searchParams.get("after"), sockets[0].href);
  assert.deepEqual(requests.filter((path) => path.startsWith("/v1/")), [], "nothing is asked for but what came since");
  assert.equal(await page.evaluate(() => document.querySelector("news-feed").children.length), 0, "what was written is not kept beside it");
});

test("nothing moves when the widget takes over what the server wrote", async () => {
  const [first] = await publishMany(5, (n) => ({ headline: `Report ${n}`, keyEvent: n === 2 }));
  await server.edit(`items/${first.id}`, { updated: new Date(Date.now() + 3_600_000).toISOString() }, { method: "PATCH", etag: "*" }).catch(() => {});
  const { light, style } = await written();
  const url = host({ light, head: style, after: "<footer>End</footer>" });
  const places = () => {
    const feed = document.querySelector("news-feed");
    const parts = [...(feed.shadowRoot ?? feed).querySelectorAll(".status, .key-events, .day, .item, .stamp, .headline"), document.querySelector("footer")];
    return parts.map((one) => {
      const { x, y, width, height } = one.getBoundingClientRect();
      return [one.className, x, y, width, height].join(" ");
    });
  };
  for (const viewport of [{ width: 1000, height: 800 }, { width: 360, height: 640 }]) {
    const still = await chromium.tab({ expected: /ERR_FAILED/, viewport });
    await still.route("**/widget.js", (route) => route.abort());
    await still.goto(url);
    const before = await still.evaluate(places);
    const page = await chromium.tab({
      viewport,
      script: () => {
        window.shifted = 0;
        const add = (list) => list.getEntries().forEach(({ value }) => (window.shifted += value));
        new PerformanceObserver(add).observe({ type: "layout-shift", buffered: true });
      },
    });
    await page.goto(url);
    await live(page);
    assert.deepEqual(await page.evaluate(places), before);
    assert.equal(await page.evaluate(() => window.shifted), 0);
  }
});

/** What a server writes: here it is what the widget shows, with a snapshot. */
async function written() {
  const page = await reader({ path: "/written" });
  const light = await page.evaluate(() => {
    const copy = document.querySelector("news-feed").shadowRoot.querySelector(".newswire").cloneNode(true);
    for (const one of copy.querySelectorAll(".unseen, .fresh, .after, .share, [hidden], .feed:empty")) one.remove();
    for (const one of copy.querySelectorAll(".ago")) one.textContent = "";
    return copy.outerHTML;
  });
  await page.close();
  const door = `${server.origin}/v1/feeds/${FEED}`;
  const [list, feedInfo] = await Promise.all([`${door}/items?limit=50`, door].map(async (url) => (await fetch(url)).json()));
  const data = JSON.stringify({ feedInfo, ...list }).replaceAll("<", "\\u003c");
  return {
    light: `${light}<script type="application/json" data-newswire="snapshot">${data}</script>`,
    style: `<link rel="stylesheet" href="${server.origin}/widget/news-feed.css">`,
  };
}

test("the page is told of items and of the connection, can pause and resume, and move the element", async () => {
  const one = await server.publish("First");
  const page = await chromium.tab();
  const sockets = [];
  page.on("websocket", (socket) => sockets.push(socket));
  await page.goto(host({ before: "<div id='elsewhere'></div>" }));
  await page.evaluate(() => {
    window.events = [];
    const feed = document.querySelector("news-feed");
    feed.addEventListener("item", ({ detail }) => window.events.push(`${detail.type} ${detail.item?.headline}`));
    feed.addEventListener("status", ({ detail }) => window.events.push(detail.state));
  });
  await live(page);
  const events = () => page.evaluate(() => window.events.filter((one) => one !== "connecting" && one !== "live"));
  await server.edit(`items/${one.id}`, { headline: "First, updated" }, { method: "PATCH", etag: one.etag });
  await until("it is told", async () => (await events()).join() === "item.updated First, updated");
  await page.evaluate(() => document.querySelector("#elsewhere").append(document.querySelector("news-feed")));
  await server.publish("Second");
  await shows(page, "Second", "First, updated");
  assert.equal(sockets.length, 1, "moved, it keeps its connection");
  await page.evaluate(() => document.querySelector("news-feed").pause());
  await state(page, "paused");
  assert.equal(await said(page), "Paused");
  await until("the connection is closed", () => sockets[0].isClosed());
  await server.publish("Third");
  await page.evaluate(() => document.querySelector("news-feed").resume());
  await shows(page, "Third", "Second", "First, updated");
  assert.ok((await events()).includes("paused"));
  await page.evaluate(() => document.querySelector("news-feed").remove());
  await until("taken away, it leaves nothing behind", () => sockets.every((socket) => socket.isClosed()));
});

test("paused before it has begun, it stays so until it is resumed, whatever it is given", async () => {
  await server.publish("First");
  const page = await chromium.tab();
  const sockets = [];
  page.on("websocket", (socket) => sockets.push(socket));
  site.serve("/paused", `<!doctype html><html lang="en"><link rel='icon' href='data:,'><script type="module" src="${server.origin}/widget.js"></script>`);
  await page.goto(`${site.origin}/paused`);
  await page.evaluate(([server, feed]) => customElements.whenDefined("news-feed").then(() => {
    const element = document.createElement("news-feed");
    element.setAttribute("server", server);
    element.pause();
    document.body.append(element);
    element.setAttribute("feed", feed);
  }), [server.origin, FEED]);
  await state(page, "paused");
  assert.equal(await said(page), "Paused");
  assert.equal(await page.evaluate(() => document.querySelector("news-feed").status.state), "paused");
  assert.equal(sockets.length, 0);
  await page.evaluate(() => document.querySelector("news-feed").resume());
  await live(page);
  await shows(page, "First");
});

test("a page that has given all objects a property more shows it all the same", async () => {
  await server.publish("First");
  await shows(await reader({ head: "<script>Object.prototype.foo = 'bar'</script>" }), "First");
});

test("where it is given another feed, nothing of the first stands under that name, not even for a moment", async () => {
  await server.command("feed", "create", "other", "--title", "Other");
  await until("it is there", async () => (await fetch(`${server.origin}/v1/feeds/other`)).ok);
  for (let n = 0; n < 60; n += 1) await server.publish({ headline: `Report ${n}`, keyEvent: n === 59 });
  await server.edit("../other/items", { headline: "Elsewhere" });
  const page = await reader({ attributes: "title-count", expected: /404/, script: () => Object.defineProperty(document, "visibilityState", { value: "hidden" }) });
  await server.publish("Report 60");
  await page.waitForSelector("text=1 new update");
  const turn = (name) =>
    page.evaluate((feed) => {
      const element = document.querySelector("news-feed");
      element.setAttribute("feed", feed);
      const shown = [...element.shadowRoot.querySelectorAll(".item, .day, .key-events, .fresh, .more, .empty")];
      return [shown.filter((one) => one.getClientRects().length).length, document.title];
    }, name);
  assert.deepEqual(await turn("other"), [0, "Storm Isolde"]);
  await shows(page, "Elsewhere");
  assert.deepEqual(await turn("nowhere"), [0, "Storm Isolde"]);
  await state(page, "ended");
  assert.equal(await page.locator(".item").count(), 0);
});

test("a filter is a list of words, or a query that can hold any, and may change", async () => {
  for (const tag of ["a", "b", "a,b"]) await server.publish({ headline: `Of ${tag}`, tags: [tag] });
  const page = await reader({ attributes: 'tag="a, b"' });
  await shows(page, "Of b", "Of a");
  await page.evaluate(() => document.querySelector("news-feed").setAttribute("filter", "tag=a%2Cb&urgency=5"));
  await shows(page, "Of a,b", "Of b", "Of a");
  await page.evaluate(() => document.querySelector("news-feed").removeAttribute("tag"));
  await shows(page, "Of a,b");
});

test("its words can be another language's", async () => {
  await server.publish("Erstes");
  const page = await reader();
  await page.evaluate(() => {
    document.querySelector("news-feed").labels = { lang: "de", live: "Live dabei", copy: "Link kopieren", fresh: (count) => `${count} neue Meldungen` };
  });
  await until("they are", async () => (await said(page)) === "Live dabei" && (await page.locator(".share").textContent()) === "Link kopieren");
  assert.equal(await page.locator(".share").getAttribute("lang"), "de");
});

test("a private feed is read with a token that the page sets", async () => {
  await setFeed({ access: "token" });
  await server.publish("Private");
  const page = await reader({ wait: (page) => state(page, "ended"), expected: /401|Authentication failed/ });
  assert.match(await said(page), /token/);
  await page.evaluate((token) => (document.querySelector("news-feed").token = token), server.token);
  await live(page);
  await shows(page, "Private");
});

test("the module can be imported where there is no document", async () => {
  const text = await (await fetch(`${server.origin}/widget.js`)).text();
  const module = await import(`data:text/javascript,${encodeURIComponent(text)}`);
  assert.equal(typeof module.LiveFeed, "function");
  assert.equal(typeof module.NewsFeed, "function");
});
