//! The floor: what the operating system alone asks for a delivery. Epoll and `write(2)`, and nothing else.
//!
//! As many threads as cores, each with its own listener on the shared port, its own epoll and its own readers: no lock,
//! no wake between threads, no allocation per change or delivery. Its one buffer is a ring of the same frame, in which
//! the digits that differ are written over; a reader is a socket and how far it is in the ring, so whatever a reader is
//! behind leaves in one write; and a walk along the readers takes along what comes within eight milliseconds of the last one,
//! as newswire's shards do. Sockets have the options of newswire's. It is told what to publish by eight bytes on a
//! connection to each thread, where newswire has an HTTP request, a store and its rules.

use std::{
    io::{self, Read as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use rustix::{
    event::epoll::{self, CreateFlags, Event, EventData, EventFlags},
    fd::OwnedFd,
    io::Errno,
};
use serde::{Deserialize, Serialize};
use socket2::{Domain, SockRef, Socket, TcpKeepalive, Type};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::support::{Fallible, child, clock::Moment, cores, editors::interrupted, http::header, stamp::Stamped};

/// How this program is called to be the floor.
pub(crate) const NAME: &str = "--as-floor";
/// How many frames the ring holds: eight seconds of the fastest case. A reader that is further behind is sent away, which the crowd counts.
const RING: usize = 16_384;
/// How far walks along the readers are apart at least: one for each change would cost a write for each change.
const WALK: Duration = Duration::from_millis(8);
/// How long a queue each listener has.
const QUEUE: i32 = 4_096;
/// What stands in the head for the answer to the handshake's key.
pub(crate) const ACCEPT: &str = "accept-key-of-28-characters=";

// Events of these are told by numbers that no reader has.
const LISTENER: u64 = u64::MAX;
const ORDERS: u64 = u64::MAX - 1;
const PUBLISHER: u64 = u64::MAX - 2;

/// What the floor is to say.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Script {
    /// What a reader gets first: the head of an answer, in which [`ACCEPT`] is written over, and what follows it.
    pub(crate) greeting: Vec<u8>,
    /// What it gets for each change.
    pub(crate) frame: Stamped,
    /// The seq of the newest change that the greeting tells of.
    pub(crate) head: u64,
}

/// What it does to a change on purpose, for a test of those who count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "only the test makes faults")]
pub(crate) enum Fault {
    /// Leaves it out.
    Loses(u32),
    /// Sends it twice.
    Repeats(u32),
    /// Sends it after the next one.
    Swaps(u32),
}

/// Where it is reached.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Doors {
    /// By readers.
    pub(crate) readers: SocketAddr,
    /// By the one who publishes: once at each.
    pub(crate) orders: Vec<SocketAddr>,
}

/// Begins to serve in threads of this process, which live as long as it.
///
/// # Errors
/// The system gives no ports.
pub(crate) fn open(script: &Script, threads: usize, fault: Option<Fault>) -> io::Result<Doors> {
    let mut readers = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut orders = Vec::new();
    for _ in 0..threads {
        let listener = shared(readers)?;
        readers = listener.local_addr()?;
        let lane = Lane::new(listener, TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?, script, fault)?;
        orders.push(lane.orders.local_addr()?);
        thread::spawn(move || lane.run().expect("the floor goes on"));
    }
    Ok(Doors { readers, orders })
}

/// Is the floor for the process that started this one.
///
/// # Errors
/// The script is none.
pub(crate) fn be_it() -> Fallible<()> {
    let _as_many_as_there_are = rlimit::increase_nofile_limit(u64::MAX);
    child::obey(|script: Script| Ok(open(&script, cores(), None)?))
}

/// A listener on a port that others listen on, too: the system shares the connections out (SO_REUSEPORT).
fn shared(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM.cloexec(), None)?;
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    socket.listen(QUEUE)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

struct Reader {
    socket: TcpStream,
    /// How much of the greeting it has; none before it has asked.
    greeted: Option<usize>,
    /// How many bytes of all frames it has, or has come too late for.
    has: u64,
}

/// One thread and its readers.
struct Lane {
    epoll: OwnedFd,
    listener: TcpListener,
    orders: TcpListener,
    publisher: Option<TcpStream>,
    readers: Vec<Option<Reader>>,
    greeting: Vec<u8>,
    accept: Option<usize>,
    frame: Stamped,
    ring: Vec<u8>,
    /// How many bytes all frames have together.
    head: u64,
    /// When the last walk was, and whether another waits.
    walked: Moment,
    waits: bool,
    fault: Option<Fault>,
    /// A change that a fault holds back.
    held: Option<[u32; 2]>,
}

