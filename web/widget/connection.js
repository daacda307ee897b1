// One stream at a time, for one feed or several, kept open: through the door that lets it in, noticing when nothing is
// heard any more, back after growing, jittered pauses, and not before the server asked for.
//
// It keeps no position: whoever does says at every opening where to go on. What wakes it: a message, the door's end,
// its watch (silence, sleep), the end of a pause, and being hurried.

import { webSocketDoor, eventsDoor, pollDoor, positionIn } from "./doors.js";

const DOORS = { websocket: webSocketDoor, sse: eventsDoor, poll: pollDoor };
const NAMES = Object.keys(DOORS);

/** In milliseconds. */
export const TIMING = {
  firstPause: 500,
  longestPause: 30_000,
  /** How long a door may take to say its first word; and later ones, unless that word names a heartbeat. */
  opening: 10_000,
  silence: 60_000,
  /** A stream that ends sooner was no success. */
  lasting: 15_000,
  /** After that long at another door, the first one is tried again at the next loss. */
  lesserDoor: 600_000,
  watch: 2000,
  /** How long a page may be hidden before it lets go. */
  hidden: 300_000,
};

/** A watch that is so much out of time has slept, or the clock was set; browsers slow timers down to a minute. */
const SLEPT = 90_000;
/** A stream that works, but not for long, waits for no longer pause than after so many failures. */
const SHORT_LIVED = 3;
/** A door that does not open counts 4 if it kept us waiting, else 2; one that does not last 1. The next is tried at: */
const NEVER_OPENED = 4;
const OPENED_ONCE = 8;

/** Nothing brings these back but a person. */
export const FOR_GOOD = {
  gone: "This feed no longer exists.",
  revoked: "This feed cannot be read without a good token.",
  400: "This feed cannot be read as this page asks for it.",
  401: "This feed cannot be read without a good token.",
  403: "This feed cannot be read with this token.",
  404: "There is no such feed here.",
};

/** The pause after that many failures in a row; `random` is from 0 up to 1. */
export function pauseAfter(failures, random, { firstPause, longestPause } = TIMING) {
  return Math.min(longestPause, firstPause * 2 ** Math.min(failures, 16)) * (0.5 + random / 2);
}

export class Connection {
  /** Which door is tried next, and the name of the one that was tried last. */
  door = 0;
  by;
  tookDoor = 0;
  misses = 0;
  failures = 0;
  pauseAsked = 0;
  /** When the server last said anything. */
  lastWord = null;
  /** What is open; a door's words count only while it is. */
  attempt = null;
  watching = null;

  /**
   * `plan()` tells which feeds to open, `[{feed, position}]`; `onStatus` gets connecting, live, stale, waiting or
   * offline; `onEnded(feed, why)` says that a feed cannot be had: what is planned next is without it.
   */
  constructor(given) {
    Object.assign(this, given);
  }

  /** Opens anew, at once. */
  open() {
    this.#close();
    this.pauseAsked = 0;
    this.feeds = this.plan();
    if (!this.feeds.length) return;
    this.watching ??= setInterval(() => this.#watch(), this.timing.watch);
    const began = (this.watched = Date.now());
    const attempt = (this.attempt = { began, word: began, silence: this.timing.opening });
    this.by = NAMES[this.door];
    if (!this.lastWord) this.#tell({ state: "connecting" });
    const current = (act) => (argument) => this.attempt === attempt && act(argument);
    try {
      attempt.close = DOORS[this.by]({
        source: this.source,
        feeds: this.feeds,
        onMessage: current((data) => this.#received(data)),
        onLost: current((why) => this.#lost(why)),
      });
    } catch {
      // This door is not to be had here at all. The last one always is.
      this.#nextDoor();
    }
  }

  end() {
    this.#close();
    clearInterval(this.watching);
    this.watching = null;
  }

  /** Somebody looks: no need to wait out a pause, unless the server asked for it. */
  hurry() {
    if (this.watching && !this.attempt && !this.pauseAsked) this.open();
  }

  /** There is a network again, perhaps another one, through which other doors lead. */
  online() {
    this.door = this.misses = this.failures = 0;
    this.hurry();
  }

  /** There is none: what is open is not believed any more. A browser may be wrong, so it is tried on. */
  offline() {
    if (this.attempt) this.#lost();
  }

  #close() {
    clearTimeout(this.pausing);
    this.attempt?.close?.();
    this.attempt = null;
  }

  #watch() {
    const now = Date.now();
    const slept = Math.abs(now - this.watched) > SLEPT;
    this.watched = now;
    const { attempt } = this;
    if (slept) attempt ? this.open() : this.hurry();
    else if (attempt && now - attempt.word > attempt.silence) this.#lost();
  }

  #received(data) {
    const { attempt } = this;
    let message;
    try {
      message = typeof data === "string" ? JSON.parse(data) : data;
    } catch (error) {
      this.#lost(error);
      return;
    }
    const { type, feed, reason, heartbeat } = message;
    attempt.word = this.lastWord = Date.now();
    if (!attempt.heard) attempt.silence = heartbeat > 0 ? 2500 * heartbeat : this.timing.silence;
    attempt.heard = true;
    if (type === "bye" && FOR_GOOD[reason]) this.#refused(feed, reason);
    else if (type === "bye") this.#lost({ pause: Math.min(message.retryMs, 3_600_000) });
    else {
      this.onMessage(message);
      if (this.attempt === attempt) this.#told(message);
    }
  }

