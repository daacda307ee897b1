//! Who can try another server by itself: a proxy in front of several.
//!
//! Refusals stand in the stream (`bye`), since a browser's EventSource never comes back after an error status. But a
//! proxy sees statuses alone, and would send the reader back to a server that has just refused it. So a request with
//! `Prefer: handling=strict` (RFC 7240, section 4.4) is refused with 503 where another server may do better. Whoever sets
//! the header sees to it that an EventSource which nobody takes is told to come back.

use http::{HeaderMap, HeaderName};

use crate::live::{Ending, Goodbye};

/// Whether the request asks for an error status.
fn asked(headers: &HeaderMap) -> bool {
    let values = headers.get_all(HeaderName::from_static("prefer")).into_iter().filter_map(|value| value.to_str().ok());
    // A preference may have parameters of its own, which this one has not.
    let mut preferences =
        values.flat_map(|list| list.split(',')).filter_map(|one| one.split(';').next()?.split_once('='));
    preferences.any(|(name, value)| {
        name.trim().eq_ignore_ascii_case("handling") && value.trim().trim_matches('"').eq_ignore_ascii_case("strict")
    })
}

/// Why a stream that was asked for with these headers is refused with an error status, if it is.
pub(super) fn refusal<'a>(ending: Option<&'a Ending>, headers: &HeaderMap) -> Option<&'a Ending> {
    let better = |why| match why {
        Goodbye::Draining | Goodbye::StoreAway | Goodbye::Behind | Goodbye::TooManyFilters | Goodbye::Full => true,
        Goodbye::Gone | Goodbye::Revoked | Goodbye::Ticket | Goodbye::TooMuch => false,
    };
    ending.filter(|ending| better(ending.why) && asked(headers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_handling_is_asked_for_in_one_of_several_preferences() {
        let asks = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.append("prefer", value.parse().expect("a value"));
            asked(&headers)
        };
        for strict in ["handling=strict", "respond-async, Handling = \"strict\"", "wait=10;a=b,handling=strict; c"] {
            assert!(asks(strict), "{strict}");
        }
        for lenient in ["", "handling=lenient", "strict", "handling=strictly", "x; handling=strict"] {
            assert!(!asks(lenient), "{lenient}");
        }
    }
}
