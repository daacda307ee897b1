//! However little a socket takes at a time, and whatever its client asks for meanwhile, what leaves is whole messages in
//! their order, the same as over a socket that takes everything.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::{prelude::*, test_runner::TestRunner};

use super::{
    super::{
        counts::Counts,
        rehearsal::{Asks, Begins, Rehearsal},
    },
    *,
};
use crate::live::{batch::Batches, deflate::inflated, reader::Clock};

mod crowd;

const CHANGES: usize = 30;
const ANSWER: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n\r\n";
/// Everything that a socket takes which is never full.
const ALL: &[usize] = &[usize::MAX];

/// A connection over a socket that takes so many bytes at a time, in turn, and whose client pings now and then.
struct Scene<'a> {
    rehearsal: &'a Rehearsal,
    clock: Clock,
    wire: Wire,
    asks: &'a [Asks],
    takes: &'a [usize],
}

/// What came over it.
#[derive(Debug, Default)]
struct Came {
    bytes: Vec<u8>,
    /// What the last ping said.
    asked: Option<String>,
    /// How many changes were counted.
    delivered: u64,
    /// How often the store was asked.
    questions: usize,
    /// How often nothing was taken.
    in_vain: usize,
}

impl Scene<'_> {
    /// Everything that its readers are sent, until nothing more comes.
    fn play(&self) -> Came {
        let Self { rehearsal, clock, wire, takes, .. } = *self;
        let readers = self.asks.iter().map(|asks| rehearsal.asking(wire, *asks)).collect();
        let mut speech = Speech::new(wire, Bytes::from_static(ANSWER), readers);
        let (mut batches, mut scratch, mut spare, pinned) =
            (Batches::default(), Vec::new(), Vec::new(), Arc::default());
        let (mut came, mut away, mut full) = (Came::default(), VecDeque::new(), false);
        for turn in 0..200_000 {
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
            // Who asks is away for a turn or two.
            let back = away.pop_front_if(|(back, _, _): &mut (usize, usize, Reader)| *back <= turn);
            let looked = back.is_none();
            match back {
                Some((_, seat, mut reader)) => {
                    let brings = rehearsal.runtime.block_on(reader.ask());
                    speech.brought(seat, (reader, brings), full, &mut parts);
                    came.questions += 1;
                }
                None => {
                    speech.gather(&mut parts, &mut pass);
                    away.extend(pass.asking.into_iter().map(|(seat, reader)| (turn + 1 + turn % 2, seat, reader)));
                }
            }
            assert!(parts.len() <= PARTS, "one write takes them");
            let there: usize = speech.slices(&parts).map(<[u8]>::len).sum();
            if there == 0 {
                if looked && away.is_empty() {
                    assert!(speech.half.is_empty() && speech.owed.is_empty() && speech.pong.is_none());
                    assert_eq!(pinned.bytes(), 0, "nothing is left");
                    return came;
                }
                full &= !looked;
                continue;
            }
            let takes = there.min(takes[turn % takes.len()]);
            let mut left = takes;
            for slice in speech.slices(&parts) {
                let now = slice.len().min(left);
                came.bytes.extend_from_slice(&slice[..now]);
                left -= now;
            }
            let (wrote, changes) = speech.wrote(&parts, takes, &pinned);
            came.delivered += changes;
            came.in_vain += usize::from(takes == 0);
            full = wrote == Wrote::Some;
            assert_eq!(full, takes < there);
            // Not for ever: a pong for each turn would outgrow sockets that take one byte.
            if wire.is_web_socket() && turn % 97 == 5 && turn < 1_000 {
                let asks = format!("still there at {turn:03}?");
                assert_eq!(speech.answer(Heard::Ping(asks.as_bytes().into())), Fate::Waits);
                came.asked = Some(asks);
            }
        }
        panic!("every turn that takes something moves forward")
    }
}

/// What a client understands: the pongs, and the messages of each feed.
#[derive(Debug, Default, PartialEq)]
struct Understood {
    messages: BTreeMap<String, Vec<String>>,
    pongs: Vec<String>,
}

