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
  /** What was kept in its place last, and how far that was scrolled. */
  #kept = {};

  /** `host`: the widget; `list`: the box with the newest items in it. */
  constructor(host, list) {
    this.host = host;
    this.list = list;
  }

  /** Whether what is put at the top of the list pushes away nothing that somebody has scrolled to. */
  atTop() {
    return this.list.getBoundingClientRect().top >= edges(scrollerOf(this.host)).top - 2;
  }

  /** Remembers what is seen, and where: first of all what is focused; where all is further up, the end of the widget. */
  mark() {
    const { host } = this;
    const root = host.shadowRoot;
    const scroller = scrollerOf(host);
    const { top, bottom } = edges(scroller);
    const placed = (one) => ({ one, at: edgeOf(one, host), parent: one.parentNode });
    const seen = [];
    for (const one of root.querySelectorAll(".item, .day")) {
      const box = one.getBoundingClientRect();
      if (box.top > bottom) break;
      if (box.bottom > top + 1) seen.push(placed(one));
    }
    const focused = root.activeElement?.closest(".item");
    const anchors = seen.filter(({ one }) => one.matches(".item"));
    anchors.sort((a, b) => (b.one === focused) - (a.one === focused));
    // Nobody has scrolled since: then the same thing keeps its place, or fractions of pixels would add up.
    if (this.#kept.scrolled === scroller.scrollTop) anchors.unshift(this.#kept);
    if (edgeOf(host, host) < top) anchors.push(placed(host));
    return { scroller, seen, anchors };
  }

  /** Puts what was seen back to where it was. */
  keep({ scroller, anchors }) {
    const anchor = anchors.find(({ one, parent }) => one.isConnected && one.parentNode === parent);
    if (!anchor) return;
    const moved = edgeOf(anchor.one, this.host) - anchor.at;
    if (moved) scroller.scrollBy({ top: moved, behavior: "instant" });
    this.#kept = { ...anchor, scrolled: scroller.scrollTop };
  }

  /** Lets what is new at the top slide in, and what was seen make room. */
  slide(mark, added) {
    this.#kept = {};
    if (calm()) return;
    const how = { duration: 320, easing: "ease-out" };
    for (const { one, at } of mark.seen) {
      const moved = one.isConnected && edgeOf(one) - at;
      if (moved) one.animate({ transform: [`translateY(${-moved}px)`, "none"] }, how);
    }
    for (const one of added) one.animate({ opacity: [0, 0, 1] }, { ...how, duration: 640 });
  }

  /** Gives an element the focus, and scrolls so that it is at the top. */
  show(element, smoothly) {
    this.#kept = {};
    element.focus({ preventScroll: true });
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
