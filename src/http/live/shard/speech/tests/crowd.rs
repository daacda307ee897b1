//! What a crowd shares: a message that is meant for many is one in memory, and a reader whose socket takes everything has no
//! memory of its own beyond its place.

use super::*;

#[test]
fn a_crowd_of_new_readers_shares_the_pages_of_its_snapshot_each_encoded_once_for_each_wire() {
    const CROWD: usize = 50;
    let rehearsal = feeds();
    let _runtime = rehearsal.runtime.enter();
    let (mut batches, clock) = (Batches::default(), rehearsal.clock());
    for wire in [Wire::WebSocket, Wire::Deflate, Wire::Sse] {
        let mut each = Vec::new();
        for _ in 0..CROWD {
            let mut reader = rehearsal.asking(wire, PAGES);
            let mut sent = Vec::new();
            loop {
                match reader.step(&mut batches, &clock) {
                    Step::Send(messages) => sent.extend(messages),
                    Step::Ask => match rehearsal.runtime.block_on(reader.ask()) {
                        Turn::Send(messages) => sent.extend(messages),
                        other => panic!("{other:?}"),
                    },
                    Step::Say(_) => break,
                    other => panic!("{other:?}"),
                }
            }
            each.push(sent);
        }
        // All of them are held until here, so that no two lie at the same place.
        let places = |sent: &[Bytes]| sent.iter().map(|message| message.as_ptr()).collect::<Vec<_>>();
        assert!(each[0].len() > 3, "hello, and several pages");
        for sent in &each {
            assert_eq!(places(sent), places(&each[0]), "{wire:?}: one message is sent to all");
        }
    }
}

#[test]
fn a_reader_that_comes_back_has_no_buffer_where_its_socket_takes_everything() {
    const CROWD: usize = 100;
    let rehearsal = feeds();
    let _runtime = rehearsal.runtime.enter();
    let (mut batches, mut scratch, mut spare) = (Batches::default(), Vec::new(), Vec::new());
    let (pinned, counts, clock) = (Arc::new(Pinned::default()), Counts::default(), rehearsal.clock());
    for (wire, asks) in [(Wire::WebSocket, ONE_FEED), (Wire::Deflate, FILTERED), (Wire::Sse, ONE_FEED)] {
        let (mut sent, mut crowd) = (BTreeMap::<*const u8, usize>::new(), Vec::new());
        for _ in 0..CROWD {
            let mut speech = Speech::new(wire, Bytes::from_static(ANSWER), vec![rehearsal.asking(wire, asks)]);
            let mut gathered = Gathered::Some;
            while gathered == Gathered::Some {
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
                let mut parts = Vec::new();
                gathered = speech.gather(&mut parts, &mut pass);
                for part in &parts {
                    if let Part::Batch(batch, ..) = part {
                        *sent.entry(batch.bytes.as_ptr()).or_default() += 1;
                    }
                }
                let whole = speech.slices(&parts).map(<[u8]>::len).sum();
                assert_eq!(speech.wrote(&parts, whole, &pinned).0, Wrote::All);
            }
            assert_eq!((speech.half.len(), speech.owed.capacity()), (0, 0), "nothing is kept for it");
            assert!(speech.pins.is_none() && speech.pong.is_none());
            crowd.push(speech);
        }
        assert_eq!(sent.into_values().collect::<Vec<_>>(), [CROWD], "{wire:?}: all are sent one batch");
    }
    assert_eq!(pinned.bytes(), 0);
}
