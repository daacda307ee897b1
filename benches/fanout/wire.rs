//! The two wires that every case is measured on: how a stream is asked for, and how a message is framed.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A wire.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Wire {
    /// RFC 6455.
    #[value(name = "websocket")]
    WebSocket,
    /// Server-sent events.
    Sse,
}

/// The key of every handshake, and what it is answered with: the example of RFC 6455, section 1.3.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// What a server that computes the answer says.
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

impl Wire {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::WebSocket, Self::Sse];

    /// The request that opens a stream; `more` is further header lines.
    pub(crate) fn request(self, path: &str, more: &str) -> String {
        let wish = match self {
            Self::WebSocket => &format!(
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n"
            ),
            Self::Sse => "Accept: text/event-stream\r\n",
        };
        format!("GET {path} HTTP/1.1\r\nHost: bench\r\n{wish}{more}\r\n")
    }

    /// Whether a head opens the stream that was asked for.
    pub(crate) fn opens(self, head: &[u8]) -> bool {
        match self {
            Self::WebSocket => {
                head.starts_with(b"HTTP/1.1 101") && memchr::memmem::find(head, ACCEPT.as_bytes()).is_some()
            }
            Self::Sse => head.starts_with(b"HTTP/1.1 200"),
        }
    }

    /// A message as a server frames it. `id` is an event's; `chunked` wraps an event as one chunk of HTTP/1.1.
    pub(crate) fn frame(self, json: &str, id: Option<&str>, chunked: bool) -> Vec<u8> {
        match self {
            Self::WebSocket => {
                let mut frame = vec![0x81];
                match (u16::try_from(json.len()), json.len()) {
                    (_, length @ ..126) => frame.push(u8::try_from(length).expect("it is below 126")),
                    (Ok(length), _) => {
                        frame.push(126);
                        frame.extend(length.to_be_bytes());
                    }
                    (Err(_), length) => {
                        frame.push(127);
                        frame.extend((length as u64).to_be_bytes());
                    }
                }
                frame.extend(json.as_bytes());
                frame
            }
            Self::Sse => {
                let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
                let event = format!("{id}data: {json}\n\n");
                if chunked { format!("{:X}\r\n{event}\r\n", event.len()).into_bytes() } else { event.into_bytes() }
            }
        }
    }
}

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WebSocket => "WebSocket",
            Self::Sse => "SSE",
        })
    }
}
