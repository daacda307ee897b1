//! A shard with real sockets and a clock that the test gives it.

use std::{
    io::{ErrorKind, Read as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
};

use bytes::Bytes;
use socket2::{Domain, Socket, Type};

use super::*;
use crate::{
    http::live::{
        Walk,
        shard::{rehearsal::Rehearsal, wheel::TICK},
    },
    live::{Wire, bell::Bell},
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
    let mut part = [0; 16 * 1024];
    loop {
        match client.read(&mut part) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
            Err(_) => return false,
        }
    }
}

#[test]
fn who_takes_nothing_for_120_s_is_closed_and_who_takes_something_is_waited_for_anew() {
    let rehearsal = Rehearsal::of(["Much is known. ".repeat(100_000)].into_iter());
    let _runtime = rehearsal.runtime.enter();
    let poll = Poll::new().expect("the system can wait");
    let post = Post::of(Bell::new(|| {}));
    let pinned = Arc::new(Pinned::default());
    let mut shard = Shard::new(Arc::new(post), rehearsal.feeds.clone(), pinned.clone());
    let began = rehearsal.clock();
    let sit = |shard: &mut Shard, wire| {
        let (socket, client) = connection();
        let walk = Walk { wire, readers: vec![rehearsal.reader(wire)], refused: None, place: None };
        let arrival = Arrival { socket, read: Bytes::new(), head: Bytes::from_static(b"HTTP/1.1 200 OK"), walk };
        let slot = shard.seat(&poll, arrival, rehearsal.feeds.drain.stay()).expect("a seat");
        shard.with(slot, Doing::Advancing, &began);
        assert!(shard.is_stuck(slot), "its message is longer than its socket");
        (slot, client)
    };
    let (stopped, mut of_stopped) = sit(&mut shard, Wire::Sse);
    let (slow, mut of_slow) = sit(&mut shard, Wire::WebSocket);

    let mut quarters = 0;
    let mut wait_until = |shard: &mut Shard, secs: u32| {
        let at = |quarters: u32| Clock { instant: began.instant + TICK * quarters, ..began };
        while quarters < secs * 4 {
            quarters += 1;
            shard.turn_wheel(&at(quarters));
        }
        at(quarters)
    };
    let is_seated = |shard: &Shard, slot: u32| shard.connections.get(slot as usize).is_some_and(Option::is_some);
    let now = wait_until(&mut shard, 100);
    let since = |shard: &Shard| shard.connections[slow as usize].as_ref().expect("it is seated").stuck_since();
    for _ in 0..1_000 {
        assert!(drain(&mut of_slow), "it is told more");
        shard.with(slow, Doing::Unstuck, &now);
        if since(&shard) == Some(now.instant) {
            break;
        }
    }
    assert_eq!(since(&shard), Some(now.instant), "it has taken something");
    wait_until(&mut shard, 119);
    assert!(is_seated(&shard, stopped) && is_seated(&shard, slow));
    wait_until(&mut shard, 121);
    assert!(!is_seated(&shard, stopped) && is_seated(&shard, slow));
    assert_eq!(rehearsal.readers(), 1);
    wait_until(&mut shard, 219);
    assert!(is_seated(&shard, slow));
    wait_until(&mut shard, 221);
    assert!(!is_seated(&shard, slow));
    assert_eq!((rehearsal.readers(), pinned.bytes(), shard.crowds.len()), (0, 0, 0), "nothing is left of them");
    for client in [&mut of_stopped, &mut of_slow] {
        client.set_nonblocking(false).expect("it may block");
        assert!(!drain(client), "the connection has ended");
    }
}
