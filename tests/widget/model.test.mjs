// The client's model, and which messages move a position: each test is named for what a reader may rely on.

import assert from "node:assert/strict";
import test from "node:test";

import { positionIn } from "../../web/widget/doors.js";
import { FeedModel, newestFirst } from "../../web/widget/model.js";

const HOUR = 3_600_000;
const NOON = Date.parse("2026-03-01T12:00:00.000Z");
const at = (hours) => new Date(NOON + hours * HOUR).toISOString();

function item(id, hours, more = {}) {
  return { id, version: 1, status: "usable", published: at(hours), updated: at(hours), headline: id, ...more };
}

let seq = 0;
function change(type, changed) {
  seq += 1;
  return { type, position: `${seq}-00000000`, item: changed };
}

function loaded(items, before = null) {
  const feed = new FeedModel();
  feed.apply({ type: "snapshot", items, done: true, before, position: `${seq}-00000000` });
  return feed;
}

const shown = (feed, now = NOON) => {
  const { pinned, items } = feed.view(now);
  return [...pinned.map((one) => `^${one.id}`), ...items.map((one) => one.id)].join(" ");
};

test("items stand newest first, and two of one time by their ids", () => {
  const feed = loaded([item("a", 1), item("c", 2), item("b", 2)]);
  assert.equal(shown(feed), "c b a");
  assert.equal(newestFirst(item("a", 1), item("a", 1)), 0);
});

test("a new item is put in its place and reported as new, an edit of it is not", () => {
  const feed = loaded([item("a", 1)]);
  const first = item("b", 2);
  const second = item("b", 2, { version: 2, headline: "B" });
  const came = { type: "item.published", id: "b", item: first, previous: null, fresh: true };
  assert.deepEqual(feed.apply(change("item.published", first)), came);
  const edited = { type: "item.updated", id: "b", item: second, previous: first, fresh: false };
  assert.deepEqual(feed.apply(change("item.updated", second)), edited);
  assert.equal(feed.apply(change("item.updated", second)), null, "what is known already is no change");
  assert.equal(shown(feed), "b a");
  assert.equal(feed.view(NOON).items[0].headline, "B");
});

test("an older form never replaces a newer one", () => {
  const feed = loaded([item("a", 1, { version: 5, headline: "new" })]);
  feed.apply(change("item.updated", item("a", 1, { version: 4, headline: "old" })));
  feed.addPage({ items: [item("a", 1, { version: 3, headline: "older" })], position: "1-0", before: null }, feed.generation);
  assert.equal(feed.view(NOON).items[0].headline, "new");
});

test("withheld, removed and left items drop out, and a released one returns", () => {
  for (const type of ["item.withheld", "item.removed"]) {
    const feed = loaded([item("a", 1)]);
    const { item: left, previous } = feed.apply(change(type, { id: "a", status: type.slice(5) }));
    assert.deepEqual([left, previous.id], [null, "a"]);
    assert.equal(shown(feed), "", type);
    feed.apply(change("item.released", item("a", 1, { version: 3 })));
    assert.equal(shown(feed), "a", type);
  }
  const feed = loaded([item("a", 1)]);
  feed.apply({ type: "item.left", position: "9-0", item: { id: "a" } });
  assert.equal(shown(feed), "");
});

test("that an item is taken away is told also where it is not known any more", () => {
  const feed = loaded([item("b", 2)]);
  for (const type of ["item.withheld", "item.removed"]) {
    const told = feed.apply(change(type, { id: "a", status: type.slice(5) }));
    assert.deepEqual(told, { type, id: "a", item: null, previous: null, fresh: false });
  }
});

test("a page read before an item was dropped does not bring it back, one read after its release does", () => {
  const feed = loaded([item("a", 1)], "0_x");
  feed.apply({ type: "item.withheld", position: "900-0", item: { id: "a", status: "withheld" } });
  feed.addPage({ items: [item("a", 1)], position: "899-0", before: null }, feed.generation);
  assert.equal(shown(feed), "");
  feed.addPage({ items: [item("a", 1, { version: 3 })], position: "901-0", before: null }, feed.generation);
  assert.equal(shown(feed), "a");
});

test("a retracted item stays in its place as a notice", () => {
  const feed = loaded([item("a", 1), item("b", 2)]);
  feed.apply(change("item.retracted", { ...item("a", 1), headline: undefined, version: 2, status: "canceled", retraction: { reason: "wrong" } }));
  assert.equal(shown(feed), "b a");
  assert.equal(feed.view(NOON).items[1].headline, undefined);
});

test("a change to an item older than the oldest loaded page is kept aside until that page is loaded", () => {
  const feed = loaded([item("c", 3)], `${NOON + 3 * HOUR}_c`);
  assert.equal(feed.apply(change("item.updated", item("a", 1, { version: 2 }))).fresh, false);
  assert.equal(shown(feed), "c");
  const page = { items: [item("b", 2), item("a", 1)], position: `${seq}-0`, before: null };
  const brought = feed.addPage(page, feed.generation).map(({ id, version }) => [id, version]);
  assert.deepEqual(brought, [["b", 1], ["a", 2]], "what the page brought, as it is now known");
  assert.equal(shown(feed), "c b a");
  assert.equal(feed.items.get("a").version, 2);
});

test("an old item shows while it is pinned, first, and goes aside when its pin ends by itself", () => {
  const feed = loaded([item("c", 3)], `${NOON + 3 * HOUR}_c`);
  feed.apply(change("item.pinned", item("a", 1, { version: 2, pinned: { position: 2, until: at(1) } })));
  feed.apply(change("item.pinned", item("c", 3, { version: 2, pinned: { position: 1 } })));
  assert.equal(shown(feed), "^c ^a");
  const ends = (now) => feed.ends(now).map(([end, { id }]) => [end, id]);
  assert.deepEqual(ends(NOON), [[NOON + HOUR, "a"]]);
  assert.equal(shown(feed, NOON + HOUR), "^c");
  assert.deepEqual(ends(NOON + HOUR), []);
});

