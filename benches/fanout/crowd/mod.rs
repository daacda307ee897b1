//! The readers: thousands of connections in one thread with one epoll, which read what comes, count it and keep nothing.
//!
//! A crowd must not be the limit of what it measures: each wake reads once into a buffer that all share, and a message is
//! looked at, never parsed. How busy it was is told with every tally. It lives in a process of its own, because a process
//! may open only so many files; see [`Gathered`].

pub(crate) mod ledger;
pub(crate) mod stream;
pub(crate) mod tally;

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    process,
    time::Duration,
};

use rustix::{
    event::epoll::{self, CreateFlags, Event, EventData, EventFlags},
    fd::OwnedFd,
    io::Errno,
};
use serde::{Deserialize, Serialize};
use socket2::{Domain, Socket, Type};

use self::{
    ledger::{Ledger, Meaning, meaning},
    stream::{Part, Stream},
    tally::{Counting, Tally},
};
use super::wire::Wire;
use crate::support::{
    Fallible, child,
    clock::{Moment, Schedule},
    editors::interrupted,
    proc::Computed,
};

/// How this program is called to be a crowd.
pub(crate) const NAME: &str = "--as-crowd";
/// How many readers may be on their way at once. A listener whose queue is shorter drops some of them, who ask again a
/// second later: that shows in the time until the last is there.
const ON_THEIR_WAY: usize = 500;
/// How long a crowd waits for what does not come: it is lost then.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many events are taken at once.
const EVENTS: usize = 1_024;
/// How much is read at once, in bytes. What is read in part only has nothing more to read.
const READ: usize = 256 * 1024;

/// Readers that are asked to come.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Invitation {
    /// Where to.
    pub(crate) address: SocketAddr,
    /// How.
    pub(crate) wire: Wire,
    /// What they ask for.
    pub(crate) path: String,
    /// How many.
    pub(crate) readers: usize,
    /// What they have: everything up to this seq.
    pub(crate) after: u64,
    /// What they get before they count as here: everything up to this seq.
    pub(crate) through: u64,
    /// What tells that they are here.
    pub(crate) arrival: Arrival,
}

/// What tells that a reader is here and up to date.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) enum Arrival {
    /// The message `caughtUp`.
    CaughtUp,
    /// The head of the answer, and the last change that it came for.
    Changes,
}

/// What is going to be published, and its last seq.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Course {
    /// When each is due.
    pub(crate) schedule: Schedule,
    /// The seq of the last change.
    pub(crate) last: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Connecting,
    Asked,
    Here,
    Gone,
}

#[derive(Debug)]
struct Reader {
    socket: TcpStream,
    stream: Stream,
    ledger: Ledger,
    stage: Stage,
}

/// A crowd in this process.
pub(crate) struct Crowd {
    epoll: OwnedFd,
    readers: Vec<Reader>,
    buffer: Vec<u8>,
}

impl Crowd {
    /// Nobody yet.
    ///
    /// # Errors
    /// The system has no epoll left.
    pub(crate) fn new() -> io::Result<Self> {
        // Each reader is an open file.
        let _as_many_as_there_are = rlimit::increase_nofile_limit(u64::MAX);
        Ok(Self { epoll: epoll::create(CreateFlags::CLOEXEC)?, readers: Vec::new(), buffer: vec![0; READ] })
    }

    /// Lets readers come, many at once, and waits until all are here. What they are sent on their way is the tally; there
    /// are no latencies in it.
    ///
    /// # Errors
    /// One was refused, or did not come.
    pub(crate) fn join(&mut self, invitation: &Invitation) -> Fallible<Tally> {
        let (first, all) = (self.readers.len(), self.readers.len() + invitation.readers);
        let request = invitation.wire.request(&invitation.path, "");
        let mut counting = Counting::begin(None);
        let computed = Computed::by(&[process::id()])?;
        let mut here = first;
        let mut last_news = Moment::now();
        while here < all {
            while self.readers.len() < all && self.readers.len() - here < ON_THEIR_WAY {
                self.invite(invitation)?;
            }
            self.wait(last_news.later(PATIENCE), |reader, flags, buffer, now| {
                last_news = now;
                if reader.stage == Stage::Connecting && flags.contains(EventFlags::OUT) {
                    if let Some(error) = reader.socket.take_error()? {
                        return Err(format!("a reader could not connect: {error}").into());
                    }
                    reader.socket.write_all(request.as_bytes())?;
                    reader.stage = Stage::Asked;
                }
                let was = reader.stage;
                let (head, caught_up) = reader.read(buffer, &mut counting, now)?;
                let through = reader.ledger.head >= invitation.through;
                let arrived = match invitation.arrival {
                    Arrival::CaughtUp => caught_up,
                    Arrival::Changes => through && (head || invitation.through > invitation.after),
                };
                match reader.stage {
                    Stage::Gone if was != Stage::Gone => Err("a reader was sent away as it came".into()),
                    Stage::Asked if arrived => {
                        reader.stage = Stage::Here;
                        counting.never_came(invitation.through.saturating_sub(reader.ledger.head));
                        here += 1;
                        Ok(())
                    }
                    _ => Ok(()),
                }
            })?;
            if last_news.later(PATIENCE) <= Moment::now() {
                return Err(format!("{} of {} readers did not come", all - here, invitation.readers).into());
            }
        }
        Ok(counting.end(Computed::by(&[process::id()])?.since(&computed).all))
    }

