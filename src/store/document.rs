//! How a feed's document is written where it is kept, and where it is moved: as JSON, with whatever a newer newswire wrote
//! into it, which no reader is shown. It stands for a serde format: `#[serde(with = "document")]`.

use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de};
use serde_json::Value;

use crate::news::{Feed, amend::FIELDS};

/// A document as it is kept.
pub(super) fn write(feed: &Feed) -> String {
    whole(feed).to_string()
}

/// Reads a document.
///
/// # Errors
/// It is not written as documents are.
pub(super) fn read(text: &str) -> serde_json::Result<Feed> {
    deserialize(&mut serde_json::Deserializer::from_str(text))
}

pub(super) fn serialize<S: Serializer>(feed: &Feed, to: S) -> Result<S::Ok, S::Error> {
    whole(feed).serialize(to)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Feed, D::Error> {
    let document = Value::deserialize(from)?;
    let feed = Feed::deserialize(&document).map_err(de::Error::custom)?;
    let Value::Object(mut more) = document else { return Err(de::Error::custom("a document is an object")) };
    more.retain(|name, _| name != "id" && !FIELDS.contains(&name.as_str()));
    Ok(Feed { more, ..feed })
}

fn whole(feed: &Feed) -> Value {
    let mut document = serde_json::to_value(feed).expect("a feed's document is plain data");
    for (name, value) in &feed.more {
        document[name] = value.clone();
    }
    document
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;
    use crate::news::amend::amend;

    #[test]
    fn what_a_newer_program_wrote_outlives_an_edit_and_is_shown_to_nobody() {
        let mut newer =
            serde_json::to_value(Feed::new("news".parse().expect("a feed id"), "News")).expect("plain data");
        newer["editors"] = serde_json::json!(["desk"]);
        let feed = read(&newer.to_string()).expect("a document");
        let patch = Map::from_iter([("title".to_owned(), "Other news".into())]);
        let (_, edited) = amend(&feed, &patch).expect("a title").expect("a difference");
        newer["title"] = "Other news".into();
        assert_eq!(serde_json::from_str::<Value>(&write(&edited)).expect("JSON"), newer);
        assert!(!serde_json::to_string(&edited).expect("plain data").contains("editors"));
    }
}