test("a snapshot replaces the list only when it is complete", () => {
  const feed = loaded([item("old", 1)]);
  feed.apply({ type: "reset", reason: "storeChanged" });
  feed.apply({ type: "snapshot", items: [item("b", 2)], done: false });
  assert.equal(shown(feed), "old");
  feed.apply({ type: "hello" });
  feed.apply({ type: "snapshot", items: [item("c", 3)], done: true, position: "1-0" });
  assert.equal(shown(feed), "c");
});

test("a page that was asked for before a snapshot is not mixed into it", () => {
  const feed = loaded([item("a", 1)], `${NOON}_a`);
  const { generation } = feed;
  feed.apply({ type: "snapshot", items: [item("b", 2)], done: true });
  feed.addPage({ items: [item("x", -1)], position: "1-0", before: null }, generation);
  assert.equal(shown(feed), "b");
});

test("a page that is open for days does not grow without end", () => {
  const feed = loaded([]);
  for (let n = 0; n < 5000; n += 1) feed.apply(change("item.published", item(`i${n}`, n / 100)));
  assert.ok(feed.items.size <= 1600, String(feed.items.size));
  assert.ok(feed.before, "what was forgotten can be loaded again");
  assert.equal(feed.view(NOON).items[0].id, "i4999");
  for (let n = 0; n < 5000; n += 1) feed.apply({ type: "item.removed", position: `${n}-0`, item: { id: `x${n}`, status: "removed" } });
  assert.ok(feed.dropped.size <= 500);
});

test("older pages that were asked for are not forgotten because of what comes live", () => {
  const feed = loaded([item("top", 1)], `${NOON + HOUR}_top`);
  const page = Array.from({ length: 600 }, (_, n) => item(`o${String(n).padStart(3, "0")}`, -1 - n));
  feed.addPage({ items: page, position: `${seq}-0`, before: "0_x" }, feed.generation);
  for (let n = 0; n < 1000; n += 1) feed.apply(change("item.published", item(`i${n}`, 2 + n / 100)));
  assert.equal(feed.view(NOON).items.at(-1).id, "o599");
});

/** A list of one item, "top", and a link far below it: to "c", with what follows down to "a". */
function linked() {
  const feed = loaded([item("top", 9)], `${NOON + 9 * HOUR}_top`);
  const page = { items: [item("c", 3), item("b", 2), item("a", 1)], position: `${seq}-0`, before: `${NOON + HOUR}_a` };
  feed.linked = { from: page.items[0], to: page.items[0] };
  feed.addPage(page, feed.generation, feed.linked);
  return feed;
}
const apart = (feed) => feed.view(NOON).apart.map(({ id }) => id).join(" ");

test("where a link led, what is known from there on is shown apart, and changes as it does in the list", () => {
  const feed = linked();
  assert.deepEqual([shown(feed), apart(feed)], ["top", "c b a"]);
  for (const [id, hours] of [["d", 4], ["b2", 2.5], ["0", 0]]) {
    assert.equal(feed.apply(change("item.released", item(id, hours))).fresh, false);
  }
  feed.apply(change("item.withheld", { id: "b", status: "withheld" }));
  feed.apply(change("item.pinned", item("a", 1, { version: 2, pinned: { position: 1 } })));
  assert.deepEqual([shown(feed), apart(feed)], ["^a top", "c b2"], "what stands above and below it is not known");
});

test("the list goes on to where a link led, and takes in what stands there: no hole, nothing twice", () => {
  const feed = linked();
  const page = (items, before) => feed.addPage({ items, position: `${seq}-0`, before }, feed.generation);
  page([item("e", 5), item("d", 4), item("c", 3)], `${NOON + 3 * HOUR}_c`);
  assert.deepEqual([shown(feed), apart(feed)], ["top e d c", "b a"]);
  page([item("b", 2), item("a", 1), item("0", 0)], null);
  assert.deepEqual([shown(feed), apart(feed)], ["top e d c b a 0", ""]);
});

test("a snapshot leaves nothing of where a link led", () => {
  const feed = linked();
  feed.apply({ type: "snapshot", items: [item("top", 9), item("b", 2)], done: true, before: `${NOON + 9 * HOUR}_top` });
  assert.deepEqual([shown(feed), apart(feed)], ["top", ""]);
});

test("where a link led is not forgotten, however much comes", () => {
  const feed = linked();
  for (let n = 0; n < 1000; n += 1) feed.apply(change("item.updated", item(`o${n}`, 4 + n / 1000, { version: 2 })));
  for (let n = 0; n < 3000; n += 1) feed.apply(change("item.published", item(`i${n}`, 10 + n / 100)));
  assert.ok(feed.items.size <= 1600, String(feed.items.size));
  assert.equal(apart(feed), "c b a");
});

test("only what the protocol says moves the position", () => {
  const position = "7-9f3a2c1b";
  for (const type of ["item.published", "item.left", "feed.updated", "caughtUp", "heartbeat"]) {
    assert.equal(positionIn({ type, position }), position, type);
  }
  assert.equal(positionIn({ type: "snapshot", done: true, position }), position);
  assert.equal(positionIn({ type: "snapshot", done: false, position }), null);
  for (const type of ["hello", "reset", "stale", "bye", "unheardOf"]) assert.equal(positionIn({ type, position }), null, type);
  assert.equal(positionIn({ type: "heartbeat" }), null);
});
