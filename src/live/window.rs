//! A window: the newest part of a feed's log, encoded, in a node's memory.
//!
//! It answers one question, *what comes after this position?*, for every reader alike. Each change is encoded once per
//! wire, when its first reader on that wire needs it. A change that a newer one of the same item follows is superseded:
//! it keeps its place and its mark, so that its position can still be resumed from, but its text is gone at once and is
//! never sent again. Absent on purpose: anything about who reads.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, OnceLock},
};

use bytes::Bytes;
use uuid::Uuid;

use super::{
    filters::{PER_FEED, Wanted},
    message::Message,
    wire::{Encodings, Wire},
};
use crate::{
    news::{
        Change, FeedId, Filter, Moment, Position, What,
        filter::{Facets, Verdict},
    },
    store::{Entry, FeedState},
};

/// How many changes a window holds.
pub const CHANGES: usize = 1_000;
/// How many bytes a window holds, over all wires and what they are made from.
pub const BYTES: usize = 4 * 1024 * 1024;
/// How many of the newest changes a window keeps when memory is short.
pub const KEPT: usize = 16;

/// What one turn of a walk takes from the window at most: enough for one good write, little for a reader that is slow.
const TURN_CHANGES: usize = 128;
const TURN_BYTES: usize = 64 * 1024;

/// A change in the window, encoded at most once per wire.
#[derive(Debug)]
pub struct Shared {
    feed: FeedId,
    change: Change,
    shown: Encodings,
    left: Encodings,
    /// What filters look at, read from the story once.
    facets: OnceLock<Facets>,
    /// What it is to each filter of an open reader, by the filter's number.
    judged: Mutex<HashMap<u64, Verdict>>,
}

impl Shared {
    /// A change that is not encoded yet.
    #[must_use]
    pub fn new(feed: FeedId, change: Change) -> Self {
        Self {
            feed,
            change,
            shown: Encodings::default(),
            left: Encodings::default(),
            facets: OnceLock::new(),
            judged: Mutex::default(),
        }
    }

    /// The change itself.
    #[must_use]
    pub fn change(&self) -> &Change {
        &self.change
    }

    /// Its bytes on a wire. What has ended by `now` (breaking, a pin) is left out if this is what encodes it.
    #[must_use]
    pub fn on(&self, wire: Wire, now: Moment) -> Bytes {
        self.shown.on(wire, || Message::change(&self.feed, &self.change, now))
    }

    /// Its bytes on a wire for a reader with this filter; none where that hides it. The feed's own changes are for all.
    #[must_use]
    pub fn filtered(&self, filter: &Filter, wire: Wire, now: Moment) -> Option<Bytes> {
        self.formed(self.judge(filter), wire, now)
    }

    /// The same for the filter of an open reader, which is judged once.
    #[must_use]
    pub fn wanted(&self, wanted: &Wanted, wire: Wire, now: Moment) -> Option<Bytes> {
        let known = self.judged().get(&wanted.number()).copied();
        let verdict = known.unwrap_or_else(|| {
            let verdict = self.judge(wanted.filter());
            let mut judged = self.judged();
            // Filters that came and went leave their numbers behind.
            if judged.len() >= 2 * PER_FEED {
                judged.clear();
            }
            judged.insert(wanted.number(), verdict);
            verdict
        });
        self.formed(verdict, wire, now)
    }

    fn formed(&self, verdict: Verdict, wire: Wire, now: Moment) -> Option<Bytes> {
        match verdict {
            Verdict::Shown => Some(self.on(wire, now)),
            Verdict::Left => Some(self.left.on(wire, || Message::left(&self.feed, &self.change))),
            Verdict::Hidden => None,
        }
    }

    fn judge(&self, filter: &Filter) -> Verdict {
        match &*self.change.what {
            What::Item(record) => filter.judge(record, self.facets.get_or_init(|| Facets::of(record))),
            What::Feed(_) => Verdict::Shown,
        }
    }

    fn judged(&self) -> MutexGuard<'_, HashMap<u64, Verdict>> {
        self.judged.lock().expect("nothing panics while holding it")
    }

    /// Roughly how many bytes it holds once it is on all wires: what it is made from, a text frame, a compressed one and
    /// an event.
    fn weight(&self) -> usize {
        4 * self.made_from() + 1024
    }

    /// Roughly how many bytes it is on a wire.
    fn length(&self) -> usize {
        self.made_from() + 256
    }

    fn made_from(&self) -> usize {
        match &*self.change.what {
            What::Item(record) => record.story.len(),
            What::Feed(_) => 512,
        }
    }
}

/// One place in the window.
#[derive(Debug)]
struct Place {
    position: Position,
    /// None once it is superseded.
    shared: Option<Arc<Shared>>,
}

/// What comes after a position.
#[derive(Debug)]
pub enum View {
    /// Nothing: it is the head.
    Head,
    /// These changes, none of them superseded. The reader then stands at `reached`, which may be further than the last
    /// of them.
    Changes {
        /// Possibly none, where all are superseded.
        changes: Vec<Arc<Shared>>,
        /// Where the reader stands once it has them.
        reached: Position,
    },
    /// The window begins later, or has another mark there: ask the store.
    Elsewhere,
}