    fn invite(&mut self, invitation: &Invitation) -> Fallible<()> {
        let socket = Socket::new(Domain::for_address(invitation.address), Type::STREAM.nonblocking().cloexec(), None)?;
        match socket.connect(&invitation.address.into()) {
            Err(error) if error.raw_os_error() != Some(Errno::INPROGRESS.raw_os_error()) => return Err(error.into()),
            _ => {}
        }
        socket.set_tcp_nodelay(true)?;
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
        epoll::add(&self.epoll, &socket, EventData::new_u64(self.readers.len() as u64), flags)?;
        self.readers.push(Reader {
            socket: socket.into(),
            stream: Stream::new(invitation.wire),
            ledger: Ledger::at(invitation.after),
            stage: Stage::Connecting,
        });
        Ok(())
    }

    /// Follows what is published until every reader has all of it, or nothing more comes. What a reader has not had by
    /// then is lost.
    ///
    /// # Errors
    /// A stream was none.
    pub(crate) fn follow(&mut self, course: &Course) -> Fallible<Tally> {
        let mut counting = Counting::begin(Some(course.schedule));
        let computed = Computed::by(&[process::id()])?;
        let mut behind = self.readers.iter().filter(|reader| reader.stage == Stage::Here).count();
        let mut last_news = course.schedule.end();
        while behind > 0 && Moment::now() < last_news.later(PATIENCE) {
            self.wait(last_news.later(PATIENCE), |reader, _, buffer, now| {
                let was = (reader.stage, reader.ledger.head >= course.last);
                reader.read(buffer, &mut counting, now)?;
                last_news = last_news.max(now);
                let is = (reader.stage, reader.ledger.head >= course.last);
                let done = |(stage, through)| stage == Stage::Gone || through;
                behind -= usize::from(done(is) && !done(was));
                Ok(())
            })?;
        }
        for reader in &mut self.readers {
            counting.never_came(course.last.saturating_sub(reader.ledger.head));
            // They count once: the next course begins where this one ends.
            reader.ledger = Ledger::at(course.last);
        }
        Ok(counting.end(Computed::by(&[process::id()])?.since(&computed).all))
    }

    /// Waits until something comes to anybody, or a moment has come.
    fn wait(
        &mut self,
        until: Moment,
        mut wake: impl FnMut(&mut Reader, EventFlags, &mut [u8], Moment) -> Fallible<()>,
    ) -> Fallible<()> {
        let mut events = [Event { flags: EventFlags::empty(), data: EventData::new_u64(0) }; EVENTS];
        let timeout = until.ahead().try_into()?;
        let woken = epoll::wait(&self.epoll, &mut events[..], Some(&timeout)).or_else(interrupted)?;
        for event in &events[..woken] {
            let reader = &mut self.readers[usize::try_from(event.data.u64())?];
            wake(reader, event.flags, &mut self.buffer, Moment::now())?;
        }
        Ok(())
    }
}

impl Reader {
    /// Reads what is there and counts it. Whether the head came, and whether it is told to be up to date.
    fn read(&mut self, buffer: &mut [u8], counting: &mut Counting, now: Moment) -> Fallible<(bool, bool)> {
        let (mut head, mut caught_up) = (false, false);
        while !matches!(self.stage, Stage::Connecting | Stage::Gone) {
            let read = match self.socket.read(buffer) {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => 0,
                Err(error) => return Err(error.into()),
            };
            counting.read(read);
            let Self { stream, ledger, .. } = self;
            stream.take(&buffer[..read], &mut |part| match part {
                Part::Head(_) => head = true,
                // Nobody here offers to unpack anything.
                Part::Packed(_) => {}
                Part::Message(json) => match meaning(json) {
                    Meaning::Change { seq, number } => counting.count(&ledger.enter(seq), number, now),
                    Meaning::CaughtUp => caught_up = true,
                    Meaning::Other => {}
                },
            })?;
            if read == 0 || self.stream.has_ended() {
                self.stage = Stage::Gone;
                counting.gone();
            }
            // A socket that gave less than it was asked for is empty (epoll(7)), and its next wake is certain.
            if read < buffer.len() {
                break;
            }
        }
        Ok((head, caught_up))
    }
}

/// What a crowd in another process is told to do.
#[derive(Debug, Deserialize, Serialize)]
enum Order {
    Join(Invitation),
    Follow(Course),
}

/// A crowd in a process of its own.
pub(crate) struct Gathered(child::Part);

impl Gathered {
    /// Nobody yet.
    ///
    /// # Errors
    /// The system has no room for a process.
    pub(crate) fn new() -> Fallible<Self> {
        child::Part::start(NAME).map(Self)
    }

    /// [`Crowd::join`].
    ///
    /// # Errors
    /// The same.
    pub(crate) fn join(&mut self, invitation: Invitation) -> Fallible<Tally> {
        self.0.order(&Order::Join(invitation))?;
        self.0.answer()
    }

    /// [`Crowd::follow`], while `publish` publishes.
    ///
    /// # Errors
    /// The same, or those of publishing.
    pub(crate) fn follow<T>(&mut self, course: Course, publish: impl FnOnce() -> Fallible<T>) -> Fallible<(T, Tally)> {
        self.0.order(&Order::Follow(course))?;
        Ok((publish()?, self.0.answer()?))
    }
}

/// Is a crowd for the process that started this one.
///
/// # Errors
/// The orders are none.
pub(crate) fn be_one() -> Fallible<()> {
    let mut crowd = Crowd::new()?;
    child::obey(|order| match order {
        Order::Join(invitation) => crowd.join(&invitation),
        Order::Follow(course) => crowd.follow(&course),
    })
}
