//! The control frames that a server sends on a WebSocket (RFC 6455, section 5.5): whole, unmasked, and at most 125 bytes.

use bytes::{BufMut as _, Bytes, BytesMut};

const CLOSE: u8 = 0x88;
const PONG: u8 = 0x8a;

/// A close frame with this code and this short reason.
#[must_use]
pub(super) fn close(code: u16, reason: &str) -> Bytes {
    control(CLOSE, &[&code.to_be_bytes(), reason.as_bytes()].concat())
}

/// The answer to a close frame that has no code.
#[must_use]
pub(super) fn close_without_code() -> Bytes {
    control(CLOSE, &[])
}

/// The answer to a ping with this payload.
#[must_use]
pub(super) fn pong(payload: &[u8]) -> Bytes {
    control(PONG, payload)
}

/// What such a frame carries.
#[must_use]
pub(super) fn payload(frame: &[u8]) -> &[u8] {
    &frame[2..]
}

fn control(first: u8, payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(2 + payload.len());
    frame.put_u8(first);
    frame.put_u8(u8::try_from(payload.len()).expect("a control frame is short"));
    frame.put_slice(payload);
    frame.freeze()
}
