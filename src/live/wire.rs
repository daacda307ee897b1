//! A wire: the form in which a message leaves the server. The messages are the same JSON on every wire.

use bytes::Bytes;

use crate::news::Position;

/// A wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wire {
    /// The JSON text itself: what a WebSocket text frame carries, and what a poll's answer is made of.
    WebSocket,
    /// A server-sent event (WHATWG HTML, section 9.2): `id:` where the message moves the position, then `data:`.
    Sse,
}

impl Wire {
    /// Encodes a message. `moves_to` is the position that a client may keep once it has this message.
    #[must_use]
    pub fn encode(self, json: &str, moves_to: Option<Position>) -> Bytes {
        match self {
            Self::WebSocket => Bytes::copy_from_slice(json.as_bytes()),
            // Compact JSON holds no line break, so one `data:` line is enough. There is no `event:` line, so that
            // everything arrives at a browser's `onmessage`.
            Self::Sse => match moves_to {
                Some(position) => format!("id: {position}\ndata: {json}\n\n").into(),
                None => format!("data: {json}\n\n").into(),
            },
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
        assert_eq!(Wire::WebSocket.encode("{}", Some(position)), "{}");
    }
}
