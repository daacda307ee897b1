//! A judge that finds nothing proves nothing: each kind of wrong, made up, is found, and a right story is clean.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Case, Verdict, Wrong};
use crate::{
    reader::{Event, Habit, Seen},
    record::{Ack, Contest},
    support::stream::Door,
    truth::{Change, Truth},
    world::Word,
};

const HABIT: Habit = Habit { door: Door::Sse, filtered: false, slow: false, roams: false, patient: false, node: 0 };

/// Two items; the first was published, and edited after the second was published.
struct World {
    acks: BTreeMap<String, Ack>,
    truth: Truth,
    word: Word,
}

fn item(id: &str, version: u64) -> Value {
    json!({"id": id, "version": version, "status": "usable", "headline": format!("{id}{version}")})
}

fn change(seq: u64, id: &str, version: u64) -> Value {
    json!({"type": "item.published", "position": format!("{seq}-0a"), "item": item(id, version)})
}

fn snapshot(items: &[Value], seq: u64) -> Value {
    json!({"type": "snapshot", "items": items, "done": true, "position": format!("{seq}-0a")})
}

fn reset() -> Value {
    json!({"type": "reset", "reason": "storeChanged"})
}

impl World {
    fn new() -> Self {
        let mut world = Self { acks: BTreeMap::new(), truth: Truth::default(), word: Word::Kept };
        for (seq, id, version) in [(2, "a", 1), (3, "b", 1), (4, "a", 2)] {
            world.acknowledge(seq, id, version);
            let change = Change { seq, item: id.to_owned(), version, listed: true, filtered: false };
            world.truth.changes.insert(format!("{seq}-0a"), change);
            world.truth.plain.insert(id.to_owned(), item(id, version));
        }
        world.truth.head = "4-0a".to_owned();
        world
    }

    fn acknowledge(&mut self, seq: u64, id: &str, version: u64) {
        let position = format!("{seq}-0a");
        let headline = Some(format!("{id}{version}"));
        let ack = Ack { item: id.to_owned(), version, position: position.clone(), headline, asked: Instant::now() };
        self.acks.insert(position, ack);
    }

    /// What is found wrong where a reader was told this.
    fn judge(&self, told: &[Value]) -> Vec<Wrong> {
        let mut seen = Seen::default();
        for message in told {
            seen.held.apply(message);
            seen.story.push((Instant::now(), Event::Said(message.clone())));
        }
        let mut verdict = Verdict::default();
        let case = Case { acks: &self.acks, truth: &self.truth, word: self.word };
        case.judge_store(&mut verdict);
        case.judge_reader("the reader", HABIT, &seen, &mut verdict);
        verdict.wrongs.into_iter().map(|(wrong, _)| wrong).collect()
    }
}

fn all() -> [Value; 3] {
    [change(2, "a", 1), change(3, "b", 1), change(4, "a", 2)]
}

#[test]
fn a_right_story_is_clean_folded_or_not() {
    assert_eq!(World::new().judge(&all()), []);
    assert_eq!(World::new().judge(&[change(3, "b", 1), change(4, "a", 2)]), []);
    // A form of a later page of a snapshot comes once more.
    assert_eq!(World::new().judge(&[snapshot(&[item("b", 1), item("a", 2)], 3), change(4, "a", 2)]), []);
    let mut world = World::new();
    world.word = Word::Broken;
    assert_eq!(world.judge(&[reset(), snapshot(&[item("b", 1), item("a", 2)], 4)]), []);
}

#[test]
fn a_change_that_is_lost_or_made_twice_or_a_number_that_is_skipped_is_found() {
    let mut world = World::new();
    world.acknowledge(5, "c", 1);
    assert_eq!(world.judge(&all()), [Wrong::Lost]);
    // Nor may it be lost where only what was not acknowledged may be.
    world.word = Word::KeptToEditors;
    assert_eq!(world.judge(&all()), [Wrong::Lost]);
    world.word = Word::Broken;
    assert_eq!(world.judge(&all()), []);
    let mut world = World::new();
    world.acks.remove("3-0a");
    assert_eq!(world.judge(&all()), [Wrong::Twice]);
    let mut world = World::new();
    world.truth.head = "5-0a".to_owned();
    let moved = json!({"type": "heartbeat", "position": "5-0a"});
    assert_eq!(world.judge(&[&all()[..], &[moved]].concat()), [Wrong::Hole]);
}

