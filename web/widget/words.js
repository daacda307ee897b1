// In which language the widget speaks, and where its words come from.

/** How long words may take: after that, English is better than nothing. In milliseconds. */
const PATIENCE = 5000;

/** What was asked for, once for all widgets of a page. */
const asked = new Map();

/** A label with its one place filled in; a number chooses among the forms of one. Nothing, where it is not known yet. */
export function say(labels, name, value) {
  let text = labels[name];
  if (typeof text === "function") return text(value);
  if (text?.other) text = text[new Intl.PluralRules(labels.lang).select(value)] ?? text.other;
  return text?.replace(/{\w+}/, () => value) ?? "";
}

/** The language of the page where an element stands. */
export function languageAt(one) {
  const said = one.closest("[lang]");
  const { host } = one.getRootNode();
  return said || !host ? said?.lang : languageAt(host);
}

/** What a server has for a language; nothing where it cannot be had. */
export function wordsOf(server, language) {
  const { href } = new URL(`${server.replace(/\/?$/, "/")}widget/words/${encodeURIComponent(language)}.json`, document.baseURI);
  const ask = async () => {
    const answer = await fetch(href, { signal: AbortSignal.timeout(PATIENCE) });
    return answer.ok && answer.json();
  };
  if (!asked.has(href)) asked.set(href, ask().catch(() => {}));
  return asked.get(href);
}
