// In which language a widget speaks, and where its words come from: its host, a snapshot, or the server, for the language
// of the page or else of the feed; English until then. What failed is asked for again when the connection changes.

import { LABELS } from "./labels.js";

/** So long nothing is drawn for want of words: after that, others are better than nothing. In milliseconds. */
const HOLD = 2000;
/** How long words may take to come, and are put in the place of others then. */
const PATIENCE = 10_000;

/** What was asked for, once for all widgets of a page. */
const asked = new Map();

export class Words {
  labels = LABELS;
  /** Whether better words than these may come at any moment. */
  waits = true;
  #language;
  #given = false;
  #holding;

  /** `changed()`: there are others, or it is time to do without. */
  constructor(host, changed) {
    this.host = host;
    this.changed = changed;
  }

  /** Those of the host page, which stay. */
  give(words) {
    this.#given = true;
    this.#speak(words);
  }

  /** Finds those for the place where the widget stands and what it shows, unless they are `brought`. */
  seek(server, { info, status }, brought) {
    // A feed of which nothing can be heard may be of any language.
    const known = info || !/^(connecting|paused)$/.test(status.state);
    const language = languageAt(this.host) || (known && (info?.language ?? "en"));
    if (this.#given || (language === this.#language && !brought)) return;
    this.#language = language;
    this.waits = true;
    clearTimeout(this.#holding);
    if (brought || /^en\b/i.test(language)) return this.#speak(brought);
    this.#holding = setTimeout(() => {
      this.waits = false;
      this.changed();
    }, HOLD);
    if (language) this.#ask(server, language);
  }

  async #ask(server, language) {
    const words = await wordsOf(server, language);
    if (language !== this.#language || this.#given) return;
    if (!words) this.#language = null;
    this.#speak(words);
    this.changed();
  }

  #speak(words) {
    clearTimeout(this.#holding);
    this.waits = false;
    this.labels = { ...LABELS, ...words };
  }
}

/** A label with its one place filled in; a number chooses among the forms of one. */
export function say(labels, name, value) {
  let text = labels[name];
  if (typeof text === "function") return text(value);
  if (text?.other) text = text[new Intl.PluralRules(labels.lang).select(value)] ?? text.other;
  return text?.replace(/{\w+}/, () => value) ?? "";
}

/** The language of the page where an element stands. */
function languageAt(one) {
  const said = one.closest("[lang]");
  const { host } = one.getRootNode();
  return said || !host ? said?.lang : languageAt(host);
}

/** What a server has for a language; nothing where it cannot be had by now. */
function wordsOf(server, language) {
  const { href } = new URL(`${server.replace(/\/?$/, "/")}widget/words/${encodeURIComponent(language)}.json`, document.baseURI);
  const ask = async () => {
    const answer = await fetch(href, { signal: AbortSignal.timeout(PATIENCE) });
    if (!answer.ok) throw answer;
    return answer.json();
  };
  if (!asked.has(href)) asked.set(href, ask().catch(() => void asked.delete(href)));
  return asked.get(href);
}
