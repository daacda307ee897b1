// Times as people read them: in the newsroom's zone or in the reader's, always with the offset that held on the day.

import { element } from "./article.js";

const MINUTE = 60_000;
/** How many times of items are remembered with their days. */
const MOST_DAYS = 5000;

export class Dates {
  /** `timeZone`: an IANA name, or none for the reader's own. `language`: of the feed. */
  constructor({ timeZone, language, labels }) {
    Object.assign(this, { timeZone, language, labels });
    this.days = new Map();
    const { hourCycle } = labels;
    const format = (options) => {
      // A zone or a language that this browser does not know is left out.
      for (const [locale, zone] of [[language ?? "en", timeZone], ["en"]]) {
        try {
          return new Intl.DateTimeFormat(locale, { timeZone: zone, ...options });
        } catch {}
      }
    };
    const time = { hour: "2-digit", minute: "2-digit", hourCycle, timeZoneName: "shortOffset" };
    this.time = format(time);
    this.date = format({ dateStyle: "full" });
    this.short = format({ month: "short", day: "numeric" });
    this.full = format({ ...time, year: "numeric", month: "short", day: "numeric" });
    this.exact = format({ dateStyle: "full", timeStyle: "long", hourCycle });
    this.relative = new Intl.RelativeTimeFormat(labels.lang, { numeric: "auto", style: "short" });
  }

  /** The day of an item, as a heading. */
  day(at) {
    // Asked for every item at every drawing, and slow to work out.
    if (this.days.size > MOST_DAYS) this.days.clear();
    if (!this.days.has(at)) this.days.set(at, this.date.format(new Date(at)));
    return this.days.get(at);
  }

  /** The day that it is. */
  today(now) {
    return this.date.format(now);
  }

  /** Day and month. */
  brief(at) {
    return this.short.format(new Date(at));
  }

  /** Hours and minutes alone. */
  clock(at) {
    return this.#split(at)[0];
  }

  #split(at) {
    const parts = this.time.formatToParts(new Date(at));
    const zone = parts.find(({ type }) => type === "timeZoneName")?.value.replace(/\+0$/, "") ?? "";
    return [parts.filter(({ type }) => type !== "timeZoneName").map(({ value }) => value).join("").trim(), zone];
  }

  /** A pinned item stands under no day's heading, so its date is said where it is not of today. */
  published(item, pinned, today) {
    const [clock, zone] = this.#split(item.published);
    const elsewhere = pinned && this.day(item.published) !== today;
    return element(
      "time",
      "published",
      { id: `time-${item.id}`, datetime: item.published, title: this.exact.format(new Date(item.published)) },
      elsewhere && element("span", "date", null, this.brief(item.published)),
      elsewhere && " ",
      element("span", "clock", null, clock),
      " ",
      element("span", "zone", null, zone),
    );
  }

  /** Shown where a reader could have missed it: more than a minute after publication. */
  updated(item, { lang, dir, updated }) {
    if (!(Date.parse(item.updated) - Date.parse(item.published) >= MINUTE)) return null;
    const at = new Date(item.updated);
    const same = this.day(item.updated) === this.day(item.published);
    const time = element("time", null, { datetime: item.updated, title: this.exact.format(at) }, same ? this.clock(at) : this.brief(item.updated));
    return element("span", "updated", { lang, dir }, `${updated} `, time);
  }

  /** A moment in full, with `GMT` as the server writes it. */
  dated(at) {
    const moment = new Date(at);
    return !isNaN(moment) && element("time", null, { datetime: at }, this.full.format(moment).replace(/\+0$/, ""));
  }

  /** How long ago, while that says more than the clock: within a day. */
  ago(at, now) {
    const minutes = Math.round((Date.parse(at) - now) / MINUTE);
    if (minutes <= -24 * 60 || minutes > 1) return "";
    if (minutes >= 0) return this.labels.now;
    return minutes > -60 ? this.relative.format(minutes, "minute") : this.relative.format(Math.round(minutes / 60), "hour");
  }
}
