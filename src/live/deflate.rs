//! Compression for permessage-deflate (RFC 7692) without context takeover: each message stands alone, so that one
//! compressed form serves every reader.

use std::cell::RefCell;

use flate2::{Compress, Compression, FlushCompress, Status};

/// What is shorter gains nothing: a text of JSON names and numbers that is seen for the first time.
const LEAST: usize = 128;
/// zlib's usual balance. It is paid once per change, and not once per reader.
const LEVEL: u32 = 6;
/// Every flushed block ends with these bytes, which the sender leaves out (RFC 7692, section 7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

thread_local! {
    /// A compressor is a quarter of a megabyte: one for each thread that ever compresses.
    static COMPRESSOR: RefCell<Compress> = RefCell::new(Compress::new(Compression::new(LEVEL), false));
}

/// The compressed form of a message's payload. None where it would not be shorter.
#[must_use]
pub fn compressed(payload: &[u8]) -> Option<Vec<u8>> {
    if payload.len() < LEAST {
        return None;
    }
    let mut out = Vec::with_capacity(payload.len() / 2 + 64);
    COMPRESSOR.with_borrow_mut(|compressor| {
        compressor.reset();
        loop {
            let taken = usize::try_from(compressor.total_in()).expect("a message is small");
            let status = compressor.compress_vec(&payload[taken..], &mut out, FlushCompress::Sync).ok()?;
            let all = compressor.total_in() == payload.len() as u64;
            // A flush is complete once room is left over.
            if all && out.len() < out.capacity() && status != Status::BufError {
                break;
            }
            if out.len() >= payload.len() {
                return None;
            }
            out.reserve(payload.len() / 2 + 64);
        }
        Some(())
    })?;
    if !out.ends_with(&TAIL) {
        return None;
    }
    out.truncate(out.len() - TAIL.len());
    (out.len() < payload.len()).then_some(out)
}

/// What a client makes of a compressed payload.
#[cfg(test)]
pub(crate) fn inflated(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(4 * 1024 * 1024);
    let whole = [payload, &TAIL].concat();
    flate2::Decompress::new(false)
        .decompress_vec(&whole, &mut out, flate2::FlushDecompress::Sync)
        .expect("a deflate stream");
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_compressed_is_shorter_and_comes_out_as_it_was(words in prop::collection::vec("[a-z]{1,9}|[0-9]{1,4}", 0..3_000)) {
            let text = words.join(" ");
            if let Some(compressed) = compressed(text.as_bytes()) {
                prop_assert!(compressed.len() < text.len());
                prop_assert_eq!(inflated(&compressed), text.as_bytes());
            } else {
                prop_assert!(text.len() < 512, "{} bytes of few letters do not compress", text.len());
            }
        }
    }

    #[test]
    fn noise_stays_as_it_is() {
        let noise: Vec<u8> = (0_u32..4_096).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let compressed = compressed(&noise);
        assert!(compressed.is_none_or(|shorter| shorter.len() < noise.len()));
    }
}
