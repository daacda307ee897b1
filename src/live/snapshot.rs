//! Snapshots: the newest items of a feed, from which a new reader's walk begins.
//!
//! A snapshot is read once and shared by all who come within a short while, since each walks on from its position. A
//! change that takes text away makes all older ones unusable at once, half-sent ones too: a reader that has had some of
//! the pages gets the rest from the store ([`Rest`]). So it does where it is slow, so that nobody holds an old snapshot.

use std::{
    collections::HashMap,
    hash::{Hash as _, Hasher as _},
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::Instant;

use super::{
    awake::{Awake, Standing},
    behind::PATIENCE,
    feeds::Feeds,
    message::Message,
    wire::{Encodings, Wire},
};
use crate::{
    news::{Cursor, FeedId, Filter, Position, Record},
    store::{StoreError, budget},
};

/// The sizes that a reader can start with; what is asked for is rounded up.
pub const SIZES: [usize; 4] = [10, 50, 200, 500];
/// The size for a reader that names none.
pub const DEFAULT_SIZE: usize = 50;

/// How old a snapshot may be, in time and in changes.
const OLD: Duration = Duration::from_secs(2);
const OLD_CHANGES: u64 = 200;

/// How many bytes of items one page holds at most, unless a single item is larger.
const PAGE_BYTES: usize = 256 * 1024;
/// How many bytes of items a snapshot holds before it ends early, with `before` where it stopped.
const SNAPSHOT_BYTES: usize = 8 * 1024 * 1024;
/// How many snapshots of different filters are kept for each feed, for as long as one may be shown: those who come at the
/// same moment share them.
const FILTERED: usize = 32;
/// How many pages of the store are looked through for a filtered snapshot before it ends early, with `before` where it
/// stopped: 20,000 items.
const FILTERED_PAGES: usize = 10;
/// How many snapshots of one feed may be read at once.
const READINGS: usize = 8;
/// How often a snapshot is read again because text was taken away meanwhile, before the reader is asked to come back.
const TRIES: usize = 5;

/// One snapshot.
#[derive(Debug)]
pub struct Snapshot {
    /// Where a reader stands once it has all pages.
    pub position: Position,
    /// The generation of the window that the position belongs to.
    pub generation: u64,
    /// Its pages; at least one.
    pub pages: Vec<Page>,
    taken: Instant,
}

/// One page of a snapshot, encoded once per wire.
#[derive(Debug)]
pub struct Page {
    /// How many items it and the pages before it have, pinned ones not counted.
    pub items: usize,
    /// Where the next page goes on; none where there was nothing but pinned items yet.
    pub before: Option<Cursor>,
    message: Message,
    encodings: Encodings,
}

impl Page {
    /// Its bytes on a wire.
    #[must_use]
    pub fn on(&self, wire: Wire) -> Bytes {
        self.encodings.on(wire, || self.message.clone())
    }
}

impl Snapshot {
    /// Whether it may still be shown: no cut came since it was read, and no change that took text away.
    #[must_use]
    pub fn may_be_shown(&self, awake: &Awake) -> bool {
        let Standing { generation, taken_away } = awake.standing();
        generation == self.generation && taken_away <= self.position.seq
    }

    /// Whether a new reader may begin with it.
    fn recent(&self, awake: &Awake) -> bool {
        self.may_be_shown(awake)
            && awake.state().head.seq.saturating_sub(self.position.seq) <= OLD_CHANGES
            && self.taken.elapsed() <= OLD
    }
}

/// What a snapshot is known by: its size, and what it was filtered by.
type Name = (usize, Option<Filter>);

/// The snapshots of one feed.
#[derive(Debug, Default)]
pub struct Snapshots {
    kept: Mutex<HashMap<Name, Arc<Snapshot>>>,
    /// Held by the one who reads, so that all who wait share its read. Different filters seldom share a lock.
    reading: [tokio::sync::Mutex<()>; READINGS],
}

impl Snapshots {
    /// A snapshot of at least `least` items ([`SIZES`]; more than the largest is the largest). None: there is no such
    /// feed any more.
    ///
    /// # Errors
    /// The store is away, or text was taken away again and again while it was read.
    pub async fn of(
        &self,
        awake: &Awake,
        feeds: &Feeds,
        least: usize,
        filter: Option<&Filter>,
    ) -> Result<Option<Arc<Snapshot>>, StoreError> {
        let name = (size(least), filter.cloned());
        if let Some(snapshot) = self.kept(awake, &name) {
            return Ok(Some(snapshot));
        }
        let _reading = self.reading[shard(&name)].lock().await;
        if let Some(snapshot) = self.kept(awake, &name) {
            return Ok(Some(snapshot));
        }
        for _ in 0..TRIES {
            let Some(snapshot) = read(awake, feeds, &name).await? else { return Ok(None) };
            let snapshot = Arc::new(snapshot);
            // It was read just now, however long that took; only what must not be shown is read again.
            if snapshot.may_be_shown(awake) {
                let mut all = self.all();
                if filter.is_some() && all.keys().filter(|(_, filter)| filter.is_some()).count() >= FILTERED {
                    all.retain(|(_, filter), _| filter.is_none());
                }
                all.insert(name, snapshot.clone());
                drop(all);
                return Ok(Some(snapshot));
            }
        }
        Err(StoreError::Unavailable("text was taken away faster than a snapshot could be read".to_owned()))
    }

    /// Gives up all snapshots.
    pub fn forget(&self) {
        self.all().clear();
    }

    /// Gives up those that no new reader may begin with: nobody holds them but while a page of them is sent.
    pub fn tidy(&self, awake: &Awake) {
        self.all().retain(|_, snapshot| snapshot.recent(awake));
    }

    /// The one that a new reader may begin with now, if it is there.
    #[must_use]
    pub fn ready(&self, awake: &Awake, least: usize, filter: Option<&Filter>) -> Option<Arc<Snapshot>> {
        self.kept(awake, &(size(least), filter.cloned()))
    }

    fn kept(&self, awake: &Awake, name: &Name) -> Option<Arc<Snapshot>> {
        self.all().get(name).filter(|snapshot| snapshot.recent(awake)).cloned()
    }

    fn all(&self) -> std::sync::MutexGuard<'_, HashMap<Name, Arc<Snapshot>>> {
        self.kept.lock().expect("nothing panics while holding it")
    }
}

