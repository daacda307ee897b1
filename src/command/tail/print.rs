//! Printing what a feed says: JSON Lines for programs, lines of text for people.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, Write},
};

use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;

use super::message::{Message, What};
use crate::news::FeedId;

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// One JSON object a line, as the server sent it.
    Json,
    /// Lines for people.
    Text,
}

/// The longest line of text, in characters: enough for a headline, and for the beginning of a text without one.
const LONGEST_LINE: usize = 300;

/// Writes messages to an output, flushing after each: once `print` returns, the reader of the output has it.
#[derive(Debug)]
pub(super) struct Printer<W> {
    out: W,
    format: Format,
    zone: TimeZone,
    naming: Naming,
    /// The lines of each feed's snapshot that is not complete. Its newest item comes first, and is to be printed last.
    held: BTreeMap<Option<FeedId>, Vec<String>>,
}

/// Whether people's lines begin with the feed's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// They do: several feeds are followed.
    Feed,
    /// There is only one.
    Nothing,
}

impl<W: Write> Printer<W> {
    /// A printer; people's lines show times of this zone.
    pub(super) fn new(out: W, format: Format, zone: TimeZone, naming: Naming) -> Self {
        Self { out, format, zone, naming, held: BTreeMap::new() }
    }

    /// Prints a message.
    ///
    /// # Errors
    /// The output cannot be written to.
    pub(super) fn print(&mut self, message: &Message) -> io::Result<()> {
        match self.format {
            Format::Json => writeln!(self.out, "{}", message.text)?,
            Format::Text => {
                for line in self.lines(message) {
                    match &message.feed {
                        Some(feed) if self.naming == Naming::Feed => writeln!(self.out, "{feed}  {line}")?,
                        _ => writeln!(self.out, "{line}")?,
                    }
                }
            }
        }
        self.out.flush()
    }

