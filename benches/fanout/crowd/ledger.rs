//! What one reader has had: which changes came, in which order, and which did not.

use crate::support::stamp::{SIGN, leading_number};

/// What a message is to a reader.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// A change, with its seq and the number of its publication.
    Change {
        /// Its number in the feed's log.
        seq: u64,
        /// Which publication it came of.
        number: Option<u32>,
    },
    /// The reader has everything there is.
    CaughtUp,
    /// Anything else.
    Other,
}

/// What a message means, by the first of its bytes: that is how newswire writes its messages, and how what is published
/// to others is written here.
pub(crate) fn meaning(json: &[u8]) -> Meaning {
    const POSITION: &[u8] = b"\"position\":\"";
    let Some(kind) = json.strip_prefix(b"{\"type\":\"") else { return Meaning::Other };
    if kind.starts_with(b"item.") {
        let Some(at) = memchr::memmem::find(kind, POSITION) else { return Meaning::Other };
        let Some(seq) = leading_number(&kind[at + POSITION.len()..]) else { return Meaning::Other };
        let sign = memchr::memchr(SIGN, kind);
        let number = sign.and_then(|at| leading_number(&kind[at + 1..])).and_then(|number| u32::try_from(number).ok());
        return Meaning::Change { seq, number };
    }
    if kind.starts_with(b"caughtUp\"") { Meaning::CaughtUp } else { Meaning::Other }
}

/// How a change came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Came {
    /// As the next one, after so many that did not come.
    Next {
        /// How many were passed over.
        missing: u64,
    },
    /// After one that is newer.
    OutOfOrder,
    /// Once more.
    Repeated,
}

/// The newest change that a reader has had, and which of the 64 up to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ledger {
    /// The newest one's seq.
    pub(crate) head: u64,
    /// Bit n is set if the change n before the head came.
    had: u64,
}

impl Ledger {
    /// A reader that has everything up to a seq.
    pub(crate) fn at(seq: u64) -> Self {
        Self { head: seq, had: u64::MAX }
    }

    /// Enters a change. One that comes when 64 newer ones have come cannot be told from a repeated one, and counts so.
    pub(crate) fn enter(&mut self, seq: u64) -> Came {
        if let Some(ahead @ 1..) = seq.checked_sub(self.head) {
            self.had = if ahead < 64 { self.had << ahead | 1 } else { 1 };
            self.head = seq;
            return Came::Next { missing: ahead - 1 };
        }
        let bit = 1u64.checked_shl(u32::try_from(self.head - seq).unwrap_or(u32::MAX)).unwrap_or(0);
        if bit == 0 || self.had & bit != 0 {
            return Came::Repeated;
        }
        self.had |= bit;
        Came::OutOfOrder
    }
}
