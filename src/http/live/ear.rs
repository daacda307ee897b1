//! What a WebSocket client says (RFC 6455, section 5), byte by byte as it comes: control frames, and noise.
//!
//! A reader has nothing to say, so that the payload of its messages is measured, checked as far as the RFC asks for it,
//! and dropped; no message is ever kept. What is remembered between two reads is where in a frame it stands, and at most
//! the payload of one control frame.

/// The largest message a client may send, in bytes. A reader has nothing to say; this leaves room for clients that greet.
pub const LARGEST_SENT: usize = 4 * 1024;
/// The largest payload of a control frame (section 5.5).
const LARGEST_CONTROL: usize = 125;

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;

/// What was heard that matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It wants a pong with this payload.
    Ping(Box<[u8]>),
    /// It closes, with this code if it gave one. Nothing after it is listened to.
    Close(Option<u16>),
    /// It broke the protocol, and is closed with this code. Nothing after it is listened to.
    Broken(Broken),
    /// It sent a message of more than [`LARGEST_SENT`] bytes. Nothing after it is listened to.
    TooMuch,
}

/// How a client breaks the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// A frame that is none: 1002.
    Protocol,
    /// A text that is not UTF-8: 1007.
    Utf8,
}

/// Whether the connection has negotiated permessage-deflate: then the first frame of a message may have RSV1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// It has not.
    None,
    /// It has.
    Negotiated,
}

/// Where in the client's frames it stands.
#[derive(Debug)]
pub struct Ear {
    compression: Compression,
    at: At,
    /// The message that is underway, if one is: what kind, and how many bytes of it have come.
    message: Option<Message>,
    /// The payload of the control frame that is underway.
    control: Option<Box<[u8; LARGEST_CONTROL]>>,
}

#[derive(Clone, Copy, Debug)]
enum At {
    /// In a header, of which so many bytes have come.
    Header { bytes: [u8; 14], have: u8 },
    /// In a payload, of which so much is left.
    Payload { opcode: u8, last: bool, mask: [u8; 4], done: usize, left: usize },
    /// Nothing is listened to any more.
    Deaf,
}

const BETWEEN: At = At::Header { bytes: [0; 14], have: 0 };

#[derive(Clone, Copy, Debug)]
struct Message {
    bytes: usize,
    /// For a text that is not compressed.
    utf8: Option<Utf8>,
}

impl Ear {
    /// Before the first frame.
    #[must_use]
    pub fn new(compression: Compression) -> Self {
        Self { compression, at: BETWEEN, message: None, control: None }
    }

    /// Listens to what has come, up to the first thing that matters; the rest is to be given again. At the end of it,
    /// none.
    #[must_use]
    pub fn listen(&mut self, heard: &mut &[u8]) -> Option<Heard> {
        while !heard.is_empty() {
            let said = match self.at {
                At::Deaf => {
                    *heard = &[];
                    return None;
                }
                At::Header { .. } => self.header(heard),
                At::Payload { .. } => self.payload(heard),
            };
            if let Some(said) = said {
                if !matches!(said, Heard::Ping(_)) {
                    self.at = At::Deaf;
                }
                return Some(said);
            }
        }
        None
    }

    fn header(&mut self, heard: &mut &[u8]) -> Option<Heard> {
        let At::Header { bytes, have } = &mut self.at else { return None };
        let (first, rest) = heard.split_first()?;
        bytes[usize::from(*have)] = *first;
        *have += 1;
        *heard = rest;
        let (bytes, have) = (*bytes, usize::from(*have));
        if have < 2 {
            return None;
        }
        let length_bytes = match bytes[1] & 0x7f {
            127 => 8,
            126 => 2,
            _ => 0,
        };
        if have == 2 && (!self.is_allowed(bytes[0]) || bytes[1] & 0x80 == 0) {
            return Some(Heard::Broken(Broken::Protocol));
        }
        if have < 2 + length_bytes + 4 {
            return None;
        }
        let length = match length_bytes {
            0 => u64::from(bytes[1] & 0x7f),
            2 => u64::from(u16::from_be_bytes([bytes[2], bytes[3]])),
            _ => u64::from_be_bytes(bytes[2..10].try_into().expect("eight bytes")),
        };
        // It is written in the fewest bytes, and its highest bit is 0 (section 5.2).
        let as_it_must = match length_bytes {
            0 => true,
            2 => length > 125,
            _ => u16::try_from(length).is_err() && i64::try_from(length).is_ok(),
        };
        if !as_it_must {
            return Some(Heard::Broken(Broken::Protocol));
        }
        let at = 2 + length_bytes;
        let mask = bytes[at..at + 4].try_into().expect("four bytes");
        self.begin(bytes[0], mask, length)
    }

