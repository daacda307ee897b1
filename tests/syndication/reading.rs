//! What parsers that others wrote make of a feed, in this test's own words.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use newswire::news::Moment;
use serde_json::Value;

/// A feed as somebody read it.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) by: &'static str,
    pub(crate) title: String,
    pub(crate) page: String,
    pub(crate) entries: Vec<Entry>,
}

/// An entry of it. What a parser does not tell is none.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) link: String,
    pub(crate) published: i64,
    pub(crate) updated: Option<i64>,
    pub(crate) authors: Vec<String>,
    pub(crate) content: String,
    pub(crate) language: Option<String>,
    pub(crate) labels: Option<Vec<String>>,
    pub(crate) enclosures: Vec<String>,
}

/// A time in whatever form, in milliseconds.
pub(crate) fn millis(text: &str) -> i64 {
    let rfc3339 = text.parse::<Moment>().ok();
    rfc3339.or_else(|| Moment::of_http_date(text)).unwrap_or_else(|| panic!("{text:?} is no time")).millis()
}

/// Python's feedparser: Atom and RSS.
pub(crate) fn feedparser(text: &str) -> Reading {
    let python = std::env::var("TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    read("feedparser", &python, "read.py", text)
}

/// npm's rss-parser: Atom and RSS.
pub(crate) fn rss_parser(text: &str) -> Reading {
    read("rss-parser", "node", "read.mjs", text)
}

fn read(by: &'static str, program: &str, script: &str, text: &str) -> Reading {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/syndication").join(script);
    let mut command = Command::new(program);
    command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{program}: {error}; run ./test, which installs it"));
    child.stdin.take().expect("piped").write_all(text.as_bytes()).expect("it reads");
    let ran = child.wait_with_output().expect("it ends");
    assert!(ran.status.success(), "{by}: {} of {text}", String::from_utf8_lossy(&ran.stderr));
    let feed: Value = serde_json::from_slice(&ran.stdout).expect("JSON");
    let entry = |entry: &Value| {
        let text = |name: &str| entry[name].as_str().map(str::to_owned);
        let list = |name: &str| -> Option<Vec<String>> {
            let all = entry[name].as_array()?.iter();
            Some(all.map(|one| one.as_str().expect("text").to_owned()).collect())
        };
        Entry {
            id: text("id").expect("an id"),
            title: text("title").expect("a title"),
            link: text("link").expect("a link"),
            published: millis(&text("published").expect("a time")),
            updated: text("updated").map(|updated| millis(&updated)),
            authors: list("authors").expect("authors"),
            content: text("content").unwrap_or_default(),
            language: text("language"),
            labels: list("labels"),
            enclosures: list("enclosures").expect("enclosures"),
        }
    };
    let text = |name: &str| feed[name].as_str().unwrap_or_default().to_owned();
    let entries = feed["entries"].as_array().expect("entries").iter().map(entry).collect();
    Reading { by, title: text("title"), page: text("page"), entries }
}

/// The feed-rs crate: all three.
pub(crate) fn feed_rs(text: &str) -> Reading {
    let feed = feed_rs::parser::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error} in {text}"));
    let own = |rel: Option<&str>| rel.is_none_or(|rel| rel == "alternate");
    let entry = |entry: feed_rs::model::Entry| Entry {
        id: entry.id,
        title: entry.title.map(|title| title.content).unwrap_or_default(),
        link: entry.links.iter().find(|link| own(link.rel.as_deref())).expect("a link").href.clone(),
        published: entry.published.expect("a time").timestamp_millis(),
        updated: entry.updated.map(|updated| updated.timestamp_millis()),
        authors: entry.authors.into_iter().filter_map(|author| author.name).collect(),
        content: entry.content.and_then(|content| content.body).unwrap_or_default(),
        language: entry.language,
        labels: Some(entry.categories.into_iter().map(|category| category.term).collect()),
        enclosures: entry
            .links
            .iter()
            .filter(|l| l.rel.as_deref() == Some("enclosure"))
            .map(|l| l.href.clone())
            .collect(),
    };
    Reading {
        by: "feed-rs",
        title: feed.title.map(|title| title.content).unwrap_or_default(),
        page: feed.links.iter().find(|link| own(link.rel.as_deref())).map(|link| link.href.clone()).unwrap_or_default(),
        entries: feed.entries.into_iter().map(entry).collect(),
    }
}

