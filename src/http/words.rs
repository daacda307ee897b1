//! The words of the pages and of the widget, in one file for each language, which the widget's README.md says how to add.
//!
//! Which language is asked for is matched by lookup (RFC 4647, section 3.4): `de-AT` finds `de`, and what is not there
//! is English. Where a tag's script goes without saying, it counts: `zh-TW` finds `zh-Hant`. A text has at most one place,
//! `{time}`, that something is put into; what depends on a number is an object of forms, and stands in the widget alone.

use std::{collections::BTreeMap, sync::LazyLock};

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, header};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{access::Sight, address::Address, conditional, problem::Problem, widget::Files};

/// Where they are among the widget's files.
const PLACE: &str = "words/";
/// What stands on pages alone, and is not sent to the widget with them.
const PAGE: &str = "page";
/// What finds words under another tag (CLDR, "likely subtags" and "language aliases").
const ALSO: [(&str, &str); 4] = [("iw", "he"), ("zh-hk", "zh-hant"), ("zh-mo", "zh-hant"), ("zh-tw", "zh-hant")];
/// Words seldom change, and what a newer widget asks for beyond them it has in English.
const CACHING: HeaderValue = HeaderValue::from_static("public, max-age=3600");

/// The words of a language, as far as pages have a use for them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Words {
    pub(super) lang: String,
    pub(super) dir: String,
    pub(super) breaking: String,
    pub(super) pinned: String,
    pub(super) key: String,
    pub(super) summary: String,
    pub(super) key_events: String,
    pub(super) updated: String,
    pub(super) update: String,
    pub(super) untitled: String,
    pub(super) correction: String,
    pub(super) clarification: String,
    pub(super) comma: String,
    pub(super) colon: String,
    pub(super) gmt: String,
    pub(super) retracted: String,
    pub(super) instead: String,
    pub(super) related: String,
    embed: String,
    pub(super) older: String,
    pub(super) closed: String,
    page_updates: String,
    pub(super) page_empty: String,
    pub(super) page_over: String,
    pub(super) page_skip: String,
    pub(super) page_follow: String,
    pub(super) page_one: String,
    pub(super) page_all: String,
    pub(super) page_older: String,
    page_only: String,
    page_older_only: String,
    page_tag: String,
    page_subject: String,
    page_urgency: String,
    pub(super) page_feeds: String,
    pub(super) page_no_feeds: String,
    pub(super) page_all_feeds: String,
    page_request: String,
    pub(super) page_missing: String,
    pub(super) page_gone: String,
    pub(super) page_denied: String,
    pub(super) page_away: String,
    pub(super) page_wrong: String,
    /// All that the widget says, as a JSON object.
    #[serde(skip)]
    pub(super) widget: String,
    /// The file, and its ETag.
    #[serde(skip)]
    file: (String, String),
}

/// Read once, when the first page is written.
static ALL: LazyLock<BTreeMap<String, Words>> = LazyLock::new(|| {
    let words = Files::iter().filter(|name| name.starts_with(PLACE)).map(|name| Words::of(&name));
    words.map(|words| (words.lang.to_ascii_lowercase(), words)).collect()
});

impl Words {
    fn of(name: &str) -> Self {
        let file = Files::get(name).expect("it was listed");
        let file = String::from_utf8(file.data.into_owned()).expect("it is text");
        let all: Map<String, Value> = serde_json::from_str(&file).unwrap_or_else(|why| panic!("{name}: {why}"));
        let widget: Map<_, _> = all.into_iter().filter(|(key, _)| !key.starts_with(PAGE)).collect();
        let words: Self = serde_json::from_str(&file).unwrap_or_else(|why| panic!("{name}: {why}"));
        let etag = conditional::etag(&file);
        Self { widget: Value::from(widget).to_string(), file: (file, etag), ..words }
    }

