// The words of every language, and the times that server and browser write: from the same data, but each with its own
// edition of it. What differs is known and stands here.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { after, before, test } from "node:test";

import { FEED, Newswire, until } from "../browser/newswire.mjs";
import { Dates } from "../../web/widget/dates.js";
import { LABELS } from "../../web/widget/labels.js";
import { say } from "../../web/widget/words.js";

const WORDS = new URL("../../web/widget/words/", import.meta.url);
const languages = readdirSync(WORDS).map((name) => name.replace(".json", ""));
const wordsOf = (language) => JSON.parse(readFileSync(new URL(`${language}.json`, WORDS), "utf8"));

test("the widget brings the English words itself", () => {
  // What stands on pages alone it does not need, and why a feed cannot be read is the client's own sentence.
  const needed = Object.entries(wordsOf("en")).filter(([key, word]) => !key.startsWith("page") && key !== word);
  assert.deepEqual(LABELS, Object.fromEntries(needed));
});

test("the reasons why a feed cannot be read are known in every language", async () => {
  const { FOR_GOOD } = await import("../../web/widget/connection.js");
  for (const language of languages) {
    const words = wordsOf(language);
    for (const why of Object.values(FOR_GOOD)) assert.ok(words[why], `${language}: ${why}`);
  }
});

test("each language has a form for every number, and only forms that it knows", () => {
  for (const language of languages) {
    const words = wordsOf(language);
    const { pluralCategories } = new Intl.PluralRules(language).resolvedOptions();
    assert.deepEqual(Object.keys(words.fresh).filter((form) => !pluralCategories.includes(form)), [], language);
    for (let count = 1; count < 130; count += 1) {
      const text = say(words, "fresh", count);
      assert.ok(text && !text.includes("{"), `${language}: ${text}`);
      if (count > 2) assert.ok(text.includes(count), `${language}: ${text}`);
    }
  }
  assert.deepEqual([1, 2, 5, 21, 22].map((count) => say(wordsOf("uk"), "fresh", count).split(" ").at(-1)), ["новина", "новини", "новин", "новина", "новини"]);
});

test("a host's label may be a text, forms or a function", () => {
  const labels = { lang: "en", text: "at {host}", forms: { one: "{n} thing", other: "{n} things" }, made: (value) => `made of ${value}` };
  assert.deepEqual(["text", "forms", "made", "none"].map((name) => say(labels, name, 2)), ["at 2", "2 things", "made of 2", ""]);
  assert.equal(say(labels, "text", "$&.example"), "at $&.example");
});

/**
 * What the server writes otherwise than the browser, by the tag and what of a time it is. Where there are words: Spanish
 * has `a las` in what is exact, and two digits of the hour in full. In Portugal a day is written with numbers, and Taiwan
 * is taken for the mainland, as is all that is in traditional Chinese. For the others a space or a comma, and the order of a Persian day. Other editions of the
 * Unicode consortium's data differ in other things: with them hours and zones alone are compared.
 */
const EDITION = 48;
const KNOWN = [
  ...["en-AU day", "es exact", "es full", "es-MX exact", "fa day", "fa exact", "hi day", "hi exact"],
  ...["pt-PT brief", "pt-PT day", "pt-PT exact", "zh-TW day", "zh-TW exact", "zh-TW full"],
  ...["zh-Hant day", "zh-Hant exact", "zh-Hant full"],
];

let server;
before(async () => {
  server = await Newswire.start();
});
after(() => server?.end());

/** The times of a page: `[kind, moment, text]`. */
function timesIn(page) {
  const found = [];
  const look = (pattern, ...kinds) => {
    for (const match of page.matchAll(pattern)) {
      const { at } = match.groups;
      for (const kind of kinds) if (match.groups[kind]) found.push([kind, at, match.groups[kind]]);
    }
  };
  const published = '<time class="published"[^>]*? datetime="(?<at>[^"]+)" title="(?<exact>[^"]+)">';
  look(new RegExp(`${published}(<span class="date">(?<brief>[^<]+)</span> )?<span class="clock">(?<clock>[^<]+)</span> <span class="zone">(?<zone>[^<]+)</span>`, "g"), "exact", "brief", "clock", "zone");
  look(new RegExp(`<h2 class="day">(?<day>[^<]+)</h2>.*?${published}`, "g"), "day");
  look(/<p class="note correction">.*?<time datetime="(?<at>[^"]+)">(?<full>[^<]+)<\/time>/g, "full");
  return found;
}

test("the server writes times as the browser does, but for what is known", async () => {
  const days = ["2026-01-01T00:00:00Z", "2026-03-29T01:30:05Z", "2026-05-07T09:05:00Z", "2026-09-30T22:59:59Z"];
  for (const published of days) await server.publish({ headline: published, published, updated: published });
  const { id } = await server.publish({ headline: "Pinned", published: "2025-09-03T07:08:09Z" });
  await server.edit(`items/${id}/pin`, {});
  await server.edit(`items/${id}/correct`, { kind: "correction", note: "It was not.", changes: { headline: "Still" } }, { etag: "*" });
  // At every hour of the day it is before ten in one of them: what is said of now shows how such an hour is written.
  const zones = ["Europe/Berlin", "Australia/Adelaide", "Pacific/Marquesas", "UTC"];
  const tags = [...languages, "en-GB", "en-AU", "de-AT", "de-CH", "fr-CA", "es-MX", "pt-PT", "ar-EG", "ar-SA", "zh-TW", "fi", "cs", "fa", "hi"];
  const admin = server.administrator();
  const same = Math.trunc(process.versions.cldr) === EDITION;
  const differ = new Set();
  let compared = 0;
  for (const language of tags) {
    for (const timeZone of zones) {
      const answer = await fetch(`${server.at}/v1/feeds/${FEED}`, {
        method: "PATCH",
        headers: { authorization: `Bearer ${admin}`, "content-type": "application/json" },
        body: JSON.stringify({ language, timeZone }),
      });
      assert.ok(answer.ok, await answer.text());
      let page;
      await until(`the page is in ${language} and ${timeZone}`, async () => {
        page = await (await fetch(`${server.at}/feeds/${FEED}`, { headers: { accept: "text/html" } })).text();
        return page.includes(`lang="${language}"`) && page.includes(`"timeZone":"${timeZone}"`) && page.includes('class="note');
      });
      const [spoken] = [language, language.split("-")[0], "en"].filter((tag) => languages.includes(tag));
      const dates = new Dates({ timeZone, language, labels: wordsOf(spoken) });
      const browser = {
        day: (at) => dates.day(at),
        brief: (at) => dates.brief(at),
        clock: (at) => dates.clock(at),
        zone: (at) => dates.zone(at),
        full: (at) => dates.whole(at),
        exact: (at) => dates.whole(at, dates.exact),
      };
      for (const [kind, at, text] of timesIn(page)) {
        if (!same && !/clock|zone/.test(kind)) continue;
        compared += 1;
        const named = `${language} ${kind}`;
        if (browser[kind](at) !== text && !KNOWN.includes(named)) differ.add(`${named} ${at}: ${text} | ${browser[kind](at)}`);
      }
    }
  }
  assert.ok(compared >= tags.length * zones.length * (same ? 21 : 10), String(compared));
  assert.deepEqual([...differ], []);
});
