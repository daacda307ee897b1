//! Random edits, and readers that walk along them with random pauses, against a model of a few lines.

use std::collections::BTreeMap;

use newswire::news::{After, Kind, Record, Status, What};
use uuid::Uuid;

use crate::support::{newsroom::*, place::Place};

/// Numbers that look random and are the same in every run (Knuth's linear congruence).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}

/// A reader: where it stands, and the items as it has been told of them.
struct Reader {
    after: After,
    items: BTreeMap<Uuid, Record>,
}

impl Reader {
    /// One step: what changed after my position, of which only the first `take` changes arrive before it drops.
    async fn step(&mut self, desk: &Newsroom, take: usize) -> bool {
        let read = desk.store.changed(&desk.feed, self.after, None).await.expect("answers").expect("its own position");
        for change in read.changes.iter().take(take) {
            self.after = After::Position(change.position);
            if let What::Item(record) = &*change.what {
                let known = self.items.insert(record.id, record.clone());
                assert!(known.is_none_or(|known| known.version < record.version), "no form comes twice");
            }
        }
        read.more || read.changes.len() > take
    }
}

pub(crate) async fn a_walk_through_what_changed_ends_as_a_small_model_does(place: &impl Place) {
    let desk = Newsroom::open(&place.open().await.expect("opens"), "news").await;
    let mut dice = Dice(20_260_219);
    let mut model: BTreeMap<Uuid, Record> = BTreeMap::new();
    let mut readers: Vec<_> = (0..5).map(|_| Reader { after: After::First, items: BTreeMap::new() }).collect();
    for _ in 0..600 {
        let some = (!model.is_empty()).then(|| model.values().nth(dice.below(model.len())).expect("in range").clone());
        let record = match (dice.below(10), some) {
            (0..4, _) | (_, None) => desk.publish("News").await,
            (4..8, Some(item)) => desk.update(&item, "Updated").await,
            (8, Some(item)) => desk.turn(&item, Kind::ItemWithheld, Status::Withheld).await,
            (_, Some(item)) => desk.turn(&item, Kind::ItemRetracted, Status::Canceled).await,
        };
        model.insert(record.id, record);
        // The first reader nearly never reads, the last nearly always.
        for (number, reader) in readers.iter_mut().enumerate() {
            if dice.below(6) < number {
                reader.step(&desk, dice.below(8)).await;
            }
        }
    }
    for reader in &mut readers {
        while reader.step(&desk, usize::MAX).await {}
        assert_eq!(reader.items, model);
    }
    let page = desk.store.page(&desk.feed, None, 200, None).await.expect("answers").expect("is there");
    let mut listed: Vec<_> = model.into_values().filter(|record| record.status.listed()).collect();
    listed.sort_by_key(|record| std::cmp::Reverse((record.published, record.id)));
    listed.truncate(200);
    assert_eq!(page.items, listed);
}
