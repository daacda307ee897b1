//! One stream's socket: what is written to it next, how far a write came, and what its client says.
//!
//! A round gathers everything between the readers' positions and the head into one write. Where the socket takes less,
//! the frame that was begun is finished later, and the readers are put back to where that leaves them: what was not
//! begun is looked up anew, in its newest form. Control frames go between frames. Messages that cannot be looked up
//! again (hello, a snapshot's page, `bye`) are owed until the socket has taken them.

use std::{
    collections::VecDeque,
    io::{self, IoSlice, Read as _, Write as _},
    net::Shutdown,
    sync::Arc,
    time::Duration,
};

use bytes::{Buf as _, Bytes};
use mio::net::TcpStream;
use tokio::time::Instant;

use super::{
    super::{
        control,
        ear::{Broken, Compression, Ear, Heard},
        room::Place,
    },
    pinned::{Pinned, Pins},
    wheel::Due,
};
use crate::live::{
    Ending, Goodbye, Reader, Step, Turn, Wire,
    awake::Awake,
    batch::{Batch, Batches},
    drain::Staying,
    reader::{Clock, Standing},
};

/// How many parts, and about how many bytes, one write has at most.
const PARTS: usize = 16;
const ROUND_BYTES: usize = 128 * 1024;
/// How many of them are owed at most; the rest of a message, a pong and changes have their place beside them.
const OWED_PARTS: usize = PARTS - 3;
/// How many writes, and reads, one connection gets before others have their turn.
const ROUNDS: usize = 4;
/// How long the client may take to end its side once ours has ended.
const CLOSING: Duration = Duration::from_secs(2);
/// After how long a socket that takes nothing is given up.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// A stream.
#[derive(Debug)]
pub(super) struct Connection {
    socket: TcpStream,
    /// Tells it from others that had its slot before.
    pub(super) serial: u64,
    /// When its shard looks at it again without being told to.
    pub(super) due: Due,
    pub(super) seats: Box<[Seat]>,
    wire: Wire,
    /// None for a client that has nothing to say at all.
    ear: Option<Ear>,
    /// What is left of a message whose write stopped half-way.
    half: Bytes,
    /// What must be sent before anything else.
    owed: VecDeque<Bytes>,
    /// What the next pong says.
    pong: Option<Box<[u8]>>,
    /// Since when the socket has taken nothing.
    stuck_since: Option<Instant>,
    pins: Option<Box<Pins>>,
    end: End,
    /// What the end of the connection gives back.
    _held: (Staying, Option<Place>),
}

/// A place for a reader of one feed.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) awake: Arc<Awake>,
    /// Its index among its shard's readers of that feed.
    pub(super) place: usize,
    /// None while it is away to ask the store, and at the end.
    reader: Option<Reader>,
}

/// How the stream ends.
#[derive(Clone, Copy, Debug)]
enum End {
    /// It does not.
    Open,
    /// With what is owed; then our side of the connection is shut, or the client's close frame is waited for.
    Owed(Last),
    /// Everything is said; the client has until then to end its side.
    Said(Instant),
}

/// Who ends the connection once everything is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    /// The server, whose last bytes these are.
    Ours,
    /// A WebSocket's client, with its own close frame.
    Theirs,
}

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It waits.
    Waits,
    /// It has more to do once others have had their turn.
    Again,
    /// It is closed.
    Gone,
}

/// What a shard's connections share while they are looked at.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    pub(super) batches: &'a mut Batches,
    pub(super) clock: Clock,
    /// Where what is read is looked through.
    pub(super) scratch: &'a mut [u8],
    pub(super) parts: &'a mut Vec<Part>,
    pub(super) pinned: &'a Arc<Pinned>,
    /// Readers that go to ask the store, with their seats.
    pub(super) asking: Vec<(usize, Reader)>,
    /// When the connection is to be looked at again.
    pub(super) until: Option<Instant>,
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

/// How far a write came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrote {
    All,
    Some,
}

impl Connection {
    pub(super) fn new(socket: TcpStream, wire: Wire, head: Bytes, serial: u64, held: (Staying, Option<Place>)) -> Self {
        Self {
            socket,
            serial,
            due: 0,
            seats: Box::default(),
            wire,
            ear: wire.is_web_socket().then(|| Ear::new(compression(wire))),
            half: head,
            owed: VecDeque::new(),
            pong: None,
            stuck_since: None,
            pins: None,
            end: End::Open,
            _held: held,
        }
    }

    /// Since when its socket has taken nothing, if it is full.
    pub(super) fn stuck_since(&self) -> Option<Instant> {
        self.stuck_since
    }

