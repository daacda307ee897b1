//! Changing a feed's own document: what may be set, and what the change is then called.
//!
//! A merge patch (RFC 7396) over the document, from an editor's door or from the command line; both keep to the same
//! rules here. A feed's id never changes.

use serde_json::{Map, Value, json};

use super::{
    Feed, Kind, Refusal,
    feed::{Access, FeedStatus, Keep},
    language, limits,
    refusal::Code,
    story::{
        parts::one_of,
        text::{link, short, text, whole, wrong},
    },
};

/// What can be set of a feed.
pub const FIELDS: [&str; 9] =
    ["title", "description", "language", "dir", "timeZone", "url", "access", "status", "keep"];

/// Applies a merge patch. None: there is no difference, so there is no change.
///
/// # Errors
/// A field is unknown, or breaks its rule.
pub fn amend(feed: &Feed, patch: &Map<String, Value>) -> Result<Option<(Kind, Feed)>, Refusal> {
    let mut amended = feed.clone();
    for (name, value) in patch {
        set(&mut amended, name, value)?;
    }
    let kind = match (feed.status, amended.status) {
        (FeedStatus::Live, FeedStatus::Closed) => Kind::FeedClosed,
        (FeedStatus::Closed, FeedStatus::Live) => Kind::FeedReopened,
        _ => Kind::FeedUpdated,
    };
    Ok((amended != *feed).then_some((kind, amended)))
}

/// The document of a new feed.
///
/// # Errors
/// As for [`amend`]; and it has no title.
pub fn create(id: super::FeedId, fields: &Map<String, Value>) -> Result<Feed, Refusal> {
    if fields.get("title").is_none_or(Value::is_null) {
        return Err(Refusal::new(Code::Missing, "title is missing: a feed needs one.").field("title"));
    }
    let feed = Feed::new(id, "");
    Ok(amend(&feed, fields)?.map_or(feed, |(_, feed)| feed))
}

fn set(feed: &mut Feed, name: &str, value: &Value) -> Result<(), Refusal> {
    // What is null is as it was when the feed was new.
    let given = Some(value).filter(|value| !value.is_null());
    let words = |most: usize| given.map(|value| text(name, value, most)).transpose();
    match name {
        "title" => feed.title = one_line(name, value)?,
        "description" => feed.description = words(limits::DESCRIPTION)?,
        "language" => {
            feed.language = words(limits::LANGUAGE)?;
            if !feed.language.as_deref().is_none_or(language::is_well_formed) {
                return Err(wrong(name, "a BCP 47 language tag, such as en-GB", value));
            }
        }
        "dir" => feed.dir = given.map(|value| one_of(name, value, &["ltr", "rtl"])).transpose()?,
        "timeZone" => {
            feed.time_zone = words(limits::TIME_ZONE)?;
            if feed.time_zone.as_deref().is_some_and(|zone| jiff::tz::TimeZone::get(zone).is_err()) {
                return Err(wrong(name, "the name of an IANA time zone, such as Europe/Athens", value));
            }
        }
        "url" => feed.url = given.map(|value| link(name, value)).transpose()?,
        "access" => feed.access = plain(name, given, &["public", "token"], Access::default())?,
        "status" => feed.status = plain(name, given, &["live", "closed"], FeedStatus::default())?,
        "keep" => feed.keep = keep(feed.keep, given)?,
        "id" => {
            return Err(Refusal::new(Code::ReadOnly, "A feed's id never changes; create another feed.").field("id"));
        }
        unknown => {
            let unknown = short(unknown);
            let known = FIELDS.join(", ");
            return Err(Refusal::new(Code::UnknownField, format!("A feed has no field {unknown:?}; it has {known}."))
                .field(unknown));
        }
    }
    Ok(())
}

fn one_line(name: &str, value: &Value) -> Result<String, Refusal> {
    let title = text(name, value, limits::TITLE)?;
    if title.contains(['\n', '\t']) { Err(wrong(name, "one line of text", value)) } else { Ok(title.trim().to_owned()) }
}

/// One of some words that stand for the values of a plain enum.
fn plain<T: serde::de::DeserializeOwned>(
    name: &str,
    given: Option<&Value>,
    words: &[&str],
    unset: T,
) -> Result<T, Refusal> {
    let Some(value) = given else { return Ok(unset) };
    let word = one_of(name, value, words)?;
    Ok(serde_json::from_value(word.into()).expect("each word is the name of a value"))
}

