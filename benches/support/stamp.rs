//! Bytes that are the same for every publication but for a few digits, which are written over in place: a request that
//! publishes, or a frame that a bare server sends.

use serde::{Deserialize, Serialize};

/// How many digits a number has, with leading zeros.
pub(crate) const DIGITS: usize = 7;
/// What stands before the number of a publication, in its headline, and nowhere before.
pub(crate) const SIGN: u8 = b'#';
/// Where the number of a publication stands. Alone it is the headline of the smallest change there is.
pub(crate) const NUMBER: &str = "#0000000";

/// Bytes with places for a publication's number and for the seq of its change.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Stamped {
    /// As they are sent.
    pub(crate) bytes: Vec<u8>,
    number: Option<usize>,
    seqs: Vec<usize>,
}

impl Stamped {
    /// Bytes in which [`NUMBER`] is the place of the number.
    pub(crate) fn numbered(bytes: Vec<u8>) -> Self {
        let number = memchr::memmem::find(&bytes, NUMBER.as_bytes()).map(|at| at + 1);
        Self { bytes, number, seqs: Vec::new() }
    }

    /// Bytes with the number, and with the seq wherever `seq`, [`DIGITS`] long, stands.
    pub(crate) fn with_seq(bytes: Vec<u8>, seq: &str) -> Self {
        assert_eq!(seq.len(), DIGITS, "a seq is written over in place");
        let seqs = memchr::memmem::find_iter(&bytes, seq.as_bytes()).collect();
        Self { seqs, ..Self::numbered(bytes) }
    }

    /// Larger bytes that these stand in.
    pub(crate) fn within(&self, bytes: Vec<u8>) -> Self {
        let at = memchr::memmem::find(&bytes, &self.bytes).expect("they stand in there");
        Self {
            bytes,
            number: self.number.map(|place| at + place),
            seqs: self.seqs.iter().map(|place| at + place).collect(),
        }
    }

    /// Makes them those of one publication.
    pub(crate) fn stamp(&mut self, number: u32, seq: u32) {
        let mut bytes = std::mem::take(&mut self.bytes);
        self.stamp_copy(&mut bytes, number, seq);
        self.bytes = bytes;
    }

    /// The same to a copy of them.
    pub(crate) fn stamp_copy(&self, copy: &mut [u8], number: u32, seq: u32) {
        if let Some(at) = self.number {
            write(&mut copy[at..at + DIGITS], number);
        }
        for at in &self.seqs {
            write(&mut copy[*at..*at + DIGITS], seq);
        }
    }
}

fn write(digits: &mut [u8], mut number: u32) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).expect("one digit");
        number /= 10;
    }
}

/// The number that digits at the start of these bytes make; none where there are none.
pub(crate) fn leading_number(bytes: &[u8]) -> Option<u64> {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit());
    let mut number = None;
    for digit in digits.take(15) {
        number = Some(number.unwrap_or(0) * 10 + u64::from(digit - b'0'));
    }
    number
}
