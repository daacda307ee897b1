// The ways in, from the best to the one that always gets through: WebSocket, server-sent events, polls. A position is
// good at each. A door tries once: it hands on what comes until it ends, and says so once.
//
// It is called with `{source, feeds: [{feed, position}], onMessage, onLost}` and returns what closes it; closed, it is
// silent. `onMessage` gets a message or its text, `onLost` what went wrong, if that is known.

/** More feeds than that would take up the connections that a browser has for a server over HTTP/1.1. */
const MOST_EVENT_STREAMS = 3;
/** How long the server holds a poll with nothing to tell, in seconds. */
const POLL_WAIT = 25;
/** The least time between two polls, and between two rounds over several feeds. */
const POLL_PAUSE = 2000;
const ROUND_PAUSE = 5000;

export function webSocketDoor({ source, feeds, onMessage, onLost }) {
  const { last, token } = source;
  const [{ feed, position }, second] = feeds;
  const names = feeds.map((one) => (one.position ? `${one.feed}@${one.position}` : one.feed));
  const [path, query] = second ? ["live", { feed: names }] : [`feeds/${feed}/live`, { after: position }];
  const url = source.address(path, { ...query, last });
  url.protocol = url.protocol.replace("http", "ws");
  const socket = new WebSocket(url, token ? ["newswire.v1", `newswire.token.${token}`] : []);
  socket.onmessage = ({ data }) => onMessage(data);
  socket.onclose = () => onLost();
  return () => {
    socket.onmessage = socket.onclose = null;
    socket.close();
  };
}

/** By `fetch`, which unlike EventSource sends a token, tells why it was refused, and is there outside of browsers. */
export function eventsDoor({ source, feeds, onMessage, onLost }) {
  if (feeds.length > MOST_EVENT_STREAMS) throw new RangeError();
  return runDoor(onLost, (signal) =>
    Promise.race(
      feeds.map(async ({ feed, position }) => {
        const url = source.address(`feeds/${feed}/live`, { after: position, last: source.last });
        const headers = { accept: "text/event-stream" };
        const { body } = await source.open(url, { headers, cache: "no-store", signal });
        const reader = body.pipeThrough(new TextDecoderStream()).getReader();
        for (let rest = ""; ; ) {
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
  const alone = feeds.length === 1;
  return runDoor(onLost, async (signal) => {
    // The first answer comes at once: it tells that this door is open.
    for (let wait = 0; ; wait = alone ? POLL_WAIT : 0) {
      const next = Date.now() + (alone ? POLL_PAUSE : ROUND_PAUSE);
      for (const [feed, position] of positions) {
        for await (const message of readOn(source, feed, position, { wait, signal })) {
          if (signal.aborted) return;
          onMessage(message);
          positions.set(feed, positionIn(message) ?? positions.get(feed));
        }
      }
      await new Promise((done) => setTimeout(done, next - Date.now()));
    }
  });
}

/** Runs a door's work until it ends or is closed. */
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
export async function* readOn(source, feed, position, { wait, signal } = {}) {
  const read = (path, query, filter) =>
    source.json(source.address(`feeds/${feed}${path}`, query, filter), { cache: "no-store", signal });
  if (!position) {
    const page = await read("/items", { limit: Math.min(source.last, 200) });
    const { position: head, floorSeq, ...feedInfo } = await read("", {}, []);
    yield { ...page, type: "snapshot", feed, feedInfo, done: true };
    ({ position } = page);
  }
  for (let more = true; more; ) {
    const page = await read("/changes", { after: position, limit: 200, wait: wait || null }).catch((error) => {
      // What is no position is refused here, and reset by the other doors.
      if (error.status === 400) return { reset: "unknown" };
      throw error;
    });
    if (page.reset) {
      yield { type: "reset", feed, reason: page.reset };
      yield* readOn(source, feed, null, { signal });
      return;
    }
    yield* page.changes;
    ({ position, more } = page);
  }
  yield { type: "caughtUp", feed, position };
}

/** Which messages move the position: changes, what says that all is read, and the last page of a snapshot. */
export function positionIn({ type, position, done }) {
  const moves = type === "snapshot" ? done : type === "caughtUp" || type === "heartbeat" || /^(item|feed)\./.test(type);
  return moves && position ? position : null;
}