impl Lane {
    fn new(listener: TcpListener, orders: TcpListener, script: &Script, fault: Option<Fault>) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
        epoll::add(&epoll, &orders, EventData::new_u64(ORDERS), EventFlags::IN)?;
        let Script { greeting, frame, .. } = script.clone();
        Ok(Self {
            epoll,
            listener,
            orders,
            publisher: None,
            readers: Vec::new(),
            accept: memchr::memmem::find(&greeting, ACCEPT.as_bytes()),
            greeting,
            ring: frame.bytes.repeat(RING),
            frame,
            head: 0,
            walked: Moment::now(),
            waits: false,
            fault,
            held: None,
        })
    }

    fn run(mut self) -> io::Result<()> {
        let mut events = vec![Event { flags: EventFlags::empty(), data: EventData::new_u64(0) }; 1_024];
        loop {
            let pause = self.walked.later(WALK).ahead().try_into().expect("eight milliseconds at most");
            let pause = self.waits.then_some(&pause);
            let woken = epoll::wait(&self.epoll, &mut events[..], pause).or_else(interrupted)?;
            for event in &events[..woken] {
                match event.data.u64() {
                    LISTENER => self.accept_readers()?,
                    ORDERS => {
                        let (publisher, _) = self.orders.accept()?;
                        publisher.set_nonblocking(true)?;
                        epoll::add(&self.epoll, &publisher, EventData::new_u64(PUBLISHER), EventFlags::IN)?;
                        self.publisher = Some(publisher);
                    }
                    PUBLISHER => self.take_orders()?,
                    index => self.serve(usize::try_from(index).expect("an index"), event.flags),
                }
            }
            if self.waits && self.walked.later(WALK) <= Moment::now() {
                self.walk();
            }
        }
    }

    fn accept_readers(&mut self) -> io::Result<()> {
        loop {
            let socket = match self.listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            dress(&socket)?;
            // Told once of each change, and never changed again: a reader costs no further call but its writes.
            let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
            epoll::add(&self.epoll, &socket, EventData::new_u64(self.readers.len() as u64), flags)?;
            self.readers.push(Some(Reader { socket, greeted: None, has: self.head }));
        }
    }

    /// Reads what a reader asks, if that is new, and writes what it lacks.
    fn serve(&mut self, index: usize, flags: EventFlags) {
        let Self { readers, greeting, accept, ring, head, .. } = self;
        let slot = &mut readers[index];
        let Some(reader) = slot else { return };
        if flags.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR) {
            *slot = None;
            return;
        }
        if reader.greeted.is_none() && flags.contains(EventFlags::IN) {
            let mut request = [0; 2 * 1024];
            let read = reader.socket.read(&mut request).unwrap_or(0);
            if !request[..read].ends_with(b"\r\n\r\n") {
                *slot = None;
                return;
            }
            if let Some(accept) = *accept {
                let key = header(&request[..read], "sec-websocket-key").unwrap_or_default();
                let answer = derive_accept_key(key.as_bytes());
                greeting[accept..accept + answer.len()].copy_from_slice(answer.as_bytes());
            }
            reader.greeted = Some(0);
        }
        if !reader.flush(greeting, ring, *head) {
            *slot = None;
        }
    }

    /// Takes what is to be published: all that is there.
    fn take_orders(&mut self) -> io::Result<()> {
        let mut orders = [0; 8 * 64];
        let publisher = self.publisher.as_mut().expect("it has told of itself");
        let read = publisher.read(&mut orders)?;
        if read == 0 {
            self.publisher = None;
            return Ok(());
        }
        for order in orders[..read].chunks_exact(8) {
            let number = u32::from_le_bytes(order[..4].try_into().expect("four bytes"));
            let seq = u32::from_le_bytes(order[4..].try_into().expect("four bytes"));
            match self.fault {
                Some(Fault::Loses(n)) if n == number => {}
                Some(Fault::Swaps(n)) if n == number => self.held = Some([number, seq]),
                fault => {
                    self.append(number, seq);
                    if fault == Some(Fault::Repeats(number)) {
                        self.append(number, seq);
                    }
                    if let Some([number, seq]) = self.held.take() {
                        self.append(number, seq);
                    }
                }
            }
        }
        self.waits = true;
        Ok(())
    }

    /// Gives each reader what it lacks, in one write.
    fn walk(&mut self) {
        (self.walked, self.waits) = (Moment::now(), false);
        let Self { readers, greeting, ring, head, .. } = self;
        for slot in readers {
            if slot.as_mut().is_some_and(|reader| !reader.flush(greeting, ring, *head)) {
                *slot = None;
            }
        }
    }

    fn append(&mut self, number: u32, seq: u32) {
        let at = place(self.head, self.ring.len());
        let length = self.frame.bytes.len();
        self.frame.stamp_copy(&mut self.ring[at..at + length], number, seq);
        self.head += length as u64;
    }
}

impl Reader {
    /// Writes what it lacks, as far as the socket takes it. False: it is gone, or too far behind.
    fn flush(&mut self, greeting: &[u8], ring: &[u8], head: u64) -> bool {
        let Some(greeted) = &mut self.greeted else { return true };
        while *greeted < greeting.len() {
            match rustix::io::write(&self.socket, &greeting[*greeted..]) {
                Ok(written) => *greeted += written,
                Err(error) => return error == Errno::AGAIN,
            }
        }
        if head - self.has > ring.len() as u64 {
            return false;
        }
        while self.has < head {
            let at = place(self.has, ring.len());
            let lacks = usize::try_from(head - self.has).expect("less than the ring");
            match rustix::io::write(&self.socket, &ring[at..ring.len().min(at + lacks)]) {
                Ok(written) => self.has += written as u64,
                // The socket is full: the next event says when it is not.
                Err(error) => return error == Errno::AGAIN,
            }
        }
        true
    }
}

fn place(of: u64, ring: usize) -> usize {
    usize::try_from(of % ring as u64).expect("less than the ring")
}

/// The options that newswire sets on a reader's socket.
fn dress(socket: &TcpStream) -> io::Result<()> {
    const KEEPALIVE: Duration = Duration::from_secs(60);
    socket.set_nonblocking(true)?;
    socket.set_nodelay(true)?;
    let socket = SockRef::from(socket);
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE))?;
    socket.set_tcp_user_timeout(Some(Duration::from_secs(150)))?;
    socket.set_tcp_notsent_lowat(64 * 1024)
}
