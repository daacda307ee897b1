//! A small newsroom: it edits in one feed of a store, directly, without the rules that the doors keep.

use newswire::{
    news::{Ever, Feed, FeedId, Kind, Mark, Moment, Pin, Position, Record, Status, feed::Keep},
    store::{
        Commit, CommitError, Committed, Conflict, Expected, FeedState, FeedWrite, Hash, ItemWrite, Once, SharedStore,
        Write,
    },
};
use uuid::Uuid;

/// Who edits, unless a test says otherwise.
pub(crate) const EDITOR: &str = "desk";

/// A newsroom.
#[derive(Clone)]
pub(crate) struct Newsroom {
    pub(crate) store: SharedStore,
    pub(crate) feed: FeedId,
}

impl Newsroom {
    /// In the feed of that name, which is created if it is not there.
    pub(crate) async fn open(store: &SharedStore, feed: &str) -> Self {
        let feed: FeedId = feed.parse().expect("a feed id");
        let document = Feed::new(feed.clone(), "News");
        store.create_feed(document, Mark::random(), EDITOR).await.expect("a feed is created");
        Self { store: store.clone(), feed }
    }

    /// A new item, not yet committed.
    pub(crate) fn draft(&self, headline: &str) -> Record {
        let now = self.store.now();
        Record {
            id: Uuid::now_v7(),
            version: 1,
            mark: Mark::random(),
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
        }
    }

    /// What `change` makes of an item, as its next version, not yet committed.
    pub(crate) fn revision(&self, of: &Record, kind: Kind, change: impl FnOnce(&mut Record)) -> Record {
        let mut record = of.clone();
        record.version += 1;
        record.mark = Mark::random();
        record.kind = kind;
        record.at = self.store.now();
        change(&mut record);
        record
    }

    /// A commit that writes this record over the version before it.
    pub(crate) fn writing(&self, record: &Record) -> Commit {
        let expected = match record.version {
            1 => Expected::Nothing,
            version => Expected::Version(version - 1),
        };
        let write =
            ItemWrite { expected, record: record.clone(), fields: vec!["headline".to_owned()], alt_ids: vec![] };
        self.change(record.mark, record.kind, Write::Item(write))
    }

    /// A commit that writes the feed's document.
    pub(crate) async fn writing_feed(&self, kind: Kind, document: Feed) -> Commit {
        let state = self.store.feed(&self.feed).await.expect("answers");
        let expected = state.map_or(Position { seq: 1, mark: Mark(0) }, |state| state.own);
        self.change(Mark::random(), kind, Write::Feed(FeedWrite { expected, document }))
    }

    fn change(&self, mark: Mark, kind: Kind, write: Write) -> Commit {
        Commit { feed: self.feed.clone(), once: None, mark, kind, at: self.store.now(), who: EDITOR.to_owned(), write }
    }

    /// Commits, and says where.
    pub(crate) async fn commit(&self, commit: Commit) -> Position {
        match self.store.commit(commit).await.expect("a commit that nothing stands against") {
            Committed::Now(position) => position,
            Committed::Before(remembered) => panic!("committed before: {remembered:?}"),
        }
    }

    /// Commits what must be refused, and says why it was.
    pub(crate) async fn refused(&self, commit: Commit) -> Conflict {
        match self.store.commit(commit).await {
            Err(CommitError::Conflict(conflict)) => conflict,
            other => panic!("not refused: {other:?}"),
        }
    }

    /// Commits a record and returns it as it is stored.
    pub(crate) async fn put(&self, mut record: Record) -> Record {
        let position = self.commit(self.writing(&record)).await;
        record.last_seq = position.seq;
        if record.version == 1 {
            record.born = position.seq;
        }
        record
    }

    /// Publishes an item.
    pub(crate) async fn publish(&self, headline: &str) -> Record {
        self.put(self.draft(headline)).await
    }

    /// Publishes a pinned item.
    pub(crate) async fn publish_pinned(&self, headline: &str, position: u8, until: Option<Moment>) -> Record {
        let mut record = self.draft(headline);
        record.pin = Some(Pin { position, until });
        self.put(record).await
    }

    /// Gives an item another headline.
    pub(crate) async fn update(&self, record: &Record, headline: &str) -> Record {
        let story = format!("{{\"headline\":\"{headline}\"}}");
        self.put(self.revision(record, Kind::ItemUpdated, |record| record.story = story)).await
    }

    /// Gives an item another status.
    pub(crate) async fn turn(&self, record: &Record, kind: Kind, status: Status) -> Record {
        self.put(self.revision(record, kind, |record| record.status = status)).await
    }

    /// Deletes the feed; false if there is none.
    pub(crate) async fn delete(&self) -> bool {
        match self.store.delete_feed(&self.feed, None).await {
            Ok(_) => true,
            Err(CommitError::Conflict(Conflict::NoFeed)) => false,
            Err(other) => panic!("{other}"),
        }
    }

    /// Where the feed stands.
    pub(crate) async fn state(&self) -> FeedState {
        self.store.feed(&self.feed).await.expect("the store answers").expect("the feed is there")
    }

    /// The feed's newest change.
    pub(crate) async fn head(&self) -> Position {
        self.state().await.head
    }
}

/// The position of an item's newest change.
pub(crate) fn position(record: &Record) -> Position {
    Position { seq: record.last_seq, mark: record.mark }
}

/// A request of this editor under an idempotency key.
pub(crate) fn once(key: &str, hash: u8) -> Once {
    Once { token: EDITOR.to_owned(), key: key.to_owned(), hash: hash_of(hash) }
}

/// A hash that differs from those of other numbers.
pub(crate) fn hash_of(number: u8) -> Hash {
    [number; 32]
}

/// A feed that keeps only so many changes to resume over.
pub(crate) fn keeping(changes: u64) -> Keep {
    Keep { changes: Some(changes), ..Keep::default() }
}
