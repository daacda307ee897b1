//! The benchmarks count right: a server that loses, repeats or swaps a change is found out, on both wires, and nobody else
//! is. A figure is worth as much as what would have shown that it is wrong.

#[path = "../benches/fanout/crowd/mod.rs"]
#[allow(dead_code, reason = "the benchmark itself keeps its crowd in another process")]
mod crowd;
#[path = "../benches/fanout/floor.rs"]
#[allow(dead_code, reason = "the benchmark itself keeps its floor in another process")]
mod floor;
#[path = "../benches/support/mod.rs"]
mod support;
#[path = "../benches/fanout/wire.rs"]
#[allow(dead_code, reason = "the benchmark itself names the wires in its tables")]
mod wire;

use std::{io::Write as _, net::TcpStream, thread, time::Duration};

use crowd::{
    Arrival, Course, Crowd, Invitation,
    stream::{Part, Stream},
    tally::Tally,
};
use floor::{ACCEPT, Fault, Script};
use support::{
    clock::Schedule,
    latency::Latencies,
    report::{Figure, Reach, Report},
    stamp::{NUMBER, Stamped},
};
use wire::Wire;

const READERS: u32 = 20;
const CHANGES: u32 = 40;
/// The seq that the readers stand at.
const HEAD: u32 = 7;
const CAUGHT_UP: &str = "{\"type\":\"caughtUp\"}";

/// How an answer begins.
fn head(wire: Wire, accept: &str, chunked: bool) -> String {
    match (wire, chunked) {
        (Wire::WebSocket, _) => format!("HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: {accept}\r\n\r\n"),
        (Wire::Sse, false) => "HTTP/1.1 200 OK\r\n\r\n".to_owned(),
        (Wire::Sse, true) => "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_owned(),
    }
}

/// What a crowd counts that follows a floor with a fault.
fn counted(wire: Wire, fault: Option<Fault>) -> Tally {
    let mut greeting = head(wire, ACCEPT, true).into_bytes();
    greeting.extend(wire.frame(CAUGHT_UP, None, true));
    let change = format!("{{\"type\":\"item.published\",\"position\":\"1234567-\",\"headline\":\"{NUMBER}\"}}");
    let frame = Stamped::with_seq(wire.frame(&change, Some("1234567-"), true), "1234567");
    let doors = floor::open(&Script { greeting, frame, head: HEAD.into() }, 2, fault).expect("there are ports");

    let mut crowd = Crowd::new().expect("there is an epoll");
    let invitation = Invitation {
        address: doors.readers,
        wire,
        path: "/".to_owned(),
        readers: READERS as usize,
        after: HEAD.into(),
        through: HEAD.into(),
        arrival: Arrival::CaughtUp,
    };
    crowd.join(&invitation).expect("all come");
    let schedule = Schedule::soon(CHANGES, Duration::from_millis(1));
    let publisher = thread::spawn(move || {
        let mut lanes: Vec<TcpStream> =
            doors.orders.iter().map(|lane| TcpStream::connect(lane).expect("the floor listens")).collect();
        for number in 0..CHANGES {
            schedule.due(number).wait();
            let order = [number.to_le_bytes(), (HEAD + 1 + number).to_le_bytes()].concat();
            lanes.iter_mut().for_each(|lane| lane.write_all(&order).expect("the floor listens"));
        }
        // The floor forgets who published once the connection ends; it is kept until all has been said.
        lanes
    });
    let tally = crowd.follow(&Course { schedule, last: (HEAD + CHANGES).into() }).expect("the streams are streams");
    publisher.join().expect("everything was published");
    tally
}

/// Changes that came, were lost, came again and came late.
fn counts(tally: &Tally) -> [u64; 4] {
    assert_eq!(tally.gone, 0, "everybody stays");
    [tally.delivered, tally.lost, tally.repeated, tally.out_of_order]
}

