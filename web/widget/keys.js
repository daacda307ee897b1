// The keyboard, as the feed pattern of the ARIA Authoring Practices has it: Page Down and Page Up go from item to item,
// Ctrl+Home and Ctrl+End to what is before and after them. Tab goes through what an item holds, as anywhere.

/** What has a use for these keys itself. */
const BUSY = "input, textarea, select, audio, video, iframe";

/** `edge(where)` gives what is before (-1) or after (1) the items, to be focused. */
export function onKey(event, list, edge) {
  const { key, ctrlKey, metaKey, altKey, shiftKey, target } = event;
  const from = target.closest?.(".item");
  if (!from || metaKey || altKey || shiftKey || target.matches(BUSY)) return;
  const step = { PageDown: 1, PageUp: -1, End: 1, Home: -1 }[key];
  if (!step || ctrlKey === key.startsWith("Page")) return;
  const all = [...list.querySelectorAll(".item")];
  const to = (ctrlKey ? null : all[all.indexOf(from) + step]) ?? edge(step);
  event.preventDefault();
  to.focus({ preventScroll: true });
  to.scrollIntoView({ block: to.matches(".item") ? "start" : "nearest", behavior: "instant" });
}

/** One item is in the order of the Tab key: the one that was focused last, else the first. */
export function rove(list, focused) {
  const now = list.querySelector('.item[tabindex="0"]');
  const next = focused ?? now ?? list.querySelector(".item");
  if (now === next) return;
  if (now) now.tabIndex = -1;
  next.tabIndex = 0;
}
