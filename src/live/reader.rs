//! One reader's walk along a feed.
//!
//! Every turn gives the transport bytes to send, or ends. The reader owns no queue: it is a position, and what comes
//! after that is looked up in the window, or behind it in the store. It never learns which transport it feeds, and a
//! transport that is slow simply asks less often. [`Reader::next`] can be dropped half-way; nothing is lost by it.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::Instant;

use super::{
    awake::{Awake, Here},
    behind::behind,
    feeds::Feeds,
    filters::Wanted,
    goodbye::{Ending, Goodbye},
    message::{HEARTBEAT_SECS, Message, Reset},
    right::Right,
    snapshot::{self, Rest, Snapshot},
    window::{Shared, View},
    wire::Wire,
};
use crate::news::{After, Cursor, Filter, Position};

/// How long a reader waits for this node to see the change that its position names.
const AHEAD: Duration = Duration::from_secs(5);
/// The pause before a reader behind its window asks a store again that did not answer.
const AGAIN: Duration = Duration::from_secs(1);

/// Where a reader wants to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// After a position.
    Resume(After),
    /// With a snapshot.
    Newest,
    /// After something that is not a position.
    Unknown,
}

/// What a reader asks for.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Where it begins.
    pub start: Start,
    /// How many items a snapshot has at least, where it needs one; 0: as many as is usual.
    pub size: usize,
    /// What it wants, if not everything.
    pub filter: Option<Filter>,
    /// By what right it reads.
    pub right: Right,
}

/// What the transport does next.
#[derive(Debug)]
pub enum Turn {
    /// Sends these messages, in this order, in as few writes as it can.
    Send(Vec<Bytes>),
    /// Ends the stream.
    End(Ending),
}

/// A reader.
#[derive(Debug)]
pub struct Reader {
    feeds: Arc<Feeds>,
    awake: Arc<Awake>,
    wire: Wire,
    /// How many items a snapshot shall have.
    size: usize,
    /// What it wants, if not everything.
    wanted: Option<Wanted>,
    right: Right,
    stage: Stage,
    /// The generation of the window that its position belongs to.
    generation: u64,
    beat_at: Instant,
    told_stale: bool,
    journey: Option<Journey>,
    /// Until when it waits for this node to see the change that its position names.
    ahead_until: Option<Instant>,
    _here: Here,
}

/// Where the walk stands.
#[derive(Clone, Debug)]
enum Stage {
    Opening(Start),
    Starting { reset: Option<Reset> },
    Paging(Paging),
    Walking(Position),
}

/// A reader that has had some pages of a snapshot. It does not keep the snapshot: the next page comes from there as
/// long as others may begin with it, and from the store afterwards.
#[derive(Clone, Debug)]
struct Paging {
    reset: Option<Reset>,
    snapshot: Weak<Snapshot>,
    next: usize,
    /// Where it stands once it has had the last page.
    position: Position,
    before: Option<Cursor>,
    /// How many items are still to come.
    left: usize,
}

/// What `caughtUp` tells of a walk that has not yet been at the head.
#[derive(Clone, Copy, Debug)]
struct Journey {
    from: u64,
    sent: u64,
}

impl Reader {
    /// A reader of an awake feed.
    ///
    /// # Errors
    /// [`Goodbye::TooManyFilters`].
    pub fn open(feeds: Arc<Feeds>, awake: Arc<Awake>, wire: Wire, wish: Wish) -> Result<Self, Goodbye> {
        let Wish { start, size, filter, right } = wish;
        let wanted = match filter {
            Some(filter) => Some(awake.filters.enter(filter).ok_or(Goodbye::TooManyFilters)?),
            None => None,
        };
        Ok(Self {
            _here: awake.enter(),
            generation: awake.standing().generation,
            feeds,
            awake,
            wire,
            size: snapshot::size(if size == 0 { snapshot::DEFAULT_SIZE } else { size }),
            wanted,
            right,
            stage: Stage::Opening(start),
            beat_at: Instant::now() + Duration::from_secs(HEARTBEAT_SECS),
            told_stale: false,
            journey: None,
            ahead_until: None,
        })
    }

    /// The next turn. It is a pure wait where the reader stands at the head.
    pub async fn next(&mut self) -> Turn {
        loop {
            if self.feeds.drain.leaving() {
                return self.end(Goodbye::Draining);
            }
            if self.right_is_lost() {
                return self.end(Goodbye::Revoked);
            }
            let turn = match self.stage.clone() {
                Stage::Opening(start) => self.begin(start).await,
                Stage::Starting { reset } => self.snapshot(reset).await,
                Stage::Paging(paging) => Some(self.page(paging).await),
                Stage::Walking(at) => self.walk(at).await,
            };
            if let Some(turn) = turn {
                return turn;
            }
        }
    }