#[test]
fn what_comes_again_or_out_of_order_is_found() {
    let [one, two, three] = all();
    assert_eq!(World::new().judge(&[one.clone(), one, two.clone(), three.clone()]), [Wrong::Repeated, Wrong::Repeated]);
    // An older form after a newer one.
    assert!(
        World::new().judge(&[snapshot(&[item("b", 1), item("a", 2)], 3), change(4, "a", 1)]).contains(&Wrong::Repeated)
    );
    let found = World::new().judge(&[three.clone(), two, three]);
    assert_eq!(found[..2], [Wrong::Beyond, Wrong::OutOfOrder]);
}

#[test]
fn a_position_beyond_what_was_sent_is_found() {
    let caught_up = json!({"type": "caughtUp", "position": "4-0a"});
    assert_eq!(World::new().judge(&[change(2, "a", 1), caught_up, change(4, "a", 2)])[0], Wrong::Beyond);
    // Later it does not matter any more that the change in between never came: only what it ended with.
    assert_eq!(World::new().judge(&[change(4, "a", 2)]), [Wrong::Beyond, Wrong::Silent]);
}

#[test]
fn what_is_missing_or_surplus_in_the_end_and_not_told_is_found() {
    let [one, two, _] = all();
    assert_eq!(World::new().judge(&[one, two]), [Wrong::Silent, Wrong::Silent]);
    let mut world = World::new();
    world.word = Word::Broken;
    world.acknowledge(5, "c", 1);
    let lost = change(5, "c", 1);
    let after = snapshot(&[item("b", 1), item("a", 2)], 4);
    assert_eq!(world.judge(&[&all()[..], std::slice::from_ref(&lost), &[reset(), after.clone()]].concat()), []);
    // Without the reset it ends with the right items, by chance, and was not told.
    assert_eq!(world.judge(&[&all()[..], &[lost, after]].concat()), [Wrong::Silent]);
}

#[test]
fn what_is_shown_and_was_not_acknowledged_so_is_found() {
    let [one, two, mut three] = all();
    three["item"]["headline"] = json!("Something else");
    assert!(World::new().judge(&[one, two, three]).contains(&Wrong::Other));
    let uncommitted = change(5, "c", 1);
    assert!(World::new().judge(&[&all()[..], &[uncommitted]].concat()).contains(&Wrong::Other));
}

#[test]
fn rivals_who_both_won_or_both_lost_or_were_told_otherwise_are_found() {
    let judged = |word: Word, winners: &[&str], beaten: &[Option<&str>]| {
        let owned = |etag: &&str| (*etag).to_owned();
        let contest = Contest {
            item: "a".to_owned(),
            winners: winners.iter().map(owned).collect(),
            beaten: beaten.iter().map(|etag| etag.as_ref().map(owned)).collect(),
        };
        let (world, mut verdict) = (World::new(), Verdict::default());
        Case { acks: &world.acks, truth: &world.truth, word }.judge_rivals(&[contest], &mut verdict);
        verdict.wrongs.into_iter().map(|(wrong, _)| wrong).collect::<Vec<_>>()
    };
    assert_eq!(judged(Word::Kept, &["2-0a"], &[Some("2-0a")]), []);
    for word in [Word::Kept, Word::KeptToEditors] {
        assert_eq!(judged(word, &["2-0a", "3-0b"], &[]), [Wrong::Rivals]);
        assert_eq!(judged(word, &[], &[Some("2-0a"), Some("2-0a")]), [Wrong::Rivals]);
        assert_eq!(judged(word, &["2-0a"], &[None]), [Wrong::Rivals], "refused for something else");
    }
    // The winner's change may have been lost once, and made again.
    assert_eq!(judged(Word::Kept, &["2-0b"], &[Some("2-0a")]), [Wrong::Rivals]);
    assert_eq!(judged(Word::KeptToEditors, &["2-0b"], &[Some("2-0a")]), []);
    assert_eq!(judged(Word::Broken, &["2-0a", "2-0b"], &[]), []);
}

#[test]
fn a_reset_without_need_or_reason_is_found() {
    let after = snapshot(&[item("b", 1), item("a", 2)], 4);
    assert_eq!(World::new().judge(&[&all()[..], &[reset(), after.clone()]].concat()), [Wrong::Reset]);
    let mut world = World::new();
    world.word = Word::Broken;
    assert_eq!(world.judge(&[&all()[..], &[json!({"type": "reset"}), after]].concat()), [Wrong::Reset]);
}
