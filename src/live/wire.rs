//! A wire: the form in which a message leaves the server, framing and all. The messages are the same JSON on every wire.
//!
//! [`Encodings`] holds what all readers of a message share: each form is made once, when its first reader needs it.

use std::sync::OnceLock;

use bytes::{BufMut as _, Bytes, BytesMut};

use super::{deflate, message::Message};
use crate::news::Position;

/// A wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wire {
    /// The JSON text itself: what a poll's answer is made of.
    Json,
    /// A WebSocket text frame (RFC 6455, section 5.2).
    WebSocket,
    /// The same on a connection that has negotiated permessage-deflate (RFC 7692): compressed where all readers share
    /// the message and where that makes it shorter.
    Deflate,
    /// A server-sent event (WHATWG HTML, section 9.2): `id:` where the message moves the position, then `data:`.
    Sse,
}

/// The first byte of a text frame that is a whole message; RSV1 says that it is compressed.
const TEXT: u8 = 0x81;
const COMPRESSED_TEXT: u8 = 0xc1;

impl Wire {
    /// Encodes a message that is one reader's alone, and is compressed on no wire. `moves_to` is the position that a
    /// client may keep once it has this message.
    #[must_use]
    pub fn encode(self, json: &str, moves_to: Option<Position>) -> Bytes {
        match self {
            Self::Json => Bytes::copy_from_slice(json.as_bytes()),
            Self::WebSocket | Self::Deflate => frame(TEXT, json.as_bytes()),
            // Compact JSON holds no line break, so one `data:` line is enough. There is no `event:` line, so that
            // everything arrives at a browser's `onmessage`.
            Self::Sse => match moves_to {
                Some(position) => format!("id: {position}\ndata: {json}\n\n").into(),
                None => format!("data: {json}\n\n").into(),
            },
        }
    }

    /// Whether it is one of WebSocket's.
    #[must_use]
    pub fn is_web_socket(self) -> bool {
        matches!(self, Self::WebSocket | Self::Deflate)
    }
}

/// A frame as a server sends it: whole and unmasked.
fn frame(first: u8, payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(payload.len() + 10);
    frame.put_u8(first);
    match payload.len() {
        short @ 0..=125 => frame.put_u8(u8::try_from(short).expect("at most 125")),
        length => match u16::try_from(length) {
            Ok(length) => {
                frame.put_u8(126);
                frame.put_u16(length);
            }
            Err(_) => {
                frame.put_u8(127);
                frame.put_u64(length as u64);
            }
        },
    }
    frame.put_slice(payload);
    frame.freeze()
}

/// How long the header of a frame is that a server sends.
fn header(frame: &[u8]) -> usize {
    match frame[1] {
        127 => 10,
        126 => 4,
        _ => 2,
    }
}

/// A message that readers share, in each form made at most once.
#[derive(Debug, Default)]
pub struct Encodings {
    web_socket: OnceLock<Bytes>,
    deflate: OnceLock<Bytes>,
    sse: OnceLock<Bytes>,
}

impl Encodings {
    /// Its bytes on a wire; `message` makes it, where nobody needed it on this wire before.
    #[must_use]
    pub fn on(&self, wire: Wire, message: impl FnOnce() -> Message) -> Bytes {
        match wire {
            Wire::Sse => self.sse.get_or_init(|| message().on(wire)).clone(),
            Wire::WebSocket => self.web_socket.get_or_init(|| message().on(wire)).clone(),
            Wire::Json => {
                let frame = self.web_socket.get_or_init(|| message().on(Wire::WebSocket));
                frame.slice(header(frame)..)
            }
            Wire::Deflate => self.deflate.get_or_init(|| self.deflated(&message())).clone(),
        }
    }

    /// The compressed form, or the plain one where that is not longer.
    fn deflated(&self, message: &Message) -> Bytes {
        match deflate::compressed(message.json().as_bytes()) {
            Some(shorter) => frame(COMPRESSED_TEXT, &shorter),
            None => self.web_socket.get_or_init(|| message.on(Wire::WebSocket)).clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::news::Mark;

    #[test]
    fn only_what_moves_the_position_carries_an_event_id() {
        let position = Position { seq: 7, mark: Mark(1) };
        assert_eq!(Wire::Sse.encode("{}", Some(position)), "id: 7-00000001\ndata: {}\n\n");
        assert_eq!(Wire::Sse.encode("{}", None), "data: {}\n\n");
        assert_eq!(Wire::Json.encode("{}", Some(position)), "{}");
    }

    #[test]
    fn a_text_frame_says_its_length_in_as_few_bytes_as_the_rfc_allows() {
        for (length, header_length) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let frame = Wire::WebSocket.encode(&"x".repeat(length), None);
            assert_eq!((frame.len(), header(&frame)), (length + header_length, header_length));
            let said = match frame[1] {
                126 => u64::from(u16::from_be_bytes([frame[2], frame[3]])),
                127 => u64::from_be_bytes(frame[2..10].try_into().expect("eight bytes")),
                short => u64::from(short),
            };
            assert_eq!((frame[0], said), (0x81, length as u64));
        }
    }

    #[test]
    fn a_poll_shares_the_text_of_the_frame() {
        let message = || Message::of("{\"type\":\"hello\"}".to_owned(), None);
        let encodings = Encodings::default();
        let frame = encodings.on(Wire::WebSocket, message);
        let json = encodings.on(Wire::Json, || panic!("it is made already"));
        assert_eq!((json.as_ref(), json.as_ptr()), (&frame[2..], frame[2..].as_ptr()));
    }

    #[test]
    fn what_compression_makes_shorter_is_compressed_and_marked_so() {
        let long = format!("{{\"headline\":\"{}\"}}", "Polls have closed. ".repeat(20));
        for (json, first) in [(long, COMPRESSED_TEXT), ("{\"a\":1}".to_owned(), TEXT)] {
            let encodings = Encodings::default();
            let frame = encodings.on(Wire::Deflate, || Message::of(json.clone(), None));
            assert_eq!(frame[0], first);
            let again = encodings.on(Wire::Deflate, || panic!("it is made already"));
            assert_eq!(frame.as_ptr(), again.as_ptr(), "the bytes are shared");
            if first == COMPRESSED_TEXT {
                assert!(frame.len() < json.len() / 2);
                assert_eq!(deflate::inflated(&frame[header(&frame)..]), json.as_bytes());
            }
        }
    }
}
