//! The names of everything kept in Redis.
//!
//! A feed belongs to one of [`PARTITIONS`] partitions, by a hash of its id that never changes. The partition is the
//! hash tag of every key of the feed, so that all keys of a script stand in one slot of a Redis Cluster. What belongs
//! to no feed has the tag `{all}`. No key holds a text that an editor wrote.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    news::FeedId,
    store::{Once, hash::hex},
};

/// How many partitions there are. Follows from what is stored: it can only change with the schema.
pub(super) const PARTITIONS: u8 = 16;

/// The schema's version.
pub(super) const SCHEMA: &str = "nw:{all}:schema";
/// Tokens, by hash.
pub(super) const TOKENS: &str = "nw:{all}:tokens";
/// Hashes of tokens, by name.
pub(super) const NAMES: &str = "nw:{all}:names";
/// When tokens were revoked, by hash.
pub(super) const REVOKED: &str = "nw:{all}:revoked";
/// There for ten minutes after a rewrite began: the name of the claim to it.
pub(super) const SCRUBBED: &str = "nw:{all}:scrubbed";
/// Why the server refused the newest rewrite; gone once one has succeeded.
pub(super) const REFUSED: &str = "nw:{all}:scrub-refused";
/// When tokens were last used, by hash.
pub(super) const USED: &str = "nw:{all}:used";
/// Grows with each token that is made or revoked.
pub(super) const TOKENS_REVISION: &str = "nw:{all}:tokens-revision";
/// The key that tickets are signed with.
pub(super) const TICKETS: &str = "nw:{all}:tickets";
/// Written to see that writing works.
pub(super) const HEALTH: &str = "nw:{all}:health";

/// A stream that one node writes and reads.
pub(super) fn canary(node: Uuid) -> String {
    format!("nw:{{all}}:canary:{node}")
}

/// One partition, below [`PARTITIONS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Partition(u8);

impl Partition {
    /// Every partition.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..PARTITIONS).map(Self)
    }

    /// The one that a feed belongs to.
    pub(super) fn of(feed: &FeedId) -> Self {
        Self(Sha256::digest(feed.as_str().as_bytes())[0] % PARTITIONS)
    }

    /// Its stream of commits.
    pub(super) fn commits(self) -> String {
        format!("nw:{{p{:02}}}:commits", self.0)
    }

    /// The ids of its feeds.
    pub(super) fn feeds(self) -> String {
        format!("nw:{{p{:02}}}:feeds", self.0)
    }

    /// What ends by itself, by the time when it does.
    pub(super) fn due(self) -> String {
        format!("nw:{{p{:02}}}:due", self.0)
    }

    /// Written for nothing but to be waited for.
    pub(super) fn settled(self) -> String {
        format!("nw:{{p{:02}}}:settled", self.0)
    }

    /// Counts its removals since the server's files were last written anew; not there where there were none.
    pub(super) fn scrub(self) -> String {
        format!("nw:{{p{:02}}}:scrub", self.0)
    }
}

/// The keys of one feed.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    id: FeedId,
    partition: Partition,
}

impl Keys {
    /// Of this feed.
    pub(super) fn of(feed: &FeedId) -> Self {
        Self { id: feed.clone(), partition: Partition::of(feed) }
    }

    /// The partition.
    pub(super) fn partition(&self) -> Partition {
        self.partition
    }

    fn name(&self, what: &str) -> String {
        format!("nw:{{p{:02}}}:{what}:{}", self.partition.0, self.id)
    }

    /// A hash: the document and where the log stands.
    pub(super) fn feed(&self) -> String {
        self.name("feed")
    }

    /// A stream with ids `SEQ-0`.
    pub(super) fn log(&self) -> String {
        self.name("log")
    }

    /// A hash of records, by item.
    pub(super) fn items(&self) -> String {
        self.name("items")
    }

    /// A sorted set of listed items, by published.
    pub(super) fn time(&self) -> String {
        self.name("time")
    }

    /// A sorted set of all items, by the seq of their newest change.
    pub(super) fn last(&self) -> String {
        self.name("last")
    }

    /// A hash of pinned items, by place.
    pub(super) fn pins(&self) -> String {
        self.name("pins")
    }

    /// A hash of items, by the hashes of their altIds.
    pub(super) fn alt_ids(&self) -> String {
        self.name("alt")
    }

    /// A sorted set of an item's versions.
    pub(super) fn versions(&self, item: Uuid) -> String {
        format!("{}{item}", self.all_versions())
    }

    /// What the keys of all items' versions begin with.
    pub(super) fn all_versions(&self) -> String {
        format!("{}:", self.name("versions"))
    }

    /// What an idempotency key stands for.
    pub(super) fn once(&self, token: &str, key: &str) -> String {
        format!("{}{}", self.all_once(), hex(&Once::name(token, key)))
    }

    /// What all of those begin with.
    pub(super) fn all_once(&self) -> String {
        format!("{}:", self.name("key"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_a_feed_has_the_tag_of_its_partition() {
        let keys = Keys::of(&"news-feed".parse().expect("a feed id"));
        let item = Uuid::now_v7();
        let partition = keys.partition();
        let all = [
            keys.feed(),
            keys.log(),
            keys.items(),
            keys.time(),
            keys.last(),
            keys.pins(),
            keys.alt_ids(),
            keys.versions(item),
            keys.once("desk {x}", "{y}"),
            partition.commits(),
            partition.feeds(),
            partition.due(),
            partition.scrub(),
            partition.settled(),
        ];
        for key in all {
            let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
            assert_eq!(tag, Some(format!("p{:02}", partition.0).as_str()), "{key}");
        }
    }

    #[test]
    fn a_feed_never_moves_to_another_partition() {
        let of = |id: &str| Partition::of(&id.parse().expect("a feed id")).0;
        assert_eq!([of("news-feed"), of("a"), of("sport")], [6, 10, 12]);
    }

    #[test]
    fn keys_of_different_tokens_never_meet() {
        let keys = Keys::of(&"news-feed".parse().expect("a feed id"));
        assert_ne!(keys.once("a", "bc"), keys.once("ab", "c"));
    }
}
