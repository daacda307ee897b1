//! The cases of RFC 6455 that concern a server which only listens for control frames, after the Autobahn test suite's
//! list: reserved bits, opcodes, fragmentation, control frames, masking, UTF-8, close codes.

use proptest::prelude::*;
use tokio_tungstenite::tungstenite::protocol::frame::{
    Frame, FrameHeader,
    coding::{Control, Data, OpCode},
};

use super::*;

/// A frame as a client sends it, made by another implementation than the one under test.
fn frame(opcode: OpCode, last: bool, payload: &[u8]) -> Vec<u8> {
    let header = FrameHeader { is_final: last, opcode, mask: Some([0x37, 0xfa, 0x21, 0x3d]), ..FrameHeader::default() };
    let frame = Frame::from_payload(header, payload.to_vec().into());
    let mut bytes = Vec::new();
    frame.format(&mut bytes).expect("a vector takes it");
    bytes
}

const TEXT_FRAME: OpCode = OpCode::Data(Data::Text);
const MORE: OpCode = OpCode::Data(Data::Continue);
const PING_FRAME: OpCode = OpCode::Control(Control::Ping);
const CLOSE_FRAME: OpCode = OpCode::Control(Control::Close);

/// Everything that matters in these bytes, given in pieces of this size.
fn heard_in(compression: Compression, bytes: &[u8], piece: usize) -> Vec<Heard> {
    let mut ear = Ear::new(compression);
    let mut all = Vec::new();
    for mut part in bytes.chunks(piece) {
        while let Some(heard) = ear.listen(&mut part) {
            all.push(heard);
        }
        assert!(part.is_empty(), "it listens to the end");
    }
    all
}

fn heard(bytes: &[u8]) -> Vec<Heard> {
    let whole = heard_in(Compression::None, bytes, bytes.len().max(1));
    for piece in [1, 2, 3, 7] {
        assert_eq!(heard_in(Compression::None, bytes, piece), whole, "in pieces of {piece}");
    }
    whole
}

const PROTOCOL: Heard = Heard::Broken(Broken::Protocol);
const UTF8: Heard = Heard::Broken(Broken::Utf8);

fn ping(payload: &[u8]) -> Heard {
    Heard::Ping(payload.into())
}

#[test]
fn messages_and_pongs_are_noise_and_a_ping_wants_its_payload_back() {
    let pong = OpCode::Control(Control::Pong);
    let binary = OpCode::Data(Data::Binary);
    let noise = [
        frame(TEXT_FRAME, true, b""),
        frame(TEXT_FRAME, true, "κόσμε".as_bytes()),
        frame(binary, true, &[0xff; 126]),
        frame(binary, true, &[0xff; LARGEST_SENT]),
        frame(pong, true, b"unasked"),
        frame(pong, true, &[1; 125]),
    ];
    assert_eq!(heard(&noise.concat()), []);
    let pings = [frame(PING_FRAME, true, b""), frame(PING_FRAME, true, &[0xfe; 125])];
    assert_eq!(heard(&pings.concat()), [ping(b""), ping(&[0xfe; 125])]);
}

#[test]
fn a_ping_between_the_fragments_of_a_message_is_answered() {
    let bytes = [frame(TEXT_FRAME, false, b"frag"), frame(PING_FRAME, true, b"now"), frame(MORE, true, b"ment")];
    assert_eq!(heard(&bytes.concat()), [ping(b"now")]);
}

#[test]
fn reserved_bits_and_opcodes_break_the_protocol() {
    for bits in [0x10, 0x20, 0x40, 0x70] {
        for opcode in [TEXT_FRAME, PING_FRAME, CLOSE_FRAME] {
            let mut bytes = frame(opcode, true, b"");
            bytes[0] |= bits;
            assert_eq!(heard(&bytes), [PROTOCOL], "{bits:x} {opcode:?}");
        }
    }
    for opcode in [3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf] {
        let mut bytes = frame(TEXT_FRAME, true, b"");
        bytes[0] = 0x80 | opcode;
        assert_eq!(heard(&bytes), [PROTOCOL], "{opcode:x}");
    }
}

#[test]
fn with_deflate_a_messages_first_frame_may_be_compressed_and_is_skipped() {
    let compressed = |opcode, last, payload: &[u8]| {
        let mut bytes = frame(opcode, last, payload);
        bytes[0] |= 0x40;
        bytes
    };
    let all = |bytes: &[u8]| heard_in(Compression::Negotiated, bytes, 3);
    // 0xff is no UTF-8, but it is compressed, and nobody needs to know of what.
    let good = [compressed(TEXT_FRAME, false, &[0xff; 10]), frame(MORE, true, &[0xff])];
    assert_eq!(all(&good.concat()), []);
    assert_eq!(all(&frame(TEXT_FRAME, true, &[0xff])), [UTF8], "this one is not compressed");
    let continued = [compressed(TEXT_FRAME, false, b"x"), compressed(MORE, true, b"x")];
    assert_eq!(all(&continued.concat()), [PROTOCOL]);
    assert_eq!(all(&compressed(PING_FRAME, true, b"x")), [PROTOCOL]);
}

#[test]
fn control_frames_are_short_and_whole() {
    let mut long = vec![0x89, 0x80 | 126, 0, 126, 1, 2, 3, 4];
    long.extend([0; 126]);
    assert_eq!(heard(&long), [PROTOCOL]);
    assert_eq!(heard(&frame(PING_FRAME, false, b"frag")), [PROTOCOL]);
    assert_eq!(heard(&frame(CLOSE_FRAME, false, &[3, 232])), [PROTOCOL]);
}

