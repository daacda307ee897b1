// Whether anybody can be looking at the page, and what the browser says of the network. Outside of browsers: nothing.

/** `away()` when the page is put aside, or hidden for so long; `back()` when it is looked at. Returns what ends it. */
export function watchPage({ away, back, online, offline }, hidden) {
  const page = globalThis.document;
  const ending = new AbortController();
  let timer;
  const look = () => {
    clearTimeout(timer);
    if (page?.visibilityState === "hidden") timer = setTimeout(away, Math.min(hidden, 2 ** 31 - 1));
    else back();
  };
  const on = (target, acts) => {
    for (const [type, act] of Object.entries(acts)) target?.addEventListener?.(type, act, ending);
  };
  on(page, { visibilitychange: look, freeze: away, resume: look });
  on(globalThis, { pagehide: away, pageshow: look, online, offline });
  look();
  return () => {
    clearTimeout(timer);
    ending.abort();
  };
}
