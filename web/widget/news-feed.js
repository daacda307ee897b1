// <news-feed server="…" feed="…">: a live feed in a page. It begins with what the server wrote into it, or with a snapshot,
// and goes on from there; it never moves what somebody reads, and says how current it is.
//
// It draws in a shadow root of its own and needs no inline script or style. README.md has its attributes, properties,
// methods, events and parts.

import { Announcer } from "./announce.js";
import { element } from "./article.js";
import { Dates } from "./dates.js";
import { onKey, rove } from "./keys.js";
import { List } from "./list.js";
import { dress, serverOf } from "./looks.js";
import { LiveFeed } from "./newswire-client.js";
import { Place } from "./place.js";
import { openEmbed, replaceLost, share } from "./share.js";
import { countInTitle } from "./title.js";
import { Words, inLanguage, say, speak } from "./words.js";

export { LiveFeed };

const ITEM = "#item-";
/** How often "5 minutes ago" is worked out anew. */
const AGO = 30_000;
/** A scrolling has ended that was quiet for so long. */
const QUIET = 150;

// Where there is no document, as on a server, it can be imported and does nothing.
export class NewsFeed extends (globalThis.HTMLElement ?? Object) {
  static observedAttributes = ["server", "feed", "filter", "urgency", "tag", "subject", "last", "time-zone", "title-count", "key-events"];

  #live = null;
  #words = new Words(this, () => this.#redraw());
  #token = null;
  #snapshot = null;
  #list = new List();
  #announcer = new Announcer();
  #place = new Place(this, this.#list.box);
  #dates = null;
  #parts = null;
  /** Items that came while somebody was reading: not shown before they are asked for. */
  #held = new Set();
  /** Items that came since the last drawing. */
  #came = new Set();
  /** Whether there is a list at all, and whether it was drawn. */
  #loaded = false;
  #drawn = false;
  /** Whether there was anything to say about the connection. */
  #troubled = false;
  /** What the button below the list says. */
  #more = "older";
  /** How far the page was scrolled when what a link leads to could not be had. */
  #sought;
  #paused = false;
  #due = null;
  #seconds = 0;
  #listening = null;
  #leaving = null;

  /** The items that are known, `{pinned, items, apart}`, also those that wait behind the button. */
  get items() {
    return this.#live?.items ?? { pinned: [], items: [], apart: [] };
  }

  /** How the connection is: `{state, …}`. */
  get status() {
    return this.#live?.status ?? { state: "paused" };
  }

