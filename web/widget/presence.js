// Whether anybody can be looking at the page, and what the browser says of the network. Outside of browsers nothing
// ever happens here.

/** `away()` when the page is put aside, or hidden for `hidden` ms; `back()` when it is looked at. Returns what ends it. */
export function watchPage({ away, back, online, offline }, hidden) {
  const page = globalThis.document;
  const ending = new AbortController();
  const on = (target, types, act) => {
    for (const type of types) target?.addEventListener?.(type, act, ending);
  };
  let timer;
  const look = () => {
    clearTimeout(timer);
    if (page?.visibilityState === "hidden") timer = setTimeout(away, Math.min(hidden, 2 ** 31 - 1));
    else back();
  };
  on(page, ["visibilitychange", "resume"], look);
  on(page, ["freeze"], away);
  on(globalThis, ["pagehide"], away);
  on(globalThis, ["pageshow"], look);
  on(globalThis, ["online"], online);
  on(globalThis, ["offline"], offline);
  if (page) look();
  return () => {
    clearTimeout(timer);
    ending.abort();
  };
}