/// The size of a snapshot of at least so many items.
#[must_use]
pub fn size(least: usize) -> usize {
    SIZES.into_iter().find(|size| *size >= least).unwrap_or(SIZES[SIZES.len() - 1])
}

/// Which lock a snapshot is read under.
fn shard(name: &Name) -> usize {
    let mut hash = std::hash::DefaultHasher::new();
    name.hash(&mut hash);
    usize::try_from(hash.finish() % READINGS as u64).expect("a small number")
}

/// Reads a snapshot page by page; its position is the head at the first page's read.
async fn read(awake: &Awake, feeds: &Feeds, name: &Name) -> Result<Option<Snapshot>, StoreError> {
    let (size, filter) = (name.0, name.1.as_ref());
    let Standing { generation, .. } = awake.standing();
    let (mut position, mut before) = (None, None);
    let mut pages = Pages::of(&awake.id);
    for read in 1.. {
        let left = size - pages.items;
        let Some(page) = feeds.store.page(&awake.id, before, left, filter).await? else { return Ok(None) };
        let position = *position.get_or_insert(page.state.head);
        let now = feeds.store.now();
        let listed = |record: &&Record| filter.is_none_or(|filter| filter.lists(record));
        page.pinned.iter().filter(listed).for_each(|record| pages.add(record.public(&awake.id, now), None));
        for record in page.items.iter().filter(listed) {
            let cursor = Cursor { published: record.published, id: record.id };
            pages.add(record.public(&awake.id, now), Some(cursor));
        }
        before = page.before;
        let far = filter.is_some() && read >= FILTERED_PAGES;
        if pages.items >= size || before.is_none() || pages.bytes > SNAPSHOT_BYTES || far {
            let pages = pages.end(position, before);
            return Ok(Some(Snapshot { position, generation, pages, taken: Instant::now() }));
        }
    }
    unreachable!("it ends with the feed, or with its size")
}

