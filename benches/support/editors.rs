//! Editors: kept-alive connections that publish over HTTP, on a schedule that waits for nobody (an open loop), or each as
//! soon as the last answer has come. One thread, one epoll; latencies are counted to the answer.

use std::{
    collections::VecDeque,
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use rustix::{
    event::epoll::{self, CreateFlags, Event, EventData, EventFlags},
    fd::OwnedFd,
};

use super::{
    Fallible,
    clock::{Moment, Schedule},
    http::Answer,
    latency::Latencies,
    stamp::Stamped,
};

/// How long an answer may take before the benchmark gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// When an editor publishes.
#[derive(Clone, Copy)]
pub(crate) enum Pace {
    /// Whenever a publication is due, over whichever connection is free. Latencies count from the moment due.
    Scheduled(Schedule),
    /// So many in all, each editor its next as soon as its last is answered. Latencies count from the request.
    AtOnce(u32),
}

/// What came of publishing.
pub(crate) struct Published {
    /// From the moment due, or from the request, until the answer.
    pub(crate) latencies: Latencies,
    /// From the first request to the last answer.
    pub(crate) took: Duration,
    /// The position in the last answer.
    pub(crate) position: Option<String>,
}

struct Editor {
    socket: TcpStream,
    came: Vec<u8>,
    /// Since when it waits for an answer.
    since: Option<Moment>,
}

/// Several editors who share their work.
pub(crate) struct Editors {
    epoll: OwnedFd,
    editors: Vec<Editor>,
    free: VecDeque<usize>,
    request: Stamped,
}

impl Editors {
    /// Connects so many.
    ///
    /// # Errors
    /// The server takes no connections.
    pub(crate) fn connect(server: SocketAddr, count: usize, request: Stamped) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let mut editors = Vec::with_capacity(count);
        for index in 0..count {
            let socket = TcpStream::connect(server)?;
            socket.set_nodelay(true)?;
            socket.set_nonblocking(true)?;
            epoll::add(&epoll, &socket, EventData::new_u64(index as u64), EventFlags::IN)?;
            editors.push(Editor { socket, came: Vec::new(), since: None });
        }
        Ok(Self { epoll, editors, free: (0..count).collect(), request })
    }

    /// What they publish from now on.
    pub(crate) fn write(&mut self, request: Stamped) {
        self.request = request;
    }

    /// Publishes at a pace, and waits for every answer. `seq` is that of the first change, where a request tells it.
    ///
    /// # Errors
    /// An answer was an error, or none came.
    pub(crate) fn publish(&mut self, pace: Pace, seq: u32) -> Fallible<Published> {
        let count = match pace {
            Pace::Scheduled(schedule) => schedule.count,
            Pace::AtOnce(count) => count,
        };
        let begun = match pace {
            Pace::Scheduled(schedule) => schedule.due(0),
            Pace::AtOnce(_) => Moment::now(),
        };
        let mut published = Published { latencies: Latencies::none(), took: Duration::ZERO, position: None };
        let mut events = vec![Event { flags: EventFlags::empty(), data: EventData::new_u64(0) }; self.editors.len()];
        let (mut sent, mut answered) = (0, 0);
        while answered < count {
            // Everything that is due goes out while there is an editor who is free.
            let mut pause = PATIENCE;
            while sent < count && !self.free.is_empty() {
                let due = match pace {
                    Pace::Scheduled(schedule) => schedule.due(sent),
                    Pace::AtOnce(_) => Moment::now(),
                };
                let ahead = due.ahead();
                if !ahead.is_zero() {
                    pause = ahead;
                    break;
                }
                self.send(sent, seq + sent, due)?;
                sent += 1;
            }
            let timeout = pause.try_into().expect("a minute at most");
            let woken = epoll::wait(&self.epoll, &mut events[..], Some(&timeout)).or_else(interrupted)?;
            if woken == 0 && pause == PATIENCE {
                return Err(format!("{} publications were not answered within {PATIENCE:?}", sent - answered).into());
            }
            for event in &events[..woken] {
                let index = usize::try_from(event.data.u64()).expect("an index");
                answered += self.receive(index, &mut published)?;
            }
        }
        published.took = Moment::now().since(begun);
        Ok(published)
    }

    fn send(&mut self, number: u32, seq: u32, due: Moment) -> Fallible<()> {
        let index = self.free.pop_front().expect("somebody is free");
        self.request.stamp(number, seq);
        let editor = &mut self.editors[index];
        editor.since = Some(due);
        // A request is far smaller than a socket's buffer, which is empty: what came before was answered.
        let written = editor.socket.write(&self.request.bytes)?;
        if written < self.request.bytes.len() {
            return Err("a request did not fit into a socket".into());
        }
        Ok(())
    }

    /// Takes what came for an editor; 1 where that was an answer.
    fn receive(&mut self, index: usize, published: &mut Published) -> Fallible<u32> {
        let editor = &mut self.editors[index];
        let mut part = [0; 16 * 1024];
        match editor.socket.read(&mut part) {
            Ok(0) => return Err("the server closed an editor's connection".into()),
            Ok(read) => editor.came.extend_from_slice(&part[..read]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
            Err(error) => return Err(error.into()),
        }
        let Some((answer, length)) = Answer::read(&editor.came) else { return Ok(0) };
        if answer.status >= 300 {
            return Err(format!("a publication was answered {}", answer.text()).into());
        }
        published.position = position(answer.body).or(published.position.take());
        editor.came.drain(..length);
        let since = editor.since.take().ok_or("an answer to no request")?;
        published.latencies.count(Moment::now().since(since));
        self.free.push_back(index);
        Ok(1)
    }
}

/// The position in an answer, where there is one.
fn position(body: &[u8]) -> Option<String> {
    const FIELD: &[u8] = b"\"position\":\"";
    let at = memchr::memmem::rfind(body, FIELD)? + FIELD.len();
    let end = at + memchr::memchr(b'"', &body[at..])?;
    Some(String::from_utf8_lossy(&body[at..end]).into_owned())
}

/// A wait that a signal has interrupted brought nothing.
pub(crate) fn interrupted(error: rustix::io::Errno) -> rustix::io::Result<usize> {
    if error == rustix::io::Errno::INTR { Ok(0) } else { Err(error) }
}
