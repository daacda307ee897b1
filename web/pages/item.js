// The page of one item: when the item changes, what the server now writes of it takes its place. It says nothing of its own,
// so that there is one place where an item's page is written. A text that was taken away is gone at once, whatever the
// network does then.

const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;

const main = document.querySelector("main");
const { server, feed, widget } = main.dataset;
const data = document.querySelector("[data-newswire]");
const snapshot = JSON.parse(data.textContent);
// What it was begun with must not outlive it here.
data.remove();
const [{ id }] = snapshot.items;
const shown = new Set(snapshot.items.map((item) => item.id));

// While servers are replaced in turn, the one that is asked may have another widget than the one that wrote the page.
const newest = () => import(new URL("../widget.js", import.meta.url));
const { LiveFeed } = await import(new URL(widget, document.baseURI)).catch(newest);
const live = new LiveFeed({ server: new URL(server, document.baseURI).href, feed, snapshot });

/** What the head tells other sites of the item. */
const TOLD = "meta[property], meta[name='description'], meta[name='robots']";

let coming = null;

/** Gives the head what another one tells; nothing, where that is not known yet. */
function tell(head = null) {
  for (const one of document.head.querySelectorAll(TOLD)) one.remove();
  document.head.append(...(head?.querySelectorAll(TOLD) ?? []));
}

/** Shows the page as the server writes it once it knows of this version; of one that is gone, there is no page. */
async function renew(version) {
  const mine = (coming = Symbol());
  for (let pause = FIRST_PAUSE; mine === coming; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    try {
      // A cache on the way has nothing under an address that is new to it.
      const answer = await fetch(`${location.pathname}?at=${live.position}`, { headers: { accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const written = page.querySelector(`[data-id="${id}"]`);
      const known = answer.ok ? Number(written?.dataset.version) >= version : answer.status < 500;
      if (mine !== coming) return;
      if (known) {
        const focused = main.contains(document.activeElement);
        document.title = page.title;
        tell(page.head);
        page.querySelector("[data-newswire]")?.remove();
        main.replaceChildren(...page.querySelector("main").childNodes);
        if (focused) main.focus({ preventScroll: true });
        return;
      }
    } catch {
      // Away: that is what the pauses are for.
    }
    // Not all who read it at the same moment.
    await new Promise((done) => setTimeout(done, pause * (0.5 + Math.random())));
  }
}

live.addEventListener("change", ({ detail }) => {
  if (!shown.has(detail.id)) return;
  const own = detail.id === id;
  if (own && detail.item?.status !== "usable") {
    main.replaceChildren();
    document.title = document.querySelector("h1").textContent;
    tell();
  }
  renew(own ? (detail.item?.version ?? Infinity) : 0);
});
live.addEventListener("snapshot", () => renew(0));
live.start();
