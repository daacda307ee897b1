// What a screen reader is told: how many items are new, and how the connection is. Counts and never bodies, politely, and
// at most once in ten seconds.

import { element } from "./article.js";
import { say } from "./words.js";

const PAUSE = 10_000;

export class Announcer {
  constructor() {
    this.box = element("p", "unseen", { role: "status" });
    this.count = 0;
    this.status = "";
    this.said = "";
    this.last = -PAUSE;
    this.timer = 0;
  }

  /** So many more items are new. */
  fresh(count, labels) {
    this.count += count;
    this.#soon(labels);
  }

  /** How the connection is, or something else in words; only the newest is said. */
  tell(text, labels) {
    this.status = text;
    this.#soon(labels);
  }

  #soon(labels) {
    this.labels = labels;
    if (this.timer) return;
    // A moment is waited in any case: what is over by then needs no words, and what comes together is said together.
    this.timer = setTimeout(() => this.#say(), Math.max(500, this.last + PAUSE - performance.now()));
  }

  #say() {
    this.timer = 0;
    const status = this.status === this.said ? "" : this.status;
    this.said = this.status;
    const text = [this.count ? say(this.labels, "fresh", this.count) : "", status].filter(Boolean).join(". ");
    this.count = 0;
    if (!text) return;
    this.last = performance.now();
    this.box.lang = this.labels.lang;
    // The same words once more would be no change.
    this.box.textContent = "";
    setTimeout(() => (this.box.textContent = text), 100);
  }
}