    /// A reader is back from asking; none: asking failed in a way it should not.
    pub(super) fn brought(&mut self, seat: usize, brought: Option<(Reader, Turn)>, pass: &Pass<'_>) -> Fate {
        if !matches!(self.end, End::Open) {
            return Fate::Waits;
        }
        let Some((mut reader, turn)) = brought else { return Fate::Gone };
        match turn {
            Turn::Send(messages) => self.owed.extend(messages),
            Turn::Batch(messages, before, batch) => {
                self.owed.extend(messages);
                // It is written in the next round, unless what is owed fills the socket: then it is asked for again.
                if self.stuck_since.is_some() || self.owed.len() > OWED_PARTS {
                    reader.stand(before);
                } else {
                    return self.write_turn(seat, reader, before, batch, pass);
                }
            }
            Turn::End(ending) => self.end_with(ending),
        }
        self.seats[seat].reader = Some(reader);
        Fate::Waits
    }

    /// Writes changes that are this reader's alone, behind what is owed.
    fn write_turn(
        &mut self,
        seat: usize,
        reader: Reader,
        before: Standing,
        batch: Arc<Batch>,
        pass: &Pass<'_>,
    ) -> Fate {
        self.seats[seat].reader = Some(reader);
        let mut parts = Vec::with_capacity(PARTS);
        self.gather_owed(&mut parts);
        if !batch.is_empty() {
            parts.push(Part::Batch(batch, seat, before));
        }
        match self.write(&parts, pass) {
            Ok(_) => Fate::Waits,
            Err(_) => Fate::Gone,
        }
    }

    /// Writes what there is to write, as far as the socket takes it, and says when to look again.
    pub(super) fn advance(&mut self, pass: &mut Pass<'_>) -> Fate {
        if self.stuck_since.is_some() { self.stuck(pass) } else { self.unstuck(pass) }
    }

    /// The same where the socket is not known to be full.
    pub(super) fn unstuck(&mut self, pass: &mut Pass<'_>) -> Fate {
        for _ in 0..ROUNDS {
            let mut parts = std::mem::take(pass.parts);
            parts.clear();
            self.gather(&mut parts, pass);
            let wrote = self.write(&parts, pass);
            let none = parts.is_empty();
            parts.clear();
            *pass.parts = parts;
            match wrote {
                Err(_) => return Fate::Gone,
                Ok(Wrote::Some) => return self.stuck(pass),
                Ok(Wrote::All) if none && self.owed.is_empty() => return self.rest(pass),
                Ok(Wrote::All) => {}
            }
        }
        Fate::Again
    }

    /// The socket is full: it is waited for, and given up where it takes nothing for too long.
    fn stuck(&mut self, pass: &mut Pass<'_>) -> Fate {
        let since = self.stuck_since.unwrap_or(pass.clock.instant);
        if pass.clock.instant.saturating_duration_since(since) >= PATIENCE {
            return Fate::Gone;
        }
        pass.until = Some(since + PATIENCE);
        Fate::Waits
    }

    /// Nothing is to be written now.
    fn rest(&mut self, pass: &mut Pass<'_>) -> Fate {
        match self.end {
            End::Open => Fate::Waits,
            End::Owed(last) => {
                if last == Last::Ours && self.socket.shutdown(Shutdown::Write).is_err() {
                    return Fate::Gone;
                }
                let until = pass.clock.instant + CLOSING;
                self.end = End::Said(until);
                pass.until = Some(until);
                Fate::Waits
            }
            End::Said(until) if pass.clock.instant >= until => Fate::Gone,
            End::Said(until) => {
                pass.until = Some(until);
                Fate::Waits
            }
        }
    }

