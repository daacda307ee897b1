// A live feed for programs: connect, resume, apply. It keeps the items of one feed as they now read, in order, through
// whatever happens to the connection. It draws nothing. CLIENT.md and the types say how to use it.

import { positionIn } from "./doors.js";
import { joinLine } from "./line.js";
import { FeedModel, seqOf } from "./model.js";
import { Source } from "./source.js";

/** A timer cannot be set further than 24.8 days ahead. */
const FURTHEST_TIMER = 2 ** 31 - 1;
/** A link loads so many older items; what is further down is shown apart from them. */
const LINK_PAGE = 200;
/** So many empty pages are read before somebody has to ask again. */
const MOST_EMPTY = 10;

export class LiveFeed extends EventTarget {
  #source;
  #options;
  #model = new FeedModel();
  #line = null;
  #status = { state: "paused" };
  #said = "";
  #reason = "first";
  #loading = null;
  #ends = null;
  #member;

  position = null;

  constructor({ server, feed, filter, last, snapshot, token, share = true, timing }) {
    super();
    this.feed = feed;
    this.#source = new Source({ server, token, filter, last });
    this.#options = { share, timing };
    if (snapshot) {
      this.#model.apply({ ...snapshot, type: "snapshot", done: true });
      this.position = snapshot.position ?? null;
    }
    this.#member = {
      feed,
      at: () => this.position,
      receive: (message) => this.#receive(message),
      told: (status) => this.#tell(status),
      ended: (why) => this.#leave({ state: "ended", why }),
    };
  }

  get info() {
    return this.#model.info;
  }

  get items() {
    return this.#model.view(Date.now());
  }

  /** Where the server is. */
  get base() {
    return this.#source.base;
  }

  get before() {
    return this.#model.before;
  }

  get status() {
    const { state } = this.#status;
    return { ...this.#status, state: state === "live" && this.info?.status === "closed" ? "closed" : state };
  }

  item(id) {
    return this.#model.items.get(id) ?? null;
  }

  start() {
    if (this.#line || this.#status.state === "ended") return;
    this.#tell({ state: "connecting" });
    this.#line = joinLine(this.#source, this.#member, this.#options);
    this.#watchEnds();
  }

  resume() {
    this.start();
  }

  pause() {
    if (this.#line) this.#leave({ state: "paused" });
  }

  stop() {
    this.pause();
  }

  #leave(status) {
    this.#line.remove(this.#member);
    this.#line = null;
    clearTimeout(this.#ends);
    this.#tell(status);
  }

  older(limit = 50) {
    this.#loading ??= this.#older(limit).finally(() => (this.#loading = null));
    return this.#loading;
  }

  async #older(limit) {
    // A page of a filtered feed may be empty, with more behind it.
    for (let n = 0; n < MOST_EMPTY; n += 1) {
      const { before, generation } = this.#model;
      if (!before) break;
      const url = this.#source.address(`feeds/${this.feed}/items`, { before, limit });
      const brought = this.#model.addPage(await this.#source.json(url), generation);
      if (brought.length) return brought;
    }
    return [];
  }

  async find(id) {
    const model = this.#model;
    const path = `feeds/${this.feed}/items`;
    const url = this.#source.address(`${path}/${encodeURIComponent(id)}`, {}, []);
    const absent = (error) => {
      if (error.status === 404) return {};
      throw error;
    };
    const item = this.item(id) ?? (await this.#source.json(url).catch(absent));
    if (!/usable|canceled/.test(item.status)) return null;
    if (item.pinned || model.apart(item)) return item;
    if (model.older(item)) await this.older(LINK_PAGE);
    const linked = (model.linked = { from: item, to: item });
    // What is newer than the list is still to come, and counts as new then.
    if (!model.older(item)) return this.item(id) ?? item;
    const { generation } = model;
    const before = `${Date.parse(item.published)}_${"f".repeat(32)}`;
    const page = await this.#source.json(this.#source.address(path, { before }));
    if (generation !== model.generation) return this.find(id);
    // A filter may hide it.
    if (page.items.some((one) => one.id === id)) model.addPage(page, generation, linked);
    return this.item(id);
  }

  #receive(message) {
    const { type, position, reason, done, feedInfo } = message;
    const model = this.#model;
    const { info } = model;
    // On a shared line something may come that is known already.
    if (/^(item|feed)\./.test(type) && seqOf(position) <= seqOf(this.position)) return;
    const made = model.apply(message);
    const next = positionIn(message);
    if (next && (type === "snapshot" || seqOf(next) > seqOf(this.position))) this.position = next;
    if (type === "reset") this.#reason = reason;
    if (feedInfo && JSON.stringify(feedInfo) !== JSON.stringify(info)) {
      this.#emit("info", feedInfo);
      this.#tell(this.#status);
    }
    if (type === "snapshot" && done) this.#emit("snapshot", { reason: this.#reason });
    else if (made) this.#emit("change", made);
    else return;
    this.#watchEnds();
  }

  /** Pins and breaking marks end by themselves, also while nothing is heard. */
  #watchEnds() {
    clearTimeout(this.#ends);
    const from = Date.now();
    const ends = this.#model.ends(from);
    if (!this.#line || !ends.length) return;
    const next = Math.min(...ends.map(([end]) => end)) - from + 5;
    this.#ends = setTimeout(() => {
      for (const [end, item] of ends) {
        if (end > Date.now()) continue;
        this.#emit("change", { type: "ended", id: item.id, item, previous: item, fresh: false });
      }
      this.#watchEnds();
    }, Math.min(next, FURTHEST_TIMER));
  }

  #tell(status) {
    this.#status = status;
    // `checked` alone is no news.
    const said = JSON.stringify({ ...this.status, checked: 0 });
    if (said === this.#said) return;
    this.#said = said;
    this.#emit("status", this.status);
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
