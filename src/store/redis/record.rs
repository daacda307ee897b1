//! How an item's record and its versions are written: lines of text that a script can split without parsing a story.
//!
//! ```text
//! LAST_SEQ BORN VERSION          numbers, written by the script
//! {"id":…,"mark":…,"status":…}   what the node compares
//! {"tags":…}                     what filters could ever have matched
//! {"headline":…}                 the story, to the end
//! ```
//!
//! A version of the newsroom's history has one line more before them: who made it, and which fields differ.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    news::{Ever, Kind, Moment, Pin, Record, Status},
    store::{StoreError, Version},
};

/// The second line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    id: Uuid,
    mark: String,
    kind: Kind,
    at: Moment,
    status: Status,
    published: Moment,
    updated: Moment,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    breaking_until: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pin: Option<Pin>,
    /// What a newer newswire writes here, which shares the store: kept through every edit of this one.
    #[serde(flatten)]
    more: Map<String, Value>,
}

/// The first line of a version.
#[derive(Serialize, Deserialize)]
struct Made {
    who: String,
    fields: Vec<String>,
}

/// The error for what cannot be read.
pub(super) fn corrupt(what: &str) -> StoreError {
    StoreError::Corrupt(format!("Redis: {what}"))
}

/// A record's lines after the numbers.
pub(super) fn write(record: &Record) -> String {
    let header = Header {
        id: record.id,
        mark: record.mark.to_string(),
        kind: record.kind,
        at: record.at,
        status: record.status,
        published: record.published,
        updated: record.updated,
        breaking_until: record.breaking_until,
        pin: record.pin,
        more: record.more.clone(),
    };
    let header = serde_json::to_string(&header).expect("a header is plain data");
    format!("{header}\n{}\n{}", ever(&record.ever), record.story)
}

/// What filters could ever have matched, as a line.
pub(super) fn ever(ever: &Ever) -> String {
    serde_json::to_string(ever).expect("words and numbers are plain data")
}

/// The first line of a version.
pub(super) fn made(fields: &[String], who: &str) -> String {
    let made = Made { who: who.to_owned(), fields: fields.to_vec() };
    serde_json::to_string(&made).expect("names are plain data")
}

/// Reads a record.
///
/// # Errors
/// It is not written as records are.
pub(super) fn read(text: &str) -> Result<Record, StoreError> {
    parse(text).ok_or_else(|| corrupt("an item's record is not one"))
}

fn parse(text: &str) -> Option<Record> {
    let mut lines = text.splitn(4, '\n');
    let mut numbers = lines.next()?.split(' ').map(|number| number.parse::<u64>().ok());
    let (last_seq, born, version) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let header: Header = serde_json::from_str(lines.next()?).ok()?;
    let ever: Ever = serde_json::from_str(lines.next()?).ok()?;
    Some(Record {
        id: header.id,
        version,
        mark: header.mark.parse().ok()?,
        kind: header.kind,
        at: header.at,
        born,
        last_seq,
        status: header.status,
        published: header.published,
        updated: header.updated,
        breaking_until: header.breaking_until,
        pin: header.pin,
        ever,
        more: header.more,
        story: lines.next()?.to_owned(),
    })
}

/// Reads a version.
///
/// # Errors
/// It is not written as versions are.
pub(super) fn read_version(text: &str) -> Result<Version, StoreError> {
    let (made, record) = text.split_once('\n').ok_or_else(|| corrupt("an item's version is not one"))?;
    let made: Made = serde_json::from_str(made).map_err(|_| corrupt("an item's version is not one"))?;
    Ok(Version { record: read(record)?, who: made.who, fields: made.fields })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::news::Mark;

    #[test]
    fn a_record_reads_back_as_it_was_written() {
        let record = Record {
            id: Uuid::now_v7(),
            version: 3,
            mark: Mark(7),
            kind: Kind::ItemUpdated,
            at: Moment::from_millis(-5),
            born: 2,
            last_seq: 9,
            status: Status::Withheld,
            published: Moment::from_millis(1_000),
            updated: Moment::from_millis(2_000),
            breaking_until: Some(Moment::from_millis(5_000)),
            pin: Some(Pin { position: 1, until: None }),
            ever: Ever { tags: vec!["a\nb".to_owned()], subjects: vec![], urgencies: vec![1, 5], more: Map::new() },
            more: Map::from_iter([("embargo".to_owned(), Value::from(7))]),
            story: "{\"body\":\"one\",\n\"headline\":\"two\"}".to_owned(),
        };
        let text = format!("9 2 3\n{}", write(&record));
        assert_eq!(read(&text).expect("a record"), record);
        assert!(matches!(read("9 2\n{}"), Err(StoreError::Corrupt(_))));
    }
}
