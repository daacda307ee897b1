//! An item's way through its life: usable ↔ withheld; both → canceled; any → removed. Nothing else.
//!
//! None of these is ever refused for size. What already holds is no change, so that a kill can be sent twice.

use serde_json::{Value, json};

use super::{
    Draft, Edit, Kind, Record, Refusal, Status, Story, Verb, limits,
    revise::{grown, not_itself},
};
use crate::news::{
    Ever,
    item::NO_STORY,
    refusal::Code,
    story::text::{text, uuid},
};

/// What can be done to an item in a status.
#[must_use]
fn possible(status: Status) -> &'static [Verb] {
    match status {
        Status::Usable => {
            &[Verb::Update, Verb::Correct, Verb::Withhold, Verb::Retract, Verb::Remove, Verb::Pin, Verb::Unpin]
        }
        Status::Withheld => &[Verb::Update, Verb::Correct, Verb::Release, Verb::Retract, Verb::Remove],
        Status::Canceled => &[Verb::Remove],
        Status::Removed => &[],
    }
}

/// Refuses what the item's status does not allow.
pub(super) fn allow(verb: Verb, current: &Record) -> Result<(), Refusal> {
    let possible = possible(current.status);
    if possible.contains(&verb) {
        return Ok(());
    }
    let names: Vec<_> = possible.iter().map(|verb| verb.name()).collect();
    let names = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    let (status, verb) = (current.status.name(), verb.name());
    Err(Refusal::new(Code::WrongStatus, format!("{verb} is not possible: the item is {status}; possible is: {names}."))
        .field("status")
        .limit(names, verb)
        .item(current.id, status))
}

/// The next record in another status: what is not usable is neither pinned nor breaking.
fn next(edit: &Edit<'_>, current: &Record, kind: Kind, status: Status) -> Record {
    let mut record = edit.next(current, kind);
    record.status = status;
    if status != Status::Usable {
        record.pin = None;
        record.breaking_until = None;
    }
    record
}

/// Holds an item back. `updated` stays: nobody can see it.
pub(super) fn withhold(edit: &Edit<'_>, current: &Record) -> Result<Option<Draft>, Refusal> {
    edit.no_fields()?;
    if current.status == Status::Withheld {
        return Ok(None);
    }
    allow(Verb::Withhold, current)?;
    Ok(edit.draft(Some(current), next(edit, current, Kind::ItemWithheld, Status::Withheld)))
}

/// Lets it return. `updated` moves: readers see it come back.
pub(super) fn release(edit: &Edit<'_>, current: &Record) -> Result<Option<Draft>, Refusal> {
    edit.no_fields()?;
    if current.status == Status::Usable {
        return Ok(None);
    }
    allow(Verb::Release, current)?;
    let mut record = next(edit, current, Kind::ItemReleased, Status::Usable);
    record.updated = edit.moved(current);
    record.ever = grown(&current.ever, &Story::of(&record.story))?;
    Ok(edit.draft(Some(current), record))
}

/// Retracts it. The story stays for the newsroom, with the notice that is public.
pub(super) fn retract(edit: &Edit<'_>, current: &Record) -> Result<Option<Draft>, Refusal> {
    let sent = edit.fields(&["reason", "replacedBy"])?;
    let given = |name: &str| sent.get(name).filter(|value| !value.is_null());
    let reason = match given("reason") {
        Some(reason) => text("reason", reason, limits::REASON)?,
        None => {
            return Err(Refusal::new(Code::Missing, "reason is missing: a retraction says why.").field("reason"));
        }
    };
    let replaced_by = given("replacedBy").map(|id| uuid("replacedBy", id)).transpose()?.map(|id| id.to_string());
    not_itself("replacedBy", replaced_by.as_deref(), current.id)?;

    let mut story = Story::of(&current.story);
    let same = |name: &str, value: Option<&str>| {
        story.get("retraction").and_then(|notice| notice.get(name)).and_then(Value::as_str) == value
    };
    let holds = same("reason", Some(&reason)) && same("replacedBy", replaced_by.as_deref());
    if current.status == Status::Canceled && holds {
        return Ok(None);
    }
    allow(Verb::Retract, current)?;
    let mut notice = json!({"reason": reason, "at": edit.now});
    if let Some(id) = replaced_by {
        notice["replacedBy"] = id.into();
    }
    story.set("retraction", notice);
    let mut record = next(edit, current, Kind::ItemRetracted, Status::Canceled);
    record.updated = edit.moved(current);
    record.story = story.to_text();
    Ok(edit.draft(Some(current), record))
}

/// Removes it: no text stays, and nothing that a filter could have matched.
pub(super) fn remove(edit: &Edit<'_>, current: &Record) -> Result<Option<Draft>, Refusal> {
    edit.no_fields()?;
    if current.status == Status::Removed {
        return Ok(None);
    }
    allow(Verb::Remove, current)?;
    let mut record = next(edit, current, Kind::ItemRemoved, Status::Removed);
    record.ever = Ever::default();
    NO_STORY.clone_into(&mut record.story);
    Ok(edit.draft(Some(current), record))
}
