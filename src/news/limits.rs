//! Every limit of an item, in one place: what may be sent, how much of it, and why that much.
//!
//! Characters are Unicode scalar values, counted after sanitising where a text is sanitised. A limit is a constant and
//! no setting: readers and their programs rely on it, whichever server they read from. Where no reason stands beside
//! one, it is the width of the same field in the wire formats that newsrooms import from (IPTC ninjs 3, `NewsML-G2`).

use std::time::Duration;

/// Characters of a headline. The longest that wire services send is about 150.
pub const HEADLINE: usize = 300;
/// Characters of a body as it is kept, markup included: about 3,000 words, several times a long live-blog post.
pub const BODY: usize = 20_000;
/// Characters of a body as it is sent: editors paste markup that is stripped, often several times the text.
pub const BODY_SENT: usize = 100_000;
/// `<` characters in a body as it is sent. What a parser builds from unclosed markup grows with the square of it.
pub const BODY_TAGS: usize = 4_000;
/// Tags such as `<b class=x>` in a body as it is sent: inline formatting with attributes. Unclosed ones are repeated
/// in every later paragraph, and only those without attributes are folded by a parser (HTML standard, "Noah's Ark
/// clause").
pub const BODY_DRESSED_TAGS: usize = 32;
/// Characters of a byline.
pub const BYLINE: usize = 255;
/// Authors.
pub const AUTHORS: usize = 10;
/// Characters of a person's name or role, of a credit, of a source.
pub const NAME: usize = 255;
/// Characters of the place where a story was written.
pub const LOCATED: usize = 120;
/// The most urgent, and the least (IPTC ninjs `urgency`).
pub const URGENCY: std::ops::RangeInclusive<u64> = 1..=8;
/// The urgency of an item that says nothing of it: the middle of the scale.
pub const URGENCY_DEFAULT: u64 = 5;
/// Characters of a correction's note.
pub const NOTE: usize = 1_000;
/// Notes of correction on one item; beyond that the item should be retracted, or carried forward by a new one.
pub const CORRECTIONS: usize = 20;
/// Characters of the reason of a retraction. It has to fit, in any script, between [`EDITED_BYTES`] and
/// [`CHANGE_BYTES`].
pub const REASON: usize = 1_000;
/// Pictures, videos and sounds of one item.
pub const MEDIA: usize = 10;
/// Characters of the text that stands for a picture.
pub const ALT: usize = 500;
/// Characters of a caption.
pub const CAPTION: usize = 1_000;
/// Pixels along one side of a picture. Far beyond any screen, and every product of two fits a 64-bit number.
pub const SIDE: std::ops::RangeInclusive<u64> = 1..=100_000;
/// Characters of a media type: two names of at most 127 and a slash (RFC 6838, section 4.2).
pub const CONTENT_TYPE: usize = 255;
/// Seconds of a video or sound: a week.
pub const MEDIA_SECONDS: f64 = 604_800.0;
/// Cards of related stories.
pub const RELATED: usize = 5;
/// Characters of a related story's title.
pub const TITLE: usize = 300;
/// Subjects, and as many tags; a filter names at most as many.
pub const WORDS: usize = 20;
/// Characters of one subject or tag.
pub const WORD: usize = 64;
/// Different subjects, and as many tags, that an item can ever have had. They are kept for filters as long as the item
/// is, so that edits must not be able to grow them for ever.
pub const EVER_WORDS: usize = 500;
/// Characters of a language tag; what RFC 5646, section 4.4.1, asks to make room for.
pub const LANGUAGE: usize = 35;
/// Characters of the statement of rights.
pub const RIGHTS: usize = 500;
/// Ids that the item has elsewhere.
pub const ALT_IDS: usize = 10;
/// Characters of the role of such an id.
pub const ALT_ID_ROLE: usize = 64;
/// Characters of such an id itself.
pub const ALT_ID_VALUE: usize = 255;
/// Characters of an address; what browsers and proxies carry without trouble.
pub const LINK: usize = 2_048;
/// Where an item can be pinned, from the top.
pub const PIN: std::ops::RangeInclusive<u64> = 1..=3;
/// How far ahead of the store's now an item can say that it was published: clocks differ by that much.
pub const AHEAD: Duration = Duration::from_secs(60);
/// Bytes of an item as its editors see it, beyond which it cannot be published, updated or corrected. What is left up
/// to [`CHANGE_BYTES`] is for a pin, a timed end, a withholding or a retraction: a kill is never refused for size.
pub const EDITED_BYTES: usize = 248 * 1024;
/// Bytes of a change on the wire.
pub const CHANGE_BYTES: usize = 256 * 1024;
/// Characters of a feed's description: a paragraph.
pub const DESCRIPTION: usize = 1_000;
/// Characters of the name of a time zone; the longest in the IANA database has 32.
pub const TIME_ZONE: usize = 64;
/// How many changes a feed can be told to keep: as many as are ever kept, or fewer.
pub const KEEP_CHANGES: std::ops::RangeInclusive<u64> = 1..=100_000;
/// How many items.
pub const KEEP_ITEMS: std::ops::RangeInclusive<u64> = 1..=10_000_000;
/// For how many days: up to a century.
pub const KEEP_DAYS: std::ops::RangeInclusive<u64> = 1..=36_500;
