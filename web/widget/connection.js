// One open stream at a time, for one or several feeds, kept open: it takes the door that gets through, notices when
// nothing is heard any more, and comes back after growing, jittered pauses, and not before the server asked for.
//
// It keeps no position: whoever owns it says at every opening from where to go on.
//
// What wakes it: a message, the door's end, its own watch (silence, sleep, the end of a pause), and being hurried.

import { webSocketDoor, eventsDoor, pollDoor, positionIn } from "./doors.js";

const DOORS = [
  ["websocket", webSocketDoor],
  ["sse", eventsDoor],
  ["poll", pollDoor],
];

/** Milliseconds. Tests, and whoever knows better of a network, may give others. */
export const TIMING = {
  /** The first pause, and the longest. */
  firstPause: 500,
  longestPause: 30_000,
  /** How long a door may take to say its first word. */
  opening: 10_000,
  /** A stream that ends sooner was no success. */
  lasting: 15_000,
  /** How long after another door was taken the first one is tried again, at the next loss. */
  lesserDoor: 600_000,
  /** How often the watch looks. */
  watch: 2000,
  /** How long a page may be hidden before it lets go. */
  hidden: 300_000,
};

/** A watch that comes so much too late has slept; the longest that browsers slow timers down to is a minute. */
const SLEPT = 90_000;
/** After so many pauses that grew, a stream that does work, but not for long, waits no longer. */
const SHORT_LIVED = 3;
/** The longest pause that a server may ask for. */
const LONGEST_ASKED = 3_600_000;

/** Nothing brings these back but a person. */
export const FOR_GOOD = {
  gone: "This feed no longer exists.",
  revoked: "This feed can no longer be read without a good token.",
  401: "This feed cannot be read without a good token.",
  403: "This feed cannot be read with this token.",
  404: "There is no such feed here.",
};

/** The pause before an attempt, after that many failures in a row; `random` is from 0 up to 1. */
export function pauseAfter(failures, random, { firstPause, longestPause } = TIMING) {
  const full = Math.min(longestPause, firstPause * 2 ** Math.min(failures, 16));
  return full * (0.5 + random / 2);
}

export class Connection {
  /**
   * `plan()` tells which feeds to open, `[{feed, position}]`. `onMessage` gets every message of a feed; `onStatus` gets
   * `{state, …}`: connecting, live, stale, waiting, offline; `onEnded(feed, why)` says that a feed cannot be had: the
   * next plan is without it.
   */
  constructor({ source, plan, onMessage, onStatus, onEnded, timing }) {
    Object.assign(this, { source, plan, onMessage, onStatus, onEnded, timing });
    this.status = { state: "connecting" };
    this.feeds = [];
    this.door = 0;
    this.tookDoor = 0;
    this.misses = 0;
    this.failures = 0;
    this.pauseAsked = 0;
    /** When the server last said anything. */
    this.lastWord = null;
    /** What is open, or null; a door's words count only while it is. */
    this.attempt = null;
    this.until = 0;
    this.watching = null;
    this.pausing = null;
  }