    /// Whether a frame may begin with this byte here.
    fn is_allowed(&self, first: u8) -> bool {
        let (last, reserved, opcode) = (first & 0x80 != 0, first & 0x70, first & 0x0f);
        let compressed = reserved == 0x40 && self.compression == Compression::Negotiated;
        match opcode {
            TEXT | BINARY => self.message.is_none() && (reserved == 0 || compressed),
            CONTINUATION => self.message.is_some() && reserved == 0,
            CLOSE | PING | PONG => last && reserved == 0,
            _ => false,
        }
    }

    fn begin(&mut self, first: u8, mask: [u8; 4], length: u64) -> Option<Heard> {
        let (last, opcode) = (first & 0x80 != 0, first & 0x0f);
        let left = usize::try_from(length).unwrap_or(usize::MAX);
        if opcode >= CLOSE {
            if left > LARGEST_CONTROL {
                return Some(Heard::Broken(Broken::Protocol));
            }
            self.control = (opcode != PONG && left > 0).then(|| Box::new([0; LARGEST_CONTROL]));
        } else {
            if opcode != CONTINUATION {
                let plain_text = opcode == TEXT && first & 0x40 == 0;
                self.message = Some(Message { bytes: 0, utf8: plain_text.then(Utf8::default) });
            }
            let message = self.message.as_mut().expect("a continuation was allowed because one is underway");
            message.bytes = message.bytes.saturating_add(left);
            if message.bytes > LARGEST_SENT {
                return Some(Heard::TooMuch);
            }
        }
        self.at = At::Payload { opcode, last, mask, done: 0, left };
        if left == 0 { self.finish(opcode, last, 0) } else { None }
    }

    fn payload(&mut self, heard: &mut &[u8]) -> Option<Heard> {
        let At::Payload { opcode, last, mask, done, left } = &mut self.at else { return None };
        let take = heard.len().min(*left);
        let (now, rest) = heard.split_at(take);
        *heard = rest;
        let unmasked = now.iter().enumerate().map(|(index, byte)| byte ^ mask[(*done + index) % 4]);
        if *opcode >= CLOSE {
            if let Some(control) = &mut self.control {
                unmasked.zip(&mut control[*done..]).for_each(|(byte, place)| *place = byte);
            }
        } else if let Some(utf8) = self.message.as_mut().and_then(|message| message.utf8.as_mut()) {
            for byte in unmasked {
                if !utf8.goes_on_with(byte) {
                    return Some(Heard::Broken(Broken::Utf8));
                }
            }
        }
        *done += take;
        *left -= take;
        let (opcode, last, done, left) = (*opcode, *last, *done, *left);
        if left == 0 { self.finish(opcode, last, done) } else { None }
    }

    /// A frame has come whole.
    fn finish(&mut self, opcode: u8, last: bool, length: usize) -> Option<Heard> {
        self.at = BETWEEN;
        let control = self.control.take();
        let payload = control.as_ref().map_or(&[][..], |control| &control[..length]);
        match opcode {
            PING => Some(Heard::Ping(payload.into())),
            CLOSE => Some(closed(payload)),
            PONG => None,
            _ if !last => None,
            _ => {
                let message = self.message.take()?;
                let whole = message.utf8.is_none_or(|utf8| utf8.is_whole());
                (!whole).then_some(Heard::Broken(Broken::Utf8))
            }
        }
    }
}

/// What a close frame says (sections 5.5.1 and 7.4).
fn closed(payload: &[u8]) -> Heard {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return if payload.is_empty() { Heard::Close(None) } else { Heard::Broken(Broken::Protocol) };
    };
    let code = u16::from_be_bytes(*code);
    let may_be_sent = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
    if !may_be_sent {
        return Heard::Broken(Broken::Protocol);
    }
    if std::str::from_utf8(reason).is_err() {
        return Heard::Broken(Broken::Utf8);
    }
    Heard::Close(Some(code))
}

/// Whether bytes are UTF-8 so far (RFC 3629, section 4): the continuation bytes that are still to come, and the range
/// of the next one.
#[derive(Clone, Copy, Debug)]
struct Utf8 {
    more: u8,
    least: u8,
    most: u8,
}

impl Default for Utf8 {
    fn default() -> Self {
        Self { more: 0, least: 0x80, most: 0xbf }
    }
}

impl Utf8 {
    fn goes_on_with(&mut self, byte: u8) -> bool {
        if self.more > 0 {
            let good = (self.least..=self.most).contains(&byte);
            *self = Self { more: self.more - 1, ..Self::default() };
            return good;
        }
        (self.more, self.least, self.most) = match byte {
            0x00..=0x7f => return true,
            0xc2..=0xdf => (1, 0x80, 0xbf),
            0xe0 => (2, 0xa0, 0xbf),
            0xed => (2, 0x80, 0x9f),
            0xe1..=0xef => (2, 0x80, 0xbf),
            0xf0 => (3, 0x90, 0xbf),
            0xf4 => (3, 0x80, 0x8f),
            0xf1..=0xf3 => (3, 0x80, 0xbf),
            _ => return false,
        };
        true
    }

    fn is_whole(self) -> bool {
        self.more == 0
    }
}

#[cfg(test)]
mod tests;