    /// The words for a language; English where there are none, or no language is named.
    pub(super) fn lookup(tag: Option<&str>) -> &'static Self {
        tag.and_then(find).unwrap_or_else(|| &ALL["en"])
    }

    /// The words that a browser asks for first of those there are.
    pub(super) fn accepted(headers: &HeaderMap) -> &'static Self {
        let lists = headers.get_all(header::ACCEPT_LANGUAGE).iter().filter_map(|value| value.to_str().ok());
        let mut ranges: Vec<_> = lists.flat_map(|list| list.split(',')).filter_map(weighed).collect();
        ranges.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        ranges.into_iter().find_map(|(range, _)| find(range)).unwrap_or_else(|| Self::lookup(None))
    }

    /// Whether they are the English ones, which need not be sent to the widget.
    pub(super) fn is_english(&self) -> bool {
        self.lang == "en"
    }

    /// What a page of another site is called before it is loaded.
    pub(super) fn embed(&self, host: &str) -> String {
        fill(&self.embed, host)
    }

    /// Up to when a page is current.
    pub(super) fn updates(&self, time: &str) -> String {
        fill(&self.page_updates, time)
    }

    /// A request, as who reports it names it.
    pub(super) fn request(&self, id: &str) -> String {
        fill(&self.page_request, id)
    }

    /// Which part of a feed a page is: older items, or those of a filter, given as names and values; none: the whole.
    pub(super) fn part(&self, older: bool, filter: &[(&str, String)]) -> Option<String> {
        let named = |(name, value): &(&str, String)| match *name {
            "tag" => fill(&self.page_tag, value),
            "subject" => fill(&self.page_subject, value),
            _ => fill(&self.page_urgency, value),
        };
        let only = filter.iter().map(named).collect::<Vec<_>>().join(&self.comma);
        match (older, only.is_empty()) {
            (false, true) => None,
            (true, true) => Some(self.page_older.clone()),
            (false, false) => Some(fill(&self.page_only, &only)),
            (true, false) => Some(fill(&self.page_older_only, &only)),
        }
    }
}

/// `GET /widget/words/{file}`: the words for the language that a file is named by, which is one of those there are, or
/// English.
///
/// # Errors
/// 404 where it is not named as JSON is.
pub async fn file(Address(name): Address<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let Some(tag) = name.strip_suffix(".json") else {
        return Err(Problem::not_found(format!("There is no file {name:?} here.")));
    };
    let (file, etag) = &Words::lookup(Some(tag)).file;
    let whole = Body::from(file.as_str()).into_response();
    let mut answer = conditional::answer(&headers, Sight::Public, etag, whole);
    let out = answer.headers_mut();
    out.remove(header::VARY);
    out.insert(header::CACHE_CONTROL, CACHING);
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    out.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(answer)
}

/// Puts something in the place that a text has for it.
pub(super) fn fill(text: &str, value: &str) -> String {
    match (text.split_once('{'), text.split_once('}')) {
        (Some((before, _)), Some((_, after))) => [before, value, after].concat(),
        _ => text.to_owned(),
    }
}

/// The words for a tag, or for what is left of it without its last parts. Some write `de_AT`.
fn find(tag: &str) -> Option<&'static Words> {
    let tag = tag.to_ascii_lowercase().replace('_', "-");
    let mut rest = tag.as_str();
    loop {
        let own = ALSO.iter().find(|(also, _)| *also == rest).map_or(rest, |(_, own)| own);
        if let Some(words) = ALL.get(own) {
            return Some(words);
        }
        (rest, _) = rest.rsplit_once('-')?;
    }
}

