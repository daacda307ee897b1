//! The reading half of a WebSocket: whatever bytes come, in whatever pieces.
//!
//! The first byte of an input says whether compression was negotiated, and how long the pieces are; the rest is what a
//! client sends. What is heard must be what [`rfc`] hears in the whole of it, and no more is kept meanwhile than one
//! control frame.

#![no_main]

mod allocated;
mod rfc;

use libfuzzer_sys::fuzz_target;
use newswire::http::live::ear::{Compression, Ear, Heard};

/// Bytes of memory that an ear and what was just heard may hold: the payload of a control frame each.
const HELD: usize = 2 * 125;

fuzz_target!(|input: &[u8]| {
    let Some((choice, sent)) = input.split_first() else { return };
    let compression = if choice & 1 == 0 { Compression::None } else { Compression::Negotiated };
    let expected = rfc::heard(compression, sent);
    let piece = usize::from(choice >> 1).max(1);
    for piece in [piece, 1, sent.len().max(1)] {
        assert_eq!(heard(compression, sent, piece), expected, "in pieces of {piece}");
    }
});

/// Everything that matters in these bytes, given in pieces of this size.
fn heard(compression: Compression, sent: &[u8], piece: usize) -> Vec<Heard> {
    let mut all = Vec::new();
    let mut ear = Ear::new(compression);
    for mut part in sent.chunks(piece) {
        loop {
            let before = part.len();
            let (said, held) = allocated::during(|| ear.listen(&mut part));
            assert!(held <= HELD, "{held} bytes are held");
            let Some(said) = said else { break };
            assert!(part.len() < before, "each turn that hears something moves forward");
            if let Heard::Ping(payload) = &said {
                assert!(payload.len() <= 125, "a control frame is short");
            }
            all.push(said);
        }
        assert!(part.is_empty(), "it listens to the end");
    }
    all
}
