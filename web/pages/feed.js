// What a feed's page needs beside the widget.

// While servers are replaced in turn, the one that is asked for the widget may have another than the one that wrote the page.
if (!customElements.get("news-feed")) await import(new URL("../widget.js", import.meta.url));

// What the head tells search engines and other sites was written before the widget took over: a text that is taken away
// later must not stay behind in it.
const TOLD = "script[type='application/ld+json'], meta[property], meta[name='description']";

const feed = document.querySelector("news-feed");
/** The items that it holds, where it says so: a page of only some has a description alone. */
const data = document.querySelector("script[type='application/ld+json']");
const told = data && JSON.parse(data.textContent).liveBlogUpdate.map((update) => update["@id"].split("#item-")[1]);

function forget() {
  for (const one of document.querySelectorAll(TOLD)) one.remove();
}

/** Forgets what was told, unless all of it is known to stand. */
function look() {
  const { pinned, items } = feed.items;
  const standing = new Set([...pinned, ...items].filter(({ status }) => status === "usable").map(({ id }) => id));
  if (!told?.every((id) => standing.has(id))) forget();
}

feed.addEventListener("item", ({ detail }) => detail.item?.status === "usable" || forget());
feed.addEventListener("snapshot", look);
feed.addEventListener("info", ({ detail: { title } }) => {
  const name = document.querySelector("h1 a") ?? document.querySelector("h1");
  if (!name) return;
  document.title = document.title.replace(name.textContent, () => title);
  name.textContent = title;
});
// The widget was there before this, and may have heard something already.
if (told) look();