  /** The widget's words; what is left out stays as it is. */
  get labels() {
    return { ...this.#words.labels };
  }

  set labels(words) {
    this.#words.give(words);
    this.#redraw();
  }

  /** For a private feed. A property alone, since what stands in a page's markup is seen by all. */
  get token() {
    return this.#token;
  }

  set token(token) {
    this.#token = token;
    this.#restart();
  }

  /** `{feedInfo, items, position, before}` to begin with, where the server wrote none into the page. */
  set snapshot(snapshot) {
    this.#snapshot = snapshot;
    this.#restart();
  }

  pause() {
    this.#paused = true;
    this.#live?.pause();
  }

  resume() {
    this.#paused = false;
    this.#live?.resume();
  }

  connectedCallback() {
    clearTimeout(this.#leaving);
    if (this.#live) return this.#begin();
    // What the server wrote into it may not have been read yet.
    if (document.readyState !== "loading") this.#open();
    else document.addEventListener("DOMContentLoaded", () => this.isConnected && this.#open());
  }

  disconnectedCallback() {
    // An element that is only moved is connected again in this very task.
    this.#leaving = setTimeout(() => this.#end());
  }

  attributeChangedCallback(name, was, is) {
    if (was === is) return;
    // The names of two words are about how things are shown.
    if (name.includes("-")) this.#redraw();
    else this.#restart(/feed|server/.test(name));
  }

  #open() {
    // What was set before this module was there is no property of the element yet, but hides it.
    for (const name of ["labels", "token", "snapshot"]) {
      if (!Object.hasOwn(this, name)) continue;
      const value = this[name];
      delete this[name];
      this[name] = value;
    }
    const data = this.querySelector("[data-newswire]");
    if (data) this.#snapshot ??= JSON.parse(data.textContent);
    this.#connect();
    this.#begin();
  }

  /** As late as there is something to say: until then, what the server wrote is all there is. */
  #build() {
    const root = this.attachShadow({ mode: "open" });
    const parts = {
      said: element("span", "said"),
      freshButton: element("button", "fresh-button", { type: "button" }),
      older: element("button", "older", { type: "button" }),
      after: element("span", "after", { tabindex: "-1" }),
    };
    parts.after.onblur = () => (parts.after.tabIndex = -1);
    parts.status = element("p", "status", { tabindex: "-1" }, element("span", "dot"), parts.said);
    parts.fresh = element("div", "fresh", null, parts.freshButton);
    parts.more = element("p", "more", null, parts.older);
    parts.fresh.hidden = parts.more.hidden = true;
    const { box, apart, keys } = this.#list;
    parts.box = element("div", "newswire", null, parts.status, this.#announcer.box, keys, parts.fresh, box, parts.more, apart, parts.after);
    // Until there is something else to show, what the server wrote stays.
    box.append(element("slot"));
    root.append(parts.box);
    dress(root);
    root.addEventListener("click", (event) => this.#click(event));
    root.addEventListener("keydown", (event) => onKey(event, parts.box, (where) => this.#edge(where)));
    root.addEventListener("focusin", ({ target }) => rove(parts.box, target.closest(".item")));
    root.addEventListener("error", ({ target }) => target.localName === "img" && this.#still(() => replaceLost(target)), true);
    this.#parts = parts;
  }

  #connect() {
    const query = new URLSearchParams(this.getAttribute("filter"));
    const listed = (name) => (this.getAttribute(name) ?? "").split(",").map((one) => one.trim()).filter(Boolean);
    const many = (name) => [...query.getAll(name), ...listed(name)];
    const live = new LiveFeed({
      server: this.getAttribute("server") ?? serverOf(import.meta.url),
      feed: this.getAttribute("feed") ?? "news-feed",
      filter: { urgency: many("urgency"), tag: many("tag"), subject: many("subject") },
      last: Number(this.getAttribute("last")) || 50,
      snapshot: this.#snapshot,
      token: this.#token,
    });
    this.#live = live;
    this.#drawn = false;
    this.#held.clear();
    this.#came.clear();
    /** What is heard is done here, and told to the page. */
    const on = (type, act, told = type) =>
      live.addEventListener(type, ({ detail }) => {
        if (this.#live !== live) return;
        if (type !== "change") this.#words.seek(live);
        act(detail);
        this.dispatchEvent(new CustomEvent(told, { detail }));
      });
    const change = ({ fresh, item, id }) => {
      if (fresh && item?.status === "usable") this.#came.add(id);
      this.#soon();
    };
    on("change", change, "item");
    on("snapshot", () => this.#anew());
    on("info", () => this.#soon());
    on("status", ({ state }) => {
      this.#tell();
      // Who has scrolled since reads something else.
      if (state === "live" && this.#sought != null) this.#follow(this.#sought === scrollY);
    });
    this.#words.seek(live, this.#snapshot?.labels);
    this.#loaded = Boolean(this.#snapshot);
    this.#snapshot = null;
    this.#draw();
  }

  /** Everything that goes on while the element is in a page. */
  #begin() {
    this.#listening?.abort();
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    // Also what scrolls inside of the page is heard, on the way down to it.
    const on = (target, type, act) => target.addEventListener(type, act, { signal, passive: true, capture: true });
    let quiet = 0;
    const looked = () => {
      clearTimeout(quiet);
      quiet = setTimeout(() => this.#held.size && this.#follows() && this.#draw(), QUIET);
    };
    on(document, "scroll", looked);
    on(document, "visibilitychange", looked);
    on(window, "hashchange", () => this.#follow());
    const timer = setInterval(() => this.#draw(), AGO);
    signal.addEventListener("abort", () => clearInterval(timer));
    if (!this.#paused) this.#live.start();
    this.#tell();
  }

  #end() {
    this.#listening?.abort();
    this.#live?.stop();
    this.#title(0);
  }

  /** `elsewhere`: nothing of one feed may stand under another's name. */
  #restart(elsewhere) {
    const old = this.#live;
    if (!old) return;
    this.#live = null;
    old.stop();
    if (elsewhere && this.#parts) {
      this.#parts.fresh.hidden = this.#parts.more.hidden = true;
      this.#list.clear();
      this.#title(0);
    }
    this.#connect();
    if (this.isConnected) this.#begin();
  }

  /** Draws everything from its beginning: words or zone are others. */
  #redraw() {
    if (this.#live) this.#draw();
  }

  /** Draws once for all that comes in one frame; in a page that is not looked at, now and then. */
  #soon() {
    if (this.#due) return;
    const draw = () => this.#due && this.#draw();
    this.#due = setTimeout(draw, 100);
    requestAnimationFrame(draw);
  }

  /** Whether new items may be shown at once: somebody looks at the top of the list, and reads nothing in it by keyboard. */
  #follows() {
    if (document.visibilityState !== "visible" || !this.#place.atTop()) return false;
    const focused = this.shadowRoot.activeElement;
    return !(focused?.closest(".item") && focused.matches(":focus-visible")) && !String(document.getSelection());
  }

  /** A snapshot has taken the place of what was known: what stands above the first that was there is new. */
  #anew() {
    const { items } = this.items;
    const there = items.findIndex(({ id }) => this.#list.articles.has(id));
    for (const { id } of items.slice(0, Math.max(0, there))) this.#came.add(id);
    this.#loaded = true;
    // What a link led to may be older than what came.
    if (this.#drawn) this.#follow(false);
    this.#draw();
  }

  /** What is not held back. */
  #shown() {
    const { pinned, items, apart } = this.items;
    const seen = ({ id }) => !this.#held.has(id);
    return { pinned: pinned.filter(seen), items: items.filter(seen), apart };
  }

  /** `reveal`: somebody asks for what is held back. */
  #draw(reveal = false) {
    clearTimeout(this.#due);
    this.#due = null;
    this.#tell();
    const first = !this.#drawn;
    if (!this.#loaded || (first && this.#words.waits)) return [];
    const follows = !first && this.#follows();
    const came = [...this.#came].filter((id) => this.#live.item(id)?.status === "usable");
    this.#came.clear();
    if (follows || reveal) this.#held.clear();
    else if (!first) for (const id of came) this.#held.add(id);
    // What was taken back meanwhile is no news; its notice stands in its place.
    for (const id of this.#held) if (this.#live.item(id)?.status !== "usable") this.#held.delete(id);
    const added = this.#still(() => this.#drawList(), follows);
    if (!first && came.length) this.#announcer.fresh(came.length, this.#words.labels);
    this.#title(this.#held.size);
    if (first) {
      this.#drawn = true;
      // It stands in the shadow root now; a text that is retracted later must not stay behind here.
      this.replaceChildren();
      this.#follow();
    }
    return added;
  }

  #drawList() {
    const { info } = this.#live;
    const { labels } = this.#words;
    const now = Date.now();
    const dates = this.#datesOf(info);
    const { box, more, fresh, freshButton } = this.#parts;
    const count = this.#held.size;
    inLanguage(box, { lang: info?.language, dir: info?.dir });
    const context = { feed: this.#live, dates, labels, now, today: dates.today(now) };
    const open = this.#live.before;
    const keyEvents = this.getAttribute("key-events") !== "off";
    const added = this.#list.draw(this.#shown(), context, { open, keyEvents });
    more.hidden = !open;
    fresh.hidden = !count;
    if (count) speak(freshButton, say(labels, "fresh", count), labels);
    rove(box, this.shadowRoot.activeElement?.closest(".item"));
    for (const one of box.querySelectorAll(".ago")) one.textContent = dates.ago(one.dataset.at, now);
    return added;
  }

  /** Made anew where the feed, the attribute or the words say something else. */
  #datesOf(info) {
    const named = this.getAttribute("time-zone") ?? "newsroom";
    const timeZone = named === "newsroom" ? info?.timeZone : named === "reader" ? undefined : named;
    const language = info?.language;
    const { labels } = this.#words;
    const old = this.#dates;
    if (old?.labels === labels && old.timeZone === timeZone && old.language === language) return old;
    this.#list.forget();
    return (this.#dates = new Dates({ timeZone, language, labels }));
  }

  /** Changes the list: nothing that is seen moves, unless what is new may slide in. Focus stays, or goes to what is near. */
  #still(change, slides = false) {
    const focused = this.shadowRoot.activeElement;
    const item = focused?.closest(".item");
    const near = item && [...this.#parts.box.querySelectorAll(".item")];
    const mark = this.#place.mark();
    const result = change();
    if (focused) {
      // What is hidden keeps the focus for a moment more.
      const stays = focused.isConnected && !focused.closest("[hidden]");
      const after = near?.find((one, n) => n > near.indexOf(item) && one.isConnected);
      const to = stays ? focused : (after ?? this.#edge(-1));
      if (this.shadowRoot.activeElement !== to) to.focus({ preventScroll: true });
    }
    if (slides && result?.length) this.#place.slide(mark, result);
    else this.#place.keep(mark);
    return result;
  }

  #title(count) {
    countInTitle(this, this.hasAttribute("title-count") ? count : 0);
  }

  /** Says how the connection is; to screen readers where it is not as it should be, and when it is again. */
  #tell() {
    if (!this.#parts) {
      if (this.#words.waits) return;
      this.#build();
    }
    const { box, said, older } = this.#parts;
    const { labels } = this.#words;
    const { state, since, until, why } = this.status;
    const dates = this.#datesOf(this.#live.info);
    // Why a feed cannot be had, the client says in English.
    let text = state === "ended" ? (labels[why] ?? why) : say(labels, state === "offline" && !since ? "offlineOnly" : state, since && dates.clock(since));
    // Before it has begun, that it is not connected is no trouble.
    this.#troubled ||= this.#listening && !/^(connecting|live|closed)$/.test(state);
    if (this.#troubled) this.#announcer.tell(text, labels);
    clearTimeout(this.#seconds);
    if (state === "waiting") {
      // The seconds are for the eye alone.
      text += ` ${say(labels, "seconds", Math.max(0, Math.ceil((until - Date.now()) / 1000)))}`;
      this.#seconds = setTimeout(() => this.#tell(), 500);
    }
    box.dataset.state = state;
    speak(said, text, labels);
    speak(older, labels[this.#more], labels);
  }

  /** What is before (-1) or after (1) the items, to be focused. */
  #edge(where) {
    const { status, fresh, freshButton, more, older, after } = this.#parts;
    if (where > 0 && !more.hidden) return older;
    if (where > 0) {
      // As long as it has the focus, which would go on from the first item else (Chromium).
      after.tabIndex = 0;
      return after;
    }
    return fresh.hidden ? (this.#list.keys.querySelector("a") ?? status) : freshButton;
  }

  #click(event) {
    const { target } = event;
    const on = (selector) => target.closest(selector);
    if (on(".fresh-button")) this.#reveal();
    else if (on(".older")) this.#older();
    else if (on(".embed-button")) openEmbed(target);
    else if (on(".share")) this.#share(target);
    else {
      const link = on("a[href^='#item-']");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      // Not left to the browser, which looks for it in the page, or where a <base> points.
      event.preventDefault();
      const hash = link.getAttribute("href");
      if (location.hash === hash) this.#follow();
      else location.hash = hash;
    }
  }

  #reveal() {
    const [first] = this.#draw(true);
    const to = first ?? this.#list.box.querySelector(".item");
    if (to) this.#place.show(to, true);
  }

  async #older() {
    const { older, box } = this.#parts;
    const busy = (is) => box.querySelectorAll(".items").forEach((one) => (one.ariaBusy = is));
    busy(true);
    try {
      await this.#live.older();
      this.#more = "older";
    } catch {
      this.#more = "again";
    }
    busy(null);
    const focused = this.shadowRoot.activeElement === older;
    const [first] = this.#draw();
    if (focused && first) first.focus({ preventScroll: true });
  }

  async #share(button) {
    const { id } = button.closest(".item").dataset;
    const here = `${location.href.split("#")[0]}${ITEM}{id}`;
    const url = new URL((this.getAttribute("permalink") ?? here).replaceAll("{id}", id), location.href).href;
    const said = await share({ url, title: this.#live.item(id)?.headline }, this.#words.labels);
    if (!said) return;
    const label = button.textContent;
    button.textContent = said;
    this.#announcer.tell(said, this.#words.labels);
    setTimeout(() => (button.textContent = label), 3000);
  }

  /** Finds where a link leads: to an item, wherever it stands; and goes there. */
  async #follow(go = true) {
    const { hash } = location;
    this.#sought = null;
    if (!hash.startsWith(ITEM)) return;
    const id = hash.slice(ITEM.length);
    const item = await this.#live.find(id).catch(() => void (this.#sought = scrollY));
    if (!item || location.hash !== hash) return;
    this.#draw(go && this.#held.has(id));
    const { one } = this.#list.articles.get(id) ?? {};
    if (!one || !go) return;
    this.#parts.box.querySelector("[data-target]")?.removeAttribute("data-target");
    one.dataset.target = "";
    this.#place.show(one);
  }
}

if (globalThis.customElements && !customElements.get("news-feed")) customElements.define("news-feed", NewsFeed);
