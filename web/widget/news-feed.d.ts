// What news-feed.js offers to TypeScript. Importing it defines the element.

import type { Change, FeedInfo, Item, Snapshot, Status } from "./newswire-client.js";

export { LiveFeed } from "./newswire-client.js";

/** The widget's words; README.md says where each stands. */
export interface Labels {
  /** The language and the direction of these words. */
  lang: string;
  dir: "ltr" | "rtl";
  /** `h23` for 21:52, `h12` for 9:52 PM. */
  hourCycle: "h11" | "h12" | "h23" | "h24";
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
  retracted: string;
  instead: string;
  related: string;
  embed: (host: string) => string;
  fresh: (count: number) => string;
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
  seconds: (count: number) => string;
  /** `time` is empty where the server was not heard yet. */
  offline: (time: string) => string;
  stale: (time: string) => string;
  closed: string;
  paused: string;
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
