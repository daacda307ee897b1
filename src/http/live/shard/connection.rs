//! One stream's socket: when it is written to and read from, and when it is given up. What is said over it is its
//! [`Speech`]'s; what its client says, its [`Ear`]'s.

use std::{
    io::{self, IoSlice, Read as _, Write as _},
    net::Shutdown,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use mio::net::TcpStream;
use tokio::time::Instant;

use super::{
    super::{
        Walk,
        ear::{Compression, Ear},
        room::Place,
    },
    counts::{Counts, Parting, Transport},
    pinned::Pinned,
    speech::{End, Gathered, Last, PARTS, Part, Speech, Wrote},
    wheel::Due,
};
use crate::live::{
    Goodbye, Reader, Turn, Wire,
    batch::Batches,
    drain::{Leave, Staying},
    reader::Clock,
};

/// How many writes, and reads, one connection gets before others have their turn.
const ROUNDS: usize = 4;
/// How long the client may take to end its side once ours has ended.
const CLOSING: Duration = Duration::from_secs(2);
/// After how long a socket that takes nothing is given up.
const PATIENCE: Duration = Duration::from_secs(120);

/// A stream.
#[derive(Debug)]
pub(super) struct Connection {
    socket: TcpStream,
    /// Tells it from others that had its slot before.
    pub(super) serial: u64,
    /// When its shard looks at it again without being told to.
    pub(super) due: Due,
    pub(super) speech: Speech,
    /// None for a client that has nothing to say at all.
    ear: Option<Ear>,
    /// How it is told to leave, once it is.
    pub(super) leave: Option<Leave>,
    /// Since when the socket has taken nothing.
    stuck_since: Option<Instant>,
    /// What the end of the connection gives back.
    _held: (Staying, Option<Place>),
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
    pub(super) counts: &'a Counts,
    /// Readers that go to ask the store, with their seats.
    pub(super) asking: Vec<(usize, Reader)>,
    /// When the connection is to be looked at again.
    pub(super) until: Option<Instant>,
}

impl Connection {
    pub(super) fn new(socket: TcpStream, head: Bytes, walk: Walk, serial: u64, staying: Staying) -> Self {
        let Walk { wire, readers, refused, place } = walk;
        let compression = if wire == Wire::Deflate { Compression::Negotiated } else { Compression::None };
        let mut speech = Speech::new(wire, head, readers);
        if let Some(ending) = refused {
            speech.end_with(ending);
        }
        Self {
            socket,
            serial,
            due: 0,
            speech,
            ear: wire.is_web_socket().then(|| Ear::new(compression)),
            leave: None,
            stuck_since: None,
            _held: (staying, place),
        }
    }

    /// Since when its socket has taken nothing, if it is full.
    pub(super) fn stuck_since(&self) -> Option<Instant> {
        self.stuck_since
    }

    /// A reader is back from asking; none: asking failed in a way it should not.
    pub(super) fn brought(&mut self, seat: usize, brought: Option<(Reader, Turn)>, pass: &mut Pass<'_>) -> Fate {
        let Some(brought) = brought else {
            self.speech.part(Parting::Failed);
            return Fate::Gone;
        };
        let mut parts = Vec::new();
        self.speech.brought(seat, brought, self.stuck_since.is_some(), &mut parts);
        match self.write(&parts, pass) {
            Ok(_) => self.advance(pass),
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
            let gathered = self.speech.gather(&mut parts, pass);
            let wrote = self.write(&parts, pass);
            let none = parts.is_empty();
            parts.clear();
            *pass.parts = parts;
            match wrote {
                Err(_) => return Fate::Gone,
                Ok(Wrote::Some) => return self.stuck(pass),
                Ok(Wrote::All) if gathered == Gathered::All || (none && !self.speech.owes()) => {
                    // It was full, and there is nothing now that it could take. No event will tell that it is not full.
                    self.stuck_since = None;
                    return self.rest(pass);
                }
                Ok(Wrote::All) => {}
            }
        }
        Fate::Again
    }

    /// The socket is full: it is waited for, and given up where it takes nothing for too long.
    fn stuck(&mut self, pass: &mut Pass<'_>) -> Fate {
        let since = self.stuck_since.unwrap_or(pass.clock.instant);
        if pass.clock.instant.saturating_duration_since(since) >= PATIENCE {
            self.speech.part(Parting::Stuck);
            return Fate::Gone;
        }
        pass.until = Some(since + PATIENCE);
        Fate::Waits
    }

    /// Nothing is to be written now.
    fn rest(&mut self, pass: &mut Pass<'_>) -> Fate {
        match self.speech.end {
            End::Open => Fate::Waits,
            End::Owed(last) => {
                if last == Last::Ours && self.socket.shutdown(Shutdown::Write).is_err() {
                    return Fate::Gone;
                }
                // Who is one too many has no place here in which it could wait for its client. The system still brings what
                // was written, unless there is something unread.
                if self.speech.parting == Parting::Bye(Goodbye::Full) {
                    let _unread = (&self.socket).read(pass.scratch);
                    return Fate::Gone;
                }
                let until = pass.clock.instant + CLOSING;
                self.speech.end = End::Said(until);
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

    /// Writes these parts, as far as the socket takes them.
    fn write(&mut self, parts: &[Part], pass: &Pass<'_>) -> io::Result<Wrote> {
        if parts.is_empty() {
            return Ok(Wrote::All);
        }
        let taken = match self.try_write(parts) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(taken) => taken,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error),
        };
        if taken > 0 {
            self.stuck_since = None;
        }
        let (wrote, changes) = self.speech.wrote(parts, taken, pass.pinned);
        pass.counts.of(Transport::of(self.speech.wire)).wrote(taken, changes);
        if wrote == Wrote::Some {
            self.stuck_since.get_or_insert(pass.clock.instant);
        }
        Ok(wrote)
    }

    fn try_write(&self, parts: &[Part]) -> io::Result<usize> {
        loop {
            let mut slices = self.speech.slices(parts);
            let wrote = if let [_] = parts {
                (&self.socket).write(slices.next().unwrap_or_default())
            } else {
                let mut all = [IoSlice::new(&[]); PARTS];
                let mut count = 0;
                for (place, slice) in all.iter_mut().zip(slices) {
                    *place = IoSlice::new(slice);
                    count += 1;
                }
                (&self.socket).write_vectored(&all[..count])
            };
            match wrote {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    /// Reads what the client has sent, and says what follows from it: also where more comes than is read in one turn, so
    /// that a client which never pauses is answered, and closed in time.
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
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return self.advance(pass),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Fate::Gone,
            }
        }
        match self.advance(pass) {
            Fate::Gone => Fate::Gone,
            Fate::Waits | Fate::Again => Fate::Again,
        }
    }

    /// Listens to what the client has sent.
    pub(super) fn listen(&mut self, mut heard: &[u8]) -> Fate {
        let Some(ear) = &mut self.ear else { return Fate::Waits };
        while let Some(said) = ear.listen(&mut heard) {
            if self.speech.answer(said) == Fate::Gone {
                return Fate::Gone;
            }
        }
        Fate::Waits
    }
}
