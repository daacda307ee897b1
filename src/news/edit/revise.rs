//! Changing what an item says: updates, and corrections that tell what was wrong.

use std::collections::HashSet;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    Draft, Edit, Kind, Record, Refusal, Status, Story, Verb, differences, limits,
    patch::{Over, Patch},
    status::allow,
    stories,
};
use crate::news::{
    Ever,
    refusal::Code,
    story::{
        field::{self, Notice},
        parts::one_of,
        text::{text, wrong},
    },
};

/// Applies a merge patch. `updated` moves if a field differs that a reader would notice: what the story says, shows, or
/// how it is signed; not how it is sorted, marked or referred to (urgency, breaking, key event, tags and the like).
pub(super) fn update(edit: &Edit<'_>, current: &Record) -> Result<Option<Draft>, Refusal> {
    allow(Verb::Update, current)?;
    let mut record = revised(edit, current, edit.body, Kind::ItemUpdated)?;
    let noticed = |name: &String| field::named(name).is_some_and(|field| field.noticed == Notice::Reader);
    if differences(Some(current), &record, &stories(Some(current), &record)).iter().any(noticed) {
        record.updated = edit.moved(current);
    }
    finished(edit, current, record)
}

/// Applies `changes` and tells what was wrong. `updated` moves, unless it is a refile.
pub(super) fn correct(edit: &Edit<'_>, current: &Record) -> Result<Option<Draft>, Refusal> {
    allow(Verb::Correct, current)?;
    let sent = edit.fields(&["kind", "note", "changes"])?;
    let given = |name: &str| sent.get(name).filter(|value| !value.is_null());
    let missing =
        |name: &str, why: &str| Err(Refusal::new(Code::Missing, format!("{name} is missing: {why}.")).field(name));
    let Some(kind) = given("kind") else {
        return missing("kind", "say whether it is a correction, a clarification or a refile");
    };
    let kind = one_of("kind", kind, &["correction", "clarification", "refile"])?;
    let note = given("note").map(|note| text("note", note, limits::NOTE)).transpose()?;
    if kind == "correction" && note.is_none() {
        return missing("note", "a correction says what was wrong");
    }
    if let (Some(note), "refile") = (given("note"), kind.as_str()) {
        return Err(wrong("note", "left out of a refile, which shows none", &json!([note])));
    }
    let none = Map::new();
    let changes = match given("changes") {
        None => &none,
        Some(Value::Object(changes)) => changes,
        Some(other) => return Err(wrong("changes", "an object", other)),
    };

    let inside = |mut refusal: Refusal| {
        refusal.field = refusal.field.map(|field| format!("changes.{field}"));
        refusal
    };
    let mut record = revised(edit, current, changes, Kind::ItemCorrected).map_err(inside)?;
    if kind != "refile" {
        record.updated = edit.moved(current);
        let mut story = Story::of(&record.story);
        let mut notes = story.get("corrections").and_then(Value::as_array).cloned().unwrap_or_default();
        if notes.len() >= limits::CORRECTIONS {
            return Err(Refusal::new(
                Code::TooMany,
                "The item was corrected too often: retract it, or carry it forward by a new one.",
            )
            .field("corrections")
            .limit(format!("{} entries", limits::CORRECTIONS), format!("{} entries", notes.len() + 1)));
        }
        let mut entry = Map::from_iter([("kind".to_owned(), kind.into())]);
        entry.extend(note.map(|note| ("note".to_owned(), note.into())));
        entry.insert("at".to_owned(), edit.now.to_string().into());
        entry.insert("version".to_owned(), record.version.into());
        notes.push(entry.into());
        story.set("corrections", notes.into());
        record.story = story.to_text();
    }
    finished(edit, current, record)
}

/// The current record with a patch applied.
fn revised(edit: &Edit<'_>, current: &Record, sent: &Map<String, Value>, kind: Kind) -> Result<Record, Refusal> {
    let patch = Patch::read(sent, Over::Item, edit.now)?;
    let mut record = edit.next(current, kind);
    let story = Story::of(&current.story).after(&patch.story, edit.feed)?;
    not_itself("updateOf", story.get("updateOf").and_then(Value::as_str), current.id)?;
    // What is added while the public cannot see it, no filter of the public may find; the limit is kept to all the same,
    // so that a release is never refused.
    let ever = grown(&current.ever, &story)?;
    if current.status == Status::Usable {
        record.ever = ever;
    }
    record.story = story.to_text();
    match patch.breaking {
        None => {}
        Some(until @ Some(_)) => record.breaking_until = until,
        // What has ended by itself is left to the timed end, or there would be a change that no reader can see.
        Some(None) => record.breaking_until = current.breaking_until.filter(|until| *until <= edit.now),
    }
    Ok(record)
}

/// The draft, if anything differs and it is not too large.
fn finished(edit: &Edit<'_>, current: &Record, record: Record) -> Result<Option<Draft>, Refusal> {
    let draft = edit.draft(Some(current), record);
    if let Some(draft) = &draft {
        edit.fits(&draft.record)?;
    }
    Ok(draft)
}

/// What filters could ever have matched, and now could.
pub(super) fn grown(ever: &Ever, story: &Story) -> Result<Ever, Refusal> {
    let mut grown = ever.clone();
    for (name, words) in [("tags", &mut grown.tags), ("subjects", &mut grown.subjects)] {
        let mut known: HashSet<String> = words.iter().cloned().collect();
        words.extend(story.words(name).filter(|word| known.insert((*word).to_owned())).map(str::to_owned));
        if words.len() > limits::EVER_WORDS {
            return Err(Refusal::new(Code::TooMany, format!("The item has had too many different {name}."))
                .field(name)
                .limit(format!("{} over all versions", limits::EVER_WORDS), words.len()));
        }
    }
    let urgency = story.get("urgency").and_then(Value::as_u64).and_then(|urgency| u8::try_from(urgency).ok());
    if let Some(urgency) = urgency.filter(|urgency| !grown.urgencies.contains(urgency)) {
        grown.urgencies.push(urgency);
    }
    Ok(grown)
}

/// Refuses an item that names itself where another is meant.
pub(super) fn not_itself(name: &str, sent: Option<&str>, id: Uuid) -> Result<(), Refusal> {
    if sent.and_then(|sent| sent.parse().ok()) == Some(id) {
        return Err(
            Refusal::new(Code::Invalid, format!("{name} names the item itself; it must be another one.")).field(name)
        );
    }
    Ok(())
}
