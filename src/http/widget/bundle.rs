//! The widget as one module, put together from the files that a developer reads: what each exports to the others is
//! simply there, and the style sheet is a text among them.
//!
//! Comments, indentation and most of the spaces stay behind: they are a third of what would go over the wire, and every
//! file can be read as it was written below `/widget/`. It is no bundler, nor does it read JavaScript. It relies on how
//! these files are written, which `tests/widget.rs` and the browser's tests check: an import stands at the beginning of a
//! line and ends with `";`, no name at the top of a file is that of another file's, nothing is exported by default, a
//! comment has its lines to itself, no text goes over several lines, no statement is empty, and no two minus signs follow
//! each other.

use std::fmt::Write as _;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha2::{Digest as _, Sha384};

use super::Files;

/// The module that imports all others.
const FIRST: &str = "news-feed.js";
/// What stands in the place of the style sheet, and the sheet.
const SHEET: (&str, &str) = ("const CSS = \"\";", "news-feed.css");
/// What it exports.
const EXPORTS: &str = "export { LiveFeed, NewsFeed };\n";

/// Signs beside which a space means nothing in a script.
const SIGNS: &str = "{}()[]=<>?:&|,!*+-";

/// The joined module.
#[derive(Debug)]
pub(super) struct Bundle {
    /// As it is.
    pub(super) plain: Vec<u8>,
    /// What its immutable address has of its hash.
    pub(super) hash: String,
    /// Its hash as a page gives it (Subresource Integrity).
    pub(super) integrity: String,
}

impl Bundle {
    /// Puts it together.
    pub(super) fn make() -> Self {
        let mut joined = Vec::new();
        let mut plain = String::new();
        add(FIRST, &mut joined, &mut plain);
        plain.push_str(EXPORTS);
        let plain = plain.into_bytes();
        let digest = Sha384::digest(&plain);
        Self {
            hash: digest[..12].iter().fold(String::new(), |mut text, byte| {
                write!(text, "{byte:02x}").expect("a String takes everything");
                text
            }),
            integrity: format!("sha384-{}", BASE64_STANDARD.encode(digest)),
            plain,
        }
    }

    /// Compressed with gzip, as small as it gets: it is done once, and sent to every reader.
    pub(super) fn packed(&self) -> Vec<u8> {
        let mut gzip = Vec::new();
        let options = zopfli::Options::default();
        zopfli::compress(options, zopfli::Format::Gzip, self.plain.as_slice(), &mut gzip)
            .expect("a Vec takes everything");
        gzip
    }
}

/// Adds a module after those that it imports.
fn add(name: &str, joined: &mut Vec<String>, out: &mut String) {
    if joined.iter().any(|one| one == name) {
        return;
    }
    joined.push(name.to_owned());
    let text = file(name);
    let mut own = String::new();
    let mut importing = String::new();
    let mut row = Row::default();
    for line in bare(&text) {
        if !importing.is_empty() || line.starts_with("import ") {
            importing.push_str(line);
            if line.ends_with("\";") {
                let (_, from) = importing.rsplit_once("from \"./").expect("an import names a file beside it");
                add(from.trim_end_matches("\";"), joined, out);
                importing.clear();
            }
        } else if line == SHEET.0 {
            let sheet: String = bare(&file(SHEET.1)).map(declared).collect();
            let sheet = serde_json::to_string(&sheet).expect("a text is JSON");
            own.push_str(&line.replace("\"\"", &sheet));
            own.push('\n');
        } else if !line.starts_with("export {") {
            let mut line = line.strip_prefix("export ").unwrap_or(line);
            if let Some(rest) = row.goes_on(line) {
                own.pop();
                own.push(',');
                line = rest;
            }
            // Before what closes, a comma or a semicolon is there for people alone.
            if own.ends_with([';', ',']) && line.starts_with(['}', ']', ')']) {
                own.pop();
            }
            // Where something is escaped, quotes are not what they seem.
            own.push_str(&if line.contains('\\') { line.to_owned() } else { close(line) });
            // After these no end of a line means anything, where every statement has its semicolon.
            if !line.ends_with(['{', '(', '[', ',', ';', '}']) {
                own.push('\n');
            }
        }
    }
    out.push_str(&own);
}

/// Constants that follow each other, each in one line but for the last: they are one statement.
#[derive(Default)]
struct Row {
    begun: bool,
}

impl Row {
    /// What a line adds to the statement before it.
    fn goes_on<'a>(&mut self, line: &'a str) -> Option<&'a str> {
        let constant = line.strip_prefix("const ");
        let goes_on = constant.filter(|_| self.begun);
        self.begun = constant.is_some_and(|rest| rest.ends_with(';'));
        goes_on
    }
}

/// The lines of a script or a style sheet without comments, indentation and empty ones.
fn bare(text: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    text.lines().map(str::trim).filter(move |line| {
        let comment = inside || line.starts_with("/*") || line.starts_with("//");
        inside = (inside || line.starts_with("/*")) && !line.ends_with("*/");
        !comment && !line.is_empty()
    })
}

fn file(name: &str) -> String {
    let file = Files::get(name).unwrap_or_else(|| panic!("there is no file {name} in web/widget"));
    String::from_utf8(file.data.into_owned()).expect("it is text")
}

/// A line of the style sheet, with which the next one can stand in a row.
fn declared(line: &str) -> String {
    let spare = [(": ", ":"), (", ", ","), (" {", "{"), (" > ", ">")];
    spare.iter().fold(line.to_owned(), |text, (long, short)| text.replace(long, short))
}

/// A line without the spaces beside signs, but for those in quotes. A regular expression stands between slashes as a text
/// does between quotes; a division is a slash that nothing ends.
fn close(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut quote = None;
    let mut rest = line.chars().peekable();
    while let Some(one) = rest.next() {
        match quote {
            Some(end) if one == end => quote = None,
            None if matches!(one, '"' | '\'' | '`' | '/') => quote = Some(one),
            _ => {}
        }
        let sign = |other: Option<char>| other.is_some_and(|other| SIGNS.contains(other));
        if one != ' ' || quote.is_some() || !(sign(out.chars().next_back()) || sign(rest.peek().copied())) {
            out.push(one);
        }
    }
    out
}
