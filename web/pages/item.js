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

/** Shows the page as the server writes it once it knows what is known here; of an item that is gone, there is none. */
async function renew() {
  const mine = (coming = Symbol());
  const { position } = live;
  for (let pause = FIRST_PAUSE; mine === coming; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    try {
      // A cache on the way has nothing under an address that is new to it.
      const answer = await fetch(`${location.pathname}?at=${live.position}`, { headers: { accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const written = page.querySelector("[data-newswire]");
      const { items = [], position: at } = JSON.parse(written?.textContent ?? "{}");
      // A server may be behind the one that told of the change, and still have what was taken away.
      const known = answer.ok ? seqOf(at) >= seqOf(position) : isAbsent(answer) && live.item(id)?.status !== "usable";
      if (mine !== coming) return;
      if (known) {
        const focused = main.contains(document.activeElement);
        document.title = page.title;
        tell(page.head);
        written?.remove();
        for (const one of items) shown.add(one.id);
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

/** The number in a position, `SEQ-MARK`. */
function seqOf(position) {
  return Number.parseInt(position, 10);
}

/** Whether an answer says that there is nothing to be read, and not that it cannot be had now. */
function isAbsent({ status }) {
  return status < 500 && status !== 429;
}

/** Takes away what is shown of an item: all of the page, or the line with its headline. */
function lose(which) {
  if (which === id) {
    main.replaceChildren();
    document.title = document.querySelector("h1").textContent;
    tell();
    return;
  }
  for (const line of main.querySelectorAll(".update-of, .instead")) {
    if (line.querySelector(`a[href*="${which}"]`)) line.remove();
  }
}

live.addEventListener("change", ({ detail }) => {
  if (!shown.has(detail.id)) return;
  if (detail.item?.status !== "usable") lose(detail.id);
  renew();
});
live.addEventListener("snapshot", () => {
  // One that is not in it may only be older than what it holds.
  for (const one of shown) if (live.item(one)?.status === "canceled") lose(one);
  renew();
});
live.start();