  /** Opens anew, at once, with what the plan says now. */
  open() {
    this.#close();
    this.feeds = this.plan();
    if (!this.feeds.length) return;
    clearTimeout(this.pausing);
    const now = Date.now();
    this.seen ??= now;
    this.watching ??= setInterval(() => this.#watch(), this.timing.watch);
    this.pauseAsked = 0;
    const attempt = { began: now, word: now, silence: this.timing.opening, heard: false, stale: null, close: null };
    this.attempt = attempt;
    if (!this.lastWord) this.#tell({ state: "connecting" });
    const current = (act) => (argument) => this.attempt === attempt && act(argument);
    try {
      attempt.close = DOORS[this.door][1]({
        source: this.source,
        feeds: this.feeds,
        onMessage: current((data) => this.#received(data)),
        onLost: current((why) => this.#lost(why)),
      });
    } catch {
      // This door is not to be had here at all. The last one always is.
      this.#nextDoor();
      this.open();
    }
  }

  /** Ends it; `open` begins anew. */
  end() {
    this.#close();
    clearInterval(this.watching);
    clearTimeout(this.pausing);
    this.watching = this.seen = null;
  }

  /** Somebody looks: no need to wait out a pause, unless the server asked for it. */
  hurry() {
    if (this.watching && !this.attempt && !this.pauseAsked) this.open();
  }

  /** The browser says that there is a network again, perhaps another one, through which other doors lead. */
  online() {
    if (!this.watching) return;
    this.door = this.misses = this.failures = 0;
    if (!this.attempt) this.hurry();
    else if (!this.attempt.heard) this.open();
  }

  /** The browser says that there is no network: what is open is not believed any more. */
  offline() {
    if (this.watching && this.attempt) this.#lost();
    else if (this.watching) this.#tell({ ...this.status, ...this.#away() });
  }

  #close() {
    this.attempt?.close?.();
    this.attempt = null;
  }

  #watch() {
    const now = Date.now();
    const slept = now - this.seen > SLEPT;
    this.seen = now;
    const { attempt } = this;
    if (!attempt) {
      if (now >= this.until) this.open();
    } else if (slept) this.open();
    else if (now - attempt.word > attempt.silence) this.#lost();
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
    attempt.heard = true;
    attempt.word = this.lastWord = Date.now();
    if (message.type === "hello" && message.heartbeat > 0) attempt.silence = 2500 * message.heartbeat;
    else if (attempt.silence === this.timing.opening) attempt.silence = 60_000;
    if (message.type === "bye") {
      this.#bye(message);
      return;
    }
    this.onMessage(message);
    if (this.attempt === attempt) this.#told(message);
  }

  #bye({ feed, reason, retryMs }) {
    if (FOR_GOOD[reason]) this.#refused(feed ?? this.feeds[0].feed, reason);
    else this.#lost({ pause: Math.min(retryMs ?? 0, LONGEST_ASKED) });
  }

  /** One feed is not to be had: the others go on without it. */
  #refused(feed, reason) {
    this.#close();
    this.onEnded(feed, FOR_GOOD[reason]);
  }

  /** What a message says about the connection itself. */
  #told({ type, since, checked, ...message }) {
    const { attempt } = this;
    if (type === "stale") {
      attempt.stale = since;
      this.#tell({ state: "stale", since });
    } else if (type === "heartbeat") {
      // A node that is cut off from its store goes on beating; only a later look at the store ends that.
      if (!attempt.stale || Date.parse(checked) > Date.parse(attempt.stale)) this.#live(checked);
    } else if (positionIn({ type, ...message })) {
      this.#live();
    }
  }

  #live(checked = this.status.checked) {
    this.attempt.stale = null;
    this.#tell({ state: "live", checked });
  }

  #away() {
    const since = this.lastWord && new Date(this.lastWord).toISOString();
    return globalThis.navigator?.onLine === false ? { state: "offline", since } : { state: "waiting", since };
  }

  #tell(status) {
    this.status = { ...status, door: DOORS[this.door][0] };
    this.onStatus(this.status);
  }

  /** What was open has ended, for `why` where that is known. */
  #lost(why) {
    const { attempt } = this;
    this.#close();
    const now = Date.now();
    this.pauseAsked = why?.pause || 0;
    if (attempt.heard && now - attempt.began >= this.timing.lasting) this.misses = this.failures = 0;
    else if (attempt.heard && !this.pauseAsked) this.#miss(1);
    else if (!attempt.heard) this.#ask();
    const pause = this.pauseAsked + pauseAfter(this.failures, Math.random(), this.timing);
    this.failures = attempt.heard ? Math.min(this.failures + 1, SHORT_LIVED) : this.failures + 1;
    this.until = now + pause;
    if (now - this.tookDoor > this.timing.lesserDoor) this.door = 0;
    this.#tell({ ...this.#away(), until: this.until });
    this.pausing = setTimeout(() => this.open(), pause);
  }

  /** A browser does not tell why a WebSocket was refused; a plain request does, and whether the server is there at all. */
  async #ask() {
    for (const { feed } of this.feeds) {
      const url = this.source.address(`feeds/${feed}/items`, { limit: 1 });
      const options = { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(this.timing.opening) };
      const refused = await this.source.open(url, options).then(() => null, (error) => error);
      if (!this.watching) return;
      if (FOR_GOOD[refused?.status]) this.#refused(feed, refused.status);
      // Where the server is away, no door leads in, and this one is not to blame.
      if (refused) return;
    }
    if (!this.pauseAsked) this.#miss(2);
  }

  /** A door that does not let anything through, or not for long, is left for the next one. */
  #miss(weight) {
    this.misses += weight;
    if (this.misses >= (this.lastWord ? 6 : 2)) this.#nextDoor();
  }

  #nextDoor() {
    this.door = (this.door + 1) % DOORS.length;
    this.misses = 0;
    this.tookDoor = Date.now();
  }
}
