// Publishes an item for each line of standard input, from Node and without packages (version 18 or newer).
//
//     printf '%s\n' 'First results are in' 'Turnout at noon: 41%' |
//         NEWSWIRE_TOKEN=nw_… node publish.mjs http://127.0.0.1:8787/v1/feeds/news-feed
//
// A line is a headline, or a whole item as JSON. Each request carries an Idempotency-Key made before the first try, so
// that one whose answer was lost is sent again without being published twice.
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

const [feed] = process.argv.slice(2);
const token = process.env.NEWSWIRE_TOKEN;
if (!feed || !token) {
  console.error('give the address of a feed, and a token in NEWSWIRE_TOKEN');
  process.exit(2);
}

/** Sends until there is an answer that another try would not change. */
async function publish(item) {
  const request = {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'idempotency-key': randomUUID(),
    },
    body: JSON.stringify(item),
  };
  for (let wait = 500; ; wait = Math.min(2 * wait, 30_000)) {
    try {
      const answer = await fetch(`${feed}/items`, request);
      if (answer.status < 500) return { ok: answer.ok, ...(await answer.json()) };
      console.error(`the server answers ${answer.status}; again in ${wait} ms`);
    } catch (error) {
      console.error(`no answer (${error.cause?.code ?? error.message}); again in ${wait} ms`);
    }
    await pause(wait);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  if (!line.trim()) continue;
  const answer = await publish(line.startsWith('{') ? JSON.parse(line) : { headline: line });
  if (answer.ok) {
    console.log(answer.item.id, answer.position);
  } else {
    // A problem says what is wrong and what to do (RFC 9457).
    console.error(`${answer.code}: ${answer.detail}`);
    process.exitCode = 1;
  }
}
