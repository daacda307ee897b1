// A feed as a reader knows it: what each message makes of the list. Pure: no clock, no network, no document.
//
// One map holds every item that is known, shown or not; what is shown follows from it. An item older than the oldest
// loaded page is known but not shown, unless it is pinned. An older form of an item never replaces a newer one, whatever
// door it came through.

/** The most items known, beside the older pages that were asked for; beyond it all but the newest are forgotten. */
const MOST_KNOWN = 1500;
/** How many are left below the pins when that happens. */
const KEPT_SHOWN = 500;
/** The most items kept aside then, and the most drops remembered. */
const MOST_ASIDE = 500;
/** The most older items that are kept because somebody asked for them. */
const MOST_PAGED = 3000;

const DROPS = new Set(["item.withheld", "item.removed", "item.left"]);

/** The number in a position, `SEQ-MARK`; 0 where there is none. */
export function seqOf(position) {
  return Number.parseInt(position ?? "0", 10) || 0;
}

/**
 * Newest first: by time of publication, then by id, since two items may share a time. The server writes all times in one
 * form (UTC, milliseconds), so that their texts compare as they do.
 */
export function newestFirst(a, b) {
  if (a.published !== b.published) return a.published < b.published ? 1 : -1;
  return a.id < b.id ? 1 : a.id > b.id ? -1 : 0;
}

/** A page cursor, `MILLIS_ID`, as something that items can be compared with. */
function boundaryOf(before) {
  const at = before?.indexOf("_") ?? -1;
  if (at < 0) return null;
  return { published: new Date(Number(before.slice(0, at))).toISOString(), id: before.slice(at + 1) };
}

/** Whether something that ends by itself still holds. */
export function holds(thing, now) {
  return Boolean(thing) && (!thing.until || now < Date.parse(thing.until));
}

export class FeedModel {
  constructor() {
    this.info = null;
    this.items = new Map();
    /** id → the seq at which it was dropped: an older page must not bring it back. */
    this.dropped = new Map();
    /** Where the next older page begins; null when everything is loaded. */
    this.before = null;
    /** The same, as something that items are compared with. */
    this.boundary = null;
    this.loaded = false;
    /** A snapshot that is not complete. */
    this.coming = null;
    /** Grows with every snapshot: a page that was asked for before one does not fit after it. */
    this.generation = 0;
    /** How many items older pages have brought. */
    this.paged = 0;
  }

  /**
   * Applies a message. Returns what it made of one item, `{type, id, item, previous, fresh}`, where it made anything:
   * `item` is null once it is dropped, `previous` is what was known of it, `fresh` says that it is new to the list.
   */
  apply(message) {
    if (message.feedInfo) this.info = message.feedInfo;
    if (message.type === "hello" || message.type === "reset") this.coming = null;
    else if (message.type === "snapshot") this.#snapshot(message);
    else if (message.type.startsWith("item.") && message.item) return this.#change(message);
    return null;
  }

  #snapshot(message) {
    this.coming ??= new Map();
    for (const item of message.items) this.coming.set(item.id, item);
    if (!message.done) return;
    this.items = this.coming;
    this.coming = null;
    this.dropped.clear();
    this.#loadedTo(message.before);
    this.loaded = true;
    this.generation += 1;
    this.paged = 0;
  }

  #change({ type, item, position }) {
    const { id } = item;
    const previous = this.items.get(id) ?? null;
    if (DROPS.has(type) || item.status === "withheld" || item.status === "removed") {
      this.items.delete(id);
      remember(this.dropped, id, seqOf(position));
      return previous && { type, id, item: null, previous, fresh: false };
    }
    this.dropped.delete(id);
    if (!this.#put(item)) return null;
    this.#forget();
    return { type, id, item, previous, fresh: !previous && !this.older(item) };
  }

  /** Adds an older page, as `GET items?before=` returned it. Returns the items that it brought. */
  addPage(page, generation) {
    if (generation !== this.generation) return [];
    const brought = page.items.filter((item) => this.addAside(item, page.position));
    this.paged = Math.min(this.paged + brought.length, MOST_PAGED);
    this.#loadedTo(page.before);
    return brought;
  }

  /** Adds an item that was read at this position, unless what is known of it is newer. */
  addAside(item, position) {
    return (this.dropped.get(item.id) ?? -1) <= seqOf(position) && this.#put(item);
  }

  #put(item) {
    const known = this.items.get(item.id);
    if (known && known.version >= item.version) return false;
    this.items.set(item.id, item);
    return true;
  }

  /** Older than the oldest loaded page. */
  older(item) {
    return this.boundary !== null && newestFirst(item, this.boundary) > 0;
  }

  #loadedTo(before) {
    this.before = before ?? null;
    this.boundary = boundaryOf(before);
  }

  /** Keeps a page that is open for days from growing without end. */
  #forget() {
    if (this.items.size <= MOST_KNOWN + this.paged) return;
    const unpinned = [...this.items.values()].filter((item) => !item.pinned).sort(newestFirst);
    const shown = unpinned.filter((item) => !this.older(item));
    const kept = KEPT_SHOWN + this.paged;
    if (shown.length > kept) {
      const last = shown[kept - 1];
      this.#loadedTo(`${Date.parse(last.published)}_${last.id}`);
    }
    // What is newer than the boundary was shown, and stays; of what is older the newest stay.
    for (const item of unpinned.filter((one) => this.older(one)).slice(MOST_ASIDE)) this.items.delete(item.id);
  }

  /** What is shown now: pinned items by their position, the others newest first. */
  view(now) {
    const all = [...this.items.values()];
    const pinned = all.filter((item) => holds(item.pinned, now));
    pinned.sort((a, b) => a.pinned.position - b.pinned.position || newestFirst(a, b));
    const items = all.filter((item) => !holds(item.pinned, now) && !this.older(item)).sort(newestFirst);
    return { pinned, items };
  }

  /** The items of which a pin or a breaking mark ends by itself after `from`, up to `to`. */
  ended(from, to) {
    return [...this.items.values()].filter((item) => endsOf(item).some((end) => from < end && end <= to));
  }

  /** When the next pin or breaking mark ends by itself; null when none does. */
  nextEnd(now) {
    let next = null;
    for (const item of this.items.values()) {
      for (const end of endsOf(item)) if (end > now && (next === null || end < next)) next = end;
    }
    return next;
  }

  /** An item that can be linked to: known, and not retracted. */
  usable(id) {
    const item = this.items.get(id);
    return item?.status === "usable" ? item : null;
  }
}

function endsOf(item) {
  return [item.pinned, item.breaking].flatMap((thing) => (thing?.until ? [Date.parse(thing.until)] : []));
}

function remember(map, id, seq) {
  map.delete(id);
  map.set(id, seq);
  if (map.size > MOST_ASIDE) map.delete(map.keys().next().value);
}