    /// Everything that comes next, as far as one write goes.
    fn gather(&mut self, parts: &mut Vec<Part>, pass: &mut Pass<'_>) {
        let mut bytes = self.gather_owed(parts);
        if !matches!(self.end, End::Open) || self.owed.len() > OWED_PARTS {
            return;
        }
        for seat in 0..self.seats.len() {
            while parts.len() < PARTS - 1 && bytes < ROUND_BYTES {
                let stepped = parts
                    .iter()
                    .any(|part| matches!(part, Part::Said(_, of, _) | Part::Batch(_, of, _) if *of == seat));
                let Some(reader) = &mut self.seats[seat].reader else { break };
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
                    Step::Ask => {
                        let reader = self.seats[seat].reader.take().expect("it stepped just now");
                        pass.asking.push((seat, reader));
                        break;
                    }
                    Step::End(ending) => {
                        self.end_with(ending);
                        return;
                    }
                    Step::Wait(until) => {
                        pass.until = Some(pass.until.map_or(until, |other| other.min(until)));
                        break;
                    }
                }
            }
        }
    }

    /// What comes before anything else, in its order: the rest of a message, a pong, what is owed. Returns how many bytes
    /// it is.
    fn gather_owed(&mut self, parts: &mut Vec<Part>) -> usize {
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

    /// Writes these parts, and remembers what of them is still to be written.
    fn write(&mut self, parts: &[Part], pass: &Pass<'_>) -> io::Result<Wrote> {
        if parts.is_empty() {
            return Ok(Wrote::All);
        }
        let total: usize = self.slices(parts).map(<[u8]>::len).sum();
        let mut taken = match self.try_write(parts) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(taken) => taken,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error),
        };
        let all = taken == total;
        if taken > 0 {
            self.stuck_since = None;
        }
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
                Part::Control(_) | Part::Said(..) | Part::Batch(..) => {}
            }
        }
        if all {
            if self.owed.is_empty() {
                self.owed = VecDeque::new();
            }
            self.pins = None;
            return Ok(Wrote::All);
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
                if let Some(reader) = &mut self.seats[*seat].reader {
                    reader.stand(before.after(&stopped));
                }
                if let Some((rest, frame)) = stopped.rest {
                    self.half = rest;
                    begun = Some(frame);
                }
            }
        }
        self.stuck_since.get_or_insert(pass.clock.instant);
        if begun.is_some() || self.pins.is_none() {
            let half = (!self.half.is_empty()).then_some(&self.half);
            let messages = begun.as_ref().or(half).into_iter().chain(&self.owed);
            self.pins = Some(Box::new(pass.pinned.pin(messages)));
        }
        Ok(Wrote::Some)
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

    fn try_write(&mut self, parts: &[Part]) -> io::Result<usize> {
        loop {
            let wrote = if let [only] = parts {
                (&self.socket).write(self.slice(only, 0))
            } else {
                let mut slices = [IoSlice::new(&[]); PARTS];
                let mut count = 0;
                for (place, slice) in slices.iter_mut().zip(self.slices(parts)) {
                    *place = IoSlice::new(slice);
                    count += 1;
                }
                (&self.socket).write_vectored(&slices[..count])
            };
            match wrote {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    fn slices<'a>(&'a self, parts: &'a [Part]) -> impl Iterator<Item = &'a [u8]> {
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
            self.last_is_owed(Last::Theirs);
        } else {
            // The pause for a browser's EventSource, which does not read `bye`.
            self.owed.push_back(format!("retry: {}\n", pause.as_millis()).into());
            self.owed.extend(messages);
            self.last_is_owed(Last::Ours);
        }
    }

    fn last_is_owed(&mut self, last: Last) {
        self.end = End::Owed(last);
        self.seats.iter_mut().for_each(|seat| seat.reader = None);
    }

    /// Reads what the client has sent.
    pub(super) fn hear(&mut self, pass: &mut Pass<'_>) -> Fate {
        for _ in 0..ROUNDS {
            match (&self.socket).read(pass.scratch) {
                Ok(0) => return Fate::Gone,
                Ok(read) => {
                    let scratch = std::mem::take(&mut pass.scratch);
                    let fate = self.listen(&scratch[..read]);
                    pass.scratch = scratch;
                    if fate == Fate::Gone {
                        return fate;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let said = self.pong.is_some() || matches!(self.end, End::Owed(_));
                    return if said { self.advance(pass) } else { Fate::Waits };
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Fate::Gone,
            }
        }
        Fate::Again
    }

    /// Listens to what the client has sent.
    pub(super) fn listen(&mut self, mut heard: &[u8]) -> Fate {
        let Some(ear) = &mut self.ear else { return Fate::Waits };
        while let Some(said) = ear.listen(&mut heard) {
            match said {
                // Of several, the newest is answered (RFC 6455, section 5.5.3).
                Heard::Ping(payload) => self.pong = Some(payload),
                Heard::Close(code) => {
                    if !matches!(self.end, End::Open) {
                        return Fate::Gone;
                    }
                    // It wants no more messages; its own code is the answer.
                    self.owed.clear();
                    self.owed.push_back(code.map_or_else(control::close_without_code, |code| control::close(code, "")));
                    self.last_is_owed(Last::Ours);
                    return Fate::Waits;
                }
                _ if !matches!(self.end, End::Open) => return Fate::Waits,
                Heard::Broken(how) => {
                    let (code, reason) = match how {
                        Broken::Protocol => (1002, "protocol"),
                        Broken::Utf8 => (1007, "utf8"),
                    };
                    self.owed.push_back(control::close(code, reason));
                    self.last_is_owed(Last::Ours);
                    return Fate::Waits;
                }
                Heard::TooMuch => {
                    match self.seats.first() {
                        Some(seat) => self.end_with(Ending::of(&seat.awake.id, self.wire, Goodbye::TooMuch)),
                        None => return Fate::Gone,
                    }
                    return Fate::Waits;
                }
            }
        }
        Fate::Waits
    }

    /// Takes its readers' seats.
    pub(super) fn sit(&mut self, readers: Vec<Reader>) {
        self.seats = readers
            .into_iter()
            .map(|reader| Seat { awake: reader.awake().clone(), place: 0, reader: Some(reader) })
            .collect();
    }
}

fn compression(wire: Wire) -> Compression {
    if wire == Wire::Deflate { Compression::Negotiated } else { Compression::None }
}
