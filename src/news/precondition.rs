//! Whether who edits an item knew how it reads: `If-Match` (RFC 9110, section 13.1.1), and the one leniency we grant.
//!
//! Asked in two steps, since most edits need only the first. [`precondition`] compares with the current record alone.
//! Where the item has changed meanwhile, the caller reads the versions since and asks [`on_top`]: if what came in
//! between touched nothing that this edit names (a pin, the end of a breaking mark, another field), the edit is applied
//! on top of the current record. Nobody's words are ever overwritten by somebody who had not seen them.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    Kind, Mark, Record, Refusal,
    edit::Verb,
    refusal::Code,
    story::{field::FIELDS, text::short},
};

/// What became of a precondition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// The edit is meant for the record as it stands, or for whatever stands.
    Current,
    /// It is meant for an earlier version, if that had this mark: read the versions from this one on (those above
    /// `version - 1`) and ask [`on_top`].
    Since(Known),
}

/// The version that an editor had seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its number, from 1.
    pub version: u64,
    /// Its mark.
    pub mark: Mark,
}

/// A version of an item, as far as [`on_top`] looks at it.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// Its number and mark.
    pub known: Known,
    /// What made it.
    pub kind: Kind,
    /// What differed from the version before.
    pub fields: &'a [String],
}

/// Whether an `If-Match` allows the representation with this entity tag: it names it, or `*`.
#[must_use]
pub fn names(if_match: &str, etag: &str) -> bool {
    match entity_tags(if_match) {
        Some(Tags::Any) => true,
        Some(Tags::These(tags)) => tags.contains(&etag.trim_matches('"')),
        None => false,
    }
}

/// Judges an edit of an existing item by its `If-Match`. Update and correct require one; with the other verbs it may be
/// left out, so that a kill always works, but is kept to if it is there.
///
/// # Errors
/// It is required and missing, is no list of entity tags, or names nothing that this item ever was.
pub fn precondition(verb: Verb, if_match: Option<&str>, current: &Record) -> Result<Match, Refusal> {
    let Some(sent) = if_match else {
        return match verb {
            Verb::Update | Verb::Correct => Err(Refusal::new(
                Code::PreconditionRequired,
                format!("{} needs If-Match with the ETag of the item as you know it.", verb.name()),
            )
            .field("If-Match")
            .item(current.id, current.etag())),
            _ => Ok(Match::Current),
        };
    };
    let tags = match entity_tags(sent) {
        Some(Tags::Any) => return Ok(Match::Current),
        Some(Tags::These(tags)) => tags,
        None => {
            let mut refusal =
                Refusal::new(Code::Invalid, "If-Match must be * or a list of entity tags, such as \"3-9f3a2c1b\".")
                    .field("If-Match");
            refusal.sent = Some(short(sent));
            return Err(refusal);
        }
    };
    let now = Known { version: current.version, mark: current.mark };
    let known: Vec<Known> = tags.iter().filter_map(|tag| version(tag)).collect();
    if known.contains(&now) {
        return Ok(Match::Current);
    }
    let earlier = known.into_iter().filter(|known| known.version < current.version);
    earlier.max_by_key(|known| known.version).map(Match::Since).ok_or_else(|| stale(current))
}

/// Judges an edit that is meant for an earlier version. `steps` are the versions from that one up to the current one,
/// oldest first, without a gap; where any is missing, the answer is the same as for a conflict.
///
/// # Errors
/// There was no such version, or what came since touches what this edit names.
pub fn on_top(
    known: Known,
    steps: &[Step<'_>],
    current: &Record,
    verb: Verb,
    body: &Map<String, Value>,
) -> Result<(), Refusal> {
    let numbers = steps.iter().map(|step| step.known.version);
    let whole = steps.first().is_some_and(|first| first.known == known)
        && steps.last().is_some_and(|last| last.known == Known { version: current.version, mark: current.mark })
        && numbers.eq(known.version..=current.version);
    let named = named(verb, body);
    let apart = |step: &Step<'_>| {
        // After a change of status the editor decides about another item than the one that was seen.
        let same_item = matches!(
            step.kind,
            Kind::ItemUpdated | Kind::ItemCorrected | Kind::ItemPinned | Kind::ItemUnpinned | Kind::ItemBreakingEnded
        );
        same_item && !step.fields.iter().any(|field| named.contains(field))
    };
    if whole && steps[1..].iter().all(apart) { Ok(()) } else { Err(stale(current)) }
}

/// The fields that an edit is about. Verbs about the whole item name every editorial field.
#[must_use]
pub fn named(verb: Verb, body: &Map<String, Value>) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = match verb {
        Verb::Publish | Verb::Update => body.keys().cloned().collect(),
        Verb::Correct => {
            let changes = body.get("changes").and_then(Value::as_object);
            let note = body.get("kind").is_none_or(|kind| kind != "refile").then(|| "corrections".to_owned());
            changes.into_iter().flat_map(Map::keys).cloned().chain(note).collect()
        }
        Verb::Pin | Verb::Unpin => ["pinned".to_owned()].into(),
        Verb::Withhold | Verb::Release | Verb::Retract | Verb::Remove => {
            let other = ["corrections", "retraction", "status"];
            FIELDS.iter().map(|field| field.name).chain(other).map(str::to_owned).collect()
        }
    };
    // Without a word about the direction, it follows the language.
    if names.contains("language") {
        names.insert("dir".to_owned());
    }
    names
}

/// The item has changed in a way that matters.
fn stale(current: &Record) -> Refusal {
    Refusal::new(
        Code::PreconditionFailed,
        "The item has changed since the version that If-Match names: read it again, then decide.",
    )
    .field("If-Match")
    .item(current.id, current.etag())
}

/// What an `If-Match` says.
enum Tags<'a> {
    /// `*`.
    Any,
    /// The strong ones of a list, without their quotes. Weak ones never match here (RFC 9110, section 8.8.3.2).
    These(Vec<&'a str>),
}

/// Reads `* / #entity-tag` (RFC 9110, sections 5.6.1.2 and 8.8.3). None: it is neither.
fn entity_tags(text: &str) -> Option<Tags<'_>> {
    const SPACE: [char; 2] = [' ', '\t'];
    if text.trim_matches(SPACE) == "*" {
        return Some(Tags::Any);
    }
    let (mut tags, mut any) = (Vec::new(), false);
    let mut rest = text.trim_start_matches(SPACE);
    while !rest.is_empty() {
        // A recipient ignores empty entries.
        if let Some(next) = rest.strip_prefix(',') {
            rest = next.trim_start_matches(SPACE);
            continue;
        }
        let (weak, quoted) = rest.strip_prefix("W/").map_or((false, rest), |quoted| (true, quoted));
        let (tag, after) = quoted.strip_prefix('"')?.split_once('"')?;
        if tag.contains(|c: char| c.is_ascii_control() || c == ' ') {
            return None;
        }
        if !weak {
            tags.push(tag);
        }
        any = true;
        rest = after.trim_start_matches(SPACE);
        if !rest.is_empty() && !rest.starts_with(',') {
            return None;
        }
    }
    any.then_some(Tags::These(tags))
}

/// A `VERSION-MARK` as this server writes it.
fn version(tag: &str) -> Option<Known> {
    let (version, mark) = tag.split_once('-')?;
    let written = version.bytes().all(|b| b.is_ascii_digit()) && !version.starts_with('0');
    Some(Known { version: version.parse().ok().filter(|_| written)?, mark: mark.parse().ok()? })
}

#[cfg(test)]
mod tests;