    /// Ends the walk, for a reason of the transport's too.
    #[must_use]
    pub fn end(&self, why: Goodbye) -> Turn {
        Turn::End(Ending::of(&self.awake.id, self.wire, why))
    }

    /// Says hello. A reader with a good position goes on from it; every other one starts from a snapshot.
    async fn begin(&mut self, start: Start) -> Option<Turn> {
        if !self.feeds.freshness.is_fresh() {
            return Some(self.end(Goodbye::StoreAway));
        }
        let hello = |resumes| Message::hello(&self.awake.state(), resumes).on(self.wire);
        let (messages, stage) = match start {
            Start::Newest => (vec![hello(None)], Stage::Starting { reset: None }),
            Start::Unknown => (vec![hello(None)], Stage::Starting { reset: Some(Reset::Unknown) }),
            Start::Resume(after) => {
                let known = match after {
                    After::Position(at) => !matches!(self.awake.look(at).view, View::Elsewhere),
                    After::First => false,
                };
                let resumes = match after {
                    After::Position(at) => Some(at),
                    After::First => None,
                };
                if let (true, Some(at)) = (known, resumes) {
                    self.journey = Some(Journey { from: at.seq, sent: 0 });
                    (vec![hello(resumes)], Stage::Walking(at))
                } else {
                    match behind(&self.feeds, &self.awake, after, self.filter()).await {
                        Err(_) => return Some(self.end(Goodbye::StoreAway)),
                        Ok(Err(lost)) => (vec![hello(None)], Stage::Starting { reset: Some(lost.into()) }),
                        Ok(Ok(page)) => {
                            let from = resumes.map_or(0, |at| at.seq);
                            let changes = self.encoded(&page.changes);
                            self.journey = Some(Journey { from, sent: changes.len() as u64 });
                            let messages = [hello(resumes)].into_iter().chain(changes).collect();
                            (messages, Stage::Walking(page.reached))
                        }
                    }
                }
            }
        };
        self.stage = stage;
        Some(Turn::Send(messages))
    }

    /// Finds the snapshot that it begins with.
    async fn snapshot(&mut self, reset: Option<Reset>) -> Option<Turn> {
        if !self.feeds.freshness.is_fresh() {
            return Some(self.end(Goodbye::StoreAway));
        }
        if reset == Some(Reset::Gone) {
            return Some(self.end(Goodbye::Gone));
        }
        match self.awake.snapshots.of(&self.awake, &self.feeds, self.size, self.filter()).await {
            Err(_) => Some(self.end(Goodbye::StoreAway)),
            Ok(None) => Some(self.end(Goodbye::Gone)),
            Ok(Some(snapshot)) => {
                self.generation = snapshot.generation;
                let Snapshot { position, .. } = *snapshot;
                let snapshot = Arc::downgrade(&snapshot);
                self.stage =
                    Stage::Paging(Paging { reset, snapshot, next: 0, position, before: None, left: self.size });
                None
            }
        }
    }

    /// Sends one page of a snapshot, after a reset if there is a reason for one.
    async fn page(&mut self, mut paging: Paging) -> Turn {
        let shared = paging.snapshot.upgrade().filter(|snapshot| snapshot.may_be_shown(&self.awake));
        let (page, more) = match shared {
            Some(snapshot) => {
                let page = &snapshot.pages[paging.next];
                paging.next += 1;
                paging.before = page.before;
                paging.left = self.size.saturating_sub(page.items);
                (page.on(self.wire), paging.next < snapshot.pages.len())
            }
            None => {
                let Paging { position, before, left, .. } = paging;
                let rest = Rest { position, before, left, filter: self.filter() };
                let rest = rest.read(&self.awake, &self.feeds).await;
                match rest {
                    Err(_) => return self.end(Goodbye::StoreAway),
                    Ok(None) => return self.end(Goodbye::Gone),
                    Ok(Some((message, after))) => {
                        // From here on it goes on from the store: the pages there have other ends.
                        paging.snapshot = Weak::new();
                        if let Some((before, items)) = after {
                            paging.before = Some(before);
                            paging.left -= items;
                        }
                        (message.on(self.wire), after.is_some())
                    }
                }
            }
        };
        let reset = paging.reset.take().map(|reason| Message::reset(&self.awake.id, reason).on(self.wire));
        self.stage = if more {
            Stage::Paging(paging)
        } else {
            self.journey = Some(Journey { from: paging.position.seq, sent: 0 });
            Stage::Walking(paging.position)
        };
        Turn::Send(reset.into_iter().chain([page]).collect())
    }

