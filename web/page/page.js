// The page: puts the model on the screen, and says how the connection is.
//
// For tests and for styles, <html data-status> says how the connection is: connecting, live, waiting, stale, reset or
// ended; each <article> carries data-id, data-version and data-status.

import { article, element, fingerprint } from "./article.js";
import { Connection } from "./connection.js";
import { Dates } from "./dates.js";
import { Feed } from "./feed.js";

const byId = (id) => document.getElementById(id);
const root = document.documentElement;
const name = new URLSearchParams(location.search).get("feed") ?? "news-feed";
const door = new URL(`v1/feeds/${encodeURIComponent(name)}/`, document.baseURI);

const feed = new Feed();
let dates = new Dates(null);
let state = { status: "connecting" };
let fresh = 0;
let endTimer = 0;
let drawing = false;
/** What has come live since the last drawing, to be pointed out. */
const arrived = new Set();

/** Draws once for all the messages of one moment. */
function draw() {
  if (drawing) return;
  drawing = true;
  // Not by animation frames: a page in the background shall be up to date when it is looked at.
  queueMicrotask(() => {
    drawing = false;
    drawHead();
    drawItems();
  });
}

function drawHead() {
  const info = feed.info;
  if (!info) return;
  const next = new Dates(info);
  if (next.key !== dates.key) {
    dates = next;
    for (const old of document.querySelectorAll("article")) old.remove();
  }
  byId("title").textContent = info.title;
  document.title = info.title;
  byId("description").textContent = info.description ?? "";
  byId("description").hidden = !info.description;
  if (info.language) root.lang = info.language;
  if (info.dir) root.dir = info.dir;
  root.dataset.feed = info.status ?? "live";
}

function drawItems() {
  const now = Date.now();
  const { pinned, items } = feed.view(now);
  const known = new Map([...document.querySelectorAll("article")].map((one) => [one.dataset.id, one]));
  const made = (item) => {
    const old = known.get(item.id);
    const print = fingerprint(item, feed, now);
    if (old?.dataset.print === print) return old;
    const one = article(item, feed, dates, now);
    one.dataset.print = print;
    if (old) {
      const focused = old.contains(document.activeElement);
      old.replaceWith(one);
      if (focused) one.focus({ preventScroll: true });
    } else if (arrived.has(item.id)) {
      one.classList.add("arrived");
    }
    return one;
  };
  arrange(byId("pinned"), pinned.map(made));
  arrange(byId("items"), withDays(items.map((item) => [item, made(item)])));
  arrived.clear();
  byId("pinned").hidden = pinned.length === 0;
  byId("empty").hidden = !feed.loaded || pinned.length + items.length > 0;
  byId("older").hidden = !feed.loaded || !feed.before;
  if (feed.loaded) byId("feed").removeAttribute("aria-busy");
  clearTimeout(endTimer);
  const end = feed.nextEnd(now);
  // A timer cannot be set further than 24.8 days ahead.
  if (end !== null) endTimer = setTimeout(draw, Math.min(end - now + 5, 2 ** 31 - 1));
}

/** Puts a heading before the first item of each day. */
function withDays(pairs) {
  const days = new Map([...byId("items").querySelectorAll("h2")].map((one) => [one.textContent, one]));
  const parts = [];
  let last = null;
  for (const [item, one] of pairs) {
    const day = dates.day(item.published);
    if (day !== last) parts.push(days.get(day) ?? element("h2", "day", null, day));
    last = day;
    parts.push(one);
  }
  return parts;
}

/** Makes these the children, in this order, moving only what stands elsewhere. */
function arrange(parent, children) {
  const wanted = new Set(children);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  let at = parent.firstElementChild;
  for (const child of children) {
    if (child === at) at = at.nextElementSibling;
    else parent.insertBefore(child, at);
  }
}

function status(next) {
  state = next;
  root.dataset.status = next.status;
  // Only what differs is written, or a screen reader would be told at every heartbeat.
  const text = statusText();
  if (byId("status").textContent !== text) byId("status").textContent = text;
}

/** Without the seconds left, which a screen reader would read out one by one. */
function statusText() {
  const clock = (at) => dates.clock.format(new Date(at));
  switch (state.status) {
    case "connecting":
      return "Connecting…";
    case "live":
      return feed.info?.status === "closed" ? "Connected. This coverage has ended." : "Live: news appears by itself";
    case "waiting":
      return "Connection lost. Reconnecting";
    case "stale":
      return `Connected, but the source is away since ${clock(state.since)}. What you see may be out of date.`;
    case "reset":
      return "Starting again from the newest items…";
    default:
      return state.why;
  }
}

/** The seconds left stand in an attribute, from which the style sheet shows them. */
function tick() {
  if (state.status === "waiting") {
    byId("status").dataset.left = Math.max(0, Math.ceil((state.until - Date.now()) / 1000));
  } else {
    delete byId("status").dataset.left;
  }
}

function showFresh() {
  byId("fresh").hidden = fresh === 0;
  byId("fresh").textContent = fresh === 1 ? "1 new item" : `${fresh} new items`;
}

byId("fresh").addEventListener("click", () => {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  scrollTo({ top: 0, behavior: calm ? "auto" : "smooth" });
  fresh = 0;
  showFresh();
  byId("feed").focus({ preventScroll: true });
});

addEventListener("scroll", () => {
  if (fresh && scrollY < 200) {
    fresh = 0;
    showFresh();
  }
}, { passive: true });

byId("older").addEventListener("click", async () => {
  const button = byId("older");
  const { before, generation } = feed;
  button.disabled = true;
  try {
    const url = new URL("items", door);
    url.searchParams.set("before", before);
    url.searchParams.set("limit", "50");
    const answer = await fetch(url, { headers: { accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    feed.addPage(await answer.json(), generation);
    button.textContent = "Load older";
  } catch {
    button.textContent = "That did not work. Try again";
  } finally {
    button.disabled = false;
    draw();
  }
});

setInterval(() => {
  const now = Date.now();
  for (const one of document.querySelectorAll(".ago")) one.textContent = dates.ago(one.dataset.at, now);
}, 30_000);
setInterval(tick, 500);

new Connection({
  door,
  onMessage(message) {
    const added = feed.apply(message);
    if (added) arrived.add(added);
    if (added && scrollY >= 200) {
      fresh += 1;
      showFresh();
    }
    draw();
  },
  onStatus(next) {
    status(next);
    tick();
  },
}).start();
