//! A shard with real sockets and a clock that the test gives it.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::mpsc,
};

use bytes::Bytes;
use socket2::{Domain, Socket, Type};

use super::*;
use crate::{
    http::live::{
        Walk,
        shard::{rehearsal::Rehearsal, wheel::TICK},
    },
    live::{Ending, Wire, bell::Bell, window::CHANGES},
};

/// A connection with small buffers: the server's side, and a client's that is read from when a test says so.
fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let client = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    client.set_recv_buffer_size(4096).expect("a small buffer");
    let address: SocketAddr = listener.local_addr().expect("its address");
    client.connect(&address.into()).expect("it listens");
    let (server, _) = listener.accept().expect("a client");
    socket2::SockRef::from(&server).set_send_buffer_size(4096).expect("a small buffer");
    let client = TcpStream::from(client);
    for socket in [&server, &client] {
        socket.set_nonblocking(true).expect("it does not block");
    }
    (server, client)
}

/// Reads what is there. False: the connection has ended.
fn drain(client: &mut TcpStream) -> bool {
    read(client).1
}

/// What is there, and whether the connection goes on.
fn read(client: &mut TcpStream) -> (Vec<u8>, bool) {
    let (mut came, mut part) = (Vec::new(), [0; 16 * 1024]);
    loop {
        match client.read(&mut part) {
            Ok(0) => return (came, false),
            Ok(read) => came.extend_from_slice(&part[..read]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return (came, true),
            Err(_) => return (came, false),
        }
    }
}

fn has(bytes: &[u8], what: &[u8]) -> bool {
    memchr::memmem::find(bytes, what).is_some()
}

/// A shard that does what the test says and nothing by itself.
struct Stage {
    shard: Shard,
    poll: Poll,
    pinned: Arc<Pinned>,
    rung: mpsc::Receiver<()>,
}

impl Stage {
    fn of(rehearsal: &Rehearsal) -> Self {
        // It rings once until it is answered.
        let (ring, rung) = mpsc::sync_channel(1);
        let post = Post::of(Bell::new(move || {
            let _rung_already = ring.try_send(());
        }));
        let pinned = Arc::new(Pinned::default());
        let shard = Shard::new(Arc::new(post), rehearsal.feeds.clone(), pinned.clone());
        Self { shard, poll: Poll::new().expect("the system can wait"), pinned, rung }
    }

    /// Seats a stream and looks at it for the first time.
    fn sit(&mut self, socket: TcpStream, walk: Walk, clock: &Clock) -> u32 {
        let arrival = Arrival { socket, read: Bytes::new(), head: Bytes::from_static(b"HTTP/1.1 200 OK"), walk };
        let staying = self.shard.feeds.drain.stay();
        let slot = self.shard.seat(&self.poll, arrival, staying).expect("a seat");
        self.shard.with(slot, Doing::Advancing, clock);
        slot
    }

    fn is_seated(&self, slot: u32) -> bool {
        self.shard.connections.get(slot as usize).is_some_and(Option::is_some)
    }
}

fn walk(rehearsal: &Rehearsal, wire: Wire) -> Walk {
    Walk { wire, readers: vec![rehearsal.reader(wire)], refused: None, place: None }
}

#[test]
fn who_takes_nothing_for_120_s_is_closed_and_who_takes_something_is_waited_for_anew() {
    let rehearsal = Rehearsal::of(["Much is known. ".repeat(100_000)].into_iter());
    let _runtime = rehearsal.runtime.enter();
    let mut stage = Stage::of(&rehearsal);
    let began = rehearsal.clock();
    let sit = |stage: &mut Stage, wire| {
        let (socket, client) = connection();
        let slot = stage.sit(socket, walk(&rehearsal, wire), &began);
        assert!(stage.shard.is_stuck(slot), "its message is longer than its socket");
        (slot, client)
    };
    let (stopped, mut of_stopped) = sit(&mut stage, Wire::Sse);
    let (slow, mut of_slow) = sit(&mut stage, Wire::WebSocket);

    let mut quarters = 0;
    let mut wait_until = |stage: &mut Stage, secs: u32| {
        let at = |quarters: u32| Clock { instant: began.instant + TICK * quarters, ..began };
        while quarters < secs * 4 {
            quarters += 1;
            stage.shard.turn_wheel(&at(quarters));
        }
        at(quarters)
    };
    let now = wait_until(&mut stage, 100);
    let since = |stage: &Stage| stage.shard.connections[slow as usize].as_ref().expect("it is seated").stuck_since();
    for _ in 0..1_000 {
        assert!(drain(&mut of_slow), "it is told more");
        stage.shard.with(slow, Doing::Unstuck, &now);
        if since(&stage) == Some(now.instant) {
            break;
        }
    }
    assert_eq!(since(&stage), Some(now.instant), "it has taken something");
    wait_until(&mut stage, 119);
    assert!(stage.is_seated(stopped) && stage.is_seated(slow));
    wait_until(&mut stage, 121);
    assert!(!stage.is_seated(stopped) && stage.is_seated(slow));
    assert_eq!(rehearsal.readers(), 1);
    wait_until(&mut stage, 219);
    assert!(stage.is_seated(slow));
    wait_until(&mut stage, 221);
    assert!(!stage.is_seated(slow));
    let left = (rehearsal.readers(), stage.pinned.bytes(), stage.shard.crowds.len());
    assert_eq!(left, (0, 0, 0), "nothing is left of them");
    for client in [&mut of_stopped, &mut of_slow] {
        client.set_nonblocking(false).expect("it may block");
        assert!(!drain(client), "the connection has ended");
    }
}

#[test]
fn who_was_full_and_must_ask_the_store_is_told_what_it_brings() {
    let rehearsal = Rehearsal::of(std::iter::empty());
    let _runtime = rehearsal.runtime.enter();
    let mut stage = Stage::of(&rehearsal);
    let clock = rehearsal.clock();
    let (socket, mut client) = connection();
    let mut filling = socket.try_clone().expect("a second handle");
    let slot = stage.sit(socket, walk(&rehearsal, Wire::Sse), &clock);
    assert!(has(&read(&mut client).0, b"caughtUp"));
    // What the client's system takes meanwhile makes room again.
    let mut changes = 0;
    while !stage.shard.is_stuck(slot) {
        while filling.write(b"x").is_ok() {}
        changes += 1;
        rehearsal.publish([format!("Change {changes}.")].into_iter());
        stage.shard.with(slot, Doing::Advancing, &clock);
    }
    let last = format!("Change {changes}.");

    // Its window goes on without it.
    rehearsal.publish((0..CHANGES).map(|number| format!("Item {number}")));
    drain(&mut client);
    stage.shard.with(slot, Doing::Unstuck, &clock);
    let mut came = Vec::new();
    while !has(&came, last.as_bytes()) {
        stage.rung.recv_timeout(Duration::from_secs(20)).expect("it comes back from asking, and is told the change");
        stage.shard.post.bell.answer();
        stage.shard.take_back(&clock);
        came.extend(read(&mut client).0);
    }
}

/// A client that never pauses, in messages of a kilobyte.
struct Flood {
    client: TcpStream,
    /// How far the message has come that it is sending.
    at: usize,
}

impl Flood {
    /// Sends as much as the system takes.
    fn fill(&mut self) {
        while self.go_on() {}
    }

    /// Sends the rest of its message, as far as the system takes that. False: it takes nothing.
    fn go_on(&mut self) -> bool {
        let message = [&[0x82, 0xfe, 4, 0, 0, 0, 0, 0][..], &[0; 1024]].concat();
        let sent = self.client.write(&message[self.at..]).unwrap_or(0);
        self.at = (self.at + sent) % message.len();
        sent > 0
    }
}

#[test]
fn a_client_that_never_pauses_is_answered_and_once_it_has_closed_is_gone_within_2_s() {
    let rehearsal = Rehearsal::of(std::iter::empty());
    let _runtime = rehearsal.runtime.enter();
    let mut stage = Stage::of(&rehearsal);
    let clock = rehearsal.clock();
    let (socket, client) = connection();
    socket2::SockRef::from(&client).set_send_buffer_size(1024 * 1024).expect("a large buffer");
    let slot = stage.sit(socket, walk(&rehearsal, Wire::WebSocket), &clock);
    let mut flood = Flood { client, at: 0 };
    read(&mut flood.client);

    let mut send = |stage: &mut Stage, control: &[u8]| {
        // Between two messages.
        while flood.at > 0 {
            flood.go_on();
            stage.shard.with(slot, Doing::Hearing, &clock);
        }
        let mut sent = 0;
        while sent < control.len() {
            match flood.client.write(&control[sent..]) {
                Ok(more) => sent += more,
                Err(_full) => stage.shard.with(slot, Doing::Hearing, &clock),
            }
        }
        // What was sent before it is heard first; and there is more than is heard in one turn.
        for _ in 0..1_000 {
            flood.fill();
            stage.shard.with(slot, Doing::Hearing, &clock);
            let (came, goes_on) = read(&mut flood.client);
            if !came.is_empty() {
                return (came, goes_on);
            }
        }
        panic!("it is not answered");
    };
    let (came, goes_on) = send(&mut stage, &[0x89, 0x82, 0, 0, 0, 0, b'h', b'i']);
    assert!(goes_on && came == [0x8a, 2, b'h', b'i'], "{came:x?}");
    let (came, goes_on) = send(&mut stage, &[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]);
    assert!(!goes_on && came == [0x88, 2, 0x03, 0xe8], "{came:x?}");
    for (millis, seated) in [(1_900, true), (2_000, false)] {
        flood.fill();
        let later = Clock { instant: clock.instant + Duration::from_millis(millis), ..clock };
        stage.shard.with(slot, Doing::Hearing, &later);
        assert_eq!(stage.is_seated(slot), seated, "after {millis} ms");
    }
}

#[test]
fn who_is_one_too_many_is_told_so_and_keeps_no_seat_however_long_it_stays() {
    let rehearsal = Rehearsal::of(std::iter::empty());
    let _runtime = rehearsal.runtime.enter();
    let mut stage = Stage::of(&rehearsal);
    let clock = rehearsal.clock();
    for _ in 0..100 {
        let (socket, mut client) = connection();
        // What nobody reads makes the system throw away what it was to bring.
        client.write_all(b"more").expect("there is room");
        let full = Ending::of(&"news".parse().expect("a feed id"), Wire::Sse, Goodbye::Full);
        let refused = Walk { wire: Wire::Sse, readers: Vec::new(), refused: Some(full), place: None };
        let slot = stage.sit(socket, refused, &clock);
        assert!(!stage.is_seated(slot));
        let (came, goes_on) = read(&mut client);
        assert!(!goes_on && has(&came, b"retry: ") && came.ends_with(b"}\n\n"), "{}", String::from_utf8_lossy(&came));
    }
}