    /// One step from a position, or one wait.
    ///
    /// What can wake a waiting reader: a change, a cut or the end of its feed; the end of its right; this node losing or regaining touch
    /// with the store; its heartbeat; the drain.
    async fn walk(&mut self, at: Position) -> Option<Turn> {
        let awake = self.awake.clone();
        // Made before the look, so that what comes after the look wakes it.
        let woken = awake.woken();
        let look = awake.look(at);
        if let Some(why) = look.ended {
            return Some(self.end(why));
        }
        // What the look found may have turned the feed private.
        if self.right_is_lost() {
            return Some(self.end(Goodbye::Revoked));
        }
        if look.generation != self.generation {
            self.stage = Stage::Starting { reset: Some(Reset::StoreChanged) };
            return None;
        }
        let mut until = self.beat_at;
        if let Some(expires) = self.right.expires() {
            let left = expires.millis().saturating_sub(self.feeds.store.now().millis());
            until = until.min(Instant::now() + Duration::from_millis(u64::try_from(left).unwrap_or(0)));
        }
        match look.view {
            View::Changes { changes, reached } => {
                self.stage = Stage::Walking(reached);
                self.ahead_until = None;
                return self.sent(&changes);
            }
            View::Head => {
                self.ahead_until = None;
                if let Some(journey) = self.journey.take() {
                    let folded = (at.seq - journey.from).saturating_sub(journey.sent);
                    let message = Message::caught_up(&awake.id, at, journey.sent, folded);
                    return Some(Turn::Send(vec![message.on(self.wire)]));
                }
            }
            View::Elsewhere if at.seq > look.head.seq => {
                // The reader came from a node, or from a read of the store, that is ahead of this window.
                let ahead_until = *self.ahead_until.get_or_insert_with(|| Instant::now() + AHEAD);
                if self.feeds.freshness.is_fresh() {
                    if Instant::now() >= ahead_until {
                        return Some(self.end(Goodbye::Behind));
                    }
                    until = until.min(ahead_until);
                }
            }
            View::Elsewhere => match behind(&self.feeds, &awake, After::Position(at), self.filter()).await {
                Ok(Ok(page)) if page.reached != at => {
                    self.stage = Stage::Walking(page.reached);
                    self.ahead_until = None;
                    return self.sent(&page.changes);
                }
                Ok(Err(lost)) => {
                    self.stage = Stage::Starting { reset: Some(lost.into()) };
                    return None;
                }
                // The store is away, or it is further back than the window and the follower will find out.
                Ok(Ok(_)) | Err(_) => until = until.min(Instant::now() + AGAIN),
            },
        }
        if let Some(turn) = self.sign_of_life(look.head == at) {
            return Some(turn);
        }
        tokio::select! {
            () = woken => {}
            () = tokio::time::sleep_until(until) => {}
            () = self.feeds.drain.left() => {}
        }
        None
    }

    /// What a waiting reader has to be told without a change: that the node is out of touch with its store, that it is
    /// in touch again, or that the stream is alive.
    fn sign_of_life(&mut self, at_head: bool) -> Option<Turn> {
        let fresh = self.feeds.freshness.is_fresh();
        let checked = self.feeds.freshness.checked();
        if !fresh && !self.told_stale {
            self.told_stale = true;
            return Some(Turn::Send(vec![Message::stale(&self.awake.id, checked).on(self.wire)]));
        }
        let back = fresh && self.told_stale;
        if !back && Instant::now() < self.beat_at {
            return None;
        }
        self.told_stale &= !fresh;
        self.beat_at = Instant::now() + Duration::from_secs(HEARTBEAT_SECS);
        let Stage::Walking(at) = self.stage else { return None };
        // Out of touch with the store, nobody is known to have everything.
        let position = (at_head && fresh).then_some(at);
        Some(Turn::Send(vec![Message::heartbeat(&self.awake.id, position, checked).on(self.wire)]))
    }

    fn sent(&mut self, changes: &[Arc<Shared>]) -> Option<Turn> {
        let messages = self.encoded(changes);
        // A change tells a client that `stale` is over; if it is not, that is said again at the head.
        self.told_stale &= messages.is_empty();
        if let Some(journey) = &mut self.journey {
            journey.sent += messages.len() as u64;
        }
        (!messages.is_empty()).then_some(Turn::Send(messages))
    }

    fn encoded(&self, changes: &[Arc<Shared>]) -> Vec<Bytes> {
        let now = self.feeds.store.now();
        let encoded = |change: &Arc<Shared>| match &self.wanted {
            None => Some(change.on(self.wire, now)),
            Some(wanted) => change.wanted(wanted, self.wire, now),
        };
        changes.iter().filter_map(encoded).collect()
    }

    fn right_is_lost(&self) -> bool {
        self.right.is_lost(self.awake.is_public(), self.feeds.store.now())
    }

    fn filter(&self) -> Option<&Filter> {
        self.wanted.as_ref().map(Wanted::filter)
    }
}
