//! What RFC 6455 says of what a client sends, as plainly as it can be written: frame by frame over the whole of it, with
//! the standard library's UTF-8 and another implementation's reading of headers.

use std::{io::Cursor, str};

use newswire::http::live::ear::{Broken, Compression, Heard, LARGEST_SENT};
use tokio_tungstenite::tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Control, Data, OpCode},
};

/// A message that is underway: its bytes so far, and whether they are a text that can be read.
struct Message {
    payload: Vec<u8>,
    text: bool,
}

/// Everything that matters in these bytes.
pub fn heard(compression: Compression, sent: &[u8]) -> Vec<Heard> {
    let mut all = Vec::new();
    let mut cursor = Cursor::new(sent);
    let mut message = None;
    while let Some(said) = frame(compression, &mut cursor, &mut message) {
        match said {
            Ok(None) => {}
            Ok(Some(ping @ Heard::Ping(_))) => all.push(ping),
            Ok(Some(last)) | Err(last) => {
                all.push(last);
                break;
            }
        }
    }
    all
}

const PROTOCOL: Heard = Heard::Broken(Broken::Protocol);
const UTF8: Heard = Heard::Broken(Broken::Utf8);

/// The next frame, or as much of it as there is; none: there is no whole one.
fn frame(
    compression: Compression,
    cursor: &mut Cursor<&[u8]>,
    underway: &mut Option<Message>,
) -> Option<Result<Option<Heard>, Heard>> {
    let began = usize::try_from(cursor.position()).expect("it fits");
    let rest = &cursor.get_ref()[began..];
    // The first two bytes are judged as soon as they are there: what they say is wrong stays so.
    let &[first, second, ..] = rest else { return None };
    let control = first & 0x08 != 0;
    let (last, compressed) = (first & 0x80 != 0, first & 0x40 != 0);
    let may_be_compressed = compression == Compression::Negotiated && matches!(first & 0x0f, 1 | 2);
    // 5.2: reserved bits and opcodes; 5.1: a client masks; 5.4: fragments; 5.5: control frames are whole.
    let wrong = first & 0x30 != 0
        || compressed && !may_be_compressed
        || !matches!(first & 0x0f, 0 | 1 | 2 | 8 | 9 | 10)
        || second & 0x80 == 0
        || control && !last
        || !control && (first & 0x0f == 0) != underway.is_some();
    if wrong {
        return Some(Err(PROTOCOL));
    }
    let (header, length) = FrameHeader::parse(cursor).expect("its opcode is known")?;
    let mask = header.mask.expect("it is masked");
    let at = usize::try_from(cursor.position()).expect("it fits");
    // 5.2: the shortest form of a length, whose highest bit is 0.
    if at - began != header.len(length) || length > i64::MAX as u64 {
        return Some(Err(PROTOCOL));
    }
    if control && length > 125 {
        return Some(Err(PROTOCOL));
    }
    let so_far = underway.as_ref().map_or(0, |message| message.payload.len());
    if !control && length.saturating_add(so_far as u64) > LARGEST_SENT as u64 {
        return Some(Err(Heard::TooMuch));
    }
    let length = usize::try_from(length).expect("it is small");
    let there = &cursor.get_ref()[at..];
    let whole = there.len() >= length;
    let payload = there.iter().take(length).zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
    cursor.set_position((at + length.min(there.len())) as u64);
    match header.opcode {
        OpCode::Control(_) if !whole => None,
        OpCode::Control(Control::Ping) => Some(Ok(Some(Heard::Ping(payload.collect())))),
        OpCode::Control(Control::Close) => Some(Err(close(&payload.collect::<Vec<u8>>()))),
        OpCode::Control(_) => Some(Ok(None)),
        OpCode::Data(opcode) => {
            let text = opcode == Data::Text && !compressed;
            let message = underway.get_or_insert_with(|| Message { payload: Vec::new(), text });
            message.payload.extend(payload);
            // 8.1: a text is UTF-8, and is refused as soon as it cannot become that.
            if let (true, Err(error)) = (message.text, str::from_utf8(&message.payload)) {
                if error.error_len().is_some() || (whole && last) {
                    return Some(Err(UTF8));
                }
            }
            if !whole {
                return None;
            }
            if last {
                *underway = None;
            }
            Some(Ok(None))
        }
    }
}

/// 5.5.1 and 7.4: a code that may be sent, and a reason in UTF-8; or nothing.
fn close(payload: &[u8]) -> Heard {
    let [high, low, reason @ ..] = payload else {
        return if payload.is_empty() { Heard::Close(None) } else { PROTOCOL };
    };
    let code = u16::from_be_bytes([*high, *low]);
    match code {
        0..=999 | 1004..=1006 | 1015..=2999 | 5000.. => PROTOCOL,
        _ if str::from_utf8(reason).is_err() => UTF8,
        _ => Heard::Close(Some(code)),
    }
}
