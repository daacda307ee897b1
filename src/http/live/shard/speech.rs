//! What a stream says next, and what is left of it where a socket takes less: everything about writing but the socket.
//!
//! A round gathers everything between the readers' positions and the head into the parts of one write. Where not all of
//! it is taken, the message that was begun is finished later, and the readers are put back to where that leaves them:
//! what was not begun is looked up anew, in its newest form. Control frames go between messages. Messages that cannot be
//! looked up again (hello, a snapshot's page, `bye`) are owed until they are taken.

use std::{collections::VecDeque, sync::Arc};

use bytes::{Buf as _, Bytes};
use tokio::time::Instant;

use super::{
    super::{
        control,
        ear::{Broken, Heard},
    },
    connection::{Fate, Pass},
    counts::{Census, Parting},
    pinned::{Pinned, Pins},
};
use crate::live::{
    Ending, Goodbye, Reader, Step, Turn, Wire,
    awake::Awake,
    batch::{Batch, Batches},
    reader::Standing,
};

/// How many parts, and about how many bytes, one write has at most.
pub(super) const PARTS: usize = 16;
const ROUND_BYTES: usize = 128 * 1024;
/// How many of them are owed at most; the rest of a message, a pong and changes have their place beside them.
const OWED_PARTS: usize = PARTS - 3;

/// What a stream says.
#[derive(Debug)]
pub(super) struct Speech {
    pub(super) wire: Wire,
    pub(super) seats: Box<[Seat]>,
    /// What is left of a message whose write stopped half-way.
    half: Bytes,
    /// What must be sent before anything else.
    owed: VecDeque<Bytes>,
    /// What the next pong says.
    pong: Option<Box<[u8]>>,
    /// What unfinished messages keep in memory: there exactly while a write is unfinished.
    pins: Option<Box<Pins>>,
    pub(super) end: End,
    /// Why it ends, as far as is known by now.
    pub(super) parting: Parting,
}

/// A place for a reader of one feed.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) awake: Arc<Awake>,
    /// Its index among its shard's readers of that feed.
    pub(super) place: usize,
    /// None while it is away to ask the store, and at the end.
    pub(super) reader: Option<Reader>,
    /// The seq at which it walked when it went away; 0 where it did not walk yet.
    away_at: u64,
}

/// How the stream ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    /// It does not.
    Open,
    /// With what is owed; then our side of the connection is shut, or the client's close frame is waited for.
    Owed(Last),
    /// Everything is said; the client has until then to end its side.
    Said(Instant),
}

/// Who ends the connection once everything is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Last {
    /// The server, whose last bytes these are.
    Ours,
    /// A WebSocket's client, with its own close frame.
    Theirs,
}

/// A part of one write.
#[derive(Debug)]
pub(super) enum Part {
    /// What is left of a message.
    Half,
    /// The next of what is owed.
    Owed,
    /// A control frame.
    Control(Bytes),
    /// A message that the reader in this seat, put back to here, says again.
    Said(Bytes, usize, Standing),
    /// Changes for the reader in this seat, who stood here before.
    Batch(Arc<Batch>, usize, Standing),
}

/// How much of what there is was gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gathered {
    /// All of it: once it is written, every reader waits.
    All,
    /// What one write takes, or it is not known.
    Some,
}

/// How much of what was gathered a socket took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrote {
    All,
    Some,
}

impl Speech {
    /// Begins with the head of the response.
    pub(super) fn new(wire: Wire, head: Bytes, readers: Vec<Reader>) -> Self {
        let seat = |reader: Reader| Seat { awake: reader.awake().clone(), place: 0, away_at: 0, reader: Some(reader) };
        Self {
            wire,
            seats: readers.into_iter().map(seat).collect(),
            half: head,
            owed: VecDeque::new(),
            pong: None,
            pins: None,
            end: End::Open,
            // Where nothing is said, it has hung up.
            parting: Parting::Client,
        }
    }

    /// Whether messages are owed.
    pub(super) fn owes(&self) -> bool {
        !self.owed.is_empty()
    }

    /// A reader is back from asking. What it brought is gathered, if the socket takes anything; else it asks again.
    pub(super) fn brought(
        &mut self,
        seat: usize,
        (mut reader, turn): (Reader, Turn),
        full: bool,
        parts: &mut Vec<Part>,
    ) {
        if !matches!(self.end, End::Open) {
            return;
        }
        let (messages, changes) = match turn {
            Turn::Send(messages) => (messages, None),
            Turn::Batch(messages, before, batch) => (messages, Some((before, batch))),
            Turn::End(ending) => return self.end_with(ending),
        };
        // Behind an unfinished write they stay in memory as that does.
        if let Some(pins) = &mut self.pins {
            pins.add(messages.iter());
        }
        self.owed.extend(messages);
        match changes {
            None => {}
            // All of them are hidden from it: it stands behind them, and steps on from there.
            Some((_, batch)) if batch.is_empty() => {}
            Some((before, _)) if full || self.owed.len() > OWED_PARTS => reader.stand(before),
            Some((before, batch)) => {
                self.gather_owed(parts);
                parts.push(Part::Batch(batch, seat, before));
            }
        }
        self.seats[seat].reader = Some(reader);
    }

