//! How a change moves: from the store's log into each feed's window, and from there along each reader's walk.
//!
//! [`follow`] keeps the [`window`] of every awake feed ([`feeds`]) up with the store and rings the [`bell`] of whoever
//! serves readers of it; a [`reader`] steps from its position to the head and gives its transport bytes that all readers
//! of a [`wire`] share, put together once for a crowd at one position ([`batch`]). Absent on purpose: a queue, a channel
//! or a buffer per reader, and any knowledge of sockets and HTTP.

pub mod awake;
pub mod batch;
pub mod behind;
pub mod bell;
pub mod deflate;
pub mod drain;
pub mod feeds;
pub mod filters;
pub mod follow;
pub mod freshness;
pub mod goodbye;
pub mod message;
pub mod numbers;
pub mod poll;
pub mod reader;
pub mod right;
pub mod snapshot;
pub mod window;
pub mod wire;

pub use awake::Awake;
pub use drain::Drain;
pub use feeds::Feeds;
pub use goodbye::{Ending, Goodbye};
pub use reader::{Reader, Start, Step, Turn, Wish};
pub use wire::Wire;