impl Entry {
    /// Whether this entry says what the item says, as far as its format has words for it.
    pub(crate) fn is(&self, item: &Value, page: &str, file: &str, by: &str) {
        let about = format!("{file} by {by}: {self:#?} of {item:#}");
        let xml = file != "feed.json";
        // XML has no such characters.
        let written =
            |text: &str| if xml { text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}") } else { text.to_owned() };
        let text = |name: &str| item[name].as_str().unwrap_or_default();
        assert_eq!(self.id, format!("urn:uuid:{}", text("id")), "{about}");
        assert_eq!(self.link, format!("{page}/items/{}", text("id")), "{about}");
        match item["headline"].as_str() {
            Some(headline) => assert_eq!(self.title, written(headline), "{about}"),
            None if !xml => assert_eq!(self.title, "", "{about}"),
            None if item["body"].is_string() => {
                let first =
                    "All clear Everybody from the bus in Net Street is safe & dry, and nobody was hurt at all,…";
                assert_eq!(self.title, first, "{about}");
            }
            None => assert_eq!(self.title, item["media"][0]["alt"].as_str().expect("a text"), "{about}"),
        }
        // RSS tells times to the second, and when an item changed not at all.
        let unit = if file == "feed.rss" { 1_000 } else { 1 };
        assert_eq!(self.published, millis(text("published")).div_euclid(unit) * unit, "{about}");
        match (self.updated, file) {
            (Some(updated), "feed.atom" | "feed.json") => assert_eq!(updated, millis(text("updated")), "{about}"),
            _ => assert!(file != "feed.atom" || by == "rss-parser", "{about}"),
        }
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let mut names: Vec<_> =
            list(&item["authors"]).iter().map(|a| a["name"].as_str().expect("a name").to_owned()).collect();
        if names.is_empty() && !text("byline").is_empty() {
            names.push(text("byline").to_owned());
        }
        match by {
            // It tells the first, or none.
            "rss-parser" => assert_eq!(self.authors.first(), names.first(), "{about}"),
            _ => assert_eq!(self.authors, names, "{about}"),
        }
        self.has_content_of(item, &written, &about);
        let mut labels = Vec::new();
        for label in list(&item["tags"]).iter().chain(&list(&item["subjects"])) {
            let label = label.as_str().expect("text").to_owned();
            if !labels.contains(&label) {
                labels.push(label);
            }
        }
        match (&self.labels, by, file) {
            (_, "rss-parser", "feed.atom") => {}
            (found, _, _) => assert_eq!(found.as_ref(), Some(&labels), "{about}"),
        }
        let media = list(&item["media"]);
        let hrefs = |of: &dyn Fn(&Value) -> bool| -> Vec<_> {
            media.iter().filter(|one| of(one)).map(|one| one["href"].as_str().expect("a link").to_owned()).collect()
        };
        match (file, by) {
            ("feed.atom", "feedparser" | "feed-rs") => assert_eq!(self.enclosures, hrefs(&|_| true), "{about}"),
            ("feed.rss", "feedparser" | "rss-parser") => {
                let mut typed = hrefs(&|one| one["contentType"].is_string());
                typed.truncate(1);
                assert_eq!(self.enclosures, typed, "{about}");
            }
            _ => {}
        }
        if let Some(language) = &self.language {
            assert_eq!(language, item["language"].as_str().unwrap_or("en"), "{about}");
        }
    }

    /// The body as it is, then pictures and notes.
    fn has_content_of(&self, item: &Value, written: &dyn Fn(&str) -> String, about: &str) {
        let body = written(item["body"].as_str().unwrap_or_default());
        let escaped =
            |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        let media = item["media"].as_array().cloned().unwrap_or_default();
        let corrections = item["corrections"].as_array().cloned().unwrap_or_default();
        let content = match item["dir"].as_str() {
            Some("rtl") => self.content.strip_prefix("<div dir=\"rtl\">").and_then(|rest| rest.strip_suffix("</div>")),
            _ => Some(self.content.as_str()),
        };
        let content = content.unwrap_or_else(|| panic!("{about}"));
        let rest = content.strip_prefix(body.as_str()).unwrap_or_else(|| panic!("{body}: {about}"));
        assert!(!rest.is_empty() || media.is_empty() && corrections.is_empty(), "{about}");
        assert!(rest.is_empty() || !media.is_empty() || !corrections.is_empty(), "{about}");
        for thing in media.iter().chain(&corrections) {
            for name in ["href", "alt", "caption", "credit", "note", "at"] {
                if let Some(text) = thing[name].as_str() {
                    assert!(rest.contains(&escaped(text)), "{text}: {about}");
                }
            }
        }
    }
}
