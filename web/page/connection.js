// One feed's stream, kept open: WebSocket first, server-sent events where that does not get through.
//
// The position moves only with messages that carry one, after they were handed on. A connection on which nothing is
// heard for two and a half heartbeats is dead. Pauses between attempts grow and are jittered; what the server asks for
// (`retryMs`) is waited at least.

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 30_000;
const OPENING = 20_000;

/** Nothing brings these back but a person. */
const FOR_GOOD = {
  gone: "This feed no longer exists.",
  revoked: "This feed can no longer be read without a token.",
};

/** Which messages move the position: changes, what says that all is read, and the last page of a snapshot. */
export function positionIn(message) {
  const { type, position } = message;
  if (!position) return null;
  if (type === "snapshot") return message.done ? position : null;
  return type === "caughtUp" || type === "heartbeat" || /^(item|feed)\./.test(type) ? position : null;
}

/** The pause before an attempt, after that many failures in a row; `random` is from 0 up to 1. */
export function pauseAfter(failures, random) {
  const full = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(failures, 16));
  return full * (0.5 + random / 2);
}

export class Connection {
  /**
   * `door` is the feed's address, ending in a slash. `onMessage` gets every message; `onStatus` gets
   * `{status, …}`: connecting, live, waiting (`until`), stale (`since`), reset (`reason`), ended (`why`).
   */
  constructor({ door, onMessage, onStatus }) {
    this.door = door;
    this.onMessage = onMessage;
    this.onStatus = onStatus;
    this.position = null;
    this.failures = 0;
    this.pauseAsked = 0;
    this.transport = "websocket";
    this.everOpened = false;
    this.socket = null;
    this.timer = null;
    this.waiting = false;
  }

  start() {
    this.#open();
    addEventListener("online", () => this.hurry());
    addEventListener("pagehide", () => this.#close());
    addEventListener("pageshow", (event) => event.persisted && this.#open());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.hurry());
  }

  /** Somebody looks, or the network is back: no need to wait out a long pause, unless the server asked for it. */
  hurry() {
    if (this.waiting && !this.pauseAsked) this.#open();
  }

  #open() {
    this.#close();
    this.waiting = false;
    this.pauseAsked = 0;
    this.heartbeat = OPENING / 2.5;
    this.stale = null;
    this.heard = false;
    const url = new URL("live", this.door);
    if (this.position) url.searchParams.set("after", this.position);
    else url.searchParams.set("last", "50");
    if (!this.everOpened) this.onStatus({ status: "connecting" });
    try {
      if (this.transport === "websocket") {
        url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
        this.socket = new WebSocket(url);
        this.socket.onclose = () => this.#lost();
      } else {
        this.socket = new EventSource(url);
        // EventSource's own return is not used: it knows neither growing pauses nor our position.
        this.socket.onerror = () => this.#lost();
      }
    } catch {
      this.#lost();
      return;
    }
    this.socket.onmessage = (event) => this.#received(event.data);
    this.#watch();
  }

  /** Starts the watch for silence anew. */
  #watch() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#lost(), 2.5 * this.heartbeat);
  }

  #close() {
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = null;
    if (!socket) return;
    socket.onmessage = socket.onclose = socket.onerror = null;
    socket.close();
  }

  #received(data) {
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      this.#lost();
      return;
    }
    this.heard = true;
    this.everOpened = true;
    if (message.type === "hello" && message.heartbeat > 0) this.heartbeat = message.heartbeat * 1000;
    this.#watch();
    if (message.type === "bye") {
      if (FOR_GOOD[message.reason]) this.#end(FOR_GOOD[message.reason]);
      else {
        this.pauseAsked = Math.min(message.retryMs ?? 0, 3_600_000);
        this.#lost();
      }
      return;
    }
    this.onMessage(message);
    this.position = positionIn(message) ?? this.position;
    this.#told(message);
  }

  /** What a message says about the connection itself. */
  #told(message) {
    if (message.type === "stale") {
      this.stale = message.since;
      this.onStatus({ status: "stale", since: message.since });
    } else if (message.type === "reset") {
      this.onStatus({ status: "reset", reason: message.reason });
    } else if (message.type === "heartbeat") {
      // A node that is cut off from its store goes on beating; only a later look at the store ends that.
      if (this.stale && !(Date.parse(message.checked) > Date.parse(this.stale))) return;
      this.#live();
    } else if (positionIn(message)) {
      this.#live();
    }
  }

  #live() {
    this.stale = null;
    this.failures = 0;
    this.onStatus({ status: "live" });
  }

  #end(why) {
    this.#close();
    this.waiting = false;
    this.onStatus({ status: "ended", why });
  }

  async #lost() {
    this.#close();
    if (!this.heard) {
      // Some proxies let no WebSocket through: take turns until one of the two is heard from.
      if (!this.everOpened) this.transport = this.transport === "websocket" ? "sse" : "websocket";
      this.waiting = true;
      const why = await this.#refusal();
      if (why) return this.#end(why);
      if (!this.waiting) return;
    }
    const pause = this.pauseAsked + pauseAfter(this.failures, Math.random());
    this.failures += 1;
    this.waiting = true;
    this.onStatus({ status: "waiting", until: Date.now() + pause });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#open(), pause);
  }

  /** A browser does not tell why a stream was refused; a plain request does. */
  async #refusal() {
    try {
      const { status } = await fetch(new URL("items?limit=1", this.door), { method: "HEAD", cache: "no-store" });
      if (status === 404) return "There is no such feed here.";
      if (status === 401 || status === 403) return "This feed cannot be read without a token.";
    } catch {
      // Away: that is what the pauses are for.
    }
    return null;
  }
}
