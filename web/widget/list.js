// The items on the screen: pinned ones, then day by day, and the list of key events.
//
// It draws what it is given, touching only what differs, and knows nothing of connections or of where the reader is.

import { article, element, fingerprint } from "./article.js";
import { arrange, become } from "./morph.js";
import { enliven } from "./share.js";

const MOST_KEY_EVENTS = 7;

export class List {
  constructor() {
    this.box = element("div", "feed");
    /** For an item that is older than what is loaded, and was asked for by its link. */
    this.apart = element("div", "feed");
    this.keys = element("section", "key-events");
    this.keys.hidden = true;
    /** id → {one, print}: the articles that stand there. */
    this.articles = new Map();
    this.groups = new Map();
  }

  /**
   * Draws. Returns the articles that were not there before, from top to bottom. `apart` are items below all others;
   * `context`: what articles are made with; `open`: where older items follow, if any do; `keyEvents`: whether they are listed.
   */
  draw({ pinned, items, apart }, context, { open, keyEvents }) {
    const { dates, labels } = context;
    const added = [];
    const known = this.articles;
    this.articles = new Map();
    const groups = pinned.length ? [{ key: "pinned", title: labels.pinned, below: false, items: pinned }] : [];
    for (const [below, list] of [[false, items], [true, apart]]) {
      for (const item of list) {
        const title = dates.day(item.published);
        const key = `${below} ${title}`;
        if (groups.at(-1)?.key !== key) groups.push({ key, title, below, items: [] });
        groups.at(-1).items.push(item);
      }
    }
    const before = this.groups;
    this.groups = new Map();
    const sections = groups.map((group, at) => {
      const section = before.get(group.key) ?? this.#group(group, labels);
      this.groups.set(group.key, section);
      const articles = group.items.map((item) => this.#article(item, { ...context, apart: group.below }, known, added));
      arrange(section.lastChild, articles);
      // How many items a day has is not known before the next one begins.
      const ends = groups[at + 1] ? !groups[at + 1].below : !open;
      articles.forEach((one, n) => {
        one.ariaPosInSet = n + 1;
        one.ariaSetSize = ends ? articles.length : -1;
      });
      return section;
    });
    const [above, below] = [false, true].map((where) => sections.filter((_, n) => groups[n].below === where));
    if (!above.length) above.push(element("p", "empty", { lang: labels.lang, dir: labels.dir }, labels.empty));
    arrange(this.box, above);
    arrange(this.apart, below);
    this.#keyEvents(keyEvents ? [...pinned, ...items] : [], context);
    return added;
  }

  clear() {
    this.keys.hidden = true;
    for (const one of [this.box, this.apart, this.keys]) one.replaceChildren();
  }

  /** Makes every article anew at the next drawing, and the days. */
  forget() {
    this.groups.clear();
    for (const one of this.articles.values()) one.print = null;
  }

  #group({ key, title }, labels) {
    const pins = key === "pinned";
    return element(
      "section",
      pins ? "group pinned-group" : "group",
      null,
      element("h2", "day", { lang: pins ? labels.lang : null }, title),
      element("div", "items", { role: "feed", "aria-label": title }),
    );
  }

  #article(item, context, known, added) {
    const print = fingerprint(item, context);
    const old = known.get(item.id);
    let one = old?.one;
    if (old?.print !== print) {
      const made = enliven(article(item, context), context);
      if (one) become(one, made);
      else added.push((one = made));
    }
    this.articles.set(item.id, { one, print });
    return one;
  }

  #keyEvents(items, { dates, labels, today }) {
    const events = items.filter((item) => item.keyEvent && item.status === "usable" && item.headline);
    events.sort((a, b) => (a.published < b.published ? 1 : -1));
    const lines = events.slice(0, MOST_KEY_EVENTS).map(({ id, published, headline, language, dir }) => {
      const when = dates.day(published) === today ? dates.clock(published) : dates.brief(published);
      const time = element("time", null, { datetime: published }, when);
      const name = element("span", null, { lang: language, dir }, headline);
      return element("li", null, null, element("a", null, { href: `#item-${id}` }, time, name));
    });
    const title = element("h2", "key-events-title", { lang: labels.lang }, labels.keyEvents);
    const made = element("section", "key-events", null, title, element("ol", "key-events-list", null, ...lines));
    made.hidden = !lines.length;
    become(this.keys, made);
  }
}