impl Understood {
    fn of(wire: Wire, bytes: &[u8]) -> Self {
        let mut bytes = bytes.strip_prefix(ANSWER).expect("the answer comes first");
        let mut understood = Self::default();
        while !bytes.is_empty() {
            let text = if wire == Wire::Sse {
                let event = memchr::memmem::find(bytes, b"\n\n").expect("events are whole") + 2;
                let (event, others) = bytes.split_at(event);
                bytes = others;
                String::from_utf8(event.to_vec())
            } else {
                let (header, length) = match bytes[1] {
                    127 => (10, u64::from_be_bytes(bytes[2..10].try_into().expect("eight")) as usize),
                    126 => (4, usize::from(u16::from_be_bytes([bytes[2], bytes[3]]))),
                    short => (2, usize::from(short)),
                };
                let (frame, others) = bytes.split_at(header + length);
                bytes = others;
                match frame[0] {
                    0x8a => {
                        understood.pongs.push(String::from_utf8(frame[header..].to_vec()).expect("what was asked"));
                        continue;
                    }
                    0x81 => String::from_utf8(frame[header..].to_vec()),
                    0xc1 if wire == Wire::Deflate => String::from_utf8(inflated(&frame[header..])),
                    other => panic!("a frame begins with {other:x}"),
                }
            };
            let text = text.expect("messages are text");
            let feed = text.split_once("\"feed\":\"").and_then(|(_, feed)| feed.split_once('"')).expect("a feed").0;
            understood.messages.entry(feed.to_owned()).or_default().push(text);
        }
        understood
    }

    /// How many messages of this type came.
    fn count(&self, kind: &str) -> usize {
        let kind = format!("\"type\":\"{kind}\"");
        self.messages.values().flatten().filter(|message| message.contains(&kind)).count()
    }
}

/// A feed of small items, and two whose items fill several pages of a snapshot.
fn feeds() -> Rehearsal {
    let small = (0..CHANGES).map(|number| "Polls have closed. ".repeat(number));
    let large = (0..40).map(|number| format!("{number}: {}", "Counting goes on. ".repeat(1_000)));
    Rehearsal::of_several(vec![small.collect(), large.clone().collect(), large.collect()])
}

const ONE_FEED: Asks = Asks { feed: 0, from: Begins::First, tag: None };
const FILTERED: Asks = Asks { tag: Some("t0"), ..ONE_FEED };
const PAGES: Asks = Asks { feed: 1, from: Begins::Newest, tag: None };
const FILTERED_PAGES: Asks = Asks { tag: Some("t0"), ..PAGES };
const STORED: Asks = Asks { feed: 2, from: Begins::Nothing, tag: None };
const FILTERED_STORED: Asks = Asks { tag: Some("t0"), ..STORED };

#[test]
fn any_split_of_writes_yields_the_same_messages_of_each_feed() {
    let rehearsal = feeds();
    let _runtime = rehearsal.runtime.enter();
    // The same moment for all, at which the node is in touch with its store, however long the test takes.
    let clock = rehearsal.clock();
    let alone: [&[Asks]; 6] = [&[ONE_FEED], &[FILTERED], &[PAGES], &[FILTERED_PAGES], &[STORED], &[FILTERED_STORED]];
    let together: [&[Asks]; 2] = [&[ONE_FEED, PAGES, STORED], &[FILTERED, FILTERED_PAGES, FILTERED_STORED]];
    let on = |wire, connections: &[&'static [Asks]]| -> Vec<(Wire, &'static [Asks])> {
        connections.iter().map(|asks| (wire, *asks)).collect()
    };
    let scenes = [Wire::WebSocket, Wire::Deflate].map(|wire| on(wire, &[&alone[..], &together].concat()));
    for (wire, asks) in scenes.concat().into_iter().chain(on(Wire::Sse, &alone)) {
        let scene = Scene { rehearsal: &rehearsal, clock, wire, asks, takes: ALL };
        let whole = scene.play();
        let expected = Understood::of(wire, &whole.bytes);
        assert_eq!(expected.count("caughtUp"), asks.len(), "{wire:?} {asks:?}");
        let changes = ["item.published", "item.left", "feed.created"].map(|kind| expected.count(kind));
        assert_eq!(whole.delivered, changes.iter().sum::<usize>() as u64, "each is counted once");

        let mut runner = TestRunner::new(ProptestConfig { cases: 16, ..ProptestConfig::default() });
        let splits =
            prop::collection::vec(prop_oneof![Just(0_usize), 1_usize..4, 1_usize..200, 1_usize..20_000], 1..50);
        let checked = runner.run(&splits, |mut takes| {
            // Something is taken in each round of them, or it would never end; the more, the more there is.
            takes.push(1.max(whole.bytes.len() / 500));
            let came = Scene { takes: &takes, ..scene }.play();
            let understood = Understood::of(wire, &came.bytes);
            // Of several pings the newest is answered, and each once at most.
            prop_assert!(understood.pongs.is_sorted_by(|a, b| a < b));
            prop_assert_eq!(understood.pongs.last(), came.asked.as_ref());
            for (feed, messages) in &expected.messages {
                let came = &understood.messages[feed];
                let differs = messages.iter().zip(came).position(|(one, other)| one != other);
                prop_assert_eq!((came.len(), differs), (messages.len(), None), "{}", feed);
            }
            prop_assert_eq!(came.delivered, whole.delivered, "each is counted once");
            // What is unfinished is finished before the store is asked: its answer is not thrown away for each drop, of which
            // there are hundreds.
            let most = 10 * (whole.questions + 1) + came.in_vain;
            prop_assert!(came.questions <= most, "{} questions instead of {}", came.questions, whole.questions);
            Ok(())
        });
        checked.unwrap_or_else(|failed| panic!("{wire:?} {asks:?}: {failed}"));
    }
}

