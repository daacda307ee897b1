//! The options that set a feed's document, as a merge patch. What each may be, [`crate::news::amend`] knows.

use std::str::FromStr;

use clap::Args;
use serde_json::{Map, Value, json};

/// The parts of a feed's document that can be given on the command line.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Document {
    /// What readers see, 1 to 300 characters
    #[arg(long, value_name = "T")]
    title: Option<String>,
    /// What it covers; an empty text unsets it, as it does below
    #[arg(long, value_name = "D")]
    description: Option<String>,
    /// The language of its items unless they say otherwise, BCP 47: en-GB
    #[arg(long, value_name = "L")]
    language: Option<String>,
    /// The direction of its items' text
    #[arg(long, value_name = "ltr|rtl")]
    dir: Option<String>,
    /// The newsroom's time zone, an IANA name: Europe/Athens
    #[arg(long, value_name = "Z")]
    time_zone: Option<String>,
    /// Where the feed's own page is
    #[arg(long, value_name = "U")]
    url: Option<String>,
    /// Who may read it: everybody, or whoever has a token
    #[arg(long, value_name = "public|token")]
    access: Option<String>,
    /// How many changes can be resumed over
    #[arg(long, value_name = "N|all")]
    keep_changes: Option<Limit>,
    /// How many items are kept
    #[arg(long, value_name = "N|all")]
    keep_items: Option<Limit>,
    /// For how many days they are kept
    #[arg(long, value_name = "N|all")]
    keep_days: Option<Limit>,
}

/// A limit of what is kept, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limit(Option<u64>);

impl FromStr for Limit {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "all" | "" => Ok(Self(None)),
            number => number.parse().map(|limit| Self(Some(limit))).map_err(|_| "a whole number, or `all`"),
        }
    }
}

impl Document {
    /// What they say as a merge patch (RFC 7396): only what was given; what is empty unsets.
    pub(super) fn patch(&self) -> Map<String, Value> {
        let texts = [
            ("title", &self.title),
            ("description", &self.description),
            ("language", &self.language),
            ("dir", &self.dir),
            ("timeZone", &self.time_zone),
            ("url", &self.url),
            ("access", &self.access),
        ];
        let value = |text: &String| if text.trim().is_empty() { Value::Null } else { json!(text.trim()) };
        let mut patch: Map<String, Value> =
            texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), value(text.as_ref()?)))).collect();
        let limits = [("changes", self.keep_changes), ("items", self.keep_items), ("days", self.keep_days)];
        let keep: Map<String, Value> =
            limits.into_iter().filter_map(|(name, limit)| Some((name.to_owned(), json!(limit?.0)))).collect();
        if !keep.is_empty() {
            patch.insert("keep".to_owned(), keep.into());
        }
        patch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_given_is_in_the_patch_and_what_is_empty_unsets() {
        assert!(Document::default().patch().is_empty());
        let document = Document {
            title: Some(" A ".to_owned()),
            url: Some(String::new()),
            keep_items: Some("10".parse().expect("a limit")),
            keep_days: Some("all".parse().expect("no limit")),
            ..Document::default()
        };
        let expected = json!({"title": "A", "url": null, "keep": {"items": 10, "days": null}});
        assert_eq!(Value::from(document.patch()), expected);
    }
}