    /// Everything that comes next, as far as one write goes.
    pub(super) fn gather(&mut self, parts: &mut Vec<Part>, pass: &mut Pass<'_>) -> Gathered {
        let mut bytes = self.gather_owed(parts);
        if !matches!(self.end, End::Open) || self.owed.len() > OWED_PARTS {
            return Gathered::Some;
        }
        let mut waiting = 0;
        for seat in 0..self.seats.len() {
            while parts.len() < PARTS - 1 && bytes < ROUND_BYTES {
                let stepped = parts
                    .iter()
                    .any(|part| matches!(part, Part::Said(_, of, _) | Part::Batch(_, of, _) if *of == seat));
                let Some(reader) = &mut self.seats[seat].reader else {
                    waiting += 1;
                    break;
                };
                let before = reader.standing();
                match reader.step(pass.batches, &pass.clock) {
                    Step::Batch(batch) => {
                        bytes += batch.bytes.len();
                        parts.push(Part::Batch(batch, seat, before));
                    }
                    Step::Say(message) => {
                        bytes += message.len();
                        parts.push(Part::Said(message, seat, before));
                    }
                    Step::Send(messages) => {
                        // Behind an unfinished write they stay in memory as that does.
                        if let Some(pins) = &mut self.pins {
                            pins.add(messages.iter());
                        }
                        for message in messages {
                            bytes += message.len();
                            parts.push(Part::Owed);
                            self.owed.push_back(message);
                        }
                        if stepped {
                            break;
                        }
                    }
                    // What was gathered is written first, and the reader asked again.
                    Step::Ask | Step::End(_) if stepped => break,
                    // A socket that drips would have the store asked for each drop, and the answers thrown away.
                    Step::Ask if self.pins.is_some() => break,
                    Step::Ask => {
                        let reader = self.seats[seat].reader.take().expect("it stepped just now");
                        self.seats[seat].away_at = reader.at().map_or(0, |at| at.seq);
                        pass.asking.push((seat, reader));
                        break;
                    }
                    Step::End(ending) => {
                        self.end_with(ending);
                        return Gathered::Some;
                    }
                    Step::Wait(until) => {
                        pass.until = Some(pass.until.map_or(until, |other| other.min(until)));
                        waiting += 1;
                        break;
                    }
                }
            }
        }
        if waiting == self.seats.len() { Gathered::All } else { Gathered::Some }
    }

    /// What comes before anything else, in its order: the rest of a message, a pong, what is owed. Returns how many bytes
    /// it is.
    pub(super) fn gather_owed(&mut self, parts: &mut Vec<Part>) -> usize {
        let mut bytes = self.half.len();
        if !self.half.is_empty() {
            parts.push(Part::Half);
        }
        // While a close frame is owed, it is the last frame there is.
        if let Some(payload) = self.pong.take().filter(|_| matches!(self.end, End::Open)) {
            parts.push(Part::Control(control::pong(&payload)));
        }
        for message in self.owed.iter().take(OWED_PARTS) {
            bytes += message.len();
            parts.push(Part::Owed);
        }
        bytes
    }

    /// Remembers what of these parts is still to be said where so many bytes of them were taken, and tells how many changes
    /// were begun.
    pub(super) fn wrote(&mut self, parts: &[Part], mut taken: usize, pinned: &Arc<Pinned>) -> (Wrote, u64) {
        let mut changes = 0;
        let total: usize = self.slices(parts).map(<[u8]>::len).sum();
        let all = taken == total;
        let mut begun = None;
        let mut left = parts.len();
        // What was taken whole.
        for (index, part) in parts.iter().enumerate() {
            let length = self.slice(part, 0).len();
            if length > taken {
                left = index;
                break;
            }
            taken -= length;
            match part {
                Part::Half => self.half = Bytes::new(),
                Part::Owed => drop(self.owed.pop_front()),
                Part::Batch(batch, ..) => changes += batch.len() as u64,
                Part::Control(_) | Part::Said(..) => {}
            }
        }
        if all {
            if self.owed.is_empty() {
                self.owed = VecDeque::new();
            }
            self.pins = None;
            return (Wrote::All, changes);
        }
        // The readers are put back, from the last part to the one where the write stopped.
        for part in parts[left + 1..].iter().rev() {
            self.put_back(part);
        }
        match &parts[left] {
            Part::Half => self.half.advance(taken),
            part if taken == 0 => self.put_back(part),
            Part::Owed => {
                let mut message = self.owed.pop_front().expect("it was gathered from there");
                begun = Some(message.clone());
                message.advance(taken);
                self.half = message;
            }
            Part::Control(message) | Part::Said(message, ..) => {
                begun = Some(message.clone());
                self.half = message.slice(taken..);
            }
            Part::Batch(batch, seat, before) => {
                let stopped = batch.stopped(taken);
                changes += stopped.frames;
                if let Some(reader) = &mut self.seats[*seat].reader {
                    reader.stand(before.after(&stopped));
                }
                if let Some((rest, frame)) = stopped.rest {
                    self.half = rest;
                    begun = Some(frame);
                }
            }
        }
        let half = (!self.half.is_empty()).then_some(&self.half);
        if half.is_none() && self.owed.is_empty() {
            self.pins = None;
        } else if begun.is_some() || half.is_none() || self.pins.is_none() {
            // Else it is in the middle of the same message as before, and what it owes since then is pinned already.
            let messages = begun.as_ref().or(half).into_iter().chain(&self.owed);
            self.pins = Some(Box::new(pinned.pin(messages)));
        }
        (Wrote::Some, changes)
    }