/// A language range and how much it is wanted (RFC 9110, section 12.5.4); none where it is refused.
fn weighed(entry: &str) -> Option<(&str, f32)> {
    let (range, quality) = entry.split_once(';').unwrap_or((entry, ""));
    let quality = quality.trim().strip_prefix("q=").map_or(Some(1.0), |text| text.parse().ok())?;
    (quality > 0.0).then_some((range.trim(), quality))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The categories of plural forms (CLDR) that whole numbers have in each language.
    const PLURALS: [(&str, &[&str]); 16] = [
        ("ar", &["few", "many", "one", "other", "two", "zero"]),
        ("de", &["one", "other"]),
        ("en", &["one", "other"]),
        ("es", &["many", "one", "other"]),
        ("fr", &["many", "one", "other"]),
        ("he", &["one", "other", "two"]),
        ("it", &["many", "one", "other"]),
        ("ja", &["other"]),
        ("nl", &["one", "other"]),
        ("pl", &["few", "many", "one", "other"]),
        ("pt", &["many", "one", "other"]),
        ("sv", &["one", "other"]),
        ("tr", &["one", "other"]),
        ("uk", &["few", "many", "one", "other"]),
        ("zh", &["other"]),
        ("zh-Hant", &["other"]),
    ];

    fn file(lang: &str) -> Map<String, Value> {
        serde_json::from_str(&ALL[&lang.to_ascii_lowercase()].file.0).expect("JSON")
    }

    /// The places of a text, in braces.
    fn places(text: &str) -> Vec<&str> {
        text.split('{').skip(1).map(|rest| rest.split('}').next().expect("it ends")).collect()
    }

    #[test]
    fn every_language_has_the_same_words_with_the_same_places() {
        let english = file("en");
        assert!(ALL.values().map(|words| words.lang.as_str()).eq(PLURALS.map(|(lang, _)| lang)));
        for (lang, categories) in PLURALS {
            let words = file(lang);
            assert_eq!(words.keys().collect::<BTreeSet<_>>(), english.keys().collect(), "{lang}");
            assert_eq!(words["lang"], lang);
            assert!(matches!(words["dir"].as_str(), Some("ltr" | "rtl")), "{lang}");
            for (key, word) in &words {
                let (text, own) = match (&english[key], word) {
                    (Value::String(text), Value::String(own)) => (text, own),
                    (Value::Object(forms), Value::Object(own)) => {
                        for (category, form) in own {
                            assert!(categories.contains(&category.as_str()), "{lang} {key} {category}");
                            assert!(!form.as_str().expect("a text").is_empty(), "{lang} {key} {category}");
                        }
                        let other = |forms: &Map<String, Value>| forms["other"].as_str().expect("a text").to_owned();
                        assert_eq!(places(&other(forms)), places(&other(own)), "{lang} {key}");
                        continue;
                    }
                    _ => panic!("{lang} {key} is {word}"),
                };
                assert!(!own.is_empty(), "{lang} {key}");
                assert_eq!(places(text), places(own), "{lang} {key}");
                assert!(places(own).len() <= 1, "{lang} {key}");
            }
        }
    }

    #[test]
    fn a_language_finds_its_words_by_lookup() {
        for (tag, found) in [
            ("de", "de"),
            ("de-AT", "de"),
            ("DE-ch-1901", "de"),
            ("ar-EG-u-nu-latn", "ar"),
            ("pt_BR", "pt"),
            ("zh-Hans-CN-x-what", "zh"),
            ("zh-Hans-TW", "zh"),
            ("zh-SG", "zh"),
            ("zh-Hant-CN", "zh-Hant"),
            ("zh-TW", "zh-Hant"),
            ("zh_HK", "zh-Hant"),
            ("zh-MO-x-what", "zh-Hant"),
            ("iw-IL", "he"),
            ("den", "en"),
            ("fi", "en"),
            ("x-de", "en"),
            ("", "en"),
        ] {
            assert_eq!(Words::lookup(Some(tag)).lang, found, "{tag}");
        }
        assert_eq!(Words::lookup(None).lang, "en");
    }

    #[test]
    fn a_browser_gets_the_first_of_its_languages_that_is_there() {
        for (accept, found) in [
            ("de-AT,de;q=0.9,en;q=0.8", "de"),
            ("fi, fr;q=0.5, ar;q=0.7", "ar"),
            ("fi, fr;q=0", "en"),
            ("*", "en"),
            ("fi;q=x, sv", "sv"),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, HeaderValue::from_static(accept))]);
            assert_eq!(Words::accepted(&headers).lang, found, "{accept}");
        }
        assert_eq!(Words::accepted(&HeaderMap::new()).lang, "en");
    }

    #[test]
    fn a_text_has_what_is_put_in_its_place() {
        assert_eq!(fill("in {count} s", "{5}"), "in {5} s");
        assert_eq!(fill("Live", "5"), "Live");
    }
}
