//! A shard's loop.
//!
//! What can wake it: a socket from which something came, or that takes something again; the bell, for a feed that
//! changed, a stream that begins, a reader that is back from the store, a census, and the drain; and the wheel, four
//! times a second while there is any connection.

use std::{
    collections::{BTreeSet, HashMap},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use mio::{Events, Interest, Poll, Token};
use tokio::time::Instant;

use super::{
    Arrival, BELL, Brought, Errand, Post, ahead,
    connection::{Connection, Fate, Pass},
    counts::{Census, Counts, Parting, Transport},
    departure::Departure,
    pinned::Pinned,
    speech::Part,
    wheel::{Due, Wheel},
};
use crate::live::{
    Feeds, Goodbye, Reader, Turn,
    awake::Awake,
    batch::Batches,
    bell::Number,
    drain::{Leave, Staying},
    message::Reset,
    reader::Clock,
};

/// How soon after a walk along a feed's readers the next one begins at the earliest: half a frame of a screen. What is
/// committed meanwhile leaves in one write: at 2,000 changes a second a write carries sixteen of them, at a hundred a
/// second each leaves at once.
const GATHERED: Duration = Duration::from_millis(8);
/// How many events are taken from the system at once.
const EVENTS: usize = 1024;
/// How much is read at once of what clients say.
const SCRATCH: usize = 16 * 1024;

/// Serves until the process ends. A panic is a defect of ours: it costs this shard's readers their connections, and they
/// come back.
pub(super) fn forever(poll: Poll, post: &Arc<Post>, feeds: &Arc<Feeds>, pinned: &Arc<Pinned>) {
    let mut poll = poll;
    loop {
        let mut shard = Shard::new(post.clone(), feeds.clone(), pinned.clone());
        let served = catch_unwind(AssertUnwindSafe(|| shard.serve(&mut poll)));
        match served {
            Ok(Err(error)) => tracing::error!(%error, "a shard failed: its readers must come back"),
            Ok(Ok(never)) => match never {},
            Err(_) => tracing::error!("a shard panicked: its readers must come back"),
        }
        // Whose feeds it was attached to, and who is yet to come, is still known.
        shard.crowds.values().for_each(|crowd| crowd.awake.detach(&post.bell));
        shard.connections.iter().flatten().for_each(|connection| shard.gone(connection, Parting::Failed));
    }
}

/// One shard.
pub(super) struct Shard {
    post: Arc<Post>,
    feeds: Arc<Feeds>,
    pinned: Arc<Pinned>,
    connections: Vec<Option<Box<Connection>>>,
    free: Vec<u32>,
    /// The readers of each feed.
    crowds: HashMap<Number, Crowd>,
    wheel: Wheel,
    batches: Batches,
    /// Feeds that are to be walked along, and when that was done last.
    due: BTreeSet<Number>,
    walked: Instant,
    /// Connections that have more to read, or to write, once others had their turn.
    again: Vec<(u32, Doing)>,
    scratch: Vec<u8>,
    parts: Vec<Part>,
    slots: Vec<u32>,
    woken: Vec<(u32, Due)>,
    /// Once the server drains.
    departure: Option<Departure>,
    left: bool,
}

/// The readers of one feed, by connection and seat.
#[derive(Debug)]
struct Crowd {
    awake: Arc<Awake>,
    seats: Vec<(u32, u8)>,
}

/// What is done with a connection.
#[derive(Debug)]
enum Doing {
    Hearing,
    Advancing,
    /// Its socket is not full any more.
    Unstuck,
    /// The reader of this seat is back.
    Taking(usize, Option<Box<(Reader, Turn)>>),
}

impl Shard {
    fn new(post: Arc<Post>, feeds: Arc<Feeds>, pinned: Arc<Pinned>) -> Self {
        let now = Instant::now();
        Self {
            post,
            feeds,
            pinned,
            connections: Vec::new(),
            free: Vec::new(),
            crowds: HashMap::new(),
            wheel: Wheel::new(now),
            batches: Batches::default(),
            due: BTreeSet::new(),
            walked: now,
            again: Vec::new(),
            scratch: vec![0; SCRATCH],
            parts: Vec::new(),
            slots: Vec::new(),
            woken: Vec::new(),
            departure: None,
            left: false,
        }
    }

    fn serve(&mut self, poll: &mut Poll) -> io::Result<std::convert::Infallible> {
        let mut events = Events::with_capacity(EVENTS);
        // What was left before this shard began. A bell that the one before it heard, and did not live to answer, would
        // never ring again.
        self.post.bell.answer();
        self.post.bell.ring();
        loop {
            match poll.poll(&mut events, self.pause()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            }
            let clock = Clock::of(&self.feeds);
            for event in &events {
                if event.token() == BELL {
                    continue;
                }
                let slot = u32::try_from(event.token().0).expect("a slot's number");
                if event.is_writable() && self.is_stuck(slot) {
                    self.with(slot, Doing::Unstuck, &clock);
                }
                if event.is_readable() || event.is_read_closed() || event.is_error() {
                    self.with(slot, Doing::Hearing, &clock);
                }
            }
            for (slot, doing) in std::mem::take(&mut self.again) {
                self.with(slot, doing, &clock);
            }
            let mut due = self.post.bell.answer();
            self.due.append(&mut due);
            self.take_back(&clock);
            self.admit(poll, &clock);
            self.turn_wheel(&clock);
            self.depart(&clock);
            self.walk();
            self.take_census();
        }
    }

    /// How long it may sleep.
    fn pause(&self) -> Option<Duration> {
        if !self.again.is_empty() {
            return Some(Duration::ZERO);
        }
        let now = Instant::now();
        let walk = (!self.due.is_empty()).then(|| self.walked + GATHERED);
        let wheel = (self.connections.len() > self.free.len()).then(|| self.wheel.next());
        let next = walk.into_iter().chain(wheel).min()?;
        Some(next.saturating_duration_since(now))
    }

    /// Looks at the readers of feeds that changed.
    fn walk(&mut self) {
        if self.feeds.drain.leaving() && !self.left {
            self.left = true;
            self.due.extend(self.crowds.keys());
        } else if self.due.is_empty() || self.walked.elapsed() < GATHERED {
            return;
        }
        let clock = Clock::of(&self.feeds);
        self.walked = clock.instant;
        let mut slots = std::mem::take(&mut self.slots);
        for feed in std::mem::take(&mut self.due) {
            slots.clear();
            slots
                .extend(self.crowds.get(&feed).into_iter().flat_map(|crowd| crowd.seats.iter().map(|(slot, _)| *slot)));
            for (index, slot) in slots.iter().enumerate() {
                self.fetch_ahead(&slots[index..]);
                self.with(*slot, Doing::Advancing, &clock);
            }
        }
        self.slots = slots;
    }

    /// What the looks after this one need: a connection, and once that is there, its reader.
    fn fetch_ahead(&self, slots: &[u32]) {
        let connection = |ahead: usize| {
            let index = usize::try_from(*slots.get(ahead)?).expect("32 bits");
            self.connections.get(index)?.as_deref()
        };
        if let Some(connection) = connection(2) {
            ahead::fetch(connection);
        }
        if let Some(seat) = connection(1).and_then(|connection| connection.speech.seats.first()) {
            ahead::fetch(seat);
        }
    }

    /// Tells those to leave whose turn has come: as often as the wheel turns, which it does while anybody is here.
    fn depart(&mut self, clock: &Clock) {
        let Some(spread) = self.feeds.drain.spread() else { return };
        let departure = self.departure.get_or_insert_with(|| {
            let here = self.connections.iter().enumerate().filter_map(|(slot, connection)| {
                Some((u32::try_from(slot).expect("a slot's number"), connection.as_ref()?.serial))
            });
            Departure::of(here.collect(), spread)
        });
        let leave = if spread.is_an_instant() { Leave::AtOnce } else { Leave::InTurn };
        for (slot, serial) in departure.turns(clock.instant) {
            let index = usize::try_from(slot).expect("32 bits");
            let Some(connection) = self.connections.get_mut(index).and_then(Option::as_mut) else { continue };
            if connection.serial == serial {
                connection.leave.get_or_insert(leave);
                self.with(slot, Doing::Advancing, clock);
            }
        }
    }

    /// Takes in the streams that begin.
    fn admit(&mut self, poll: &Poll, clock: &Clock) {
        let arrivals = std::mem::take(&mut *self.post.arrivals.lock().expect("nothing panics while holding it"));
        for (arrival, staying) in arrivals {
            match self.seat(poll, arrival, staying) {
                Ok(slot) => self.with(slot, Doing::Advancing, clock),
                Err(error) => tracing::debug!(%error, "a stream ended before it began"),
            }
        }
    }

    fn seat(&mut self, poll: &Poll, arrival: Arrival, staying: Staying) -> io::Result<u32> {
        let Arrival { socket, read, head, walk } = arrival;
        let slot = self.free.last().copied().unwrap_or_else(|| u32::try_from(self.connections.len()).expect("few"));
        let mut socket = mio::net::TcpStream::from_std(socket);
        let token = Token(usize::try_from(slot).expect("32 bits"));
        // Whether it takes something again is told once it was full.
        poll.registry().register(&mut socket, token, Interest::READABLE | Interest::WRITABLE)?;
        // Over all shards, so that a reader which is brought back to a shard that failed meanwhile finds nobody's seat.
        static SERIALS: AtomicU64 = AtomicU64::new(0);
        let serial = SERIALS.fetch_add(1, Ordering::Relaxed);
        let mut connection = Box::new(Connection::new(socket, head, walk, serial, staying));
        for (number, seat) in connection.speech.seats.iter_mut().enumerate() {
            let crowd = self.crowds.entry(seat.awake.number).or_insert_with(|| {
                // Before its first look, so that what comes after that is told.
                seat.awake.attach(&self.post.bell);
                Crowd { awake: seat.awake.clone(), seats: Vec::new() }
            });
            seat.place = crowd.seats.len();
            crowd.seats.push((slot, u8::try_from(number).expect("at most 16 feeds share a connection")));
        }
        self.post.counts.of(Transport::of(connection.speech.wire)).begin(connection.speech.seats.len());
        // Who comes while the server drains is told so at once.
        connection.leave = self.feeds.drain.spread().map(|_| Leave::AtOnce);
        connection.listen(&read);
        if self.free.pop().is_some() {
            self.connections[usize::try_from(slot).expect("32 bits")] = Some(connection);
        } else {
            self.connections.push(Some(connection));
        }
        Ok(slot)
    }

    /// Takes back the readers that were away to ask the store.
    fn take_back(&mut self, clock: &Clock) {
        let brought = std::mem::take(&mut *self.post.brought.lock().expect("nothing panics while holding it"));
        for Brought { slot, serial, seat, reader } in brought {
            let index = usize::try_from(slot).expect("32 bits");
            let connection = self.connections.get(index).and_then(Option::as_ref);
            if connection.is_none_or(|connection| connection.serial != serial) {
                continue;
            }
            self.with(slot, Doing::Taking(seat, reader), clock);
        }
    }

    fn turn_wheel(&mut self, clock: &Clock) {
        if clock.instant < self.wheel.next() {
            return;
        }
        // What is put together is kept for a crowd, and not for long.
        self.batches.forget();
        let mut woken = std::mem::take(&mut self.woken);
        self.wheel.turn(clock.instant, &mut woken);
        for (slot, tick) in woken.drain(..) {
            let index = usize::try_from(slot).expect("32 bits");
            let Some(connection) = self.connections.get_mut(index).and_then(Option::as_mut) else { continue };
            if connection.due == tick || tick == Due::MAX {
                connection.due = 0;
                self.with(slot, Doing::Advancing, clock);
            }
        }
        self.woken = woken;
        if self.pinned.too_much() {
            self.give_up_the_slowest();
        }
    }

    /// Unfinished writes hold too much: those that have waited longest end.
    fn give_up_the_slowest(&mut self) {
        let stuck = self.connections.iter().enumerate().filter_map(|(slot, connection)| {
            let since = connection.as_ref()?.stuck_since()?;
            Some((since, u32::try_from(slot).expect("a slot's number")))
        });
        let (stuck, pinned) = (stuck.collect(), self.pinned.clone());
        pinned.give_up(stuck, |since, slot| {
            let stuck_secs = since.elapsed().as_secs();
            tracing::warn!(stuck_secs, "a slow reader is closed: unfinished writes hold too much memory");
            if let Some(connection) = &mut self.connections[usize::try_from(slot).expect("32 bits")] {
                connection.speech.part(Parting::Pinned);
            }
            self.close(slot);
        });
    }

    /// Does something with a connection, and what follows from it.
    fn with(&mut self, slot: u32, doing: Doing, clock: &Clock) {
        let index = usize::try_from(slot).expect("32 bits");
        let Some(connection) = self.connections.get_mut(index).and_then(Option::as_mut) else { return };
        let clock = Clock { leaving: connection.leave.or(clock.leaving), ..*clock };
        let shared = (&self.pinned, &self.post.counts);
        let mut pass = pass(&mut self.batches, &mut self.scratch, &mut self.parts, shared, clock);
        let hearing = matches!(doing, Doing::Hearing);
        let fate = match doing {
            Doing::Hearing => connection.hear(&mut pass),
            Doing::Advancing => connection.advance(&mut pass),
            Doing::Unstuck => connection.unstuck(&mut pass),
            Doing::Taking(seat, brought) => connection.brought(seat, brought.map(|both| *both), &mut pass),
        };
        let Pass { asking, until, .. } = pass;
        match fate {
            Fate::Gone => return self.close(slot),
            Fate::Again => {
                self.again.push((slot, if hearing { Doing::Hearing } else { Doing::Advancing }));
            }
            Fate::Waits => {}
        }
        if let Some(until) = until {
            self.wheel.set(slot, &mut connection.due, until);
        }
        let serial = connection.serial;
        for (seat, reader) in asking {
            let brought = Some(Brought { slot, serial, seat, reader: None });
            self.feeds.drain.spawn(Errand { post: self.post.clone(), brought }.ask(reader));
        }
    }

    fn is_stuck(&self, slot: u32) -> bool {
        let index = usize::try_from(slot).expect("32 bits");
        self.connections
            .get(index)
            .and_then(Option::as_ref)
            .is_some_and(|connection| connection.stuck_since().is_some())
    }

    fn close(&mut self, slot: u32) {
        let index = usize::try_from(slot).expect("32 bits");
        let Some(connection) = self.connections.get_mut(index).and_then(Option::take) else { return };
        self.free.push(slot);
        self.gone(&connection, connection.speech.parting);
        for seat in &connection.speech.seats {
            let crowd = self.crowds.get_mut(&seat.awake.number).expect("it is listed as long as it is seated");
            crowd.seats.swap_remove(seat.place);
            // The last one has moved to its place.
            if let Some((moved, number)) = crowd.seats.get(seat.place) {
                let moved = usize::try_from(*moved).expect("32 bits");
                if let Some(moved) = &mut self.connections[moved] {
                    moved.speech.seats[usize::from(*number)].place = seat.place;
                }
            }
            if crowd.seats.is_empty() {
                crowd.awake.detach(&self.post.bell);
                self.crowds.remove(&seat.awake.number);
            }
        }
        if self.connections.len() == self.free.len() {
            // Nobody is left: what a crowd needed is given back.
            self.connections = Vec::new();
            self.free = Vec::new();
        }
    }

    /// Counts the end of a stream.
    fn gone(&self, connection: &Connection, why: Parting) {
        let speech = &connection.speech;
        self.post.counts.of(Transport::of(speech.wire)).end(speech.seats.len(), why);
        if why == Parting::Bye(Goodbye::Gone) {
            // It was told with the `bye`.
            self.feeds.numbers.resets.one(Reset::Gone);
        }
    }

    /// Says where all readers stand, if somebody has asked.
    fn take_census(&mut self) {
        if !self.post.asked.swap(false, Ordering::Acquire) {
            return;
        }
        let mut census = Census::default();
        for connection in self.connections.iter().flatten() {
            census.stuck += u64::from(connection.stuck_since().is_some());
            connection.speech.count(&mut self.batches, &mut census);
        }
        *self.post.census.lock().expect("nothing panics while holding it") = census;
        self.post.taken.notify_waiters();
    }
}

fn pass<'a>(
    batches: &'a mut Batches,
    scratch: &'a mut [u8],
    parts: &'a mut Vec<Part>,
    (pinned, counts): (&'a Arc<Pinned>, &'a Counts),
    clock: Clock,
) -> Pass<'a> {
    Pass { batches, clock, scratch, parts, pinned, counts, asking: Vec::new(), until: None }
}

#[cfg(test)]
mod tests;
