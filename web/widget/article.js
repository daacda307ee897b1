// One item as an article. Text is set as text; only `body`, which the server has sanitised, is HTML.
//
// The server's templates write the same elements, classes and order (MARKUP.md), so that one style sheet does for both and
// nothing moves when the page's articles become the widget's. What needs JavaScript (sharing, opening embeds) is not here.

import { holds } from "./model.js";
import { say } from "./words.js";

/** Makes an element: its class, its attributes, its children (nodes or text; nothing is made of what is null, "", 0 or false). */
export function element(name, className, attributes, ...children) {
  const made = document.createElement(name);
  // What a style sheet of ours can name, one of the host page can: each class is a part, too.
  for (const [key, value] of Object.entries({ class: className, part: className, ...attributes })) {
    if (value != null) made.setAttribute(key, value);
  }
  made.append(...children.filter(Boolean));
  return made;
}

/** Only links that a browser may follow from here. */
function link(href) {
  return /^https?:\/\//i.test(href ?? "") ? href : null;
}

/** An item that may be linked to: known, and neither withheld nor retracted. */
function usable(feed, id) {
  const item = feed.item(id);
  return item?.status === "usable" ? item : null;
}

/** What an article shows besides the item itself; when it differs, the article is made anew. */
export function fingerprint(item, { feed, today, now, apart }) {
  const linked = [item.updateOf, item.retraction?.replacedBy].map((id) => usable(feed, id)?.version ?? 0);
  return [item.version, holds(item.breaking, now), holds(item.pinned, now), today, apart, ...linked].join(" ");
}

/** Makes the article of an item. `dates` writes times, `labels` are the widget's own words; `apart`: it stands below the list. */
export function article(item, { feed, dates, labels, now, today, apart }) {
  const canceled = item.status === "canceled";
  const on = {
    breaking: !canceled && holds(item.breaking, now),
    pinned: holds(item.pinned, now),
    key: !canceled && item.keyEvent,
    summary: !canceled && item.summary,
  };
  const states = Object.keys(on).filter((name) => on[name]);
  // The widget's words are in a language of their own, and stand on the item's side.
  const words = { lang: labels.lang, dir: labels.dir };
  const told = states.map((name) => element("span", `label is-${name}`, words, labels[name]));
  const story = element(
    "div",
    "story",
    { lang: item.language, dir: item.dir ?? (item.language ? null : "auto") },
    told.length && element("p", "labels", null, ...told),
    ...(canceled ? notice : parts)(item, feed, dates, labels, words),
  );
  const named = canceled || item.headline ? "headline" : "time";
  return element(
    "article",
    ["item", ...states, canceled && "canceled"].filter(Boolean).join(" "),
    {
      id: `item-${item.id}`,
      "data-id": item.id,
      "data-version": item.version,
      "data-status": item.status,
      "aria-labelledby": `${named}-${item.id}`,
      tabindex: "-1",
    },
    element(
      "p",
      "stamp",
      null,
      element("a", "permalink", { href: `#item-${item.id}` }, dates.published(item, on.pinned || apart, today)),
      element("span", "ago", { "data-at": item.published, ...words }),
      !canceled && dates.updated(item, labels),
    ),
    story,
  );
}

/** What stands in place of a retracted item. */
function notice(item, feed, dates, labels, words) {
  const { reason, at, replacedBy } = item.retraction ?? {};
  const instead = usable(feed, replacedBy);
  return [
    element("h3", "headline", { id: `headline-${item.id}`, lang: labels.lang }, labels.retracted),
    element("p", "reason", null, reason, at && " ", at && dates.dated(at)),
    instead && element("p", "instead", null, element("span", null, words, labels.instead), " ", anchor(instead, labels)),
  ];
}

function anchor(item, labels) {
  return element("a", null, { href: `#item-${item.id}` }, item.headline ?? labels.untitled);
}

