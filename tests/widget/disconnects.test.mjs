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

/** An editor who does something at random, to items that can still bear it. */
class Editor {
  #items = [];
  #count = 0;

  constructor(random) {
    this.random = random;
  }

  async act() {
    const item = this.#items[Math.floor(this.random() * this.#items.length)];
    const what = this.random();
    if (!item || (this.random() < 0.4 && this.#count < MOST_ITEMS)) {
      this.#count += 1;
      const body = `<p>${"Żółw 北京 ".repeat(Math.floor(this.random() * 60))}</p>`;
      this.#items.push(await server.publish({ headline: `Report ${this.#count}`, body }));
    } else if (what < 0.6) {
      await this.#edit(item, "", { headline: `${item.headline.split(",")[0]}, ${this.random()}` }, { method: "PATCH", etag: "*" });
    } else if (what < 0.75) {
      const changes = { byline: `By ${this.random()}` };
      await this.#edit(item, "/correct", { kind: "correction", note: "A name was wrong.", changes }, { etag: "*" });
    } else if (what < 0.82) {
      await this.#edit(item, "/pin", { position: 1 });
      await this.#edit(item, "/unpin");
    } else if (what < 0.9) {
      await this.#edit(item, "/withhold");
      if (this.random() < 0.7) await this.#edit(item, "/release");
      else this.#lose(item);
    } else {
      await this.#edit(item, what < 0.95 ? "/retract" : "/remove", what < 0.95 ? { reason: "It was wrong." } : {});
      this.#lose(item);
    }
  }

  #edit(item, verb, body, options) {
    return server.edit(`items/${item.id}${verb}`, body, options);
  }

  /** Nothing more happens to it. */
  #lose(item) {
    this.#items.splice(this.#items.indexOf(item), 1);
  }
}

test("through a hundred disconnects and four kills nothing is lost, doubled, swapped or begun anew", async (t) => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
  t.diagnostic(`SEED=${seed}`);
  const random = randomFrom(seed);
  const proxy = await CuttingProxy.start(server.origin, random);
  const feed = new LiveFeed({ server: proxy.origin, feed: FEED, last: 200, timing: FAST });
  const [seen, snapshots, doors] = [[], [], new Set()];
  feed.addEventListener("change", ({ detail }) => seen.push({ ...detail, seq: Number.parseInt(feed.position, 10) }));
  feed.addEventListener("snapshot", ({ detail }) => snapshots.push(detail.reason));
  feed.addEventListener("status", ({ detail }) => detail.state === "live" && doors.add(detail.door));
  feed.start();
  try {
    const editor = new Editor(random);
    await editor.act();
    await until("the first snapshot is there", () => snapshots.length === 1);
    for (let kills = 0; proxy.cuts < DISCONNECTS; ) {
      const { cuts } = proxy;
      for (let acts = Math.floor(random() * 8); acts >= 0; acts -= 1) await editor.act();
      await until("the next connection is cut", () => proxy.cuts > cuts);
      if (proxy.cuts < ((kills + 1) * DISCONNECTS) / (KILLS + 1)) continue;
      kills += 1;
      await server.kill();
      await server.up();
    }
    proxy.cutting = false;
    await editor.act();
    const answer = await fetch(`${server.origin}/v1/feeds/${FEED}/items?limit=200`);
    const { items, position } = await answer.json();
    await until("the client is at the head", () => feed.position === position);
    const shown = feed.items;
    assert.deepEqual([...shown.pinned, ...shown.items], items, "the same items, in the same form and order");
    assert.deepEqual(snapshots, ["first"], "it never began anew");
    for (let n = 1; n < seen.length; n += 1) assert.ok(seen[n].seq > seen[n - 1].seq, "once, and in order");
    const versions = new Map();
    for (const { id, item, previous } of seen) {
      assert.equal(previous?.version, versions.get(id) ?? previous?.version, "each change follows the one before");
      versions.set(id, item?.version);
    }
    const missed = items.filter((item) => versions.has(item.id) && versions.get(item.id) !== item.version);
    assert.deepEqual(missed, [], "the newest change of each item was seen");
    t.diagnostic(`${proxy.cuts} cuts, ${proxy.midway} in the middle of something, ${seen.length} changes, ${[...doors]}`);
  } finally {
    feed.stop();
    proxy.end();
  }
});
