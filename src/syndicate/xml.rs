//! What both XML formats need.

/// A document in which no character stands that XML 1.0 forbids. Of those that an item may have these two are left:
/// control characters are refused when it is published.
pub(super) fn legal(document: String) -> String {
    match document.contains(['\u{fffe}', '\u{ffff}']) {
        true => document.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}"),
        false => document,
    }
}
