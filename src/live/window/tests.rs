//! What the window promises, against a feed whose log is made up here.

use proptest::prelude::*;

use super::*;
use crate::live::filters::{Count, Filters};
use crate::news::{Ever, Feed, Kind, Mark, Record, Status};

fn position(seq: u64) -> Position {
    Position { seq, mark: Mark(u32::try_from(seq).expect("a small seq")) }
}

fn state(head: u64) -> FeedState {
    let feed = Feed::new("news".parse().expect("a feed id"), "News");
    FeedState { feed, head: position(head), floor: 1, cut: 0, own: position(1) }
}

fn item(number: usize) -> Uuid {
    Uuid::from_u128(number as u128)
}

/// The log of changes to these items, one each, from seq 2; an entry whose item changes again later in what is
/// `committed` carries no change, as from a store.
fn log(items: &[usize], committed: &[usize], story: &str) -> Vec<Entry> {
    let entry = |(index, number): (usize, &usize)| {
        let position = position(index as u64 + 2);
        let newest = !committed[index + 1..].contains(number);
        let record = Record {
            id: item(*number),
            version: 1,
            mark: position.mark,
            kind: Kind::ItemUpdated,
            at: Moment::from_millis(0),
            born: 2,
            last_seq: position.seq,
            status: Status::Usable,
            published: Moment::from_millis(0),
            updated: Moment::from_millis(0),
            breaking_until: None,
            pin: None,
            ever: Ever::default(),
            more: serde_json::Map::new(),
            story: story.to_owned(),
        };
        let change = newest.then(|| Change::of_item(record));
        Entry { position, kind: Kind::ItemUpdated, item: Some(item(*number)), change }
    };
    items.iter().enumerate().map(entry).collect()
}

/// Everything after a position, turn by turn.
fn walk(window: &Window, mut from: Position) -> Option<Vec<u64>> {
    let mut seen = Vec::new();
    loop {
        match window.after(from) {
            View::Head => return Some(seen),
            View::Elsewhere => return None,
            View::Changes { changes, reached } => {
                seen.extend(changes.iter().map(|change| change.change().position.seq));
                assert!(reached.seq > from.seq, "every turn moves forward");
                from = reached;
            }
        }
    }
}

proptest! {
    /// From every position that the window has: each item changed since, once, at its newest change, in order.
    #[test]
    fn a_walk_sees_every_changed_item_once_in_its_newest_form(items in prop::collection::vec(0_usize..12, 1..200), split in 0_usize..200) {
        let split = split.min(items.len());
        let head = items.len() as u64 + 1;
        let mut window = Window::begin(state(1), position(1));
        // What is read in two parts: entries of the first may be superseded by some of the second.
        let mut first = log(&items[..split], &items[..split], "{}");
        let second = log(&items, &items, "{}").split_off(split);
        let before = first.last().map_or(1, |entry| entry.position.seq);
        first.truncate(split);
        window.append(first, state(before));
        window.append(second, state(head));
        prop_assert_eq!(window.head(), position(head));
        for from in 1..=head {
            let since = &items[usize::try_from(from).expect("small") - 1..];
            let expected: Vec<u64> = since
                .iter()
                .enumerate()
                .filter(|(index, number)| !since[index + 1..].contains(number))
                .map(|(index, _)| from + index as u64 + 1)
                .collect();
            prop_assert_eq!(walk(&window, position(from)), Some(expected));
        }
    }
}

#[test]
fn a_position_with_another_mark_or_from_before_the_window_is_elsewhere() {
    let items: Vec<usize> = (0..10).collect();
    let mut window = Window::begin(state(1), position(1));
    window.append(log(&items, &items, "{}"), state(11));
    for seq in 1..=11 {
        let lost = Position { seq, mark: Mark(0xdead_beef) };
        assert!(matches!(window.after(lost), View::Elsewhere), "{seq}");
    }
    assert!(matches!(window.after(position(12)), View::Elsewhere), "above the head");
    window.shrink();
    assert_eq!(walk(&window, position(1)).map(|seen| seen.len()), Some(10), "few changes are never given up");
}

