//! One reader's walk along a feed.
//!
//! [`Reader::step`] says what comes next, without waiting for anything: bytes to send, a wait, the end, or that the
//! store must be asked, which [`Reader::ask`] does. The reader owns no queue: it is a position, and what comes after that
//! is looked up in the window, or behind it in the store. It never learns which transport it feeds; a transport that is
//! slow simply steps less often, and one whose write stops half-way puts the reader back to where that was
//! ([`Reader::stand`]).

mod ask;

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::Instant;

use super::{
    awake::{Awake, Glance, Here},
    batch::{Batch, Batches, Stopped},
    drain::Leave,
    feeds::Feeds,
    filters::Wanted,
    goodbye::{Ending, Goodbye},
    message::{HEARTBEAT_SECS, Message, Reset},
    right::Right,
    snapshot::{self, Snapshot},
    wire::Wire,
};
use crate::news::{After, Cursor, Filter, Moment, Position};

/// How long a reader waits for this node to see the change that its position names.
const AHEAD: Duration = Duration::from_secs(5);

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

/// What is the same for all readers that are looked at in one go.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// The monotonic now.
    pub instant: Instant,
    /// The store's now.
    pub now: Moment,
    /// Whether this node is in touch with its store.
    pub fresh: bool,
    /// When it last confirmed that nothing is newer.
    pub checked: Moment,
    /// Whether those who are looked at are told to leave.
    pub leaving: Option<Leave>,
}

impl Clock {
    /// As it is now.
    #[must_use]
    pub fn of(feeds: &Feeds) -> Self {
        Self {
            instant: Instant::now(),
            now: feeds.store.now(),
            fresh: feeds.freshness.is_fresh(),
            checked: feeds.freshness.checked(),
            leaving: feeds.drain.leaving().then_some(Leave::AtOnce),
        }
    }
}

/// What the transport does next.
#[derive(Debug)]
pub enum Step {
    /// Sends these changes, and puts the reader back where it could not send all.
    Batch(Arc<Batch>),
    /// Sends this message, or puts the reader back.
    Say(Bytes),
    /// Sends these messages, possibly none, and all of them whatever comes. A reader that walked sends none.
    Send(Vec<Bytes>),
    /// Asks the store: hands the reader to [`Reader::ask`].
    Ask,
    /// Steps again when the feed's bell rings, at the latest then.
    Wait(Instant),
    /// Ends the stream.
    End(Ending),
}

/// What came of asking.
#[derive(Debug)]
pub enum Turn {
    /// Sends these messages, possibly none, before it steps again.
    Send(Vec<Bytes>),
    /// Sends these messages and then these changes; where not all could be sent, the reader stood here before them.
    Batch(Vec<Bytes>, Standing, Arc<Batch>),
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
    standing: Standing,
    /// What it still lacks of a snapshot, while it is at that stage.
    paging: Option<Box<Paging>>,
    _here: Here,
}

/// Where a reader stands: all that stepping along a feed changes.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    stage: Stage,
    /// The generation of the window that its position belongs to.
    generation: u64,
    beat_at: Instant,
    told_stale: bool,
    journey: Option<Journey>,
    /// Until when it waits for what it cannot do anything about: this node's seeing the change that its position names,
    /// or the store's answering again.
    patient_until: Option<Instant>,
}

/// Where the walk stands.
#[derive(Clone, Copy, Debug)]
enum Stage {
    Opening(Start),
    Starting { reset: Option<Reset> },
    Paging,
    Walking(Position),
}

/// A reader that has had some pages of a snapshot. It does not keep the snapshot: the next page comes from there as
/// long as others may begin with it, and from the store afterwards.
#[derive(Debug)]
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

impl Standing {
    /// The same after this much of a batch, of which a write took only a part.
    #[must_use]
    pub fn after(mut self, stopped: &Stopped) -> Self {
        if let Some(position) = stopped.position {
            self.moved(position, stopped.frames);
        }
        self
    }

