//! What an editor says: items, changes, positions, feeds, and the rules of editing them.
//!
//! Everything here is plain data and pure functions. Nothing in this module reads a clock, a file or a socket, and
//! nothing in it knows of stores or of transports.

pub mod amend;
pub mod change;
pub mod edit;
pub mod feed;
pub mod filter;
pub mod html;
pub mod item;
pub mod language;
pub mod limits;
pub mod moment;
pub mod position;
pub mod precondition;
pub mod reading;
pub mod refusal;
pub mod story;

pub use change::{Change, Kind, What};
pub use feed::{Feed, FeedId};
pub use filter::Filter;
pub use item::{Ever, Pin, Record, Status, TimedEnd};
pub use moment::Moment;
pub use position::{After, Cursor, Mark, Position};
pub use refusal::Refusal;
