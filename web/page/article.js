// One item as an article. Text is set as text; only `body`, which the server has sanitised, is HTML.

import { holds } from "./feed.js";

/** Makes an element: its class, its attributes, its children (nodes or text; nothing is made of null). */
export function element(name, className, attributes, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Only links that a browser may follow from here. */
function link(href) {
  return /^https?:\/\//i.test(href ?? "") ? href : null;
}

/** What an article shows besides the item itself; when it differs, the article is made anew. */
export function fingerprint(item, feed, now) {
  const linked = [item.updateOf, item.retraction?.replacedBy].map((id) => feed.usable(id)?.version ?? 0);
  return [item.version, holds(item.breaking, now), holds(item.pinned, now), ...linked].join(" ");
}

/** Makes the article of an item. `dates` writes times. */
export function article(item, feed, dates, now) {
  const canceled = item.status === "canceled";
  const breaking = !canceled && holds(item.breaking, now);
  const pinned = holds(item.pinned, now);
  const made = element("article", null, {
    id: `item-${item.id}`,
    "data-id": item.id,
    "data-version": item.version,
    "data-status": item.status,
    lang: item.language,
    dir: item.dir ?? (item.language ? null : "auto"),
    tabindex: "-1",
  });
  made.classList.toggle("breaking", breaking);
  made.classList.toggle("key", Boolean(item.keyEvent));
  made.classList.toggle("summary", Boolean(item.summary));
  // The line above an item is in the page's words and stands on the item's own side.
  const words = { lang: "en", dir: "ltr" };
  const label = (on, text, kind) => (on ? element("span", `label ${kind}`, words, text) : null);
  made.append(
    element(
      "p",
      "meta",
      null,
      element("a", "permalink", { href: `#item-${item.id}`, ...words }, dates.published(item, pinned)),
      label(breaking, "Breaking", "is-breaking"),
      label(pinned, "Pinned", "is-pinned"),
      label(item.keyEvent && !canceled, "Key event", "is-key"),
      label(item.summary && !canceled, "Summary", "is-summary"),
      canceled ? null : dates.updated(item, words),
    ),
  );
  if (canceled) made.append(retraction(item, feed, dates));
  else made.append(...story(item, feed, dates));
  return made;
}

function story(item, feed, dates) {
  const parts = [];
  const earlier = item.updateOf && feed.usable(item.updateOf);
  if (earlier) {
    const name = earlier.headline ?? "an earlier item";
    parts.push(element("p", "update-of", null, "Update: ", element("a", null, { href: `#item-${earlier.id}` }, name)));
  }
  if (item.headline) parts.push(element("h3", "headline", null, item.headline));
  const byline = item.byline ?? (item.authors ?? []).map((author) => author.name).filter(Boolean).join(", ");
  const by = [byline, item.located].filter(Boolean).join(" · ");
  if (by) parts.push(element("p", "byline", null, by));
  if (item.body) {
    const body = element("div", "body");
    body.innerHTML = item.body;
    parts.push(body);
  }
  parts.push(...(item.media ?? []).map(medium).filter(Boolean));
  parts.push(...(item.related ?? []).map(related).filter(Boolean));
  parts.push(...(item.corrections ?? []).filter((one) => one.kind !== "refile" && one.note).map((one) => note(one, dates)));
  return parts;
}

function medium(one) {
  const href = link(one.href);
  if (!href) return null;
  const kind = one.kind ?? "picture";
  let shown;
  if (kind === "video" || kind === "audio") {
    const size = kind === "video" ? { width: one.width, height: one.height } : {};
    shown = element(kind, null, { src: href, controls: "", preload: "none", "aria-label": one.alt, ...size });
  } else if (/^(picture|image|photo|graphic)$/.test(kind)) {
    // Width and height reserve the space before the picture is there.
    const size = { width: one.width, height: one.height };
    shown = element("img", null, { src: href, alt: one.alt ?? "", loading: "lazy", decoding: "async", ...size });
    // In the place of a picture that cannot be had stands what it shows, and no empty box of its size.
    shown.addEventListener("error", ({ target }) => target.replaceWith(element("p", "missing", null, one.alt ?? "")));
  } else {
    shown = element("a", "embed", { href, rel: "noopener" }, one.caption ?? one.alt ?? href);
  }
  const credit = one.credit ? element("span", "credit", null, one.credit) : null;
  const caption = one.caption && !shown.matches(".embed") ? `${one.caption} ` : null;
  return element("figure", `media ${kind}`, null, shown, caption || credit ? element("figcaption", null, null, caption, credit) : null);
}

function related(one) {
  const href = link(one.url);
  if (!href) return null;
  const image = link(typeof one.image === "string" ? one.image : one.image?.href);
  const picture = image ? element("img", null, { src: image, alt: "", loading: "lazy", width: 96, height: 64 }) : null;
  picture?.addEventListener("error", () => picture.remove());
  return element(
    "a",
    "related",
    { href, rel: "noopener" },
    picture,
    element("span", null, null, element("span", "related-label", null, "Related"), element("strong", null, null, one.title ?? href)),
  );
}

function note(one, dates) {
  const name = one.kind === "clarification" ? "Clarification" : "Correction";
  const head = element("span", null, { lang: "en", dir: "ltr" }, element("strong", null, null, name), ", ", dates.dated(one.at), ": ");
  return element("p", `note ${one.kind}`, null, head, one.note);
}

function retraction(item, feed, dates) {
  const { reason, at, replacedBy } = item.retraction ?? {};
  const instead = feed.usable(replacedBy);
  return element(
    "div",
    "retraction",
    null,
    element("h3", "headline", { lang: "en" }, "This item has been retracted"),
    element("p", null, null, reason ?? "", at ? " " : null, at ? element("span", "quiet", null, "(", dates.dated(at), ")") : null),
    instead
      ? element("p", null, null, "In its place: ", element("a", null, { href: `#item-${instead.id}` }, instead.headline ?? "a newer item"))
      : null,
  );
}
