// What an article can do with JavaScript alone: be shared, and open what is shown by another site.

import { element } from "./article.js";

/** Adds the buttons to an article. */
export function enliven(made, { labels }) {
  const words = { lang: labels.lang, dir: labels.dir, type: "button" };
  if (made.dataset.status === "usable") {
    made.querySelector(".stamp").append(element("button", "share", words, navigator.share ? labels.share : labels.copy));
  }
  for (const one of made.querySelectorAll(".embed")) {
    const link = one.firstChild;
    one.prepend(element("button", "embed-button", words, link.textContent));
    link.textContent = link.href;
    link.className = "host";
    link.nextSibling.remove();
  }
  return made;
}

/** Loads what another site shows, in the place that was kept for it. */
export function openEmbed(button) {
  const box = button.closest(".embed");
  const { src } = box.dataset;
  // With both, a page of this very site could take its own bars off.
  const own = new URL(src).origin === location.origin;
  const frame = element("iframe", "embed-frame", {
    sandbox: `allow-scripts allow-popups${own ? "" : " allow-same-origin"}`,
    allow: "autoplay; encrypted-media; fullscreen",
    title: button.textContent,
    "data-instead": src,
    src,
  });
  box.replaceWith(frame);
  frame.focus({ preventScroll: true });
}

/** In the place of a picture that cannot be had stands what it shows, and no empty box of its size. */
export function replaceLost(picture) {
  if (!picture.alt) return picture.remove();
  picture.replaceWith(element("p", "missing", { "data-instead": picture.getAttribute("src") }, picture.alt));
}

/** Shares a link, or copies it, or at least puts it where it can be copied from. Returns what was done, in words. */
export async function share({ url, title }, labels) {
  try {
    if (navigator.share) {
      await navigator.share({ url, title });
      return "";
    }
    await navigator.clipboard.writeText(url);
    return labels.copied;
  } catch (error) {
    if (error.name === "AbortError") return "";
    if (!url.startsWith(location.href.split("#")[0])) return url;
    location.hash = new URL(url).hash;
    return labels.addressed;
  }
}
