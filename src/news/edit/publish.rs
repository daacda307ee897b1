//! A new item.

use serde_json::{Map, Value};
use uuid::{Uuid, Variant};

use super::{
    Draft, Edit, Kind, Moment, Record, Refusal, Status, Story, limits,
    patch::{Over, Patch},
    revise::{grown, not_itself},
};
use crate::news::{
    Ever,
    feed::FeedStatus,
    refusal::Code,
    story::text::{moment, uuid, wrong},
};

/// Publishes an item. `published` is now unless it is given, and `updated` is `published` unless it is given; one that
/// is given as earlier than `published` is `published`, since items of other systems are now and then last edited a
/// second before they went out. An id that is not given is the one thing here that is not a function of what was: it
/// is made at random, rising with this machine's clock (UUIDv7, RFC 9562, section 5.7).
pub(super) fn publish(edit: &Edit<'_>) -> Result<Draft, Refusal> {
    if edit.feed.status == FeedStatus::Closed {
        return Err(Refusal::new(
            Code::FeedClosed,
            format!("Coverage in {} has ended: reopen the feed, or publish elsewhere.", edit.feed.id),
        ));
    }
    let patch = Patch::read(edit.body, Over::Nothing, edit.now)?;
    let given = |name: &str| edit.body.get(name).filter(|value| !value.is_null());
    let id = given("id").map_or_else(|| Ok(Uuid::now_v7()), version_7)?;
    let published = given("published").map_or(Ok(edit.now), |value| not_ahead("published", value, edit.now))?;
    let updated = given("updated").map_or(Ok(published), |value| not_ahead("updated", value, edit.now))?;

    let story = Story::default().after(&patch.story, edit.feed)?;
    let record = Record {
        id,
        version: 1,
        mark: edit.mark,
        kind: Kind::ItemPublished,
        at: edit.now,
        born: 0,
        last_seq: 0,
        status: Status::Usable,
        published,
        updated: updated.max(published),
        breaking_until: patch.breaking.flatten(),
        pin: None,
        ever: grown(&Ever::default(), &story)?,
        more: Map::new(),
        story: story.to_text(),
    };
    not_itself("updateOf", story.get("updateOf").and_then(Value::as_str), id)?;
    edit.fits(&record)?;
    Ok(edit.draft(None, record).expect("a new item has at least a headline, a body or media"))
}

/// An id that the client made.
fn version_7(value: &Value) -> Result<Uuid, Refusal> {
    let id = uuid("id", value)?;
    let is_7 = id.get_version_num() == 7 && id.get_variant() == Variant::RFC4122;
    if is_7 { Ok(id) } else { Err(wrong("id", "a UUID of version 7", value)) }
}

/// A time that has been, give or take what clocks differ.
fn not_ahead(name: &str, value: &Value, now: Moment) -> Result<Moment, Refusal> {
    let at = moment(name, value)?;
    if at <= now.plus(limits::AHEAD) {
        return Ok(at);
    }
    let ahead = limits::AHEAD.as_secs();
    Err(Refusal::new(Code::OutOfRange, format!("{name} is in the future: at most {ahead} s ahead of {now}."))
        .field(name)
        .limit(format!("{ahead} s ahead of {now}"), at))
}
