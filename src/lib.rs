//! newswire: a real-time news-feed push server.
//!
//! Editors publish timestamped items; the items are kept in an embedded SQLite file or in Redis and pushed to every
//! connected reader; a reader who comes back gets what it missed.
//!
//! **A feed is a log of changes; every reader is a cursor.** There is no queue per reader, no separate replay path and
//! no hand-over from backlog to live: every reader repeats one step, *give me what changed after my position*.
//!
//! # The path of a change
//!
//! [`http::publish`] → [`news::edit`] (the rules, pure) → [`store::Store::commit`] → [`store::Store::follow`] →
//! [`live::window`] (encoded once per wire) → [`live::bell`] → [`live::reader`] (from its position to the head) →
//! [`http::live::shard`]
//! (WebSocket, SSE) → the socket.
//!
//! # The modules, in reading order
//!
//! - [`news`]: what an editor says: items, changes, positions, feeds, and the rules of editing. It knows nothing of
//!   stores and sockets.
//! - [`store`]: where it is kept: the contract, and its two implementations. It knows nothing of HTTP.
//! - [`live`]: how it moves: window, wire, reader, drain. It knows nothing of transports.
//! - [`syndicate`]: other people's formats. It knows items and addresses alone.
//! - [`http`]: the doors.
//! - [`upkeep`]: what any node does by the clock. [`count`]: how it counts what happens. [`metrics`]: what it tells of that.
//! - [`config`]: every setting. [`first_run`] and [`sample`]: what a new store gets. [`command`]: what the command line
//!   does beside serving.

pub mod command;
pub mod config;
pub mod count;
pub mod first_run;
pub mod http;
pub mod live;
pub mod metrics;
pub mod news;
pub mod sample;
pub mod store;
pub mod syndicate;
pub mod upkeep;
