// What each message makes of a feed. Pure: no clock, no network, no document.
//
// One map holds every item that is known, shown or not. An item older than the oldest loaded page is not shown, unless
// it is pinned, or where a link led. An older form of an item never replaces a newer one, whatever door it came through.

/** Beyond this many items, beside the older pages that were asked for, all but the newest are forgotten. */
const MOST_KNOWN = 1500;
const KEPT_SHOWN = 500;
/** Of what is not shown; also, how many drops are remembered. */
const MOST_ASIDE = 500;
const MOST_PAGED = 3000;

/** The number in a position, `SEQ-MARK`; 0 where there is none. */
export function seqOf(position) {
  return Number.parseInt(position, 10) || 0;
}

/** By time, then by id. The server writes all times in one form, so that their texts compare as they do. */
export function newestFirst(a, b) {
  const [one, other] = a.published === b.published ? [a.id, b.id] : [a.published, b.published];
  return one < other ? 1 : one > other ? -1 : 0;
}

/** The last item before the cursor of a page, `MILLIS_ID`, as far as items are compared with it. */
function boundaryAt(before) {
  const [millis, id] = before?.split("_") ?? [];
  return id ? { published: new Date(Number(millis)).toISOString(), id } : null;
}

/** Whether something that ends by itself still holds. */
export function holds(thing, now) {
  return Boolean(thing) && (!thing.until || now < Date.parse(thing.until));
}

export class FeedModel {
  info = null;
  items = new Map();
  /** id → the seq at which it was dropped: an older page must not bring it back. */
  dropped = new Map();
  /** Where the next older page begins, `MILLIS_ID`, and the same as something that items are compared with. */
  before = null;
  boundary = null;
  /** Where a link led: from an item down to another nothing is missing, `{from, to}`. It is shown, and never forgotten. */
  linked = {};
  /** A snapshot that is not complete. */
  coming = null;
  /** Grows with every snapshot: a page that was asked for before one does not fit after it. */
  generation = 0;
  /** How many items older pages have brought. */
  paged = 0;

  /** Applies a message. Returns what it made of one item, `{type, id, item, previous, fresh}`, if it made anything. */
  apply(message) {
    const { type, feedInfo, item } = message;
    if (feedInfo) this.info = feedInfo;
    if (type === "hello" || type === "reset") this.coming = null;
    else if (type === "snapshot") this.#snapshot(message);
    else if (item && type.startsWith("item.")) return this.#change(message);
    return null;
  }

  #snapshot({ items, done, before }) {
    this.coming ??= new Map();
    for (const item of items) this.coming.set(item.id, item);
    if (!done) return;
    this.items = this.coming;
    this.coming = null;
    this.dropped.clear();
    this.linked = {};
    this.#loadedTo(before);
    this.generation += 1;
    this.paged = 0;
  }

  #change({ type, item, position }) {
    const { id } = item;
    const previous = this.items.get(id) ?? null;
    if (/left|withheld|removed/.test(`${type} ${item.status}`)) {
      this.items.delete(id);
      this.dropped.delete(id);
      this.dropped.set(id, seqOf(position));
      if (this.dropped.size > MOST_ASIDE) this.dropped.delete(this.dropped.keys().next().value);
      return { type, id, item: null, previous, fresh: false };
    }
    this.dropped.delete(id);
    if (!this.#put(item)) return null;
    this.#forget();
    return { type, id, item, previous, fresh: !previous && !this.older(item) };
  }

  /**
   * Adds an older page, as `GET items?before=` returned it; or, further down, the one to which a link led. Returns its
   * items as they are now known.
   */
  addPage({ items, position, before }, generation, linked) {
    if (generation !== this.generation) return [];
    for (const item of items) if (!(this.dropped.get(item.id) > seqOf(position))) this.#put(item);
    if (linked) linked.to = boundaryAt(before);
    else {
      this.paged = Math.min(this.paged + items.length, MOST_PAGED);
      this.#loadedTo(before);
    }
    return items.flatMap(({ id }) => this.items.get(id) ?? []);
  }

  #put(item) {
    if (this.items.get(item.id)?.version >= item.version) return false;
    this.items.set(item.id, item);
    return true;
  }

  /** Older than the oldest loaded page. */
  older(item) {
    return this.boundary !== null && newestFirst(item, this.boundary) > 0;
  }

  /** Where a link led. */
  apart(item) {
    const { from, to } = this.linked;
    return from && newestFirst(item, from) >= 0 && (!to || newestFirst(item, to) <= 0);
  }

  #loadedTo(before = null) {
    this.before = before;
    this.boundary = boundaryAt(before);
  }

  /** Keeps a page that is open for days from growing without end. */
  #forget() {
    if (this.items.size <= MOST_KNOWN + this.paged) return;
    const unpinned = [...this.items.values()].filter((item) => !item.pinned).sort(newestFirst);
    const last = unpinned[KEPT_SHOWN + this.paged - 1];
    if (last && !this.older(last)) this.#loadedTo(`${Date.parse(last.published)}_${last.id}`);
    const aside = unpinned.filter((item) => this.older(item) && !this.apart(item));
    for (const { id } of aside.slice(MOST_ASIDE)) this.items.delete(id);
  }

  /** What is shown now: pinned items by their position, the others newest first, and those where a link led. */
  view(now) {
    const pinned = [];
    const items = [];
    const apart = [];
    for (const item of [...this.items.values()].sort(newestFirst)) {
      if (holds(item.pinned, now)) pinned.push(item);
      else if (!this.older(item)) items.push(item);
      else if (this.apart(item)) apart.push(item);
    }
    pinned.sort((a, b) => a.pinned.position - b.pinned.position);
    return { pinned, items, apart };
  }

  /** The pins and breaking marks that end by themselves after `now`, `[end, item]`. */
  ends(now) {
    const marked = [...this.items.values()].filter((item) => item.pinned || item.breaking);
    const all = marked.flatMap((item) => [item.pinned, item.breaking].map((mark) => [Date.parse(mark?.until), item]));
    return all.filter(([end]) => end > now);
  }
}
