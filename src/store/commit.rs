//! A change to be committed, and what came of it.
//!
//! A commit says what must be there before: a version, the feed's own newest change, nothing. That is looked at in the same
//! step in which it is written, so that of two rivals one is refused. What a store waits for after that, and what it tells
//! readers, is no part of it.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::Hash;
use crate::news::{Feed, FeedId, Kind, Mark, Moment, Position, Record};

/// A request that must not be carried out twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    /// The name of the token that made it: keys of different tokens never meet.
    pub token: String,
    /// The `Idempotency-Key`.
    pub key: String,
    /// Hash of method, path, `If-Match` and body.
    pub hash: Hash,
}

impl Once {
    /// By what a store knows the key: SHA-256 over the length of the token's name (64 bits, big-endian), the name and
    /// the key. The client's text is not kept: it may be long, and it is not ours.
    #[must_use]
    pub fn name(token: &str, key: &str) -> Hash {
        let mut hash = Sha256::new();
        hash.update((token.len() as u64).to_be_bytes());
        hash.update(token);
        hash.update(key);
        hash.finalize().into()
    }
}

/// By what a store knows, among the altIds, the id of an item that it keeps no more: the id's 16 bytes and 16 zeros, which
/// no hash is.
#[must_use]
pub fn used_id(id: Uuid) -> Hash {
    let mut used = Hash::default();
    used[..16].copy_from_slice(id.as_bytes());
    used
}

/// What an idempotency key stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// Hash of the request that used the key.
    pub hash: Hash,
    /// The item it was about; the nil one where that was the feed itself.
    pub item: Uuid,
    /// The item's version after it; 0 where it made no change of one.
    pub version: u64,
    /// The change it made, or the feed's head where it made none.
    pub position: Position,
}

/// A change to be committed.
#[derive(Clone, Debug)]
pub struct Commit {
    /// In which feed.
    pub feed: FeedId,
    /// The idempotency key it came with.
    pub once: Option<Once>,
    /// The mark to stamp on it, from [`Mark::random`].
    pub mark: Mark,
    /// What happens.
    pub kind: Kind,
    /// When, by [`super::Store::now`].
    pub at: Moment,
    /// The name of the token that asked for it.
    pub who: String,
    /// What is written.
    pub write: Write,
}

/// What a commit writes.
#[derive(Clone, Debug)]
pub enum Write {
    /// A new feed, with this document. Its `feed.created` is change 1.
    Create(Feed),
    /// An item.
    Item(ItemWrite),
    /// The feed's own document.
    Feed(FeedWrite),
}

/// A feed's document to be written.
#[derive(Clone, Debug)]
pub struct FeedWrite {
    /// The newest change of the feed itself that must be there before ([`super::FeedState::own`]).
    pub expected: Position,
    /// The document as it shall read.
    pub document: Feed,
}

/// An item to be written. Its due entries follow from the record: one for `breaking_until`, one for `pin.until`. A
/// record with status `removed` erases the stories and ever-had words of all its earlier versions, and their bytes leave
/// the store's files by themselves, without [`super::Store::scrub`] and also where this process ends right after the commit.
#[derive(Clone, Debug)]
pub struct ItemWrite {
    /// What must be there before.
    pub expected: Expected,
    /// The newest change of the feed itself ([`super::FeedState::own`]) that must be there before; none where the feed's document
    /// had no say in what is written.
    pub under: Option<Position>,
    /// The item as it shall read. `version`, `mark`, `kind` and `at` are set by the caller; the store sets `last_seq`,
    /// and `born` of a new item.
    pub record: Record,
    /// Which fields differ from the version before.
    pub fields: Vec<String>,
    /// Hashes of the item's altIds. What an item once had stays its own, also after its removal.
    pub alt_ids: Vec<Hash>,
}

/// What must be there before a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// No item of that id.
    Nothing,
    /// The item in exactly this version.
    Version(u64),
}

/// What came of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Committed {
    /// It is committed, at this position.
    Now(Position),
    /// A commit with the same key and hash was there before; nothing was changed.
    Before(Remembered),
}

/// Why a commit was refused. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// There is no such feed.
    NoFeed,
    /// The feed itself has changed since [`ItemWrite::under`].
    Feed,
    /// [`Expected::Nothing`], but the item is there, or was; or a new feed, but there is one of that id.
    Exists,
    /// [`Expected::Version`], but the item is not there or has another version; or the feed itself has changed since
    /// [`FeedWrite::expected`].
    Version,
    /// Another item has, or had, one of the altIds.
    AltId(Uuid),
    /// Another item is pinned there, and its pin still holds.
    Pin(Uuid),
    /// The key stands for another request.
    KeyReused,
}
