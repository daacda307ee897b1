// What a feed's page needs beside the widget.

// While servers are replaced in turn, the one that is asked for the widget may have another than the one that wrote the page.
if (!customElements.get("news-feed")) await import(new URL("../widget.js", import.meta.url));

// What the head tells search engines and other sites was written before the widget took over: a text that is taken away
// later must not stay behind in it.
const TOLD = "script[type='application/ld+json'], meta[property], meta[name='description']";

document.querySelector("news-feed").addEventListener("item", ({ detail }) => {
  if (detail.item?.status === "usable") return;
  for (const one of document.querySelectorAll(TOLD)) one.remove();
});
