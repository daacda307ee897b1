//! Other people's formats: a feed as feed readers ([`atom`], [`rss`], [`json_feed`]) and search engines ([`live_blog`])
//! read it.
//!
//! What is written here is made of an [`Item`] as everybody may see it, of the feed's own document, and of the
//! [`Addresses`] under which the public finds both; it is the same bytes for the same items. Nothing in this module
//! knows of stores, readers or requests, and nothing reads a clock.

pub mod addresses;
pub mod atom;
pub mod content;
pub mod item;
pub mod json_feed;
pub mod listing;
pub mod live_blog;
pub mod rss;
mod xml;

pub use addresses::Addresses;
pub use item::Item;
pub use listing::Listing;
pub use live_blog::{Coverage, live_blog_posting};
