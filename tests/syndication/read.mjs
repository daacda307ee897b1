// What npm's rss-parser makes of the feed on standard input, as JSON in this test's own words.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const Parser = createRequire(new URL("../browser/package.json", import.meta.url))("rss-parser");
const parser = new Parser({ customFields: { item: [["media:content", "media", { keepArray: true }]] } });
const feed = await parser.parseString(readFileSync(0, "utf8"));

const entry = (e) => ({
  id: e.id ?? e.guid,
  title: e.title,
  link: e.link,
  published: e.isoDate,
  authors: [e.author ?? e.creator].flat().filter(Boolean),
  content: e["content:encoded"] ?? e.content,
  // Atom's are elements without text here.
  labels: (e.categories ?? []).filter((label) => typeof label === "string"),
  enclosures: e.enclosure ? [e.enclosure.url] : [],
  media: (e.media ?? []).map((media) => media.$.url),
});
process.stdout.write(JSON.stringify({ title: feed.title, page: feed.link, entries: feed.items.map(entry) }));