  /** What a message says about the connection itself. */
  #told(message) {
    const { type, since, checked } = message;
    const { attempt } = this;
    if (type === "stale") {
      attempt.stale = since;
      this.#tell({ state: "stale", since });
    } else if (type === "heartbeat" ? !(Date.parse(checked) <= Date.parse(attempt.stale)) : positionIn(message)) {
      // A node that is cut off from its store goes on beating: a later look at the store, or a change, ends `stale`.
      attempt.stale = null;
      this.checked = checked ?? this.checked;
      this.#tell({ state: "live", checked: this.checked });
    }
  }

  #tell(status) {
    this.onStatus({ ...status, door: this.by });
  }

  /** One feed is not to be had: the others go on without it. */
  #refused(feed, reason) {
    this.#close();
    this.onEnded(feed, FOR_GOOD[reason]);
  }

  #lost(why) {
    const { began, heard } = this.attempt;
    this.#close();
    const now = Date.now();
    this.pauseAsked = why?.pause || 0;
    if (!heard) this.#ask(now - began < this.timing.opening ? 2 : 4);
    else if (now - began >= this.timing.lasting) this.misses = this.failures = 0;
    else if (!this.pauseAsked) this.#miss(1);
    const pause = this.pauseAsked + pauseAfter(this.failures, Math.random(), this.timing);
    this.failures = Math.min(this.failures + 1, heard ? SHORT_LIVED : Infinity);
    if (now - this.tookDoor > this.timing.lesserDoor) this.door = 0;
    const state = globalThis.navigator?.onLine === false ? "offline" : "waiting";
    this.#tell({ state, until: now + pause, since: this.lastWord && new Date(this.lastWord).toISOString() });
    this.pausing = setTimeout(() => this.open(), pause);
  }

  /** A browser does not tell why a WebSocket was refused; a plain request does, and whether the server is there. */
  async #ask(weight) {
    const { feeds, by } = this;
    for (const { feed } of feeds) {
      const options = { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(this.timing.opening) };
      const url = this.source.address(`feeds/${feed}/items`, { limit: 1 });
      const refused = await this.source.open(url, options).then(() => null, (error) => error);
      // The answer may come late: another door is not to blame for this one, nor one that has opened since.
      if (!this.watching || this.by !== by || this.attempt?.heard) return;
      // Where the server is away, no door leads in.
      if (refused && !FOR_GOOD[refused.status]) return;
      if (refused) return void this.#refused(feed, refused.status);
    }
    if (!this.pauseAsked) this.#miss(weight);
  }

  #miss(weight) {
    this.misses += weight;
    if (this.misses >= (this.lastWord ? OPENED_ONCE : NEVER_OPENED)) this.#nextDoor();
  }

  #nextDoor() {
    this.door = (this.door + 1) % NAMES.length;
    this.misses = 0;
    this.tookDoor = Date.now();
    // The door that was left is not waited for once more.
    if (this.attempt) this.open();
  }
}
