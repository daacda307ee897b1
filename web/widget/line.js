// What the feeds of a page have in common: those that read the same source ride on one connection, which one of the
// browser's tabs keeps for all that show the same feeds.
//
// A member is `{feed, position, receive(message), told(status), ended(why)}`. Each keeps its own position and skips what
// it has, so that a line may carry again what some of its members know. A member that stands elsewhere than the line
// catches up by itself, while what the line brings waits: whatever it then reads was committed before what it has not
// heard, so that nothing falls between the two.

import { Connection, FOR_GOOD, pauseAfter, TIMING } from "./connection.js";
import { readOn } from "./doors.js";
import { watchPage } from "./presence.js";
import { Tabs } from "./tabs.js";

/** The most feeds that one connection carries. */
const MOST_FEEDS = 16;
/** The most messages that wait for a member; it then reads anew. */
const MOST_WAITING = 1000;

/** The lines of this page, by what they read. */
const linesHere = new Map();

/** Finds the line for a member, or begins one. */
export function joinLine(source, member, { share, timing }) {
  for (let n = 0; ; n += 1) {
    const name = `${source.key} ${n}`;
    const line = (share && linesHere.get(name)) || new Line(source, { ...TIMING, ...timing }, share);
    if (!line.takes(member.feed)) continue;
    if (share) {
      linesHere.set(name, line);
      line.onEmpty = () => linesHere.delete(name);
    }
    line.add(member);
    return line;
  }
}

class Line {
  constructor(source, timing, share) {
    Object.assign(this, { source, timing });
    // A token is this page's own.
    this.shares = share && !source.token && globalThis.navigator?.locks && globalThis.BroadcastChannel;
    /** Each member, and what waits for it while it catches up; null for who is on the line, undefined for who is new. */
    this.members = new Map();
    /** The feeds that are being read; "" while none are. */
    this.feeds = "";
    this.here = true;
    this.tabs = null;
    this.status = { state: "connecting" };
    this.connection = new Connection({
      source,
      timing,
      plan: () => this.#plan(),
      onMessage: (message) => this.#hear({ message }),
      onStatus: (status) => this.#hear({ status }),
      onEnded: (feed, why) => this.#hear({ feed, why }),
    });
    this.unwatch = watchPage(
      {
        away: () => this.#be(false),
        back: () => this.#be(true),
        online: () => this.connection.online(),
        offline: () => this.connection.offline(),
      },
      timing.hidden,
    );
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
    return new Set([...this.members.keys()].map((member) => member.feed));
  }

  #be(here) {
    if (here && this.here) this.connection.hurry();
    if (here === this.here) return;
    this.here = here;
    this.#settle();
  }

  /** Once for all that join or leave in one task: the widgets of a page are made in one. */
  #changed() {
    this.changing ??= setTimeout(() => {
      this.changing = null;
      this.#settle();
    });
  }

  #settle() {
    const feeds = this.here ? [...this.#feeds()].sort().join() : "";
    if (feeds !== this.feeds) {
      this.#leave();
      this.feeds = feeds;
      if (feeds) this.#enter();
    } else if (feeds && [...this.members.values()].includes(undefined)) {
      if (this.follows) for (const [member, waits] of this.members) waits === undefined && this.#catchUp(member);
      else if (!this.tabs || this.tabs.leads) this.connection.open();
    }
    if (!this.here) this.#tell({ state: "paused" });
    if (this.members.size) return;
    this.unwatch();
    this.onEmpty?.();
  }

  #enter() {
    this.#tell({ state: "connecting" });
    if (!this.shares) {
      this.connection.open();
      return;
    }
    this.tabs = new Tabs(`newswire 1 ${this.source.key} ${this.feeds}`, {
      lead: () => {
        this.follows = false;
        this.connection.open();
      },
      follow: () => {
        this.follows = true;
        this.#follow();
      },
      hear: (word, gap) => {
        if (gap) this.#follow();
        this.#hear(word);
      },
      despair: () => {
        this.#leave();
        this.connection.open();
      },
    });
  }

  #leave() {
    this.tabs?.leave();
    this.tabs = null;
    this.follows = false;
    this.connection.end();
  }

  #follow() {
    /** The feeds whose snapshots would be heard from their first page on. */
    this.begun = new Set();
    for (const member of this.members.keys()) this.#catchUp(member);
  }

  /** Where to open each feed. Whoever stands elsewhere than the first member of its feed catches up. */
  #plan() {
    const first = new Map();
    for (const [member, waits] of this.members) {
      const leads = first.get(member.feed);
      if (!leads) first.set(member.feed, member);
      if (!leads || leads.position === member.position) this.members.set(member, null);
      else if (!waits) this.#catchUp(member);
    }
    return [...first.values()].map(({ feed, position }) => ({ feed, position }));
  }

  /** From this tab's connection, or from the tab that leads. */
  #hear(word) {
    if (this.tabs?.leads) this.tabs.say(word);
    if (word.status) this.#tell(word.status);
    else if (word.why) this.#ended(word.feed, word.why);
    else this.#carry(word.message);
  }

  #carry(message) {
    const { type, feed, done } = message;
    const riders = [...this.members].filter(([member]) => member.feed === feed);
    if (this.follows) {
      if (type === "hello" || type === "reset") this.begun.add(feed);
      if (type === "snapshot" && !this.begun.has(feed)) {
        if (done) for (const [member] of riders) this.#catchUp(member);
        return;
      }
    }
    for (const [member, waits] of riders) {
      if (waits === null) member.receive(message);
      else if (waits?.push(message) > MOST_WAITING) this.#catchUp(member);
    }
  }

  async #catchUp(member, failures = 0) {
    const waits = [];
    this.members.set(member, waits);
    const current = () => this.members.get(member) === waits;
    try {
      for await (const message of readOn(this.source, member.feed, member.position)) {
        if (!current()) return;
        member.receive(message);
      }
    } catch (error) {
      if (!current()) return;
      if (FOR_GOOD[error.status]) this.#ended(member.feed, FOR_GOOD[error.status]);
      const pause = (error.pause || 0) + pauseAfter(failures, Math.random(), this.timing);
      setTimeout(() => current() && this.#catchUp(member, failures + 1), pause);
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

  #ended(feed, why) {
    for (const member of [...this.members.keys()]) {
      if (member.feed !== feed) continue;
      this.remove(member);
      member.ended(why);
    }
  }
}