#[test]
fn a_window_holds_its_number_of_changes_and_bytes_and_always_the_newest() {
    let items: Vec<usize> = (0..CHANGES + 500).collect();
    let mut window = Window::begin(state(1), position(1));
    window.append(log(&items, &items, "{}"), state(items.len() as u64 + 1));
    assert_eq!(walk(&window, position(501)).map(|seen| seen.len()), Some(CHANGES));
    assert_eq!(walk(&window, position(500)), None, "what is older is the store's to tell");

    let story = format!("{{\"headline\":\"{}\"}}", "x".repeat(240_000));
    let items: Vec<usize> = (0..50).collect();
    let mut window = Window::begin(state(1), position(1));
    window.append(log(&items, &items, &story), state(51));
    assert_eq!(walk(&window, position(51 - KEPT as u64)).map(|seen| seen.len()), Some(KEPT));
    assert_eq!(walk(&window, position(50 - KEPT as u64)), None, "{} bytes are held", window.weight());
}

#[test]
fn a_change_is_encoded_once_for_each_wire() {
    let mut window = Window::begin(state(1), position(1));
    window.append(log(&[0], &[0], "{}"), state(2));
    let View::Changes { changes, .. } = window.after(position(1)) else { panic!("one change") };
    for wire in [Wire::WebSocket, Wire::Sse] {
        let (one, two) = (changes[0].on(wire, Moment::from_millis(0)), changes[0].on(wire, Moment::from_millis(0)));
        assert_eq!(one.as_ptr(), two.as_ptr(), "the bytes are shared");
    }
}

#[test]
fn what_takes_text_away_is_remembered() {
    let mut window = Window::begin(state(1), position(1));
    assert_eq!(window.taken_away(), 1);
    let mut entries = log(&[0, 0, 1], &[0, 0, 1], "{}");
    entries[1].kind = Kind::ItemRetracted;
    window.append(entries, state(4));
    assert_eq!(window.taken_away(), 3);
}

#[test]
fn a_change_is_judged_once_for_all_readers_with_the_same_filter_on_every_wire() {
    const READERS: usize = 100;
    let filters = Filters::none(Count::default());
    let open = |tag: &str| {
        let mut filter = Filter::default();
        filter.add("tag", tag).expect("a tag");
        filters.enter(filter).expect("room")
    };
    let Some(Change { what, .. }) = log(&[1], &[1], "{\"tags\":[\"election\"]}").remove(0).change else {
        panic!("newest")
    };
    let What::Item(mut record) = std::sync::Arc::unwrap_or_clone(what) else { panic!("an item") };
    record.ever.tags = vec!["election".to_owned(), "budget".to_owned()];
    let shared = &Shared::new("news".parse().expect("a feed id"), Change::of_item(record));
    let tags = ["election", "budget", "weather"];
    let readers: Vec<Wanted> = tags.repeat(READERS).iter().map(|tag| open(tag)).collect();
    let shown = |to: &[Wanted]| {
        let on = |wire| to.iter().filter_map(move |wanted| shared.wanted(wanted, wire, Moment::from_millis(0)));
        [Wire::WebSocket, Wire::Deflate, Wire::Sse].into_iter().flat_map(on).collect::<Vec<Bytes>>()
    };
    let bytes = shown(&readers);
    assert_eq!(bytes.len(), 2 * READERS * 3, "two of the filters show it, or that it has left");
    let made: std::collections::HashSet<*const u8> = bytes.iter().map(|form| form.as_ptr()).collect();
    assert!(made.len() <= 2 * 3, "each form is made once: {}", made.len());
    assert_eq!(shared.judged().len(), tags.len());

    // Whoever judged it again would find something else.
    shared.judged().values_mut().for_each(|verdict| *verdict = Verdict::Hidden);
    assert!(shown(&readers).is_empty() && shown(&[open("election")]).is_empty(), "it is judged again");
    let others = [open("economy"), open("election")];
    assert!(shown(&others).is_empty());
    assert_eq!(shared.judged().len(), tags.len() + 1);
}
