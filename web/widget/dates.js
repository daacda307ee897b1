// Times as people read them: in the newsroom's zone or in the reader's, always with the offset that held on the day.

import { element } from "./article.js";
import { say } from "./words.js";

const MINUTE = 60_000;
/** How many times of items are remembered with their days. */
const MOST_DAYS = 5000;

export class Dates {
  /** `timeZone`: an IANA name, or none for the reader's own. `language`: of the feed, or else that of the words. */
  constructor({ timeZone, language, labels }) {
    Object.assign(this, { timeZone, language, labels });
    this.days = new Map();
    const { lang, hourCycle = "h23" } = labels;
    const format = (options, spoken = language ?? lang) => {
      // A zone or a language that this browser does not know is left out.
      for (const [locale, zone] of [[spoken, timeZone], ["en"]]) {
        try {
          return new Intl.DateTimeFormat(locale, { timeZone: zone, ...options });
        } catch {}
      }
    };
    this.time = format({ hour: "2-digit", minute: "2-digit", hourCycle });
    this.offset = format({ timeZoneName: "shortOffset" }, "en");
    this.date = format({ dateStyle: "full" });
    this.short = format({ month: "short", day: "numeric" });
    this.full = format({ dateStyle: "medium", timeStyle: "short", hourCycle });
    this.exact = format({ dateStyle: "full", timeStyle: "medium", hourCycle });
    this.relative = new Intl.RelativeTimeFormat(lang, { numeric: "auto", style: "short" });
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
    return this.time.format(new Date(at));
  }

  /** How far the zone is from UTC, as it was then. */
  zone(at) {
    const { value } = this.offset.formatToParts(new Date(at)).at(-1);
    return say(this.labels, "gmt", value.replace(/^GMT(\+0$)?/, ""));
  }

  /** A moment in full, or exactly. */
  whole(at, format = this.full) {
    return `${format.format(new Date(at))} ${this.zone(at)}`;
  }

  /** Where an item stands under no day's heading, or that is out of sight, its date is said if it is not of today. */
  published(item, dated, today) {
    const { published } = item;
    const elsewhere = dated && this.day(published) !== today;
    return element(
      "time",
      "published",
      { id: `time-${item.id}`, datetime: published, title: this.whole(published, this.exact) },
      elsewhere && element("span", "date", null, this.brief(published)),
      elsewhere && " ",
      element("span", "clock", null, this.clock(published)),
      " ",
      element("span", "zone", null, this.zone(published)),
    );
  }

  /** Shown where a reader could have missed it: more than a minute after publication. */
  updated(item, { lang, dir, updated }) {
    if (!(Date.parse(item.updated) - Date.parse(item.published) >= MINUTE)) return null;
    const at = item.updated;
    const same = this.day(at) === this.day(item.published);
    const time = element("time", null, { datetime: at, title: this.whole(at, this.exact) }, same ? this.clock(at) : this.brief(at));
    return element("span", "updated", { lang, dir }, updated, " ", time);
  }

  /** A moment in full. */
  dated(at) {
    return !isNaN(Date.parse(at)) && element("time", null, { datetime: at }, this.whole(at));
  }

  /** How long ago, while that says more than the clock: within a day. */
  ago(at, now) {
    const minutes = Math.round((Date.parse(at) - now) / MINUTE);
    if (minutes <= -24 * 60 || minutes > 1) return "";
    if (minutes >= 0) return this.labels.now;
    return minutes > -60 ? this.relative.format(minutes, "minute") : this.relative.format(Math.round(minutes / 60), "hour");
  }
}