#[test]
fn the_scenes_hold_what_they_are_named_for() {
    let rehearsal = feeds();
    let _runtime = rehearsal.runtime.enter();
    let play = |asks: &[Asks]| {
        let scene = Scene { rehearsal: &rehearsal, clock: rehearsal.clock(), wire: Wire::Sse, asks, takes: ALL };
        let came = scene.play();
        (Understood::of(Wire::Sse, &came.bytes), came.questions)
    };
    let (all, _) = play(&[ONE_FEED]);
    assert_eq!((all.count("item.published"), all.count("item.left")), (CHANGES, 0));
    let (some, _) = play(&[FILTERED]);
    assert_eq!((some.count("item.published"), some.count("item.left")), (10, 4));
    assert!(play(&[PAGES]).0.count("snapshot") >= 3);
    let (stored, questions) = play(&[STORED]);
    assert_eq!((stored.count("item.published"), stored.count("feed.created"), questions), (40, 1, 1));
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

#[test]
fn what_is_owed_since_a_message_began_counts_as_unfinished_and_what_was_sent_does_not() {
    let rehearsal = feeds();
    let _runtime = rehearsal.runtime.enter();
    // A snapshot that others may begin with is there already.
    let mut before = rehearsal.asking(Wire::WebSocket, PAGES);
    let (mut batches, clock) = (Batches::default(), rehearsal.clock());
    while !matches!(before.step(&mut batches, &clock), Step::Ask) {}
    rehearsal.runtime.block_on(before.ask());

    let readers = vec![rehearsal.asking(Wire::WebSocket, PAGES)];
    let mut speech = Speech::new(Wire::WebSocket, Bytes::from_static(ANSWER), readers);
    let (pinned, mut parts) = (Arc::new(Pinned::default()), Vec::new());
    speech.gather_owed(&mut parts);
    speech.wrote(&parts, 3, &pinned);

    parts.clear();
    let (mut scratch, mut spare, counts) = (Vec::new(), Vec::new(), Counts::default());
    let mut pass = Pass {
        batches: &mut batches,
        clock,
        scratch: &mut scratch,
        parts: &mut spare,
        pinned: &pinned,
        counts: &counts,
        asking: Vec::new(),
        until: None,
    };
    speech.gather(&mut parts, &mut pass);
    let lengths: Vec<usize> = speech.slices(&parts).map(<[u8]>::len).collect();
    let [half, hello, page] = lengths[..] else { panic!("{lengths:?}") };
    assert!(page > 200_000, "{page}");
    speech.wrote(&parts, 1, &pinned);
    assert_eq!(pinned.bytes(), half + hello + page, "a byte was taken of the same message");

    // It stops between two messages.
    parts.clear();
    speech.gather_owed(&mut parts);
    speech.wrote(&parts, half - 1 + hello, &pinned);
    assert_eq!(pinned.bytes(), page);
}