    fn put_back(&mut self, part: &Part) {
        match part {
            Part::Said(_, seat, before) | Part::Batch(_, seat, before) => {
                if let Some(reader) = &mut self.seats[*seat].reader {
                    reader.stand(*before);
                }
            }
            // Its client is answered by the next one, if it asks again.
            Part::Control(pong) => self.pong = Some(control::payload(pong).into()),
            Part::Half | Part::Owed => {}
        }
    }

    pub(super) fn slices<'a>(&'a self, parts: &'a [Part]) -> impl Iterator<Item = &'a [u8]> {
        let mut owed = 0;
        parts.iter().map(move |part| {
            let slice = self.slice(part, owed);
            owed += usize::from(matches!(part, Part::Owed));
            slice
        })
    }

    /// The bytes of a part; `owed` is which of what is owed, if it is that.
    fn slice<'a>(&'a self, part: &'a Part, owed: usize) -> &'a [u8] {
        match part {
            Part::Half => &self.half,
            Part::Owed => &self.owed[owed],
            Part::Control(message) | Part::Said(message, ..) => message,
            Part::Batch(batch, ..) => &batch.bytes,
        }
    }

    /// Owes these messages, which are the last.
    pub(super) fn end_with(&mut self, ending: Ending) {
        let Ending { messages, why, pause } = ending;
        if self.wire.is_web_socket() {
            self.owed.extend(messages);
            self.owed.push_back(control::close(why.close_code(), why.name()));
            self.last_is_owed(Last::Theirs, Parting::Bye(why));
        } else {
            // The pause for a browser's EventSource, which does not read `bye`.
            self.owed.push_back(format!("retry: {}\n", pause.as_millis()).into());
            self.owed.extend(messages);
            self.last_is_owed(Last::Ours, Parting::Bye(why));
        }
    }

    fn last_is_owed(&mut self, last: Last, why: Parting) {
        self.part(why);
        self.end = End::Owed(last);
        self.seats.iter_mut().for_each(|seat| seat.reader = None);
    }

    /// This is why it ends, unless there was a reason already.
    pub(super) fn part(&mut self, why: Parting) {
        if matches!(self.end, End::Open) {
            self.parting = why;
        }
    }

    /// Counts where its readers stand.
    pub(super) fn count(&self, batches: &mut Batches, census: &mut Census) {
        for seat in &self.seats {
            let at = match &seat.reader {
                Some(reader) => reader.at().map(|at| at.seq),
                None if matches!(self.end, End::Open) => {
                    census.asking += 1;
                    (seat.away_at > 0).then_some(seat.away_at)
                }
                None => None,
            };
            if let Some(at) = at {
                let glance = batches.glance(&seat.awake);
                census.add(at, glance.base, glance.head.seq);
            }
        }
    }

    /// Answers what was heard. Waits: it goes on, or ends with what is owed now.
    pub(super) fn answer(&mut self, heard: Heard) -> Fate {
        match heard {
            // Of several, the newest is answered (RFC 6455, section 5.5.3).
            Heard::Ping(payload) => self.pong = Some(payload),
            // The answer to ours, or as good as one.
            Heard::Close(_) if !matches!(self.end, End::Open) => return Fate::Gone,
            _ if !matches!(self.end, End::Open) => {}
            Heard::Close(code) => {
                // It wants no more messages; its own code is the answer.
                self.owed.clear();
                self.owed.push_back(code.map_or_else(control::close_without_code, |code| control::close(code, "")));
                self.last_is_owed(Last::Ours, Parting::Client);
            }
            Heard::Broken(how) => {
                let (code, reason) = match how {
                    Broken::Protocol => (1002, "protocol"),
                    Broken::Utf8 => (1007, "utf8"),
                };
                self.owed.push_back(control::close(code, reason));
                self.last_is_owed(Last::Ours, Parting::Protocol);
            }
            Heard::TooMuch => match self.seats.first() {
                Some(seat) => self.end_with(Ending::of(&seat.awake.id, self.wire, Goodbye::TooMuch)),
                None => return Fate::Gone,
            },
        }
        Fate::Waits
    }
}

#[cfg(test)]
mod tests;
