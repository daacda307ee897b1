//! Cutting the input of `publish` into entries: JSON Lines, one object over many lines, several of them, or an array.
//!
//! The input is streamed: at most one entry is in memory, and none longer than [`LONGEST`]. In JSON Lines each line
//! stands for itself, so that a broken one does not take the next with it; anything else is cut where its braces close.
//! Which of the two it is, the first lines tell.

use std::{collections::VecDeque, io};

use bytes::Bytes;
use serde::de::IgnoredAny;
use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// The longest entry, in bytes: a server takes no larger body.
pub(super) const LONGEST: usize = 512 * 1024;

/// One entry: an item to be published, or why it cannot be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The line on which it begins, from 1.
    pub(super) line: u64,
    /// The text of a JSON object, without space around it; or what is wrong.
    pub(super) object: Result<Vec<u8>, String>,
}

/// The entries of an input.
#[derive(Debug)]
pub(super) struct Entries<R> {
    pieces: Pieces<R>,
    form: Option<Form>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Every line is an entry.
    Lines,
    /// Entries end where their braces close, and may stand in one array.
    Values,
}

impl<R: AsyncBufRead + Unpin> Entries<R> {
    /// The entries of this input.
    pub(super) fn new(input: R) -> Self {
        Self { pieces: Pieces { input, ended: 0, put_back: VecDeque::new() }, form: None }
    }

    /// The next entry; none at the end of the input.
    ///
    /// # Errors
    /// The input cannot be read.
    pub(super) async fn next(&mut self) -> io::Result<Option<Entry>> {
        let form = match self.form {
            Some(form) => form,
            None => *self.form.insert(self.pieces.form().await?),
        };
        match form {
            Form::Lines => self.line().await,
            Form::Values => self.value().await,
        }
    }

    async fn line(&mut self) -> io::Result<Option<Entry>> {
        let Some(line) = self.pieces.next_with_text().await? else { return Ok(None) };
        let mut whole = line.ended;
        while !whole {
            // The rest of a line that is too long is read and dropped.
            whole = self.pieces.next().await?.is_none_or(|piece| piece.ended);
        }
        let object = if line.ended { object(line.text()) } else { Err(too_long()) };
        Ok(Some(Entry { line: line.number, object }))
    }

    /// Takes pieces until the braces of a value have closed; what follows is put back.
    async fn value(&mut self) -> io::Result<Option<Entry>> {
        let mut braces = Braces::default();
        let mut value = Vec::new();
        let (mut begins, mut cut) = (None, false);
        while let Some(mut piece) = self.pieces.next().await? {
            for (at, byte) in piece.bytes.iter().enumerate() {
                // Between values: an array's own brackets and commas, and space.
                if begins.is_none() && (b"[],".contains(byte) || byte.is_ascii_whitespace()) {
                    continue;
                }
                begins.get_or_insert(piece.number);
                cut |= value.len() == LONGEST;
                if !cut {
                    value.push(*byte);
                }
                if braces.closed_by(*byte) {
                    piece.bytes = piece.bytes.slice(at + 1..);
                    self.pieces.put_back.push_front(piece);
                    let object = if cut { Err(too_long()) } else { object(&value) };
                    return Ok(begins.map(|line| Entry { line, object }));
                }
            }
        }
        Ok(begins.map(|line| Entry { line, object: Err("the input ends in the middle of this object".to_owned()) }))
    }
}

fn too_long() -> String {
    format!("longer than {} KiB, which no server takes", LONGEST / 1024)
}

/// The text, if it is one JSON object.
fn object(text: &[u8]) -> Result<Vec<u8>, String> {
    match serde_json::from_slice::<IgnoredAny>(text) {
        Err(error) => Err(format!("not JSON: {}", what_is_wrong(&error))),
        Ok(_) if !text.starts_with(b"{") => Err("not a JSON object: an item is {\"headline\": …}".to_owned()),
        Ok(_) => Ok(text.to_vec()),
    }
}