/// How much is kept, merged into what was set before.
fn keep(before: Keep, given: Option<&Value>) -> Result<Keep, Refusal> {
    let Some(value) = given else { return Ok(Keep::default()) };
    let Value::Object(sent) = value else {
        return Err(wrong("keep", "an object of changes, items and days", value));
    };
    let mut keep = before;
    for (name, value) in sent {
        let path = format!("keep.{}", short(name));
        let read = |range| if value.is_null() { Ok(None) } else { whole(&path, value, range).map(Some) };
        match name.as_str() {
            "changes" => keep.changes = read(&limits::KEEP_CHANGES)?,
            "items" => keep.items = read(&limits::KEEP_ITEMS)?,
            "days" => keep.days = read(&limits::KEEP_DAYS)?,
            _ => {
                let why = "keep has changes, items and days, each a whole number, or null for no limit.";
                return Err(Refusal::new(Code::UnknownField, why)
                    .field(path)
                    .limit("changes, items, days", json!(short(name))));
            }
        }
    }
    Ok(keep)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed() -> Feed {
        Feed::new("news".parse().expect("a feed id"), "News")
    }

    fn amended(patch: Value) -> Result<Option<(Kind, Feed)>, Refusal> {
        amend(&feed(), patch.as_object().expect("an object"))
    }

    #[test]
    fn every_field_can_be_set_and_unset() {
        let all = json!({
            "title": "Election night", "description": "Results as they come", "language": "el", "dir": "ltr",
            "timeZone": "Europe/Athens", "url": "https://news.example/live", "access": "token", "status": "closed",
            "keep": {"changes": 1000, "items": 500, "days": 30},
        });
        let (kind, set) = amended(all.clone()).expect("fits").expect("differs");
        assert_eq!(kind, Kind::FeedClosed);
        let mut read = serde_json::to_value(&set).expect("plain data");
        read.as_object_mut().expect("an object").remove("id");
        assert_eq!(read, all);
        assert_eq!(FIELDS.len(), all.as_object().expect("an object").len());
        let mut none: Map<String, Value> = FIELDS.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
        none.insert("title".to_owned(), "News".into());
        assert_eq!(amend(&set, &none).expect("fits").expect("differs"), (Kind::FeedReopened, feed()));
    }

    #[test]
    fn no_difference_is_no_change() {
        assert_eq!(amended(json!({"title": "News", "keep": {}})), Ok(None));
    }

    #[test]
    fn one_part_of_what_is_kept_can_be_set_alone() {
        let (_, feed) = amended(json!({"keep": {"items": 10, "days": 2}})).expect("fits").expect("differs");
        let patch = json!({"keep": {"days": null}});
        let (kind, feed) = amend(&feed, patch.as_object().expect("an object")).expect("fits").expect("differs");
        assert_eq!((kind, feed.keep), (Kind::FeedUpdated, Keep { items: Some(10), ..Keep::default() }));
    }

    #[test]
    fn what_breaks_a_rule_is_refused_by_its_field() {
        for (patch, field, code) in [
            (json!({"title": null}), "title", Code::Invalid),
            (json!({"title": "a\nb"}), "title", Code::Invalid),
            (json!({"title": "x".repeat(301)}), "title", Code::TooLong),
            (json!({"language": "not a tag"}), "language", Code::Invalid),
            (json!({"dir": "up"}), "dir", Code::Invalid),
            (json!({"timeZone": "Mars/Olympus"}), "timeZone", Code::Invalid),
            (json!({"url": "javascript:alert(1)"}), "url", Code::Invalid),
            (json!({"access": "secret"}), "access", Code::Invalid),
            (json!({"keep": {"days": 0}}), "keep.days", Code::OutOfRange),
            (json!({"keep": {"weeks": 1}}), "keep.weeks", Code::UnknownField),
            (json!({"keep": 5}), "keep", Code::Invalid),
            (json!({"id": "other"}), "id", Code::ReadOnly),
            (json!({"colour": "red"}), "colour", Code::UnknownField),
        ] {
            let refusal = amended(patch.clone()).expect_err("refused");
            assert_eq!((refusal.field.as_deref(), refusal.code), (Some(field), code), "{patch}");
        }
    }
}
