// One tab of many: those of one origin that read the same have one connection. The tab that holds the lock of that name
// leads and says what it hears; the others follow, and the next one leads once it is gone, closed or killed.

const LOOK = 5000;
/** A leader that said nothing for so long is asked, and after so many questions without an answer not believed. */
const SILENCE = 45_000;
const QUESTIONS = 4;

export class Tabs {
  /**
   * `lead()`: this tab leads from now on. `follow()`: another one does. `hear(word, gap)`: what it says; with `gap`,
   * something before it may have been missed. `despair()`: the leader does not answer.
   */
  constructor(name, { lead, follow, hear, despair }) {
    const { signal } = (this.leaving = new AbortController());
    this.id = Math.random();
    this.said = 0;
    /** The last word about the connection. */
    this.last = { status: { state: "connecting" } };
    this.channel = new BroadcastChannel(name);
    let leader = null;
    let next = 0;
    let heard = Date.now();
    let questions = 0;
    this.channel.onmessage = ({ data: { from, n, word } }) => {
      if (!word) {
        if (this.leads) this.say(this.last);
        return;
      }
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
    navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      if (signal.aborted) return null;
      if (lock) return rule();
      this.looking = setInterval(() => {
        if (Date.now() - heard < SILENCE) return;
        questions += 1;
        if (questions > QUESTIONS) despair();
        else this.channel.postMessage({});
      }, LOOK);
      navigator.locks.request(name, { signal }, rule).catch(() => {});
      this.channel.postMessage({});
      follow();
      return null;
    });
  }

  /** Says a word to those who follow. */
  say(word) {
    if (word.status) this.last = word;
    this.channel.postMessage({ from: this.id, n: this.said, word });
    this.said += 1;
  }

  leave() {
    this.leaving.abort();
    clearInterval(this.looking);
    this.channel.close();
  }
}