/// What the parser says, and where: on a line of its own, the column is enough.
fn what_is_wrong(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let what = said.split(" at line ").next().unwrap_or(&said);
    match error.line() {
        1 => format!("{what} at column {}", error.column()),
        line => format!("{what} on its line {line}, column {}", error.column()),
    }
}

/// Follows braces and strings through a text.
#[derive(Default)]
struct Braces {
    depth: u32,
    in_string: bool,
    escaped: bool,
}

impl Braces {
    /// Whether this byte closes the outermost brace.
    fn closed_by(&mut self, byte: u8) -> bool {
        if self.in_string {
            self.in_string = self.escaped || byte != b'"';
            self.escaped = !self.escaped && byte == b'\\';
            return false;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth = self.depth.saturating_add(1),
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }
}

/// One line of the input, or a part of one that is longer than [`LONGEST`].
#[derive(Clone, Debug)]
struct Piece {
    number: u64,
    bytes: Bytes,
    /// Whether the line ends here.
    ended: bool,
}

impl Piece {
    fn text(&self) -> &[u8] {
        self.bytes.trim_ascii()
    }
}

/// The lines of the input, with room for those that were looked at too early.
#[derive(Debug)]
struct Pieces<R> {
    input: R,
    ended: u64,
    put_back: VecDeque<Piece>,
}

impl<R: AsyncBufRead + Unpin> Pieces<R> {
    async fn next(&mut self) -> io::Result<Option<Piece>> {
        match self.put_back.pop_front() {
            Some(piece) => Ok(Some(piece)),
            None => self.read().await,
        }
    }

