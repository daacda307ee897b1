// A live feed for programs: connect, resume, apply. It keeps the items of one feed as they now read, in order, from the
// position where it began, through whatever happens to the connection. Usable in browsers and in Node; it draws nothing.

import { positionIn } from "./doors.js";
import { joinLine } from "./line.js";
import { FeedModel, seqOf } from "./model.js";
import { Source } from "./source.js";

/** A timer cannot be set further than 24.8 days ahead. */
const FURTHEST_TIMER = 2 ** 31 - 1;
/** A permalink loads so many older pages, of so many items each, before it takes its item alone. */
const PAGES_FOR_LINK = 3;
const LINK_PAGE = 200;

export class LiveFeed extends EventTarget {
  #source;
  #options;
  #model = new FeedModel();
  #line = null;
  #base = { state: "paused" };
  #ended = null;
  #said = "";
  #reason = "first";
  #loading = null;
  #ends = null;
  #member;

  /** The feed's id. */
  feed;
  /** Where to go on from; null before anything was read. */
  position = null;

  constructor({ server, feed, filter, last, snapshot = null, token, share = true, timing }) {
    super();
    this.feed = feed;
    this.#source = new Source({ server, token, filter, last });
    this.#options = { share, timing };
    if (snapshot) {
      this.#model.apply({ ...snapshot, type: "snapshot", done: true });
      this.position = snapshot.position ?? null;
    }
    const live = this;
    this.#member = {
      feed,
      get position() {
        return live.position;
      },
      receive: (message) => this.#receive(message),
      told: (status) => this.#tell(status),
      ended: (why) => {
        this.#ended = why;
        this.#leave({ state: "ended", why });
      },
    };
  }

  get info() {
    return this.#model.info;
  }

  /** What is shown now: `{pinned, items}`. */
  get items() {
    return this.#model.view(Date.now());
  }

  /** The cursor of the next older page; null when nothing is older, or nothing is loaded. */
  get before() {
    return this.#model.before;
  }

  get status() {
    const closed = this.#base.state === "live" && this.info?.status === "closed";
    return closed ? { ...this.#base, state: "closed" } : this.#base;
  }

  item(id) {
    return this.#model.items.get(id) ?? null;
  }

  start() {
    if (this.#line || this.#ended) return;
    this.#base = { state: "connecting" };
    this.#line = joinLine(this.#source, this.#member, this.#options);
    this.#tell(this.#base);
    this.#watchEnds();
  }

  pause() {
    if (this.#line) this.#leave({ state: "paused" });
  }

  resume() {
    this.start();
  }

  /** Leaves for good what could keep a program running. What is known stays readable. */
  stop() {
    this.#leave({ state: "paused" });
  }

  #leave(status) {
    this.#line?.remove(this.#member);
    this.#line = null;
    clearTimeout(this.#ends);
    this.#tell(status);
  }

  /** Loads the next older page. Returns the items that it brought. */
  older(limit = 50) {
    this.#loading ??= this.#older(limit).finally(() => (this.#loading = null));
    return this.#loading;
  }

  async #older(limit) {
    const { before, generation } = this.#model;
    if (!before) return [];
    const url = this.#source.address(`feeds/${this.feed}/items`, { before, limit });
    return this.#model.addPage(await this.#source.json(url), generation);
  }

  /**
   * The item of this id: known, or fetched. Pages are loaded down to an old one, so that it stands in its place; one that
   * is too far down is kept aside. Null where there is none to show.
   */
  async find(id) {
    if (this.item(id)) return this.item(id);
    let item;
    try {
      item = await this.#source.json(this.#source.address(`feeds/${this.feed}/items/${encodeURIComponent(id)}`, {}, []));
    } catch (error) {
      if (error.status === 404 || error.status === 400) return null;
      throw error;
    }
    if (item.status !== "usable" && item.status !== "canceled") return null;
    for (let n = 0; n < PAGES_FOR_LINK && this.before && this.#model.older(item); n += 1) await this.older(LINK_PAGE);
    if (this.#model.older(item)) this.#model.addAside(item, null);
    return this.item(id) ?? item;
  }

  #receive(message) {
    const { type, position } = message;
    const change = /^(item|feed)\./.test(type);
    if (change && seqOf(position) <= seqOf(this.position)) return;
    const before = JSON.stringify(this.info);
    const made = this.#model.apply(message);
    const next = positionIn(message);
    if (next && (type === "snapshot" || seqOf(next) >= seqOf(this.position))) this.position = next;
    if (type === "reset") this.#reason = message.reason;
    if (JSON.stringify(this.info) !== before) {
      this.#emit("info", this.info);
      this.#tell(this.#base);
    }
    if (type === "snapshot" && message.done) {
      this.#emit("snapshot", { reason: this.#reason });
      this.#watchEnds();
    }
    if (made) {
      this.#emit("change", made);
      this.#watchEnds();
    }
  }

  /** Pins and breaking marks end by themselves, also while nothing is heard. */
  #watchEnds() {
    clearTimeout(this.#ends);
    if (!this.#line) return;
    const from = Date.now();
    const end = this.#model.nextEnd(from);
    if (end === null) return;
    this.#ends = setTimeout(() => {
      for (const item of this.#model.ended(from, Date.now())) {
        this.#emit("change", { type: "ended", id: item.id, item, previous: item, fresh: false });
      }
      this.#watchEnds();
    }, Math.min(end - from + 5, FURTHEST_TIMER));
  }

  #tell(status) {
    this.#base = status;
    const told = this.status;
    // Not at every heartbeat: `checked` alone is no news.
    const said = JSON.stringify({ ...told, checked: null });
    if (said === this.#said) return;
    this.#said = said;
    this.#emit("status", told);
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