    fn lines(&mut self, message: &Message) -> Vec<String> {
        if let What::Reset(reason) = &message.what {
            self.held.remove(&message.feed);
            return vec![plain(&format!("--- starting from a snapshot: {reason} ---"))];
        }
        let Ok(json) = serde_json::from_str::<Value>(&message.text) else { return Vec::new() };
        let kind = json["type"].as_str().unwrap_or_default();
        if kind != "snapshot" {
            let line = if kind.starts_with("feed.") { feed_line(kind, &json) } else { self.item_line(kind, &json) };
            return vec![line];
        }
        let items = json["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        let held = self.held.entry(message.feed.clone()).or_default();
        held.extend(items.iter().map(|item| line(&self.zone, "", item)));
        if json["done"] == true { held.drain(..).rev().collect() } else { Vec::new() }
    }

    fn item_line(&self, kind: &str, json: &Value) -> String {
        let verb = match kind {
            "item.published" => "",
            "item.breakingEnded" => "no longer breaking",
            other => other.strip_prefix("item.").unwrap_or(other),
        };
        line(&self.zone, verb, if json["item"].is_object() { &json["item"] } else { json })
    }
}

fn feed_line(kind: &str, json: &Value) -> String {
    plain(&format!("--- {kind}: {} ---", json["feedInfo"]["title"].as_str().unwrap_or_default()))
}

/// An item on one line: when it was published, what happened to it, its headline or the beginning of its text.
fn line(zone: &TimeZone, verb: &str, item: &Value) -> String {
    let published = item["published"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
    let mut line = match published {
        Some(at) => at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M  ").to_string(),
        None => String::new(),
    };
    if !verb.is_empty() {
        write!(line, "[{verb}] ").expect("writing to a string does not fail");
    }
    if item["breaking"].is_object() {
        line.push_str("BREAKING ");
    }
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let said = match item["status"].as_str() {
        Some("canceled") => format!("Retracted: {}", item["retraction"]["reason"].as_str().unwrap_or_default()),
        Some("withheld" | "removed") => format!("item {}", item["id"].as_str().unwrap_or_default()),
        _ => text(&item["headline"])
            .or_else(|| text(&item["body"]).map(|body| without_tags(&body)))
            .or_else(|| text(&item["media"][0]["alt"]))
            .unwrap_or_else(|| format!("item {}", item["id"].as_str().unwrap_or_default())),
    };
    line.push_str(&said);
    if verb == "corrected"
        && let Some(note) = item["corrections"].as_array().and_then(|all| all.last()?["note"].as_str())
    {
        write!(line, " (Correction: {note})").expect("writing to a string does not fail");
    }
    plain(&line)
}

/// Text as a terminal may be given it: on one line, of bounded length, without anything that would steer it.
pub(super) fn plain(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(LONGEST_LINE)
        .map(|c| if c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) { ' ' } else { c })
        .collect();
    if text.chars().nth(LONGEST_LINE).is_some() {
        shown.push('…');
    }
    shown
}

/// What is left of sanitised HTML without its tags, its few entities resolved.
fn without_tags(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start]);
        text.push(' ');
        rest = rest[start..].find('>').map_or("", |end| &rest[start + end + 1..]);
    }
    text.push_str(rest);
    for (entity, sign) in
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")]
    {
        text = text.replace(entity, sign);
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(format: Format, messages: &[&str]) -> String {
        printed_so(format, Naming::Nothing, messages)
    }

    fn printed_so(format: Format, naming: Naming, messages: &[&str]) -> String {
        let mut out = Vec::new();
        let mut printer = Printer::new(&mut out, format, TimeZone::UTC, naming);
        for text in messages {
            printer.print(&Message::read(text).expect("a message")).expect("memory can be written to");
        }
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn programs_get_the_messages_as_they_were_sent() {
        let change = r#"{"type":"item.published","position":"7-9f3a2c1b","item":{"headline":"A"}}"#;
        assert_eq!(printed(Format::Json, &[change]), format!("{change}\n"));
    }

    #[test]
    fn people_get_a_line_for_each_item_the_newest_last() {
        let first =
            r#"{"type":"snapshot","done":false,"items":[{"published":"2026-02-19T19:38:39.000Z","headline":"New"}]}"#;
        let last = r#"{"type":"snapshot","done":true,"items":[{"published":"2026-02-18T01:00:00.000Z","body":"<p>Old &amp; <b>bold</b></p>"}]}"#;
        let change = r#"{"type":"item.corrected","item":{"published":"2026-02-19T19:38:39.000Z","headline":"New","corrections":[{"note":"not old"}]}}"#;
        let gone = r#"{"type":"item.retracted","item":{"published":"2026-02-19T19:38:39.000Z","status":"canceled","retraction":{"reason":"wrong"}}}"#;
        assert_eq!(
            printed(Format::Text, &[first, last, change, gone]),
            "2026-02-18 01:00  Old & bold\n\
             2026-02-19 19:38  New\n\
             2026-02-19 19:38  [corrected] New (Correction: not old)\n\
             2026-02-19 19:38  [retracted] Retracted: wrong\n"
        );
    }

    #[test]
    fn people_who_follow_several_feeds_see_which_one_a_line_is_of_and_what_left() {
        let pages = [
            r#"{"type":"snapshot","feed":"a","done":false,"items":[{"headline":"A2"}]}"#,
            r#"{"type":"snapshot","feed":"b","done":true,"items":[{"headline":"B1"}]}"#,
            r#"{"type":"snapshot","feed":"a","done":true,"items":[{"headline":"A1"}]}"#,
            r#"{"type":"item.left","feed":"b","position":"7-9f3a2c1b","item":{"id":"0194"}}"#,
        ];
        let lines = "b  B1\na  A1\na  A2\nb  [left] item 0194\n";
        assert_eq!(printed_so(Format::Text, Naming::Feed, &pages), lines);
    }

    #[test]
    fn nothing_that_steers_a_terminal_is_printed() {
        let change = r#"{"type":"item.published","item":{"headline":"a\u001b]0;x\u0007b\u202ec"}}"#;
        assert_eq!(printed(Format::Text, &[change]), "a ]0;x b c\n");
    }
}