    async fn next_with_text(&mut self) -> io::Result<Option<Piece>> {
        while let Some(piece) = self.next().await? {
            if !piece.text().is_empty() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }

    /// Reads up to the end of the line, but no more than [`LONGEST`].
    async fn read(&mut self) -> io::Result<Option<Piece>> {
        let mut bytes = Vec::new();
        let mut ended = false;
        while !ended && bytes.len() < LONGEST {
            let chunk = self.input.fill_buf().await?;
            if chunk.is_empty() {
                break;
            }
            let chunk = &chunk[..chunk.len().min(LONGEST - bytes.len())];
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(chunk.len(), |end| end + 1);
            bytes.extend_from_slice(&chunk[..taken]);
            self.input.consume(taken);
            ended = end.is_some();
        }
        if bytes.is_empty() {
            return Ok(None);
        }
        // The last line of an input may lack its end.
        ended |= bytes.len() < LONGEST;
        let number = self.ended + 1;
        self.ended += u64::from(ended);
        let bytes = Bytes::from(bytes);
        let marked = number == 1 && bytes.starts_with("\u{feff}".as_bytes());
        Ok(Some(Piece { number, bytes: if marked { bytes.slice(3..) } else { bytes }, ended }))
    }

    /// Tells the form from the first two lines with text, and puts them back.
    async fn form(&mut self) -> io::Result<Form> {
        let Some(first) = self.next_with_text().await? else { return Ok(Form::Lines) };
        let unfinished = match serde_json::from_slice::<IgnoredAny>(first.text()) {
            _ if first.text().starts_with(b"[") => true,
            Ok(_) => false,
            Err(error) => error.is_eof(),
        };
        let mut form = if unfinished { Form::Values } else { Form::Lines };
        let second = if unfinished { self.next_with_text().await? } else { None };
        // A first line that was cut off is no reason to read all that follow as parts of it: an object of its own at
        // the very beginning of the next line shows that these are JSON Lines.
        let next_is_whole =
            second.as_ref().is_some_and(|line| line.bytes.starts_with(b"{") && object(line.text()).is_ok());
        if next_is_whole && first.text().starts_with(b"{") {
            form = Form::Lines;
        }
        self.put_back.extend([Some(first), second].into_iter().flatten());
        Ok(form)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(input: &[u8]) -> Vec<(u64, Result<String, String>)> {
        // A buffer of a few bytes, so that every line crosses its edges.
        let mut entries = Entries::new(tokio::io::BufReader::with_capacity(7, input));
        let mut all = Vec::new();
        while let Some(entry) = entries.next().await.expect("bytes in memory can be read") {
            all.push((entry.line, entry.object.map(|text| String::from_utf8(text).expect("JSON is UTF-8"))));
        }
        all
    }

    fn good(line: u64, text: &str) -> (u64, Result<String, String>) {
        (line, Ok(text.to_owned()))
    }

    #[tokio::test]
    async fn in_json_lines_a_broken_line_is_refused_by_its_number_and_the_rest_goes_on() {
        let input = b"\xef\xbb\xbf{\"a\":1}\r\n\n{\"b\": \"cut off\n[]\n{\"c\":\"}\"}  ";
        let entries = read(input).await;
        assert_eq!((entries.len(), &entries[0], &entries[3]), (4, &good(1, r#"{"a":1}"#), &good(5, r#"{"c":"}"}"#)));
        assert!(entries[1].0 == 3 && entries[1].1.as_ref().is_err_and(|why| why.starts_with("not JSON")));
        assert!(entries[2].0 == 4 && entries[2].1.as_ref().is_err_and(|why| why.starts_with("not a JSON object")));
    }

    #[tokio::test]
    async fn a_first_line_that_is_cut_off_does_not_take_the_next_with_it() {
        let entries = read(b"{\"a\": \"cut\n{\"b\":2}\n{\"c\":3}\n").await;
        assert!(entries[0].1.is_err());
        assert_eq!(entries[1..], [good(2, r#"{"b":2}"#), good(3, r#"{"c":3}"#)]);
    }

    #[tokio::test]
    async fn an_object_over_many_lines_is_one_entry() {
        let text = "{\n  \"a\": \"x } \\\" {\",\n  \"b\": [\n    {\"c\": 1}\n  ]\n}";
        assert_eq!(read(text.as_bytes()).await, [good(1, text)]);
        assert_eq!(
            read(format!("\n{text}\n{text} {{\"d\":4}}\n").as_bytes()).await,
            [good(2, text), good(8, text), good(13, r#"{"d":4}"#)]
        );
    }

    #[tokio::test]
    async fn an_array_is_its_entries() {
        assert_eq!(read(b"[{\"a\":1}, {\"b\":[2]}]").await, [good(1, r#"{"a":1}"#), good(1, r#"{"b":[2]}"#)]);
        assert_eq!(read(b"[\n {\"a\":1},\n {\"b\":2}\n]\n").await, [good(2, r#"{"a":1}"#), good(3, r#"{"b":2}"#)]);
        assert_eq!(read(b" [ ] ").await, []);
        let one_line = format!("[{}{{\"z\":1}}]", "{\"a\":\"b\"},".repeat(LONGEST / 8));
        assert_eq!(read(one_line.as_bytes()).await.last(), Some(&good(1, r#"{"z":1}"#)));
    }

    #[tokio::test]
    async fn an_input_that_ends_in_the_middle_says_so() {
        let entries = read(b"{\n \"a\": 1\n").await;
        assert!(entries.len() == 1 && entries[0].1.as_ref().is_err_and(|why| why.contains("ends in the middle")));
        assert_eq!(read(b"").await, []);
    }

    #[tokio::test]
    async fn an_entry_that_is_too_long_is_refused_and_not_kept() {
        let long = format!("{{\"a\":\"{}\"}}\n{{\"b\":2}}\n", "x".repeat(LONGEST * 3));
        let entries = read(long.as_bytes()).await;
        assert!(entries[0].1.as_ref().is_err_and(|why| why.contains("512 KiB")));
        assert_eq!(entries[1], good(2, r#"{"b":2}"#));
        let pretty = format!("{{\n{}\"b\":2}}\n{{\"c\":3}}", "\"a\":1,\n".repeat(LONGEST / 4));
        let entries = read(pretty.as_bytes()).await;
        assert!(entries[0].1.as_ref().is_err_and(|why| why.contains("512 KiB")), "{:?}", entries[0].1);
        assert_eq!(entries.len(), 2);
    }
}
