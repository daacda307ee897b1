// The tabs of an origin that read the same have one connection. The tab that holds the lock of that name leads and says
// what it hears; the others follow, and the next of them leads once it is gone.

/** A leader that is silent for so long is asked, each time somebody looks, and in the end not believed in. */
const SILENCE = 45_000;
const LOOK = 5000;
const QUESTIONS = 4;

export class Tabs {
  leads = false;
  #leaving = new AbortController();
  #said = 0;
  /** The last word about the connection. */
  #last = { status: { state: "connecting" } };

  /**
   * `hear(word, gap)`: what the leader says; with `gap`, something before it was missed. `despair()`: it is silent, or
   * this page may have no lock; the channel may be denied at once, as an error.
   */
  constructor(name, { lead, follow, hear, despair }) {
    const { signal } = this.#leaving;
    const { locks } = navigator;
    const channel = (this.channel = new BroadcastChannel(name));
    this.id = Math.random();
    let leader = null;
    let next = 0;
    let heard = Date.now();
    let questions = 0;
    channel.onmessage = ({ data: { from, n, word } }) => {
      if (!word) return void (this.leads && this.say(this.#last));
      const gap = leader !== null && (from !== leader || n !== next);
      [leader, next, heard, questions] = [from, n + 1, Date.now(), 0];
      hear(word, gap);
    };
    const rule = () => {
      this.leads = true;
      clearInterval(this.looking);
      lead();
      return new Promise((done) => signal.addEventListener("abort", done));
    };
    const ask = (options, act) => locks.request(name, options, act).catch(() => signal.aborted || despair());
    ask({ ifAvailable: true }, (lock) => {
      if (signal.aborted) return;
      if (lock) return rule();
      ask({ signal }, rule);
      this.looking = setInterval(() => {
        if (Math.abs(Date.now() - heard) < SILENCE) return;
        questions += 1;
        if (questions > QUESTIONS) despair();
        else channel.postMessage({});
      }, LOOK);
      channel.postMessage({});
      follow();
    });
  }

  say(word) {
    if (word.status) this.#last = word;
    this.channel.postMessage({ from: this.id, n: this.#said, word });
    this.#said += 1;
  }

  leave() {
    this.#leaving.abort();
    clearInterval(this.looking);
    this.channel.close();
  }
}
