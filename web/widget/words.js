// In which language a widget speaks, and where its words come from: its host, a snapshot, or the server, for the language
// of the page or else of the feed; English until then. What failed is asked for again when the connection changes.

import { LABELS } from "./labels.js";

/** So long nothing is drawn for want of words: after that, others are better than nothing. In milliseconds. */
const HOLD = 2000;

/** What was asked for, once for all widgets of a page. */
const asked = new Map();

export class Words {
  labels = LABELS;
  /** Whether better words than these may come at any moment. */
  waits = true;
  #language;
  #given;

  /** `changed()`: there are others, or it is time to do without. */
  constructor(host, changed) {
    this.host = host;
    this.changed = changed;
  }

  /** Those of the host page, which stay. */
  give(words) {
    this.#given = true;
    this.#language = null;
    this.#speak(words);
  }

  /** Finds those for the place where the widget stands and what it shows, unless they are `brought`. */
  seek({ info, base }, brought) {
    const language = languageAt(this.host) || (info && (info.language ?? "en"));
    if (this.#given || (language === this.#language && !brought)) return;
    this.#language = language;
    this.waits = true;
    if (brought || /^en(-|$)/i.test(language)) return this.#speak(brought);
    setTimeout(() => {
      this.waits = false;
      this.changed();
    }, HOLD);
    if (language) this.#ask(base, language);
  }

  async #ask(base, language) {
    const { href } = new URL(`widget/words/${encodeURIComponent(language)}.json`, base);
    const ask = () => fetch(href).then((answer) => answer.ok && answer.json()).catch(() => {});
    const asking = asked.get(href) ?? ask();
    asked.set(href, asking);
    const words = await asking;
    if (!words) asked.delete(href);
    if (language !== this.#language) return;
    if (!words) this.#language = null;
    this.#speak(words);
    this.changed();
  }

  #speak(words) {
    this.waits = false;
    this.labels = { ...LABELS, ...words };
  }
}

/** A label with its one place filled in; a number chooses among the forms of one. */
export function say(labels, name, value) {
  let text = labels[name];
  if (typeof text === "function") return text(value);
  if (text?.other) text = text[new Intl.PluralRules(labels.lang).select(value)] ?? text.other;
  return text?.replace(/{.+?}/, () => value) ?? "";
}

/** Says in which language something is, and which way it runs, as far as that is known. */
export function inLanguage(one, said) {
  for (const name of ["lang", "dir"]) {
    if (said[name]) one.setAttribute(name, said[name]);
    else one.removeAttribute(name);
  }
}

/** Says something in the widget's words, where it differs. */
export function speak(one, text, labels) {
  inLanguage(one, labels);
  if (one.textContent !== text) one.textContent = text;
}

/** The language of the page where an element stands. */
function languageAt(one) {
  const said = one.closest("[lang]");
  const { host } = one.getRootNode();
  return said || !host ? said?.lang : languageAt(host);
}
