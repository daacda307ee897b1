//! What the tests of this folder serve: a feed in a store of its own, and readers of it.

use std::sync::Arc;

use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{
    live::{Awake, Drain, Feeds, Reader, Start, Wire, Wish, follow, reader::Clock, right::Right},
    news::{After, Ever, Feed, FeedId, Kind, Mark, Position, Record, Status},
    store::{
        Commit, Expected, ItemWrite, SharedStore, Write,
        sqlite::{Role, Sqlite},
    },
};

/// A feed, awake.
pub(super) struct Rehearsal {
    pub(super) runtime: Runtime,
    pub(super) feeds: Arc<Feeds>,
    awake: Arc<Awake>,
    /// The position of its first change.
    first: Position,
    _dir: TempDir,
}

impl Rehearsal {
    /// A feed with items of these headlines.
    pub(super) fn of(headlines: impl Iterator<Item = String>) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let dir = tempfile::tempdir().expect("a directory");
        let entered = runtime.enter();
        let store: SharedStore = Arc::new(Sqlite::open(dir.path(), Role::Server).expect("opens"));
        let feeds = Feeds::asleep(store.clone(), Drain::default());
        let (awake, first) = runtime.block_on(async {
            let _follower = follow::begin(&feeds).await.expect("answers");
            let id: FeedId = "news".parse().expect("a feed id");
            store.create_feed(Feed::new(id.clone(), "News"), Mark::random(), "test").await.expect("created");
            let first = store.feed(&id).await.expect("answers").expect("it is there").head;
            for headline in headlines {
                publish(&store, &id, &headline).await;
            }
            (feeds.open(&id).await.expect("answers").expect("it is there"), first)
        });
        drop(entered);
        Self { runtime, feeds, awake, first, _dir: dir }
    }

    /// A reader who has the first change.
    pub(super) fn reader(&self, wire: Wire) -> Reader {
        let start = Start::Resume(After::Position(self.first));
        let wish = Wish { start, size: 0, filter: None, right: Right::Anybody };
        Reader::open(self.feeds.clone(), self.awake.clone(), wire, wish).expect("no filter is one too many")
    }

    /// How many readers are open.
    pub(super) fn readers(&self) -> usize {
        self.awake.readers()
    }

    /// This moment.
    pub(super) fn clock(&self) -> Clock {
        Clock::of(&self.feeds)
    }
}

async fn publish(store: &SharedStore, feed: &FeedId, headline: &str) {
    let (mark, now) = (Mark::random(), store.now());
    let record = Record {
        id: uuid::Uuid::now_v7(),
        version: 1,
        mark,
        kind: Kind::ItemPublished,
        at: now,
        born: 0,
        last_seq: 0,
        status: Status::Usable,
        published: now,
        updated: now,
        breaking_until: None,
        pin: None,
        ever: Ever::default(),
        more: serde_json::Map::new(),
        story: format!("{{\"headline\":\"{headline}\"}}"),
    };
    let write = Write::Item(ItemWrite {
        expected: Expected::Nothing,
        under: None,
        record,
        fields: Vec::new(),
        alt_ids: Vec::new(),
    });
    let (kind, who) = (Kind::ItemPublished, "test".to_owned());
    let commit = Commit { feed: feed.clone(), once: None, mark, kind, at: now, who, write };
    assert!(store.commit(commit).await.is_ok(), "nothing stands against it");
}
