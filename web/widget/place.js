// Where the reader is. What changes above what is being read must not move it: browsers have this (`overflow-anchor`),
// but not all, and not for all changes; so it is measured here before a change and put right after it.

/** What an element scrolls in: the nearest box that does, else the page. */
function scrollerOf(host) {
  const page = document.scrollingElement;
  for (let one = host; one && one !== document.body && one !== page; one = one.assignedSlot ?? one.parentElement ?? one.getRootNode().host) {
    if (/auto|scroll/.test(getComputedStyle(one).overflowY) && one.scrollHeight > one.clientHeight) return one;
  }
  return page;
}

const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

export class Place {
  /** `host`: the widget; `list`: the box with the items in it. */
  constructor(host, list) {
    this.host = host;
    this.list = list;
    this.last = null;
  }

  /** Whether what is put at the top of the list pushes away nothing that somebody has scrolled to. */
  atTop() {
    const { top } = edges(scrollerOf(this.host));
    return this.list.getBoundingClientRect().top >= top - 2;
  }

  /** Remembers what is seen, and where. */
  mark() {
    const scroller = scrollerOf(this.host);
    const last = this.last;
    // Nobody has scrolled since: then the same thing keeps its place, or fractions of pixels would add up.
    if (last?.scroller === scroller && last.scrolled === scroller.scrollTop && last.anchor.isConnected) {
      return { ...last, seen: this.#seen(scroller) };
    }
    const seen = this.#seen(scroller);
    const focused = this.list.getRootNode().activeElement?.closest(".item");
    const read = seen.filter(({ one }) => one.matches(".item"));
    const first = read.find(({ one }) => one === focused) ?? read[0];
    const anchor = first?.one ?? this.host;
    return { scroller, seen, read, anchor, at: edgeOf(anchor, this.host), parent: anchor.parentNode };
  }

  #seen(scroller) {
    const { top, bottom } = edges(scroller);
    const seen = [];
    for (const one of this.list.querySelectorAll(".item, .day")) {
      const box = one.getBoundingClientRect();
      if (box.top > bottom) break;
      if (box.bottom > top + 1) seen.push({ one, top: box.top, parent: one.parentNode });
    }
    return seen;
  }

  /** Puts what was seen back to where it was. */
  keep(mark) {
    let { scroller, anchor, at, parent } = mark;
    if (!anchor.isConnected || anchor.parentNode !== parent) {
      const other = mark.read?.find(({ one, parent: was }) => one.isConnected && one.parentNode === was);
      if (!other) return;
      ({ one: anchor, top: at, parent } = other);
    }
    const moved = edgeOf(anchor, this.host) - at;
    if (moved) scroller.scrollBy({ top: moved, behavior: "instant" });
    this.last = { scroller, anchor, at, parent, read: mark.read, scrolled: scroller.scrollTop };
  }

  /** Lets what is new at the top slide in, and what was seen make room. */
  slide(mark, added) {
    this.last = null;
    if (calm()) return;
    const how = { duration: 320, easing: "cubic-bezier(0.2, 0, 0, 1)" };
    for (const { one, top } of mark.seen) {
      const moved = one.isConnected ? one.getBoundingClientRect().top - top : 0;
      if (moved) one.animate({ transform: [`translateY(${-moved}px)`, "none"] }, how);
    }
    for (const one of added) one.animate({ opacity: [0, 0, 1] }, { ...how, duration: 640 });
  }

  /** Scrolls so that an element is at the top. */
  show(element, smoothly) {
    this.last = null;
    element.scrollIntoView({ block: "start", behavior: smoothly && !calm() ? "smooth" : "instant" });
  }
}

/** The upper edge of an article; the lower one of the widget, where all of it is above what is seen. */
function edgeOf(anchor, host) {
  const box = anchor.getBoundingClientRect();
  return anchor === host ? box.bottom : box.top;
}

function edges(scroller) {
  if (scroller === document.scrollingElement) return { top: 0, bottom: innerHeight };
  const { top, bottom } = scroller.getBoundingClientRect();
  return { top: Math.max(0, top), bottom: Math.min(innerHeight, bottom) };
}
