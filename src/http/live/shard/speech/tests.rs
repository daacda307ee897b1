//! However little a socket takes at a time, and whatever its client asks for meanwhile, what leaves is whole messages in
//! their order, the same as over a socket that takes everything.

use bytes::Bytes;
use proptest::{prelude::*, test_runner::TestRunner};

use super::{
    super::{counts::Counts, rehearsal::Rehearsal},
    *,
};
use crate::live::{batch::Batches, reader::Clock};

const CHANGES: usize = 30;
const ANSWER: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n\r\n";

/// Everything that a reader who has the first change is sent over a socket that takes so many bytes at a time, none where that
/// is 0, and whose client pings now and then; and what its last ping said. It ends where nothing more comes.
fn said(rehearsal: &Rehearsal, clock: Clock, wire: Wire, takes: &[usize]) -> (Vec<u8>, Option<String>) {
    let mut speech = Speech::new(wire, Bytes::from_static(ANSWER), vec![rehearsal.reader(wire)]);
    let (mut batches, mut scratch, mut spare, pinned) = (Batches::default(), Vec::new(), Vec::new(), Arc::default());
    let (mut out, mut asked, mut delivered) = (Vec::new(), None, 0);
    for turn in 0.. {
        let mut pass = Pass {
            batches: &mut batches,
            clock,
            scratch: &mut scratch,
            parts: &mut spare,
            pinned: &pinned,
            counts: &Counts::default(),
            asking: Vec::new(),
            until: None,
        };
        let mut parts = Vec::new();
        speech.gather(&mut parts, &mut pass);
        assert!(pass.asking.is_empty(), "all of it is in the window");
        assert!(parts.len() <= PARTS, "one write takes them");
        let whole: Vec<u8> = speech.slices(&parts).collect::<Vec<_>>().concat();
        if whole.is_empty() {
            assert_eq!((speech.has_its_own(), pinned.bytes()), (false, 0), "nothing is left");
            assert_eq!(delivered, CHANGES as u64, "each is counted once");
            return (out, asked);
        }
        let takes = takes.get(turn % takes.len().max(1)).map_or(whole.len(), |takes| whole.len().min(*takes));
        out.extend_from_slice(&whole[..takes]);
        let (wrote, changes) = speech.wrote(&parts, takes, &pinned);
        delivered += changes;
        assert_eq!(wrote == Wrote::All, takes == whole.len());
        assert!(turn < 200_000, "every turn that takes something moves forward");
        // Not for ever: a pong for each turn would outgrow sockets that take one byte.
        if wire.is_web_socket() && turn % 97 == 5 && turn < 1_000 {
            let asks = format!("still there at {turn:03}?");
            assert_eq!(speech.answer(Heard::Ping(asks.as_bytes().into())), Fate::Waits);
            asked = Some(asks);
        }
    }
    unreachable!("it returns once nothing is left")
}

/// The frames of a WebSocket without its pongs, and what these said.
fn without_pongs(mut bytes: &[u8]) -> (Vec<u8>, Vec<String>) {
    bytes = bytes.strip_prefix(ANSWER).expect("the answer comes first");
    let (mut rest, mut pongs) = (Vec::new(), Vec::new());
    while !bytes.is_empty() {
        let (header, length) = match bytes[1] {
            127 => (10, u64::from_be_bytes(bytes[2..10].try_into().expect("eight")) as usize),
            126 => (4, usize::from(u16::from_be_bytes([bytes[2], bytes[3]]))),
            short => (2, usize::from(short)),
        };
        let (frame, others) = bytes.split_at(header + length);
        match frame[0] {
            0x8a => pongs.push(String::from_utf8(frame[2..].to_vec()).expect("what was asked")),
            0x81 | 0xc1 => rest.extend_from_slice(frame),
            other => panic!("a frame begins with {other:x}"),
        }
        bytes = others;
    }
    (rest, pongs)
}

#[test]
fn any_split_of_writes_yields_the_same_bytes() {
    let rehearsal = Rehearsal::of((0..CHANGES).map(|number| "Polls have closed. ".repeat(number)));
    let _runtime = rehearsal.runtime.enter();
    // The same moment for all, at which the node is in touch with its store, however long the test takes.
    let clock = rehearsal.clock();
    for wire in [Wire::WebSocket, Wire::Deflate, Wire::Sse] {
        let (whole, _) = said(&rehearsal, clock, wire, &[]);
        let mut runner = TestRunner::new(ProptestConfig { cases: 64, ..ProptestConfig::default() });
        let splits =
            prop::collection::vec(prop_oneof![Just(0_usize), 1_usize..4, 1_usize..200, 1_usize..20_000], 1..50);
        // At least one byte is taken in each round of them, or nothing would ever end.
        let splits = splits.prop_filter("something is taken", |takes| takes.iter().sum::<usize>() > 0);
        let checked = runner.run(&splits, |takes| {
            let (split, asked) = said(&rehearsal, clock, wire, &takes);
            if wire == Wire::Sse {
                prop_assert_eq!(&split, &whole);
            } else {
                let (frames, pongs) = without_pongs(&split);
                prop_assert_eq!(frames, without_pongs(&whole).0);
                // Of several pings the newest is answered, and each once at most.
                prop_assert!(pongs.is_sorted_by(|a, b| a < b));
                prop_assert_eq!(pongs.last(), asked.as_ref());
            }
            Ok(())
        });
        checked.unwrap_or_else(|failed| panic!("{wire:?}: {failed}"));
        let messages = String::from_utf8_lossy(&whole).matches("\"item.published\"").count();
        assert!(wire == Wire::Deflate || messages == CHANGES, "{messages} changes were sent");
    }
}

#[test]
fn what_a_reader_brings_while_its_socket_is_full_counts_as_unfinished_too() {
    let rehearsal = Rehearsal::of(["News".to_owned()].into_iter());
    let _runtime = rehearsal.runtime.enter();
    let mut speech = Speech::new(Wire::WebSocket, Bytes::from_static(ANSWER), vec![rehearsal.reader(Wire::WebSocket)]);
    let (pinned, mut parts) = (Arc::new(Pinned::default()), Vec::new());
    speech.gather_owed(&mut parts);
    assert_eq!(speech.wrote(&parts, 3, &pinned).0, Wrote::Some);
    let half = pinned.bytes();

    let reader = speech.seats[0].reader.take().expect("it is there");
    let page = Bytes::from(vec![b'x'; 10_000]);
    speech.brought(0, (reader, Turn::Send(vec![page])), true, &mut Vec::new());
    assert_eq!(pinned.bytes(), half + 10_000);

    parts.clear();
    let left = speech.gather_owed(&mut parts);
    assert_eq!((speech.wrote(&parts, left, &pinned).0, pinned.bytes()), (Wrote::All, 0));
}
