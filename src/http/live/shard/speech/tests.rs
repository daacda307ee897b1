//! However little a socket takes at a time, and whatever its client asks for meanwhile, what leaves is whole messages in
//! their order, the same as over a socket that takes everything.

use bytes::Bytes;
use proptest::{prelude::*, test_runner::TestRunner};

use super::*;
use crate::{
    live::{Drain, Feeds, Start, Wish, batch::Batches, follow, reader::Clock, right::Right},
    news::{After, Ever, Feed, Kind, Mark, Position, Record, Status},
    store::{
        Commit, Expected, ItemWrite, SharedStore, Write,
        sqlite::{Role, Sqlite},
    },
};

const CHANGES: usize = 30;
const ANSWER: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n\r\n";

/// A feed with changes of all lengths, and the position of its first.
async fn feed(store: &SharedStore, feeds: &Arc<Feeds>) -> (Arc<Awake>, Position) {
    let id: crate::news::FeedId = "news".parse().expect("a feed id");
    store.create_feed(Feed::new(id.clone(), "News"), Mark::random(), "test").await.expect("created");
    let first = store.feed(&id).await.expect("answers").expect("it is there").head;
    for number in 0..CHANGES {
        let (mark, now) = (Mark::random(), store.now());
        let record = Record {
            id: uuid::Uuid::now_v7(),
            version: 1,
            mark,
            kind: Kind::ItemPublished,
            at: now,
            born: 0,
            last_seq: 0,
            status: Status::Usable,
            published: now,
            updated: now,
            breaking_until: None,
            pin: None,
            ever: Ever::default(),
            more: serde_json::Map::new(),
            story: format!("{{\"headline\":\"{}\"}}", "Polls have closed. ".repeat(number)),
        };
        let write = ItemWrite { expected: Expected::Nothing, record, fields: Vec::new(), alt_ids: Vec::new() };
        let write = Write::Item(write);
        let commit = Commit {
            feed: id.clone(),
            once: None,
            mark,
            kind: Kind::ItemPublished,
            at: now,
            who: "test".to_owned(),
            write,
        };
        assert!(store.commit(commit).await.is_ok(), "nothing stands against it");
    }
    (feeds.open(&id).await.expect("answers").expect("it is there"), first)
}

/// Everything that a reader at this position is sent over a socket that takes so many bytes at a time, none where that
/// is 0, and whose client pings now and then. It ends where nothing more comes.
fn said(
    (feeds, awake, clock): (&Arc<Feeds>, &Arc<Awake>, Clock),
    wire: Wire,
    at: Position,
    takes: &[usize],
) -> Vec<u8> {
    let wish = Wish { start: Start::Resume(After::Position(at)), size: 0, filter: None, right: Right::Anybody };
    let reader = Reader::open(feeds.clone(), awake.clone(), wire, wish).expect("no filter is one too many");
    let mut speech = Speech::new(wire, Bytes::from_static(ANSWER), vec![reader]);
    let (mut batches, mut scratch, mut spare, pinned) = (Batches::default(), Vec::new(), Vec::new(), Arc::default());
    let mut out = Vec::new();
    for turn in 0.. {
        let mut pass = Pass {
            batches: &mut batches,
            clock,
            scratch: &mut scratch,
            parts: &mut spare,
            pinned: &pinned,
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
            return out;
        }
        let takes = takes.get(turn % takes.len().max(1)).map_or(whole.len(), |takes| whole.len().min(*takes));
        out.extend_from_slice(&whole[..takes]);
        let wrote = speech.wrote(&parts, takes, &pinned);
        assert_eq!(wrote == Wrote::All, takes == whole.len());
        assert!(turn < 200_000, "every turn that takes something moves forward");
        // Not for ever: a pong for each turn would outgrow sockets that take one byte.
        if wire.is_web_socket() && turn % 97 == 5 && turn < 1_000 {
            assert_eq!(speech.answer(Heard::Ping(b"still there?".as_slice().into())), Fate::Waits);
        }
    }
    unreachable!("it returns once nothing is left")
}

/// The frames of a WebSocket without its pongs, and how many of these there were.
fn without_pongs(mut bytes: &[u8]) -> (Vec<u8>, usize) {
    bytes = bytes.strip_prefix(ANSWER).expect("the answer comes first");
    let (mut rest, mut pongs) = (Vec::new(), 0);
    while !bytes.is_empty() {
        let (header, length) = match bytes[1] {
            127 => (10, u64::from_be_bytes(bytes[2..10].try_into().expect("eight")) as usize),
            126 => (4, usize::from(u16::from_be_bytes([bytes[2], bytes[3]]))),
            short => (2, usize::from(short)),
        };
        let (frame, others) = bytes.split_at(header + length);
        match frame[0] {
            0x8a => {
                assert_eq!(&frame[2..], b"still there?");
                pongs += 1;
            }
            0x81 | 0xc1 => rest.extend_from_slice(frame),
            other => panic!("a frame begins with {other:x}"),
        }
        bytes = others;
    }
    (rest, pongs)
}

#[test]
fn any_split_of_writes_yields_the_same_bytes() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let dir = tempfile::tempdir().expect("a directory");
    let _runtime = runtime.enter();
    let store: SharedStore = Arc::new(Sqlite::open(dir.path(), Role::Server).expect("opens"));
    let feeds = Feeds::asleep(store.clone(), Drain::default());
    let (awake, first) = runtime.block_on(async {
        let _follower = follow::begin(&feeds).await.expect("answers");
        feed(&store, &feeds).await
    });
    // The same moment for all, at which the node is in touch with its store, however long the test takes.
    let node = (&feeds, &awake, Clock::of(&feeds));
    for wire in [Wire::WebSocket, Wire::Deflate, Wire::Sse] {
        let whole = said(node, wire, first, &[]);
        let mut runner = TestRunner::new(ProptestConfig { cases: 64, ..ProptestConfig::default() });
        let splits =
            prop::collection::vec(prop_oneof![Just(0_usize), 1_usize..4, 1_usize..200, 1_usize..20_000], 1..50);
        // At least one byte is taken in each round of them, or nothing would ever end.
        let splits = splits.prop_filter("something is taken", |takes| takes.iter().sum::<usize>() > 0);
        let checked = runner.run(&splits, |takes| {
            let split = said(node, wire, first, &takes);
            if wire == Wire::Sse {
                prop_assert_eq!(&split, &whole);
            } else {
                let (frames, pongs) = without_pongs(&split);
                prop_assert_eq!(frames, without_pongs(&whole).0);
                prop_assert!(pongs > 0 || split.len() == whole.len());
            }
            Ok(())
        });
        checked.unwrap_or_else(|failed| panic!("{wire:?}: {failed}"));
        let messages = String::from_utf8_lossy(&whole).matches("\"item.published\"").count();
        assert!(wire == Wire::Deflate || messages == CHANGES, "{messages} changes were sent");
    }
}
