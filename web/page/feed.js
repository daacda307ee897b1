// The feed as this page knows it: what each message makes of the list. Pure: no clock, no network, no document.
//
// One map holds every item the page knows, shown or not; what is shown follows from it. An item older than the oldest
// loaded page is known but not shown, unless it is pinned. An older form of an item never replaces a newer one, whatever
// door it came through.

/** The most items known; beyond it all but the newest are forgotten, and "load older" brings them back. */
const MOST_KNOWN = 1500;
/** How many are left below the pins when that happens. */
const KEPT_SHOWN = 500;
/** The most items kept aside then, and the most drops remembered. */
const MOST_ASIDE = 500;

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

export class Feed {
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
  }

  /** Applies a message. Returns the id of the item that is new to the list, if there is one. */
  apply(message) {
    if (message.feedInfo) this.info = message.feedInfo;
    switch (message.type) {
      case "hello":
      case "reset":
        this.coming = null;
        return null;
      case "snapshot":
        this.#snapshot(message);
        return null;
      default:
        return message.type.startsWith("item.") ? this.#change(message) : null;
    }
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
  }

  #change(message) {
    const id = message.item?.id ?? message.id;
    const item = message.item;
    if (DROPS.has(message.type) || item.status === "withheld" || item.status === "removed") {
      this.items.delete(id);
      remember(this.dropped, id, seqOf(message.position));
      return null;
    }
    const known = this.items.has(id);
    this.dropped.delete(id);
    if (!this.#put(item)) return null;
    this.#forget();
    return known || this.#older(item) ? null : id;
  }

  /** Adds an older page, as `GET items?before=` returned it. */
  addPage(page, generation) {
    if (generation !== this.generation) return;
    const seq = seqOf(page.position);
    for (const item of page.items) {
      if ((this.dropped.get(item.id) ?? -1) <= seq) this.#put(item);
    }
    this.#loadedTo(page.before);
  }

  #put(item) {
    const known = this.items.get(item.id);
    if (known && known.version >= item.version) return false;
    this.items.set(item.id, item);
    return true;
  }

  /** Older than the oldest loaded page. */
  #older(item) {
    return this.boundary !== null && newestFirst(item, this.boundary) > 0;
  }

  #loadedTo(before) {
    this.before = before ?? null;
    this.boundary = boundaryOf(before);
  }

  /** Keeps a page that is open for days from growing without end. */
  #forget() {
    if (this.items.size <= MOST_KNOWN) return;
    const unpinned = [...this.items.values()].filter((item) => !item.pinned).sort(newestFirst);
    const shown = unpinned.filter((item) => !this.#older(item));
    if (shown.length > KEPT_SHOWN) {
      const last = shown[KEPT_SHOWN - 1];
      this.#loadedTo(`${Date.parse(last.published)}_${last.id}`);
      for (const item of unpinned.slice(KEPT_SHOWN)) this.items.delete(item.id);
    }
    const aside = unpinned.filter((item) => this.items.has(item.id) && this.#older(item));
    for (const item of aside.slice(MOST_ASIDE)) this.items.delete(item.id);
  }

  /** What is shown now: pinned items by their position, the others newest first. */
  view(now) {
    const all = [...this.items.values()];
    const pinned = all.filter((item) => holds(item.pinned, now));
    pinned.sort((a, b) => a.pinned.position - b.pinned.position || newestFirst(a, b));
    const items = all.filter((item) => !holds(item.pinned, now) && !this.#older(item)).sort(newestFirst);
    return { pinned, items };
  }

  /** When the next pin or breaking mark ends by itself; null when none does. */
  nextEnd(now) {
    let next = null;
    for (const item of this.items.values()) {
      for (const thing of [item.pinned, item.breaking]) {
        const end = thing?.until ? Date.parse(thing.until) : Number.NaN;
        if (end > now && (next === null || end < next)) next = end;
      }
    }
    return next;
  }

  /** An item that can be linked to: known, and not retracted. */
  usable(id) {
    const item = this.items.get(id);
    return item?.status === "usable" ? item : null;
  }
}

function remember(map, id, seq) {
  map.delete(id);
  map.set(id, seq);
  if (map.size > MOST_ASIDE) map.delete(map.keys().next().value);
}
