//! A filter: which items a reader wants, by urgency, tag and subject.
//!
//! Values of one name are alternatives, different names must all match. What an item matches is judged twice: by what it
//! says now, and by everything it ever said in public ([`Ever`]), so that a reader who was shown an item is also shown
//! how it changed, and is told to drop it once it no longer matches ([`Verdict::Left`]). Words that an item got while it
//! was held back are in neither: a filter must not let anybody guess at them.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Ever, Record, Status, limits, story::Story};

/// What a reader wants. Equal filters are equal values, whatever order their words were given in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Filter {
    urgencies: BTreeSet<u8>,
    tags: BTreeSet<String>,
    subjects: BTreeSet<String>,
}

/// What a change is to a reader with a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is sent as to everybody.
    Shown,
    /// The item matched once and does not any more: `item.left` is sent instead.
    Left,
    /// Nothing is sent; the reader's position moves past it.
    Hidden,
}

/// A name and value that no filter has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {why}")]
pub struct NotAFilter {
    /// The name.
    pub name: &'static str,
    /// What is wrong, and what would be right.
    pub why: String,
}

impl Filter {
    /// The names of its parts, as they stand in addresses.
    pub const NAMES: [&'static str; 3] = ["urgency", "tag", "subject"];

    /// Adds a value under one of [`Self::NAMES`].
    ///
    /// # Errors
    /// It is no value of that name, or one too many.
    ///
    /// # Panics
    /// When the name is none of them.
    pub fn add(&mut self, name: &str, value: &str) -> Result<(), NotAFilter> {
        let name = Self::NAMES.into_iter().find(|known| *known == name).expect("a filter's name");
        let refuse = |why: String| Err(NotAFilter { name, why });
        let words = match name {
            "tag" => &mut self.tags,
            "subject" => &mut self.subjects,
            _ => {
                return match value.parse::<u8>() {
                    Ok(urgency) if limits::URGENCY.contains(&u64::from(urgency)) => {
                        self.urgencies.insert(urgency);
                        Ok(())
                    }
                    _ => refuse(format!("an urgency is a number from 1 (flash) to 8 (routine), not {value:?}")),
                };
            }
        };
        let length = value.chars().count();
        if !(1..=limits::WORD).contains(&length) {
            return refuse(format!("1 to {} characters, not {length}", limits::WORD));
        }
        words.insert(value.to_owned());
        if words.len() > limits::WORDS {
            return refuse(format!("at most {} different values", limits::WORDS));
        }
        Ok(())
    }

    /// Whether it wants everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.urgencies.is_empty() && self.tags.is_empty() && self.subjects.is_empty()
    }

    /// Its urgencies, tags and subjects; a part without values wants all.
    #[must_use]
    pub fn parts(&self) -> (&BTreeSet<u8>, &BTreeSet<String>, &BTreeSet<String>) {
        (&self.urgencies, &self.tags, &self.subjects)
    }

    /// Whether an item that was ever like this may have matched: what a store looks at, which parses no story.
    #[must_use]
    pub fn ever(&self, ever: &Ever) -> bool {
        (self.urgencies.is_empty() || ever.urgencies.iter().any(|urgency| self.urgencies.contains(urgency)))
            && (self.tags.is_empty() || ever.tags.iter().any(|tag| self.tags.contains(tag)))
            && (self.subjects.is_empty() || ever.subjects.iter().any(|subject| self.subjects.contains(subject)))
    }

    /// What a change of this item is to a reader with this filter. `facets` are [`Facets::of`] the record.
    #[must_use]
    pub fn judge(&self, record: &Record, facets: &Facets) -> Verdict {
        match record.status {
            // What an item ever had is erased with it, so that nobody can tell any more who was shown it.
            Status::Removed => Verdict::Shown,
            _ if !self.ever(&record.ever) => Verdict::Hidden,
            // Only its id is said, to be dropped.
            Status::Withheld => Verdict::Shown,
            Status::Usable | Status::Canceled if self.ever(&facets.0) => Verdict::Shown,
            Status::Usable | Status::Canceled => Verdict::Left,
        }
    }

    /// Whether a page lists this item.
    #[must_use]
    pub fn lists(&self, record: &Record) -> bool {
        record.status.listed() && self.judge(record, &Facets::of(record)) == Verdict::Shown
    }
}

