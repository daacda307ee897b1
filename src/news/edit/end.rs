//! What ends by itself: being breaking news, and a pin. Nobody asks for it; the store's clock does.

use super::{Draft, Kind, Record, Story};
use crate::news::{Feed, Mark, Moment, TimedEnd};

/// Ends it, if it has an end and that has come. `updated` stays: the story reads as it did.
#[must_use]
pub fn end(feed: &Feed, current: &Record, what: TimedEnd, now: Moment, mark: Mark) -> Option<Draft> {
    let (until, kind, field) = match what {
        TimedEnd::Breaking => (current.breaking_until, Kind::ItemBreakingEnded, "breaking"),
        TimedEnd::Pin => (current.pin.and_then(|pin| pin.until), Kind::ItemUnpinned, "pinned"),
    };
    if until.is_none_or(|until| now < until) {
        return None;
    }
    let mut record = Record { version: current.version + 1, mark, kind, at: now, ..current.clone() };
    match what {
        TimedEnd::Breaking => record.breaking_until = None,
        TimedEnd::Pin => record.pin = None,
    }
    let alt_ids = Story::of(&record.story).alt_id_hashes(&feed.id);
    Some(Draft { kind, record, fields: vec![field.to_owned()], alt_ids })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::news::{Ever, Pin, Status};

    fn record() -> Record {
        Record {
            id: uuid::Uuid::nil(),
            version: 3,
            mark: Mark(1),
            kind: Kind::ItemPinned,
            at: Moment::from_millis(1),
            born: 2,
            last_seq: 4,
            status: Status::Usable,
            published: Moment::from_millis(0),
            updated: Moment::from_millis(0),
            breaking_until: Some(Moment::from_millis(100)),
            pin: Some(Pin { position: 1, until: Some(Moment::from_millis(200)) }),
            ever: Ever::default(),
            more: serde_json::Map::new(),
            story: "{\"headline\":\"A\"}".to_owned(),
        }
    }

    fn ended(record: &Record, what: TimedEnd, now: i64) -> Option<Draft> {
        let feed = Feed::new("news".parse().expect("a feed id"), "News");
        end(&feed, record, what, Moment::from_millis(now), Mark(9))
    }

    #[test]
    fn each_ends_at_its_own_time_and_leaves_the_other() {
        let record = record();
        assert!(ended(&record, TimedEnd::Breaking, 99).is_none());
        let draft = ended(&record, TimedEnd::Breaking, 100).expect("it has ended");
        assert_eq!((draft.kind, draft.fields), (Kind::ItemBreakingEnded, vec!["breaking".to_owned()]));
        assert_eq!((draft.record.version, draft.record.breaking_until, draft.record.pin), (4, None, record.pin));
        assert_eq!((draft.record.updated, draft.record.mark), (record.updated, Mark(9)));
        let draft = ended(&draft.record, TimedEnd::Pin, 200).expect("it has ended");
        assert_eq!((draft.kind, draft.record.pin), (Kind::ItemUnpinned, None));
        assert!(ended(&draft.record, TimedEnd::Pin, 300).is_none(), "it ends once");
    }

    #[test]
    fn a_pin_without_an_end_does_not_end() {
        let record = Record { pin: Some(Pin { position: 1, until: None }), ..record() };
        assert!(ended(&record, TimedEnd::Pin, i64::MAX).is_none());
    }
}