#[test]
fn fragments_follow_each_other() {
    assert_eq!(heard(&frame(MORE, true, b"of nothing")), [PROTOCOL]);
    let two = [frame(TEXT_FRAME, false, b"one"), frame(TEXT_FRAME, true, b"two")];
    assert_eq!(heard(&two.concat()), [PROTOCOL]);
    let ended = [frame(TEXT_FRAME, false, b"a"), frame(MORE, true, b"b"), frame(MORE, true, b"c")];
    assert_eq!(heard(&ended.concat()), [PROTOCOL]);
}

#[test]
fn a_client_masks() {
    assert_eq!(heard(&[0x81, 0x02, b'h', b'i']), [PROTOCOL]);
    assert_eq!(heard(&[0x89, 0x00]), [PROTOCOL]);
}

#[test]
fn a_message_is_small_in_one_frame_or_many() {
    assert_eq!(heard(&frame(TEXT_FRAME, true, &[b'x'; LARGEST_SENT + 1])), [Heard::TooMuch]);
    let parts: Vec<Vec<u8>> =
        (0..5).map(|n| frame(if n == 0 { TEXT_FRAME } else { MORE }, false, &[b'x'; 1000])).collect();
    assert_eq!(heard(&parts.concat()), [Heard::TooMuch]);
    let endless = [0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4];
    assert_eq!(heard(&endless), [Heard::TooMuch]);
}

#[test]
fn a_length_is_written_in_the_fewest_bytes_that_hold_it() {
    let with_length = |length: &[u8]| heard(&[&[0x82][..], length, &[1, 2, 3, 4], &[0; 126]].concat());
    assert_eq!(with_length(&[0xfe, 0, 126]), []);
    assert_eq!(with_length(&[0xfe, 0, 125]), [PROTOCOL]);
    assert_eq!(with_length(&[0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff]), [PROTOCOL]);
    assert_eq!(with_length(&[0xff, 0, 0, 0, 0, 0, 1, 0, 0]), [Heard::TooMuch]);
    assert_eq!(with_length(&[0xff, 0x80, 0, 0, 0, 0, 0, 0, 0]), [PROTOCOL], "there are no such lengths");
}

#[test]
fn a_text_is_utf8_across_its_fragments() {
    let split = "a€b𝄞".as_bytes();
    for at in 1..split.len() {
        let bytes = [frame(TEXT_FRAME, false, &split[..at]), frame(MORE, true, &split[at..])];
        assert_eq!(heard(&bytes.concat()), [], "split at {at}");
    }
    let bad: [&[u8]; 8] = [
        b"\xff",
        b"\x80",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xe2\x82",
        b"\xf0\x80\x80\x80",
        b"a\xe2\x28\xa1",
    ];
    for text in bad {
        assert_eq!(heard(&frame(TEXT_FRAME, true, text)), [UTF8], "{text:x?}");
    }
    assert_eq!(heard(&[frame(TEXT_FRAME, false, b"\xe2"), frame(MORE, true, b"")].concat()), [UTF8]);
}

#[test]
fn a_close_frame_has_a_code_that_may_be_sent_or_none() {
    assert_eq!(heard(&frame(CLOSE_FRAME, true, b"")), [Heard::Close(None)]);
    assert_eq!(heard(&frame(CLOSE_FRAME, true, b"\x03")), [PROTOCOL]);
    let close = |code: u16, reason: &[u8]| heard(&frame(CLOSE_FRAME, true, &[&code.to_be_bytes(), reason].concat()));
    for good in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999] {
        assert_eq!(close(good, b"going"), [Heard::Close(Some(good))]);
    }
    for bad in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
        assert_eq!(close(bad, b""), [PROTOCOL], "{bad}");
    }
    assert_eq!(close(1000, b"\xff"), [UTF8]);
}

#[test]
fn nothing_is_listened_to_after_a_close_frame() {
    let bytes = [frame(CLOSE_FRAME, true, &[3, 232]), frame(PING_FRAME, true, b"late"), vec![0xff; 100]];
    assert_eq!(heard(&bytes.concat()), [Heard::Close(Some(1000))]);
}

proptest! {
    /// Whatever comes, however it is split: no panic, and the same is heard.
    #[test]
    fn any_bytes_in_any_split_are_heard_alike(
        frames in prop::collection::vec((0_u8..16, any::<bool>(), prop::collection::vec(any::<u8>(), 0..200)), 0..8),
        noise in prop::collection::vec(any::<u8>(), 0..64),
        piece in 1_usize..50,
    ) {
        let mut bytes: Vec<u8> = frames.iter().flat_map(|(opcode, last, payload)| {
            let mut bytes = frame(TEXT_FRAME, *last, payload);
            bytes[0] = bytes[0] & 0xf0 | opcode;
            bytes
        }).collect();
        bytes.extend(noise);
        for compression in [Compression::None, Compression::Negotiated] {
            let whole = heard_in(compression, &bytes, bytes.len().max(1));
            prop_assert_eq!(heard_in(compression, &bytes, piece), whole);
        }
    }

    /// A text is refused exactly where the standard library refuses it.
    #[test]
    fn what_is_utf8_is_as_the_standard_library_says(text in prop::collection::vec(prop_oneof![any::<u8>(), 0x80_u8..0xc0, Just(0xe0), Just(0xf4)], 0..12)) {
        let refused = std::str::from_utf8(&text).is_err();
        prop_assert_eq!(heard(&frame(TEXT_FRAME, true, &text)), if refused { vec![UTF8] } else { vec![] });
    }
}
