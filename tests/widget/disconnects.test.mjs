// A client that is thrown out again and again, in the middle of frames too, while items are published, edited, corrected,
// retracted, withheld, released, pinned and removed, and while the server is killed and started again: in the end it has
// what the server has, and was shown each change once, in order, without ever beginning anew.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { LiveFeed } from "../../web/widget/newswire-client.js";
import { FEED, Newswire, until } from "../browser/newswire.mjs";
import { CuttingProxy, randomFrom } from "./cutting.mjs";

const DISCONNECTS = 100;
const KILLS = 4;
/** Fewer than a client shows without asking for older pages. */
const MOST_ITEMS = 180;
/** Pauses as they would be on a clock that is twenty times as fast. */
const FAST = { firstPause: 25, longestPause: 500, opening: 1000, lasting: 1500, lesserDoor: 3000, watch: 50 };

let server;
before(async () => (server = await Newswire.start()));
after(() => server?.end());

/** One feed: an editor who does something at random, to items that can still bear it, and what a reader makes of it. */
class Side {
  #items = [];
  #count = 0;
  seen = [];
  snapshots = [];

  constructor(feed, random, proxy) {
    this.feed = feed;
    this.random = random;
    this.live = new LiveFeed({ server: proxy.origin, feed, last: 200, timing: FAST });
    this.live.addEventListener("change", ({ detail }) => this.seen.push({ ...detail, seq: Number.parseInt(this.live.position, 10) }));
    this.live.addEventListener("snapshot", ({ detail }) => this.snapshots.push(detail.reason));
  }

  async act() {
    const item = this.#items[Math.floor(this.random() * this.#items.length)];
    const what = this.random();
    if (!item || (this.random() < 0.4 && this.#count < MOST_ITEMS)) {
      this.#count += 1;
      const body = `<p>${"Żółw 北京 ".repeat(Math.floor(this.random() * 60))}</p>`;
      this.#items.push((await this.#edit("", { headline: `Report ${this.#count}`, body })).item);
    } else if (what < 0.6) {
      await this.#edit(`/${item.id}`, { headline: `Report, ${this.random()}` }, { method: "PATCH", etag: "*" });
    } else if (what < 0.75) {
      const changes = { byline: `By ${this.random()}` };
      await this.#edit(`/${item.id}/correct`, { kind: "correction", note: "A name was wrong.", changes }, { etag: "*" });
    } else if (what < 0.82) {
      await this.#edit(`/${item.id}/pin`, { position: 1 });
      await this.#edit(`/${item.id}/unpin`);
    } else if (what < 0.9) {
      await this.#edit(`/${item.id}/withhold`);
      if (this.random() < 0.7) await this.#edit(`/${item.id}/release`);
      else this.#lose(item);
    } else {
      if (what < 0.95) await this.#edit(`/${item.id}/retract`, { reason: "It was wrong." });
      else await this.#edit(`/${item.id}/remove`);
      this.#lose(item);
    }
  }

  #edit(path, body, options) {
    return server.edit(`../${this.feed}/items${path}`, body, options);
  }

  /** Nothing more happens to it. */
  #lose(item) {
    this.#items.splice(this.#items.indexOf(item), 1);
  }

  /** The reader has what the server has, and was shown each change once, in order. */
  async check() {
    const { live, seen } = this;
    const answer = await fetch(`${server.origin}/v1/feeds/${this.feed}/items?limit=200`);
    const { items, position } = await answer.json();
    await until("the client is at the head", () => live.position === position);
    assert.deepEqual([...live.items.pinned, ...live.items.items], items, "the same items, in the same form and order");
    assert.deepEqual(this.snapshots, ["first"], "it never began anew");
    for (let n = 1; n < seen.length; n += 1) assert.ok(seen[n].seq > seen[n - 1].seq, "once, and in order");
    const versions = new Map();
    for (const { id, item, previous } of seen) {
      assert.equal(previous?.version, versions.get(id) ?? previous?.version, "each change follows the one before");
      versions.set(id, item?.version);
    }
    const missed = items.filter((item) => versions.has(item.id) && versions.get(item.id) !== item.version);
    assert.deepEqual(missed, [], "the newest change of each item was seen");
  }
}

test("through a hundred disconnects and four kills nothing is lost, doubled, swapped or begun anew", async (t) => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
  t.diagnostic(`SEED=${seed}`);
  const random = randomFrom(seed);
  const proxy = await CuttingProxy.start(server.origin, random);
  await server.command("feed", "create", "other", "--title", "Another");
  await until("it is there", async () => (await fetch(`${server.origin}/v1/feeds/other`)).ok);
  const sides = [FEED, "other"].map((feed) => new Side(feed, random, proxy));
  const act = () => sides[Math.floor(random() * sides.length)].act();
  const doors = new Map();
  sides[0].live.addEventListener("status", ({ detail: { state, door } }) => {
    if (state === "live") doors.set(door, (doors.get(door) ?? 0) + 1);
  });
  try {
    for (const side of sides) {
      await side.act();
      side.live.start();
    }
    await until("the first snapshots are there", () => sides.every(({ snapshots }) => snapshots.length === 1));
    for (let kills = 0; proxy.cuts < DISCONNECTS; ) {
      const { cuts } = proxy;
      for (let acts = Math.floor(random() * 8); acts >= 0; acts -= 1) await act();
      await until("the next connection is cut", () => proxy.cuts > cuts);
      if (proxy.cuts < ((kills + 1) * DISCONNECTS) / (KILLS + 1)) continue;
      kills += 1;
      await server.kill();
      await server.up();
    }
    proxy.cutting = false;
    for (const side of sides) {
      await side.act();
      await side.check();
    }
    const changes = sides.map(({ seen }) => seen.length).join("+");
    const through = [...doors].map(([door, times]) => `${times} by ${door}`).join(", ");
    t.diagnostic(`${proxy.cuts} cuts, ${proxy.midway} in the middle of something; ${changes} changes; live ${through}`);
  } finally {
    for (const { live } of sides) live.stop();
    proxy.end();
  }
});
