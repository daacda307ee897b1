// What newswire-client.js offers to TypeScript, and to whoever wants to know its names at a glance.

/** An item as the public reads it; PROTOCOL.md has its fields. */
export interface Item {
  id: string;
  feed: string;
  version: number;
  status: "usable" | "canceled";
  published: string;
  updated: string;
  headline?: string;
  body?: string;
  byline?: string;
  authors?: { name: string; role?: string; url?: string }[];
  located?: string;
  urgency?: number;
  breaking?: { until: string };
  keyEvent?: boolean;
  summary?: boolean;
  pinned?: { position: number; until?: string };
  updateOf?: string;
  corrections?: { kind: "correction" | "clarification" | "refile"; note?: string; at: string; version: number }[];
  retraction?: { reason: string; at: string; replacedBy?: string };
  media?: {
    kind: string;
    href: string;
    alt?: string;
    caption?: string;
    credit?: string;
    width?: number;
    height?: number;
    contentType?: string;
    duration?: number;
  }[];
  related?: { title: string; url: string; image?: string }[];
  subjects?: string[];
  tags?: string[];
  language?: string;
  dir?: "ltr" | "rtl";
  source?: string;
  rights?: string;
  altIds?: { role: string; value: string }[];
  wordCount?: number;
  readTime?: number;
}

export interface FeedInfo {
  id: string;
  title: string;
  description?: string;
  language?: string;
  dir?: "ltr" | "rtl";
  timeZone?: string;
  url?: string;
  access?: "public" | "token";
  status?: "live" | "closed";
}

export interface Snapshot {
  feedInfo?: FeedInfo;
  items: Item[];
  position?: string;
  before?: string | null;
}

export interface Options {
  /** Where newswire is, a path allowed: `https://example.org/live/`. In a page it may be relative to it. */
  server: string | URL;
  /** The feed's id. */
  feed: string;
  /** Values of one name are alternatives; different names must all match. */
  filter?: { urgency?: (string | number)[]; tag?: string[]; subject?: string[] };
  /** How many items to begin with: 10, 50 (which is meant without it), 200 or 500. */
  last?: number;
  /** What to begin with, as a page carries it: nothing is missed from its position on. */
  snapshot?: Snapshot | null;
  /** For a private feed. It is sent as a subprotocol or a header, and stands in no address. */
  token?: string | null;
  /** Whether a connection is shared with other feeds of the page, and with other tabs; so unless it is `false`. */
  share?: boolean;
  /** Other times than the usual ones, in milliseconds. Feeds that share a connection have those of the first. */
  timing?: Partial<Record<TimingName, number>>;
}

export type TimingName =
  | "firstPause"
  | "longestPause"
  | "opening"
  | "silence"
  | "lasting"
  | "lesserDoor"
  | "watch"
  | "hidden";

export interface Status {
  /**
   * - `connecting`: for the first time, or again after `paused`
   * - `live`: connected, and current
   * - `waiting`: the connection was lost; the next attempt is at `until`
   * - `offline`: the same, and the browser says that there is no network
   * - `stale`: connected, but the server lost touch with its store: what is shown was current at `since`
   * - `closed`: connected, and the feed is closed
   * - `paused`: by `pause()`, or because the page was hidden for long
   * - `ended`: for good; `why` is a sentence
   */
  state: "connecting" | "live" | "waiting" | "offline" | "stale" | "closed" | "paused" | "ended";
  /** When the next attempt is made, in milliseconds since 1970. */
  until?: number;
  /** `stale`: what is shown was current then. `waiting`, `offline`: the server was last heard then. RFC 3339. */
  since?: string | null;
  /** When the server last confirmed that nothing is newer. RFC 3339. */
  checked?: string;
  why?: string;
  door?: "websocket" | "sse" | "poll";
}

export interface Change {
  /** As PROTOCOL.md names it, or `ended`: a pin or a breaking mark has ended by the clock. */
  type: string;
  id: string;
  /** As it now reads; null once it is withheld, removed, or no longer matches the filter. */
  item: Item | null;
  /** As it was known before. */
  previous: Item | null;
  /** New to the list. */
  fresh: boolean;
}

export interface Events {
  change: CustomEvent<Change>;
  /** The items are other ones from now on: `first`, or the reason of a `reset`. */
  snapshot: CustomEvent<{ reason: string }>;
  status: CustomEvent<Status>;
  info: CustomEvent<FeedInfo>;
}

export class LiveFeed extends EventTarget {
  constructor(options: Options);
  readonly feed: string;
  readonly info: FeedInfo | null;
  /** What is shown now: pinned items by their position, the others newest first; `apart`: what `find` has loaded further down. */
  readonly items: { pinned: Item[]; items: Item[]; apart: Item[] };
  /** Where to go on from; null before anything was read. */
  readonly position: string | null;
  /** The cursor of the next older page; null where nothing is older. */
  readonly before: string | null;
  /** The server's address. */
  readonly base: URL;
  readonly status: Status;
  start(): void;
  /** Closes the connection and keeps the position. */
  pause(): void;
  resume(): void;
  /** The same as `pause()`: nothing keeps a program running any more, and what is known can be read. */
  stop(): void;
  /** A known item, shown or not. */
  item(id: string): Item | null;
  /**
   * The item of this id: known, or fetched. A page is loaded down to an old one, so that it stands in its place; one that
   * is further down is loaded with what follows it, and stands `apart`. Null where there is none to show.
   */
  find(id: string): Promise<Item | null>;
  /** Loads the next older page, and returns its items. */
  older(limit?: number): Promise<Item[]>;
  addEventListener<Type extends keyof Events>(
    type: Type,
    listener: ((event: Events[Type]) => void) | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
}