/// What a reader that has had some pages of a snapshot still lacks.
#[derive(Clone, Copy, Debug)]
pub struct Rest<'a> {
    /// Where it stands once it has all.
    pub position: Position,
    /// It has had all items down to here.
    pub before: Option<Cursor>,
    /// How many are to come at most.
    pub left: usize,
    /// What it wants, if not everything.
    pub filter: Option<&'a Filter>,
}

impl Rest<'_> {
    /// One more page, read now, as the position allows. The cursor for the page after it comes with it, and how many
    /// items it has; none: it was the last page. The whole is none where there is no such feed any more.
    ///
    /// # Errors
    /// The store is away.
    pub async fn read(
        self,
        awake: &Awake,
        feeds: &Feeds,
    ) -> Result<Option<(Message, Option<(Cursor, usize)>)>, StoreError> {
        let Self { position, before, left, filter } = self;
        let read = async {
            let _slot = feeds.reads.acquire().await.expect("the slots are never closed");
            feeds.store.page(&awake.id, before, left.clamp(1, budget::ITEMS), filter).await
        };
        let read = tokio::time::timeout(PATIENCE, read).await;
        let read = read.map_err(|_| StoreError::Unavailable("too many readers are behind".to_owned()))??;
        let Some(page) = read else { return Ok(None) };
        let now = feeds.store.now();
        let listed = |record: &&Record| filter.is_none_or(|filter| filter.lists(record));
        let mut items: Vec<_> = page.pinned.iter().filter(listed).map(|record| record.public(&awake.id, now)).collect();
        let mut bytes: usize = items.iter().map(String::len).sum();
        let (mut sent, mut next) = (0, page.before);
        let mut last = None;
        for record in page.items.iter().filter(listed) {
            let item = record.public(&awake.id, now);
            bytes += item.len();
            if bytes > PAGE_BYTES && sent > 0 {
                next = last;
                break;
            }
            items.push(item);
            sent += 1;
            last = Some(Cursor { published: record.published, id: record.id });
        }
        let after = next.filter(|_| sent < left).map(|before| (before, sent));
        let end = after.is_none().then_some((position, next));
        Ok(Some((Message::snapshot(&awake.id, &items, end), after)))
    }
}

/// Items, split into pages.
struct Pages<'a> {
    feed: &'a FeedId,
    full: Vec<Page>,
    last: Vec<String>,
    last_bytes: usize,
    /// All bytes, and all items that are not pinned, so far.
    bytes: usize,
    items: usize,
    /// The last item that is not pinned.
    cursor: Option<Cursor>,
}

impl<'a> Pages<'a> {
    fn of(feed: &'a FeedId) -> Self {
        Self { feed, full: Vec::new(), last: Vec::new(), last_bytes: 0, bytes: 0, items: 0, cursor: None }
    }

    fn add(&mut self, item: String, cursor: Option<Cursor>) {
        if !self.last.is_empty() && self.last_bytes + item.len() > PAGE_BYTES {
            self.turn(None);
        }
        self.last_bytes += item.len();
        self.bytes += item.len();
        self.items += usize::from(cursor.is_some());
        self.cursor = cursor.or(self.cursor);
        self.last.push(item);
    }

    /// Ends a page; `end` is there for the last one.
    fn turn(&mut self, end: Option<(Position, Option<Cursor>)>) {
        let items = std::mem::take(&mut self.last);
        self.last_bytes = 0;
        self.full.push(Page {
            items: self.items,
            before: self.cursor,
            message: Message::snapshot(self.feed, &items, end),
            encodings: Encodings::default(),
        });
    }

    fn end(mut self, position: Position, before: Option<Cursor>) -> Vec<Page> {
        self.turn(Some((position, before)));
        self.full
    }
}
