//! The bytes of one stream, cut into its messages: the answer's head, then WebSocket frames or server-sent events, in
//! whatever pieces they come.
//!
//! What came as a whole is never copied. Only the rest of a message whose end has not come yet is kept, so that a reader
//! at rest has no buffer.

use super::super::wire::Wire;
use crate::support::{Fallible, http::header};

/// The largest message that a server may send: a snapshot's page is far smaller.
const LARGEST: usize = 4 * 1024 * 1024;

/// What comes from a stream.
#[derive(Debug, PartialEq)]
pub(crate) enum Part<'a> {
    /// The head of the answer, which opened the stream.
    Head(&'a [u8]),
    /// A message: its JSON.
    Message(&'a [u8]),
    /// A message that is compressed (RFC 7692): its payload.
    Packed(&'a [u8]),
}

/// Where the bytes stand.
#[derive(Debug)]
enum Stage {
    Head,
    /// Frames or events, one after the other.
    Plain,
    /// The same inside of chunks (RFC 9112, section 7.1).
    Chunked(Chunk),
    /// The server has said that it ends.
    Ended,
}

#[derive(Clone, Copy, Debug)]
enum Chunk {
    /// In its size, which is so large as far as it has come.
    Size(usize),
    /// In its data, of which so much is missing.
    Data(usize),
    /// In the line break after it.
    End,
}

/// A stream as far as it has come.
#[derive(Debug)]
pub(crate) struct Stream {
    wire: Wire,
    stage: Stage,
    /// The start of a head or message whose end has not come.
    kept: Vec<u8>,
}

impl Stream {
    /// One of which nothing has come.
    pub(crate) fn new(wire: Wire) -> Self {
        Self { wire, stage: Stage::Head, kept: Vec::new() }
    }

    /// Whether the server has ended it by its own word.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.stage, Stage::Ended)
    }

    /// Takes what came, and tells each part that it completes.
    ///
    /// # Errors
    /// The stream was refused, or is no stream of this wire.
    pub(crate) fn take(&mut self, mut bytes: &[u8], tell: &mut impl FnMut(Part<'_>)) -> Fallible<()> {
        if matches!(self.stage, Stage::Head) {
            self.kept.extend_from_slice(bytes);
            let Some(end) = memchr::memmem::find(&self.kept, b"\r\n\r\n") else { return Ok(()) };
            let came = std::mem::take(&mut self.kept);
            let (head, rest) = came.split_at(end + 4);
            if !self.wire.opens(head) {
                return Err(format!("no stream was opened: {}", String::from_utf8_lossy(&came)).into());
            }
            let chunked = header(head, "transfer-encoding") == Some("chunked");
            self.stage = if chunked { Stage::Chunked(Chunk::Size(0)) } else { Stage::Plain };
            tell(Part::Head(head));
            return self.take(rest, tell);
        }
        while let Stage::Chunked(chunk) = self.stage {
            let Some(&first) = bytes.first() else { return Ok(()) };
            match chunk {
                Chunk::Size(size) => {
                    bytes = &bytes[1..];
                    self.stage = Stage::Chunked(match (char::from(first).to_digit(16), first) {
                        (Some(digit), _) if size <= LARGEST => Chunk::Size(size * 16 + digit as usize),
                        (None, b'\r') => Chunk::Size(size),
                        (None, b'\n') if size > 0 => Chunk::Data(size),
                        (None, b'\n') => {
                            self.stage = Stage::Ended;
                            return Ok(());
                        }
                        _ => return Err("this is no chunk".into()),
                    });
                }
                Chunk::Data(missing) => {
                    let (data, rest) = bytes.split_at(missing.min(bytes.len()));
                    let left = missing - data.len();
                    self.stage = Stage::Chunked(if left == 0 { Chunk::End } else { Chunk::Data(left) });
                    self.cut(data, tell)?;
                    bytes = rest;
                }
                Chunk::End => {
                    bytes = &bytes[1..];
                    self.stage = Stage::Chunked(if first == b'\n' { Chunk::Size(0) } else { Chunk::End });
                }
            }
        }
        self.cut(bytes, tell)
    }

    /// Cuts frames or events out of what was kept and what came.
    fn cut(&mut self, bytes: &[u8], tell: &mut impl FnMut(Part<'_>)) -> Fallible<()> {
        if self.kept.is_empty() {
            let used = self.cut_whole(bytes, tell)?;
            self.kept.extend_from_slice(&bytes[used..]);
        } else {
            let mut kept = std::mem::take(&mut self.kept);
            kept.extend_from_slice(bytes);
            let used = self.cut_whole(&kept, tell)?;
            kept.drain(..used);
            if !kept.is_empty() {
                self.kept = kept;
            }
        }
        if self.kept.len() > LARGEST {
            return Err(format!("a message is larger than {LARGEST} bytes").into());
        }
        Ok(())
    }

    /// How many bytes the messages took that are there as a whole.
    fn cut_whole(&mut self, bytes: &[u8], tell: &mut impl FnMut(Part<'_>)) -> Fallible<usize> {
        let mut used = 0;
        while let Some((message, length)) = match self.wire {
            Wire::WebSocket => frame(&bytes[used..])?,
            Wire::Sse => event(&bytes[used..]),
        } {
            used += length;
            match message {
                Cut::Message(json) => tell(Part::Message(json)),
                Cut::Packed(payload) => tell(Part::Packed(payload)),
                Cut::Noise => {}
                Cut::Close => self.stage = Stage::Ended,
            }
        }
        Ok(used)
    }
}

enum Cut<'a> {
    Message(&'a [u8]),
    Packed(&'a [u8]),
    Noise,
    Close,
}

/// The frame at the start of these bytes and its length (RFC 6455, section 5.2): servers neither mask nor, here, split.
fn frame(bytes: &[u8]) -> Fallible<Option<(Cut<'_>, usize)>> {
    let &[first, second, ..] = bytes else { return Ok(None) };
    let (start, length) = match second {
        length @ ..126 => (2, usize::from(length)),
        126 => match bytes.get(2..4) {
            Some(length) => (4, usize::from(u16::from_be_bytes(length.try_into()?))),
            None => return Ok(None),
        },
        127 => match bytes.get(2..10) {
            Some(length) => (10, usize::try_from(u64::from_be_bytes(length.try_into()?))?),
            None => return Ok(None),
        },
        _ => return Err("a server masked a frame".into()),
    };
    if length > LARGEST {
        return Err(format!("a frame of {length} bytes").into());
    }
    let Some(payload) = bytes.get(start..start + length) else { return Ok(None) };
    let cut = match first {
        0x81 => Cut::Message(payload),
        // The first reserved bit is the extension's.
        0xc1 => Cut::Packed(payload),
        0x88 => Cut::Close,
        0x89 | 0x8a => Cut::Noise,
        other => return Err(format!("a frame that begins with {other:#x}").into()),
    };
    Ok(Some((cut, start + length)))
}

/// The event at the start of these bytes and its length.
fn event(bytes: &[u8]) -> Option<(Cut<'_>, usize)> {
    let length = memchr::memmem::find(bytes, b"\n\n")? + 2;
    let mut line = 0;
    while line < length {
        let end = line + memchr::memchr(b'\n', &bytes[line..length])?;
        if let Some(data) = bytes[line..end].strip_prefix(b"data: ") {
            return Some((Cut::Message(data), length));
        }
        line = end + 1;
    }
    Some((Cut::Noise, length))
}
