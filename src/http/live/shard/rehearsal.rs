//! What the tests of this folder serve: feeds in a store of their own, and readers of them.

use std::sync::Arc;

use futures_util::future::join_all;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{
    live::{Awake, Drain, Feeds, Reader, Start, Wire, Wish, follow, reader::Clock, right::Right},
    news::{After, Ever, Feed, FeedId, Filter, Kind, Mark, Position, Record, Status},
    store::{
        Commit, Expected, ItemWrite, SharedStore, Write,
        sqlite::{Role, Sqlite},
    },
};

/// Feeds, awake.
pub(super) struct Rehearsal {
    pub(super) runtime: Runtime,
    pub(super) feeds: Arc<Feeds>,
    /// Each with the position of its first change.
    awake: Vec<(Arc<Awake>, Position)>,
    _dir: TempDir,
}

/// What a reader asks for: a feed, by its number, and what of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asks {
    pub(super) feed: usize,
    pub(super) from: Begins,
    /// A tag, if it does not want everything.
    pub(super) tag: Option<&'static str>,
}

/// Where a reader begins.
#[derive(Clone, Copy, Debug)]
pub(super) enum Begins {
    /// It has the first change.
    First,
    /// It has nothing, and wants every change: what the window does not tell.
    Nothing,
    /// With a snapshot of everything.
    Newest,
}

impl Rehearsal {
    /// A feed with items of these headlines.
    pub(super) fn of(headlines: impl Iterator<Item = String>) -> Self {
        Self::of_several([headlines.collect()].into())
    }

    /// Feeds with items of these headlines. Every third item is tagged `t0`, and every fifth was once.
    pub(super) fn of_several(feeds_of: Vec<Vec<String>>) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let dir = tempfile::tempdir().expect("a directory");
        let entered = runtime.enter();
        let store: SharedStore = Arc::new(Sqlite::open(dir.path(), Role::Server).expect("opens"));
        let feeds = Feeds::asleep(store.clone(), Drain::default());
        let awake = runtime.block_on(async {
            let _follower = follow::begin(&feeds).await.expect("answers");
            let mut awake = Vec::new();
            for (number, headlines) in feeds_of.into_iter().enumerate() {
                let id: FeedId = format!("news-{number}").parse().expect("a feed id");
                store.create_feed(Feed::new(id.clone(), "News"), Mark::random(), "test").await.expect("created");
                let first = store.feed(&id).await.expect("answers").expect("it is there").head;
                for (item, headline) in headlines.into_iter().enumerate() {
                    publish(&store, &id, item, &headline).await;
                }
                awake.push((feeds.open(&id).await.expect("answers").expect("it is there"), first));
            }
            awake
        });
        drop(entered);
        Self { runtime, feeds, awake, _dir: dir }
    }

    /// A reader who has the first change.
    pub(super) fn reader(&self, wire: Wire) -> Reader {
        self.asking(wire, Asks { feed: 0, from: Begins::First, tag: None })
    }

    /// A reader who asks for this.
    pub(super) fn asking(&self, wire: Wire, asks: Asks) -> Reader {
        let Asks { feed, from, tag } = asks;
        let (awake, first) = &self.awake[feed];
        let start = match from {
            Begins::First => Start::Resume(After::Position(*first)),
            Begins::Nothing => Start::Resume(After::First),
            Begins::Newest => Start::Newest,
        };
        let filter = tag.map(|tag| {
            let mut filter = Filter::default();
            filter.add("tag", tag).expect("a tag");
            filter
        });
        let wish = Wish { start, size: 500, filter, right: Right::Anybody };
        Reader::open(self.feeds.clone(), awake.clone(), wire, wish).expect("no filter is one too many")
    }

    /// How many readers of the first feed are open.
    pub(super) fn readers(&self) -> usize {
        self.awake[0].0.readers()
    }

    /// Items of these headlines are published in the first feed, at once, and its window has them.
    pub(super) fn publish(&self, headlines: impl Iterator<Item = String>) {
        let awake = &self.awake[0].0;
        self.runtime.block_on(async {
            join_all(headlines.map(async |headline| publish(&self.feeds.store, &awake.id, 1, &headline).await)).await;
            awake.bring_up(&self.feeds).await.expect("the store answers");
        });
    }

    /// This moment.
    pub(super) fn clock(&self) -> Clock {
        Clock::of(&self.feeds)
    }
}

async fn publish(store: &SharedStore, feed: &FeedId, number: usize, headline: &str) {
    let (mark, now) = (Mark::random(), store.now());
    let tag = format!("t{}", number % 3);
    let mut tags = vec![tag.clone()];
    if number.is_multiple_of(5) && tag != "t0" {
        tags.push("t0".to_owned());
    }
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
        ever: Ever { tags, ..Ever::default() },
        more: serde_json::Map::new(),
        story: format!("{{\"headline\":\"{headline}\",\"tags\":[\"{tag}\"]}}"),
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
