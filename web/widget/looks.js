// The style sheet, one for all widgets of a page. A constructed sheet needs no permission of a content security policy.

import { element } from "./article.js";

/** The text of news-feed.css, where the server has joined the modules into one file. */
const CSS = "";

let sheet = null;

/** The server that a module came from: `/widget.js` and `/widget/…` are its own. */
export function serverOf(module) {
  return new URL(module.replace(/widget(\.js|\/.*)$/, ""));
}

/** Gives a shadow root its looks. */
export function dress(root) {
  if (CSS && "adoptedStyleSheets" in root) {
    if (!sheet) {
      sheet = new CSSStyleSheet();
      sheet.replaceSync(CSS);
    }
    root.adoptedStyleSheets = [sheet];
    return;
  }
  const href = new URL("widget/news-feed.css", serverOf(import.meta.url));
  root.prepend(element("link", null, { rel: "stylesheet", href }));
}