/// The newest part of one feed's log.
#[derive(Debug)]
pub struct Window {
    state: FeedState,
    /// The change just before the first place; it can be resumed from.
    base: Position,
    places: VecDeque<Place>,
    /// The newest place of each item in the window (none: of the feed itself).
    newest: HashMap<Option<Uuid>, u64>,
    weight: usize,
    /// The newest change that took text away from the public; what was made before it must not be shown any more.
    taken_away: u64,
}

impl Window {
    /// A window that begins after `base` and is filled by [`Window::append`].
    #[must_use]
    pub fn begin(state: FeedState, base: Position) -> Self {
        let state = FeedState { head: base, ..state };
        Self { taken_away: base.seq, state, base, places: VecDeque::new(), newest: HashMap::new(), weight: 0 }
    }

    /// The feed's state as far as the window knows it; its head is the window's.
    #[must_use]
    pub fn state(&self) -> &FeedState {
        &self.state
    }

    /// The newest change that the window has.
    #[must_use]
    pub fn head(&self) -> Position {
        self.state.head
    }

    /// The seq of the newest change that took text away, or where the window began.
    #[must_use]
    pub fn taken_away(&self) -> u64 {
        self.taken_away
    }

    /// The change just before the oldest one that it has.
    #[must_use]
    pub fn base(&self) -> Position {
        self.base
    }

    /// Every change that it has and no newer one supersedes, newest first.
    pub fn newest(&self) -> impl Iterator<Item = &Arc<Shared>> {
        self.places.iter().rev().filter_map(|place| place.shared.as_ref())
    }

    /// How many changes it has, superseded ones too.
    #[must_use]
    pub fn changes(&self) -> usize {
        self.places.len()
    }

    /// Roughly how many bytes it holds.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.weight
    }

    /// Adds the log entries that follow the head, in their order, with the state they were read with. Entries that it
    /// has are passed over.
    pub fn append(&mut self, entries: Vec<Entry>, state: FeedState) {
        for entry in entries {
            if entry.position.seq != self.state.head.seq + 1 {
                continue;
            }
            self.state.head = entry.position;
            if entry.kind.takes_away() {
                self.taken_away = entry.position.seq;
            }
            self.supersede(entry.item);
            let shared = entry.change.map(|change| Arc::new(Shared::new(state.feed.id.clone(), change)));
            if let Some(shared) = &shared {
                self.weight += shared.weight();
                self.newest.insert(entry.item, entry.position.seq);
            }
            self.places.push_back(Place { position: entry.position, shared });
        }
        self.state = FeedState { head: self.state.head, ..state };
        // What the feed no longer keeps is not served from here either.
        while self.base.seq < self.state.floor && !self.places.is_empty() {
            self.forget_oldest();
        }
        while self.places.len() > CHANGES || (self.weight > BYTES && self.places.len() > KEPT) {
            self.forget_oldest();
        }
    }

    /// Gives up the older half, but never the newest [`KEPT`] changes.
    pub fn shrink(&mut self) {
        let keep = (self.places.len() / 2).max(KEPT);
        while self.places.len() > keep {
            self.forget_oldest();
        }
    }

    /// At most one turn of what comes after a position.
    #[must_use]
    pub fn after(&self, position: Position) -> View {
        if position == self.head() {
            return View::Head;
        }
        let Some(start) = self.index_after(position) else { return View::Elsewhere };
        let mut changes = Vec::new();
        let (mut reached, mut bytes) = (position, 0);
        for place in self.places.range(start..) {
            if let Some(shared) = &place.shared {
                bytes += shared.length();
                if changes.len() == TURN_CHANGES || (bytes > TURN_BYTES && !changes.is_empty()) {
                    break;
                }
                changes.push(shared.clone());
            }
            reached = place.position;
        }
        View::Changes { changes, reached }
    }

    /// The index of the place after a position, if the window has that position with that mark.
    fn index_after(&self, position: Position) -> Option<usize> {
        if position == self.base {
            return Some(0);
        }
        let index = usize::try_from(position.seq.checked_sub(self.base.seq + 1)?).ok()?;
        (self.places.get(index)?.position == position).then_some(index + 1)
    }

    /// A newer change of this item has come: the text of the older one goes at once.
    fn supersede(&mut self, item: Option<Uuid>) {
        let Some(seq) = self.newest.remove(&item) else { return };
        let index = usize::try_from(seq - self.base.seq - 1).expect("a window is small");
        if let Some(shared) = self.places[index].shared.take() {
            self.weight -= shared.weight();
        }
    }

    fn forget_oldest(&mut self) {
        let Some(place) = self.places.pop_front() else { return };
        self.base = place.position;
        if let Some(shared) = place.shared {
            self.weight -= shared.weight();
            self.newest.remove(&shared.change.item());
        }
    }
}

#[cfg(test)]
mod tests;