function parts(item, feed, dates, labels, words) {
  const earlier = usable(feed, item.updateOf);
  return [
    earlier && element("p", "update-of", null, element("span", null, words, labels.update), " ", anchor(earlier, labels)),
    item.headline && element("h3", "headline", { id: `headline-${item.id}` }, item.headline),
    byline(item),
    item.body && body(item.body),
    ...(item.media ?? []).map((one) => medium(one, labels, words)),
    ...(item.related ?? []).map((one) => related(one, labels, words)),
    ...(item.corrections ?? []).filter((one) => one.kind !== "refile" && one.note).map((one) => note(one, dates, labels, words)),
  ];
}

/** The byline as it was sent, or else the authors; then where the item is from. */
function byline(item) {
  const people = (item.authors ?? []).filter((author) => author.name).map((author) =>
    element(
      "span",
      "author",
      null,
      link(author.url) ? element("a", null, { href: author.url, rel: "author" }, author.name) : author.name,
      author.role && element("span", "role", null, `, ${author.role}`),
    ),
  );
  const who = item.byline ? [element("span", "author", null, item.byline)] : people;
  if (item.located) who.push(element("span", "located", null, item.located));
  return who.length && element("p", "byline", null, ...row(who, " · "));
}

let policy;
try {
  // A page that forbids markup from text (Trusted Types) is told who makes it.
  policy = globalThis.trustedTypes?.createPolicy("newswire", { createHTML: (html) => html });
} catch {
  // The page knows other names alone, or a second copy of this module: it may still allow markup.
}

function body(html) {
  const made = element("div", "body");
  made.innerHTML = policy ? policy.createHTML(html) : html;
  return made;
}

/** A video or sound that is a page of another site, and not a file. */
function elsewhere({ href, kind, contentType }) {
  if (kind === "picture") return false;
  return contentType ? contentType.startsWith("text/html") : !/^[^?#]*\/[^/?#]*\.\w{2,4}([?#]|$)/.test(href);
}

/** A list with something between each two. */
function row(all, between) {
  return all.flatMap((one, n) => (n ? [between, one] : [one]));
}

function medium(one, labels, words) {
  const href = link(one.href);
  if (!href) return null;
  const { kind, alt, caption, credit, width, height } = one;
  const size = { width, height };
  let shown;
  if (elsewhere(one)) {
    // Nothing of another site is loaded before somebody asks for it.
    const host = new URL(href).host;
    shown = element(
      "p",
      "embed",
      { ...words, "data-src": href },
      element("a", null, { href, rel: "noopener" }, alt || say(labels, "embed", host)),
      element("span", "host", null, host),
    );
  } else if (kind === "picture") {
    // Width and height reserve the space before the picture is there.
    shown = element("img", null, { src: href, alt: alt ?? "", loading: "lazy", decoding: "async", ...size });
  } else {
    shown = element(kind, null, { src: href, controls: "", preload: "none", "aria-label": alt, ...(kind === "video" && size) });
  }
  const under = [["caption", caption], ["credit", credit]].filter(([, text]) => text);
  const spans = under.map(([name, text]) => element("span", name, null, text));
  return element("figure", `media ${kind}`, null, shown, under.length && element("figcaption", null, null, ...row(spans, " ")));
}

function related(one, labels, words) {
  const href = link(one.url);
  if (!href) return null;
  const image = link(typeof one.image === "string" ? one.image : one.image?.href);
  return element(
    "a",
    "related",
    { href, rel: "noopener" },
    image && element("img", null, { src: image, alt: "", loading: "lazy", width: 96, height: 64 }),
    element(
      "span",
      null,
      null,
      element("span", "related-label", words, labels.related),
      element("strong", null, null, one.title ?? href),
    ),
  );
}

function note(one, dates, labels, words) {
  const head = element("span", null, words, element("strong", null, null, labels[one.kind]), labels.comma, dates.dated(one.at), labels.colon);
  return element("p", `note ${one.kind}`, null, head, " ", one.note);
}
