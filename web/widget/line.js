// What the feeds of one page have in common: those that read the same source ride on one connection.
//
// A member is `{feed, position, receive(message), told(status), ended(why)}`. Each keeps its own position and skips what
// it already has, so that a line may carry again what some of its members know. A member that stands elsewhere than its
// feed's first one catches up by itself, while what comes over the line waits for it: what it reads was committed after
// it began to listen, so nothing falls between the two.

import { Connection } from "./connection.js";
import { readOn } from "./doors.js";

/** The most feeds that one connection carries. */
const MOST_FEEDS = 16;

/** The lines of this page, by what they read. */
const linesHere = new Map();

/** Finds the line for a member, or begins one. */
export function joinLine(source, member, options) {
  const key = `${source.key} ${options.share}`;
  for (let n = 0; ; n += 1) {
    const name = `${key} ${n}`;
    let line = options.share ? linesHere.get(name) : null;
    if (!line) {
      line = new Line(source, options, () => linesHere.delete(name));
      if (options.share) linesHere.set(name, line);
    }
    if (line.hasRoomFor(member.feed)) {
      line.add(member);
      return line;
    }
  }
}

class Line {
  constructor(source, { timing }, onEmpty) {
    this.source = source;
    this.onEmpty = onEmpty;
    /** Each member, and what waits for it while it catches up, or null. */
    this.members = new Map();
    this.planning = false;
    this.connection = new Connection({
      source,
      timing,
      plan: () => this.#plan(),
      onMessage: (message) => this.#dispatch(message),
      onStatus: (status) => this.#tell(status),
      onEnded: (feed, why) => this.#ended(feed, why),
    });
  }

  hasRoomFor(feed) {
    const feeds = this.#feeds().add(feed);
    return feeds.size <= MOST_FEEDS;
  }

  add(member) {
    this.members.set(member, null);
    this.#changed();
  }

  remove(member) {
    this.members.delete(member);
    this.#changed();
  }

  #feeds() {
    return new Set([...this.members.keys()].map((member) => member.feed));
  }

  /** Once for all that join or leave in one task: the widgets of a page are made in one. */
  #changed() {
    if (this.planning) return;
    this.planning = true;
    setTimeout(() => {
      this.planning = false;
      if (this.members.size) this.connection.open();
      else {
        this.connection.end();
        this.onEmpty();
      }
    });
  }

  #plan() {
    const first = new Map();
    for (const member of this.members.keys()) {
      const leads = first.get(member.feed);
      if (!leads) {
        first.set(member.feed, member);
        this.members.set(member, null);
      } else if (leads.position === member.position) this.members.set(member, null);
      else this.#catchUp(member);
    }
    return [...first.values()].map(({ feed, position }) => ({ feed, position }));
  }

  #dispatch(message) {
    for (const [member, waits] of this.members) {
      if (member.feed !== message.feed) continue;
      if (waits) waits.push(message);
      else member.receive(message);
    }
  }

  async #catchUp(member) {
    if (this.members.get(member)) return;
    const waits = [];
    this.members.set(member, waits);
    for await (const message of readOn(this.source, member.feed, member.position)) {
      if (this.members.get(member) !== waits) return;
      member.receive(message);
    }
    this.members.set(member, null);
    for (const message of waits) member.receive(message);
  }

  #tell(status) {
    for (const member of this.members.keys()) member.told(status);
  }

  #ended(feed, why) {
    for (const member of [...this.members.keys()]) {
      if (member.feed !== feed) continue;
      this.remove(member);
      member.ended(why);
    }
  }
}
