// What the feeds of a page share: those that read the same ride on one connection, which one tab keeps for all tabs
// that show the same feeds.
//
// A member is `{feed, at(), receive(message), told(status), ended(why)}`. Each has a position of its own and skips what
// it knows. Who stands elsewhere than the line catches up by itself, while what the line brings waits: all that was
// committed before the reading began is read, and all that comes later is heard, so that nothing falls between.

import { Connection, FOR_GOOD, TIMING, pauseAfter } from "./connection.js";
import { readOn } from "./doors.js";
import { watchPage } from "./presence.js";
import { Tabs } from "./tabs.js";

/** The most feeds that one connection carries. */
const MOST_FEEDS = 16;
/** If more messages wait for a member, it reads anew. */
const MOST_WAITING = 1000;

/** The lines of this page, by what they read. */
const linesHere = new Map();

/** Finds the line for a member, or begins one. */
export function joinLine(source, member, { share, timing }) {
  for (let n = 0; ; n += 1) {
    const name = share ? `${source.key} ${n}` : member;
    const begin = () => new Line(source, { ...TIMING, ...timing }, share, () => linesHere.delete(name));
    const line = linesHere.get(name) ?? begin();
    linesHere.set(name, line);
    if (line.takes(member.feed)) {
      line.add(member);
      return line;
    }
  }
}

class Line {
  /** Each member, and what waits for it while it catches up; null for who is on the line, undefined for who is new. */
  members = new Map();
  /** The feeds that are being read; "" while none are. */
  feeds = "";
  here = true;
  tabs = null;
  status = {};

  constructor(source, timing, share, onEmpty) {
    Object.assign(this, { source, timing, onEmpty });
    // What a token opens is for this page alone.
    this.shares = share && !source.token && globalThis.navigator?.locks;
    this.connection = new Connection({
      source,
      timing,
      plan: () => this.#plan(),
      onMessage: (message) => this.#hear({ message }),
      onStatus: (status) => this.#hear({ status }),
      onEnded: (feed, why) => this.#hear({ feed, why }),
    });
    const acts = {
      away: () => this.#settle(false),
      back: () => (this.here ? this.connection.hurry() : this.#settle(true)),
      online: () => this.connection.online(),
      offline: () => this.connection.offline(),
    };
    this.unwatch = watchPage(acts, timing.hidden);
  }

  takes(feed) {
    return this.#feeds().add(feed).size <= MOST_FEEDS;
  }

  add(member) {
    this.members.set(member, undefined);
    this.#changed();
  }

  remove(member) {
    this.members.delete(member);
    this.#changed();
  }

  #feeds() {
    return new Set([...this.members.keys()].map(({ feed }) => feed));
  }

  /** Once for all that join or leave in one task: the widgets of a page are made in one. */
  #changed() {
    clearTimeout(this.changing);
    this.changing = setTimeout(() => this.#settle(), 0);
  }

  #settle(here = this.here) {
    this.here = here;
    const feeds = here ? [...this.#feeds()].sort().join() : "";
    const regroup = feeds !== this.feeds;
    this.feeds = feeds;
    if (regroup) this.#leave();
    if (!this.members.size) {
      this.unwatch();
      this.onEmpty();
    } else if (!here) this.#tell({ state: "paused" });
    else if (regroup) this.#enter();
    else if (this.follows) this.#catchUp((waits) => waits === undefined);
    else if (this.#leads() && [...this.members.values()].includes(undefined)) this.connection.open();
  }

  #enter() {
    if (this.status.state !== "live") this.#tell({ state: "connecting" });
    const alone = () => {
      this.#leave();
      this.connection.open();
    };
    if (!this.shares) return alone();
    const follow = () => {
      this.follows = true;
      /** The feeds whose snapshots are heard from their first page on. */
      this.begun = new Set();
      this.#catchUp(() => true);
    };
    try {
      this.tabs = new Tabs(`newswire 1 ${this.source.key} ${this.feeds}`, {
        follow,
        lead: () => {
          this.follows = false;
          this.connection.open();
        },
        hear: (word, gap) => {
          if (gap) follow();
          this.#hear(word);
        },
        despair: alone,
      });
    } catch {
      // An old browser, or a page that may not share anything.
      alone();
    }
  }

  /** Before the lock is given to one or the other, a tab does neither. */
  #leads() {
    return !this.tabs || this.tabs.leads;
  }

  #leave() {
    // Who was on the line misses what is said from now on, until it is on one again.
    for (const member of this.members.keys()) this.members.set(member, undefined);
    this.tabs?.leave();
    this.tabs = null;
    this.follows = false;
    this.connection.end();
  }

  /** Where to open each feed: at its first member. Those who stand elsewhere catch up. */
  #plan() {
    const first = new Map();
    for (const [member, waits] of this.members) {
      const { feed } = member;
      const position = member.at();
      if (!first.has(feed)) first.set(feed, { feed, position });
      const there = first.get(feed).position === position;
      if (there) this.members.set(member, null);
      else if (!waits) this.#read(member);
    }
    return [...first.values()];
  }

  /** A word from this tab's connection, or from the tab that leads. */
  #hear(word) {
    const { message, status, feed, why } = word;
    if (this.tabs?.leads) this.tabs.say(word);
    if (message) this.#carry(message);
    else if (status) this.#tell(status);
    else for (const member of this.#riders(feed)) member.ended(why);
  }

  #riders(feed) {
    return [...this.members.keys()].filter((member) => member.feed === feed);
  }

  #carry(message) {
    const { type, feed, done } = message;
    const riders = this.#riders(feed);
    if (this.follows && type === "snapshot" && !this.begun.has(feed)) {
      if (done) this.#catchUp((_, member) => member.feed === feed);
      return;
    }
    if (this.follows && (type === "hello" || type === "reset")) this.begun.add(feed);
    for (const member of riders) {
      const waits = this.members.get(member);
      if (waits === null) member.receive(message);
      else if (waits?.push(message) > MOST_WAITING) this.#read(member);
    }
  }

  #catchUp(which) {
    for (const [member, waits] of this.members) if (which(waits, member)) this.#read(member);
  }

  /** Has a member catch up, from now on. */
  async #read(member, failures = 0) {
    const waits = [];
    this.members.set(member, waits);
    const current = () => this.members.get(member) === waits;
    try {
      for await (const message of readOn(this.source, member.feed, member.at())) {
        if (!current()) return;
        member.receive(message);
      }
    } catch (error) {
      const why = FOR_GOOD[error.status];
      if (current() && why) member.ended(why);
      const pause = (error.pause || 0) + pauseAfter(failures, Math.random(), this.timing);
      setTimeout(() => current() && this.#read(member, failures + 1), pause);
      return;
    }
    if (!current()) return;
    this.members.set(member, null);
    for (const message of waits) member.receive(message);
    member.told(this.status);
  }

  #tell(status) {
    this.status = status;
    for (const [member, waits] of this.members) if (waits === null || status.state !== "live") member.told(status);
  }
}
