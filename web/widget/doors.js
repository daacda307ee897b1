// The three ways in, from the best to the one that always gets through: WebSocket, server-sent events, polling. The
// same position works at each. A door tries once: it hands on what comes until it ends, and says so once. Pauses, and
// which door is taken, are decided elsewhere.
//
// A door is called with `{source, feeds: [{feed, position}], onMessage, onLost}` and returns a function that closes it;
// closed, it says nothing more. `onMessage` gets a message or its text, `onLost` gets a `Refused` where one tells why.

/** Beyond this many feeds, events would take up the six connections that a browser opens to a server over HTTP/1.1. */
const MOST_EVENT_STREAMS = 3;
/** How long the server holds a poll that has nothing to tell, in seconds. */
const POLL_WAIT = 25;
/** The least time between two polls, and between two rounds over several feeds, in milliseconds. */
const POLL_PAUSE = 2000;
const ROUND_PAUSE = 5000;

export function webSocketDoor({ source, feeds, onMessage, onLost }) {
  const [one] = feeds;
  const several = feeds.map(({ feed, position }) => (position ? `${feed}@${position}` : feed));
  const url =
    feeds.length === 1
      ? source.address(`feeds/${one.feed}/live`, { after: one.position, last: source.last })
      : source.address("live", { feed: several, last: source.last });
  url.protocol = url.protocol.replace("http", "ws");
  const socket = new WebSocket(url, source.token ? ["newswire.v1", `newswire.token.${source.token}`] : []);
  socket.onmessage = ({ data }) => onMessage(data);
  socket.onclose = () => onLost();
  return () => {
    socket.onmessage = socket.onclose = null;
    socket.close();
  };
}

/**
 * Events by `fetch` and not by EventSource: it sends the token as a header, tells why it was refused, and is there
 * outside of browsers.
 */
export function eventsDoor({ source, feeds, onMessage, onLost }) {
  if (feeds.length > MOST_EVENT_STREAMS) throw new Error("too many feeds for events");
  return runDoor(onLost, (signal) =>
    Promise.race(
      feeds.map(async ({ feed, position }) => {
        const url = source.address(`feeds/${feed}/live`, { after: position, last: source.last });
        const { body } = await source.open(url, { headers: { accept: "text/event-stream" }, cache: "no-store", signal });
        const reader = body.pipeThrough(new TextDecoderStream()).getReader();
        let rest = "";
        for (;;) {
          const { value, done } = await reader.read();
          if (done) return;
          const lines = (rest + value).split("\n");
          rest = lines.pop();
          for (const line of lines) if (line.startsWith("data:")) onMessage(line.slice(5));
        }
      }),
    ),
  );
}

export function pollDoor({ source, feeds, onMessage, onLost }) {
  const positions = new Map(feeds.map(({ feed, position }) => [feed, position]));
  return runDoor(onLost, async (signal) => {
    // The first answer comes at once: it tells that this door is open.
    let wait = 0;
    while (!signal.aborted) {
      const began = Date.now();
      for (const [feed, position] of positions) {
        for await (const message of readOn(source, feed, position, { wait, signal })) {
          if (signal.aborted) return;
          onMessage(message);
          positions.set(feed, positionIn(message) ?? positions.get(feed));
        }
      }
      const pause = (positions.size === 1 ? POLL_PAUSE : ROUND_PAUSE) - (Date.now() - began);
      if (positions.size === 1) wait = POLL_WAIT;
      if (pause > 0) await new Promise((done) => setTimeout(done, pause));
    }
  });
}

/** Runs a door's work until it ends or the door is closed. */
function runDoor(onLost, work) {
  const closing = new AbortController();
  const lost = (why) => {
    if (closing.signal.aborted) return;
    closing.abort();
    onLost(why);
  };
  work(closing.signal).then(() => lost(), lost);
  return () => closing.abort();
}

/**
 * What changed after a position, as the messages of a stream, up to the head; without a position, a snapshot first.
 * Whatever was committed before this began is in it.
 */
export async function* readOn(source, feed, position, { wait = 0, signal } = {}) {
  const fresh = { cache: "no-store", signal };
  let after = position;
  if (!after) {
    const page = await source.json(source.address(`feeds/${feed}/items`, { limit: Math.min(source.last, 200) }), fresh);
    const { position: _, floorSeq, ...feedInfo } = await source.json(source.address(`feeds/${feed}`, {}, []), fresh);
    yield { type: "snapshot", feed, feedInfo, done: true, ...page };
    after = page.position;
  }
  for (let more = true; more; ) {
    const query = { after, limit: 200, wait: wait || null };
    const page = await source.json(source.address(`feeds/${feed}/changes`, query), fresh);
    if (page.reset) {
      yield { type: "reset", feed, reason: page.reset };
      yield* readOn(source, feed, null, { signal });
      return;
    }
    yield* page.changes;
    ({ position: after, more } = page);
  }
  yield { type: "caughtUp", feed, position: after };
}

/** Which messages move the position: changes, what says that all is read, and the last page of a snapshot. */
export function positionIn({ type, position, done }) {
  if (!position) return null;
  if (type === "snapshot") return done ? position : null;
  return type === "caughtUp" || type === "heartbeat" || /^(item|feed)\./.test(type) ? position : null;
}
