// What news-feed.js offers to TypeScript. Importing it defines the element.

import type { Change, FeedInfo, Item, Snapshot, Status } from "./newswire-client.js";

export { LiveFeed } from "./newswire-client.js";

/** A text; `{count}`, `{time}` and the like are put in. A function makes one of what would be put in. */
export type Label<Value> = string | ((value: Value) => string);

/** Forms of a text for numbers, by the categories of `Intl.PluralRules`. */
export type Forms = { other: string } & Partial<Record<Intl.LDMLPluralRule, string>>;

/** The widget's words; words/en.json has them in English. */
export interface Labels {
  /** The language and the direction of these words. */
  lang: string;
  dir: "ltr" | "rtl";
  /** `h23` for 21:52, `h12` for 9:52 PM; `h23` unless given. */
  hourCycle?: "h11" | "h12" | "h23" | "h24";
  breaking: string;
  pinned: string;
  key: string;
  summary: string;
  keyEvents: string;
  now: string;
  updated: string;
  update: string;
  untitled: string;
  correction: string;
  clarification: string;
  /** What stands between "Correction" and its date, and after that. */
  comma: string;
  colon: string;
  /** `{offset}` is empty in UTC, else `+1` or `-3:30`. */
  gmt: Label<string>;
  retracted: string;
  instead: string;
  related: string;
  embed: Label<string>;
  fresh: Label<number> | Forms;
  share: string;
  copy: string;
  copied: string;
  addressed: string;
  older: string;
  again: string;
  empty: string;
  connecting: string;
  live: string;
  waiting: string;
  seconds: Label<number>;
  offline: Label<string>;
  /** Where the server was not heard yet. */
  offlineOnly: string;
  stale: Label<string>;
  closed: string;
  paused: string;
  /** Why a feed cannot be read, by the client's own sentences. */
  [why: `${string}.`]: string;
}

export interface NewsFeedEvents {
  item: CustomEvent<Change>;
  status: CustomEvent<Status>;
  snapshot: CustomEvent<{ reason: string }>;
  info: CustomEvent<FeedInfo>;
}

export class NewsFeed extends HTMLElement {
  /** The items that are known, also those that wait behind the button. */
  readonly items: { pinned: Item[]; items: Item[]; apart: Item[] };
  readonly status: Status;
  get labels(): Labels;
  set labels(words: Partial<Labels>);
  /** For a private feed. */
  token: string | null;
  /** What to begin with, where the page carries none. */
  set snapshot(snapshot: Snapshot);
  pause(): void;
  resume(): void;
  addEventListener<Type extends keyof NewsFeedEvents>(
    type: Type,
    listener: (event: NewsFeedEvents[Type]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

declare global {
  interface HTMLElementTagNameMap {
    "news-feed": NewsFeed;
  }
}