#[test]
fn what_comes_as_it_should_is_counted_once_and_from_the_moment_due() {
    for wire in Wire::ALL {
        let tally = counted(wire, None);
        assert_eq!(counts(&tally), [(READERS * CHANGES).into(), 0, 0, 0], "{wire}");
        assert_eq!(tally.last_reader.len(), CHANGES as usize, "{wire}");
        let slowest = tally.last_reader.iter().copied().fold(0.0, f64::max);
        assert!(tally.last_reader.iter().all(|latency| *latency > 0.0), "{wire}: each change has its last reader");
        assert!(0.0 < tally.p50 && tally.p50 <= tally.p99 && tally.p99 <= slowest * 1.04, "{wire}: {tally:?}");
    }
}

#[test]
fn a_change_that_is_lost_is_found() {
    for wire in Wire::ALL {
        let all = u64::from(READERS * CHANGES);
        assert_eq!(
            counts(&counted(wire, Some(Fault::Loses(5)))),
            [all - u64::from(READERS), READERS.into(), 0, 0],
            "{wire}"
        );
    }
}

#[test]
fn a_change_that_comes_twice_is_found() {
    for wire in Wire::ALL {
        let all = u64::from(READERS * CHANGES);
        assert_eq!(counts(&counted(wire, Some(Fault::Repeats(5)))), [all, 0, READERS.into(), 0], "{wire}");
    }
}

#[test]
fn a_change_that_comes_after_the_next_one_is_found() {
    for wire in Wire::ALL {
        let all = u64::from(READERS * CHANGES);
        assert_eq!(counts(&counted(wire, Some(Fault::Swaps(5)))), [all, 0, 0, READERS.into()], "{wire}");
    }
}

#[test]
fn a_stream_is_the_same_messages_in_whatever_pieces_it_comes() {
    // Short, with a length of two bytes, and with one of eight.
    let messages = ["{\"a\":1}".to_owned(), format!("{{\"b\":\"{}\"}}", "x".repeat(300)), "y".repeat(70_000)];
    for (wire, chunked) in [(Wire::WebSocket, false), (Wire::Sse, false), (Wire::Sse, true)] {
        for size in [1, 2, 3, 7, 100, 1_000, 65_537, 1_000_000] {
            // What comes a byte at a time is looked through a byte at a time, too: the long one would take a minute.
            let messages = if size < 1_000 { &messages[..2] } else { &messages };
            let mut bytes = head(wire, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", chunked).into_bytes();
            messages.iter().for_each(|message| bytes.extend(wire.frame(message, Some("1-2"), chunked)));
            let (mut stream, mut came) = (Stream::new(wire), Vec::new());
            for piece in bytes.chunks(size) {
                let told = stream.take(piece, &mut |part| {
                    if let Part::Message(json) = part {
                        came.push(String::from_utf8_lossy(json).into_owned());
                    }
                });
                told.expect("it is a stream");
            }
            assert!(came == messages, "{wire}, chunked {chunked}, {size} bytes at once: {} messages", came.len());
        }
    }
}

#[test]
fn a_percentile_is_what_so_many_took_at_most() {
    let mut latencies = Latencies::none();
    (1..=1_000).for_each(|n| latencies.count(Duration::from_micros(n * n)));
    for (percent, exact) in [(50.0, 250.0), (99.0, 980.1), (100.0, 1_000.0)] {
        let told = latencies.percentile(percent);
        assert!(exact <= told && told <= exact * 1.04, "p{percent} is {exact} ms, and {told} is told");
    }
}

#[test]
fn a_ratio_is_the_median_of_the_ratios_of_each_run_and_the_worst_loss_counts() {
    let mut report = Report::new("test".to_owned(), "newswire");
    // The second run was noisy for both, which their ratio does not show; and something was lost in it.
    for (ours, floor, lost) in [(2.0, 1.0, 0.0), (30.0, 15.0, 3.0), (2.2, 1.0, 0.0)] {
        for (server, value) in [("newswire", ours), ("floor", floor)] {
            let time = Figure::to_reach("time", 1, value, Reach::TimesFloor(2.1));
            report.add("load", server, vec![time, Figure::to_reach("lost", 0, lost, Reach::Never)]);
        }
    }
    let table = report.table();
    assert!(table.contains("2.00") && table.contains("≤ 2.10 × floor: reached"), "{table}");
    assert!(table.contains("0: MISSED"), "{table}");
}
