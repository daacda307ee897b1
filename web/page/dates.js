// Times as people read them: in the newsroom's zone if the feed names one, else in the reader's.

import { element } from "./article.js";

const MINUTE = 60_000;

export class Dates {
  constructor(info) {
    this.key = `${info?.timeZone ?? ""} ${info?.language ?? ""}`;
    const format = (options) => {
      try {
        return new Intl.DateTimeFormat(info?.language ?? "en", { timeZone: info?.timeZone, ...options });
      } catch {
        // A zone or language that this browser does not know.
        return new Intl.DateTimeFormat("en", options);
      }
    };
    this.clock = format({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    this.date = format({ weekday: "long", year: "numeric", month: "long", day: "numeric" });
    this.full = format({ dateStyle: "medium", timeStyle: "short", hourCycle: "h23" });
    this.relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });
  }

  /** The day of an item, as a heading. */
  day(at) {
    return this.date.format(new Date(at));
  }

  /** A pinned item stands under no day's heading, so its date is said where it is not of today. */
  published(item, pinned) {
    const at = new Date(item.published);
    const elsewhere = pinned && this.day(item.published) !== this.day(Date.now());
    const ago = element("span", "ago", { "data-at": item.published }, this.ago(item.published, Date.now()));
    const title = { datetime: item.published, title: this.full.format(at) };
    return element("time", "published", title, (elsewhere ? this.full : this.clock).format(at), " ", ago);
  }

  /** Shown where a reader could have missed it: more than a minute after publication. */
  updated(item, words) {
    if (!(Date.parse(item.updated) - Date.parse(item.published) >= MINUTE)) return null;
    return element("span", "updated", words, "Updated ", this.dated(item.updated));
  }

  dated(at) {
    const moment = new Date(at);
    if (Number.isNaN(moment.getTime())) return "";
    return element("time", null, { datetime: at }, this.full.format(moment));
  }

  /** How long ago, while that says more than the clock: within a day. */
  ago(at, now) {
    const minutes = Math.round((Date.parse(at) - now) / MINUTE);
    if (minutes <= -24 * 60 || minutes > 1) return "";
    if (minutes >= 0) return "just now";
    return minutes > -60 ? this.relative.format(minutes, "minute") : this.relative.format(Math.round(minutes / 60), "hour");
  }
}