    fn moved(&mut self, reached: Position, sent: u64) {
        self.stage = Stage::Walking(reached);
        self.patient_until = None;
        // A change tells a client that `stale` is over; if it is not, that is said again at the head.
        self.told_stale &= sent == 0;
        if let Some(journey) = &mut self.journey {
            journey.sent += sent;
        }
    }
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
        let standing = Standing {
            stage: Stage::Opening(start),
            generation: awake.standing().generation,
            beat_at: Instant::now() + Duration::from_secs(HEARTBEAT_SECS),
            told_stale: false,
            journey: None,
            patient_until: None,
        };
        Ok(Self {
            _here: awake.enter(),
            feeds,
            awake,
            wire,
            size: snapshot::size(if size == 0 { snapshot::DEFAULT_SIZE } else { size }),
            wanted,
            right,
            standing,
            paging: None,
        })
    }

    /// The feed.
    #[must_use]
    pub fn awake(&self) -> &Arc<Awake> {
        &self.awake
    }

    /// Where it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// Puts it back to where it stood, or to where a write stopped.
    pub fn stand(&mut self, standing: Standing) {
        self.standing = standing;
    }

    /// Where it walks, once it does.
    #[must_use]
    pub fn at(&self) -> Option<Position> {
        match self.standing.stage {
            Stage::Walking(at) => Some(at),
            Stage::Opening(_) | Stage::Starting { .. } | Stage::Paging => None,
        }
    }

    /// What comes next. It is a pure wait where the reader stands at the head.
    ///
    /// What can end the wait that it returns: a change, a cut or the end of its feed; the end of its right; this node
    /// losing or regaining touch with the store; the drain (each rings the feed's bell); and the time that it names.
    pub fn step(&mut self, batches: &mut Batches, clock: &Clock) -> Step {
        loop {
            match clock.leaving {
                None => {}
                Some(Leave::AtOnce) => return self.end(Goodbye::Draining),
                Some(Leave::InTurn) => return Step::End(Ending::in_turn(&self.awake.id, self.wire)),
            }
            let glance = batches.glance(&self.awake);
            if self.right.is_lost(glance.public, clock.now) {
                return self.end(Goodbye::Revoked);
            }
            let step = match self.standing.stage {
                Stage::Opening(start) => self.begin(start, batches, clock),
                Stage::Starting { reset } => self.start(reset, clock),
                Stage::Paging => self.page(),
                Stage::Walking(at) => self.walk(at, batches, clock),
            };
            if let Some(step) = step {
                return step;
            }
        }
    }

    /// Ends the walk, for a reason of the transport's too.
    #[must_use]
    pub fn end(&self, why: Goodbye) -> Step {
        Step::End(Ending::of(&self.awake.id, self.wire, why))
    }

    /// Says hello. A reader with a good position goes on from it; every other one starts from a snapshot.
    fn begin(&mut self, start: Start, batches: &mut Batches, clock: &Clock) -> Option<Step> {
        if !clock.fresh {
            return Some(self.end(Goodbye::StoreAway));
        }
        let (stage, resumes) = match start {
            Start::Newest => (Stage::Starting { reset: None }, None),
            Start::Unknown => (Stage::Starting { reset: Some(Reset::Unknown) }, None),
            Start::Resume(After::Position(at)) if self.after(at, batches, clock).1.is_some() => {
                self.standing.journey = Some(Journey { from: at.seq, sent: 0 });
                (Stage::Walking(at), Some(at))
            }
            Start::Resume(_) => return Some(Step::Ask),
        };
        self.standing.stage = stage;
        Some(Step::Send(vec![batches.hello(&self.awake, resumes, self.wire)]))
    }

    /// Begins with a snapshot that is there.
    fn start(&mut self, reset: Option<Reset>, clock: &Clock) -> Option<Step> {
        if !clock.fresh {
            return Some(self.end(Goodbye::StoreAway));
        }
        if reset == Some(Reset::Gone) {
            return Some(self.end(Goodbye::Gone));
        }
        let Some(snapshot) = self.awake.snapshots.ready(&self.awake, self.size, self.filter()) else {
            return Some(Step::Ask);
        };
        self.began(&snapshot, reset);
        None
    }

    fn began(&mut self, snapshot: &Arc<Snapshot>, reset: Option<Reset>) {
        self.standing.generation = snapshot.generation;
        self.standing.stage = Stage::Paging;
        let (position, left) = (snapshot.position, self.size);
        let snapshot = Arc::downgrade(snapshot);
        self.paging = Some(Box::new(Paging { reset, snapshot, next: 0, position, before: None, left }));
    }

    /// Sends one page of a snapshot that others may still begin with.
    fn page(&mut self) -> Option<Step> {
        let mut paging = self.paging.take().expect("it is there at this stage");
        let shared = paging.snapshot.upgrade().filter(|snapshot| snapshot.may_be_shown(&self.awake));
        let Some(snapshot) = shared else {
            self.paging = Some(paging);
            return Some(Step::Ask);
        };
        let page = &snapshot.pages[paging.next];
        paging.next += 1;
        paging.before = page.before;
        paging.left = self.size.saturating_sub(page.items);
        let more = paging.next < snapshot.pages.len();
        Some(Step::Send(self.turned(paging, page.on(self.wire), more)))
    }

    /// A page is sent, after a reset if there is a reason for one.
    fn turned(&mut self, mut paging: Box<Paging>, page: Bytes, more: bool) -> Vec<Bytes> {
        let reset = paging.reset.take().map(|reason| {
            self.feeds.numbers.resets.one(reason);
            Message::reset(&self.awake.id, reason).on(self.wire)
        });
        if more {
            self.paging = Some(paging);
        } else {
            self.standing.journey = Some(Journey { from: paging.position.seq, sent: 0 });
            self.standing.stage = Stage::Walking(paging.position);
        }
        reset.into_iter().chain([page]).collect()
    }

    /// One step from a position, or one wait.
    fn walk(&mut self, at: Position, batches: &mut Batches, clock: &Clock) -> Option<Step> {
        // Most readers stand at the head, where there is nothing to look up.
        let (glance, batch) = match batches.glance(&self.awake) {
            glance if glance.head == at => (glance, None),
            _ => self.after(at, batches, clock),
        };
        if let Some(why) = glance.ended {
            return Some(self.end(why));
        }
        // What this look found may have turned the feed private.
        if self.right.is_lost(glance.public, clock.now) {
            return Some(self.end(Goodbye::Revoked));
        }
        if glance.generation != self.standing.generation {
            self.standing.stage = Stage::Starting { reset: Some(Reset::StoreChanged) };
            return Some(Step::Send(Vec::new()));
        }
        let mut until = self.standing.beat_at;
        if let Some(expires) = self.right.expires() {
            let left = expires.millis().saturating_sub(clock.now.millis());
            until = until.min(clock.instant + Duration::from_millis(u64::try_from(left).unwrap_or(0)));
        }
        match batch {
            _ if at == glance.head => {
                self.standing.patient_until = None;
                if let Some(journey) = self.standing.journey.take() {
                    let folded = (at.seq - journey.from).saturating_sub(journey.sent);
                    let message = Message::caught_up(&self.awake.id, at, journey.sent, folded);
                    return Some(Step::Say(message.on(self.wire)));
                }
            }
            Some(batch) => {
                self.standing.moved(batch.reached, batch.len() as u64);
                return (!batch.is_empty()).then_some(Step::Batch(batch));
            }
            // The reader came from a node, or from a read of the store, that is ahead of this window.
            None if at.seq > glance.head.seq => {
                let patient_until = *self.standing.patient_until.get_or_insert(clock.instant + AHEAD);
                if clock.fresh {
                    if clock.instant >= patient_until {
                        return Some(self.end(Goodbye::Behind));
                    }
                    until = until.min(patient_until);
                }
            }
            None => match self.standing.patient_until {
                Some(patient_until) if clock.instant < patient_until => until = until.min(patient_until),
                _ => return Some(Step::Ask),
            },
        }
        Some(self.sign_of_life(glance, at, batches, clock).unwrap_or(Step::Wait(until)))
    }

    /// What a waiting reader has to be told without a change: that the node is out of touch with its store, that it is
    /// in touch again, or that the stream is alive.
    fn sign_of_life(&mut self, glance: Glance, at: Position, batches: &mut Batches, clock: &Clock) -> Option<Step> {
        let Clock { fresh, checked, .. } = *clock;
        if !fresh && !self.standing.told_stale {
            self.standing.told_stale = true;
            return Some(Step::Say(Message::stale(&self.awake.id, checked).on(self.wire)));
        }
        let back = fresh && self.standing.told_stale;
        if !back && clock.instant < self.standing.beat_at {
            return None;
        }
        self.standing.told_stale &= !fresh;
        self.standing.beat_at = clock.instant + Duration::from_secs(HEARTBEAT_SECS);
        // Out of touch with the store, nobody is known to have everything.
        let position = (glance.head == at && fresh).then_some(at);
        Some(Step::Say(batches.heartbeat(&self.awake, position, checked, self.wire)))
    }

    fn after(&self, at: Position, batches: &mut Batches, clock: &Clock) -> (Glance, Option<Arc<Batch>>) {
        batches.after(&self.awake, at, self.wire, self.wanted.as_ref(), clock.now)
    }

    fn filter(&self) -> Option<&Filter> {
        self.wanted.as_ref().map(Wanted::filter)
    }
}
