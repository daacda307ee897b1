//! How a feed's document is written: as JSON, with whatever a newer newswire that shares the store wrote into it.

use serde_json::{Map, Value};

use crate::{
    news::{Feed, amend::FIELDS},
    store::StoreError,
};

use super::record::corrupt;

/// A document as it is stored.
pub(super) fn write(feed: &Feed) -> String {
    let mut document = serde_json::to_value(feed).expect("a feed's document is plain data");
    for (name, value) in &feed.more {
        document[name] = value.clone();
    }
    document.to_string()
}

/// Reads a document.
///
/// # Errors
/// It is not written as documents are.
pub(super) fn read(text: &str) -> Result<Feed, StoreError> {
    let damaged = |_| corrupt("a feed's document is not one");
    let feed: Feed = serde_json::from_str(text).map_err(damaged)?;
    let mut more: Map<String, Value> = serde_json::from_str(text).map_err(damaged)?;
    more.retain(|name, _| name != "id" && !FIELDS.contains(&name.as_str()));
    Ok(Feed { more, ..feed })
}

#[cfg(test)]
mod tests {
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