/// What an item says now of what filters look at, as far as it was ever public.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facets(Ever);

impl Facets {
    /// Of this record. It reads the story, so it is worth keeping.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        let story = Story::of(&record.story);
        let ever = &record.ever;
        let both = |name: &str, ever: &[String]| {
            let now: BTreeSet<&str> = story.words(name).collect();
            ever.iter().filter(|word| now.contains(word.as_str())).cloned().collect()
        };
        let urgency = story.get("urgency").and_then(Value::as_u64);
        Self(Ever {
            tags: both("tags", &ever.tags),
            subjects: both("subjects", &ever.subjects),
            urgencies: ever.urgencies.iter().copied().filter(|had| urgency == Some(u64::from(*had))).collect(),
            more: Map::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::news::{Kind, Mark, Moment};

    fn filter(parts: &[(&str, &str)]) -> Filter {
        let mut filter = Filter::default();
        parts.iter().for_each(|(name, value)| filter.add(name, value).expect("a part of a filter"));
        filter
    }

    fn record(status: Status, tags: &[&str], had: &[&str]) -> Record {
        Record {
            id: uuid::Uuid::nil(),
            version: 1,
            mark: Mark(1),
            kind: Kind::ItemUpdated,
            at: Moment::from_millis(0),
            born: 1,
            last_seq: 1,
            status,
            published: Moment::from_millis(0),
            updated: Moment::from_millis(0),
            breaking_until: None,
            pin: None,
            ever: Ever {
                tags: had.iter().map(|tag| (*tag).to_owned()).collect(),
                subjects: vec!["sport".to_owned()],
                urgencies: vec![5],
                more: Map::new(),
            },
            more: Map::new(),
            story: serde_json::json!({"headline": "A", "tags": tags, "subjects": ["sport"], "urgency": 5}).to_string(),
        }
    }

    fn judged(filter: &Filter, record: &Record) -> Verdict {
        filter.judge(record, &Facets::of(record))
    }

    #[test]
    fn one_name_repeated_is_an_alternative_and_different_names_must_all_match() {
        let item = record(Status::Usable, &["a"], &["a"]);
        for (parts, shown) in [
            (&[("tag", "a"), ("tag", "b")][..], true),
            (&[("tag", "b")], false),
            (&[("tag", "a"), ("urgency", "5"), ("subject", "sport")], true),
            (&[("tag", "a"), ("urgency", "1")], false),
            (&[], true),
        ] {
            assert_eq!(judged(&filter(parts), &item) == Verdict::Shown, shown, "{parts:?}");
        }
    }

    #[test]
    fn what_matched_once_and_does_not_any_more_has_left() {
        let item = record(Status::Usable, &["b"], &["a", "b"]);
        assert_eq!(judged(&filter(&[("tag", "a")]), &item), Verdict::Left);
        assert_eq!(judged(&filter(&[("tag", "b")]), &item), Verdict::Shown);
        assert_eq!(judged(&filter(&[("tag", "c")]), &item), Verdict::Hidden);
    }

    #[test]
    fn words_that_were_never_public_match_nothing() {
        for status in [Status::Withheld, Status::Canceled] {
            let item = record(status, &["secret"], &["a"]);
            assert_eq!(judged(&filter(&[("tag", "secret")]), &item), Verdict::Hidden, "{status:?}");
        }
    }

    #[test]
    fn a_removed_item_passes_every_filter() {
        let removed = Record { story: "{}".to_owned(), ..record(Status::Removed, &[], &[]) };
        assert_eq!(judged(&filter(&[("tag", "a")]), &removed), Verdict::Shown);
        assert!(!filter(&[("tag", "a")]).lists(&removed));
    }

    #[test]
    fn what_no_filter_can_have_is_refused() {
        let mut filter = Filter::default();
        for (name, value) in
            [("urgency", "0"), ("urgency", "9"), ("urgency", "x"), ("tag", ""), ("tag", &"x".repeat(65))]
        {
            assert_eq!(filter.add(name, value).expect_err("refused").name, name, "{value:?}");
        }
        for number in 0..20 {
            filter.add("tag", &number.to_string()).expect("20 are allowed");
        }
        filter.add("tag", "0").expect("the same again");
        assert!(filter.add("tag", "20").expect_err("one too many").why.contains("20"));
    }
}
