//! The markup of a body: a small allow-list, so that every door and every reader may show it as it is.
//!
//! Sanitising never trusts one pass. What it gives out is a fixed point: parsed again and sanitised again it comes out
//! the same, byte for byte. A text that only becomes dangerous, or merely different, when it is parsed a second time
//! ("mutation XSS") therefore never leaves here. Blocks that are not on the list become paragraphs instead of vanishing,
//! or the last word of one would run into the first of the next. Pictures are stripped: they have a field of their own.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use ammonia::{Builder, UrlRelative};
use url::Url;

use super::{
    limits,
    refusal::{Code, Refusal},
};

/// The elements of a body. Of attributes only a link's `href` is kept, and `rel` is set.
pub const ALLOWED: [&str; 15] =
    ["p", "br", "a", "strong", "em", "b", "i", "ul", "ol", "li", "blockquote", "h2", "h3", "h4", "code"];

/// What blocks outside the list become.
const RENAMED: [(&str, &str); 28] = [
    ("address", "p"),
    ("article", "p"),
    ("aside", "p"),
    ("caption", "p"),
    ("center", "p"),
    ("dd", "p"),
    ("details", "p"),
    ("div", "p"),
    ("dt", "p"),
    ("fieldset", "p"),
    ("figcaption", "p"),
    ("figure", "p"),
    ("footer", "p"),
    ("form", "p"),
    ("h1", "h2"),
    ("h5", "h4"),
    ("h6", "h4"),
    ("header", "p"),
    ("hgroup", "p"),
    ("hr", "br"),
    ("main", "p"),
    ("nav", "p"),
    ("pre", "p"),
    ("section", "p"),
    ("summary", "p"),
    ("td", "p"),
    ("th", "p"),
    ("tr", "p"),
];

/// Elements whose content is no text of the story and goes with them.
const DROPPED: [&str; 17] = [
    "script", "style", "noscript", "iframe", "noembed", "noframes", "template", "svg", "math", "object", "title",
    "textarea", "select", "video", "audio", "canvas", "head",
];

/// Inline formatting that a parser re-opens in later paragraphs when it was not closed (HTML standard, "list of active
/// formatting elements"), but for `a`, of which it keeps one.
const REOPENED: [&str; 13] =
    ["b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"];

/// How often sanitising is repeated until nothing changes. Texts from editors settle in the second pass; what has not
/// settled by then was made not to.
const PASSES: usize = 8;

static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut cleaner = Builder::empty();
    cleaner
        .tags(ALLOWED.into_iter().chain(RENAMED.map(|(from, _)| from)).collect())
        .clean_content_tags(HashSet::from(DROPPED))
        .tag_attributes(HashMap::from([("a", HashSet::from(["href"]))]))
        .generic_attributes(HashSet::new())
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("noopener nofollow"))
        .attribute_filter(|element, attribute, value| match (element, attribute) {
            ("a", "href") => address(value).map(Cow::Owned),
            _ => Some(Cow::Borrowed(value)),
        });
    cleaner
});

/// A link's address, written so that no character of it means anything in markup.
fn address(value: &str) -> Option<String> {
    let url = Url::parse(value).ok()?;
    let mut text = String::with_capacity(value.len());
    for c in url.as_str().chars() {
        match c {
            '<' => text.push_str("%3C"),
            '>' => text.push_str("%3E"),
            '"' => text.push_str("%22"),
            '\'' => text.push_str("%27"),
            '`' => text.push_str("%60"),
            c if c.is_whitespace() || c.is_control() => {}
            c => text.push(c),
        }
    }
    Some(text)
}

/// One pass.
fn pass(html: &str) -> String {
    renamed(&CLEANER.clean(html).to_string()).replace("<p></p>", "").trim().to_owned()
}

/// What was just written, with the tags of [`RENAMED`] as what they become: `<` stands nowhere but at the start of a tag,
/// and these tags have no attributes.
fn renamed(text: &str) -> String {
    let mut parts = text.split('<');
    let mut renamed = String::with_capacity(text.len());
    renamed.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (tag, _) = part.split_once('>').unwrap_or((part, ""));
        let name = tag.trim_start_matches('/');
        let found = RENAMED.iter().find(|(from, _)| *from == name);
        let (slash, rest) = part.split_at(tag.len() - name.len());
        renamed.push('<');
        renamed.push_str(slash);
        renamed.push_str(found.map_or(name, |(_, to)| to));
        renamed.push_str(&rest[name.len()..]);
    }
    renamed
}

/// Sanitises a body. The result may be empty; sanitising it again changes nothing.
///
/// # Errors
/// What was sent, or what is kept of it, is too long, a link in it is, or it is built so that it does not settle.
pub fn sanitise(field: &str, html: &str) -> Result<String, Refusal> {
    let too_long = |what: &str, limit: usize, sent: usize| {
        Refusal::new(Code::TooLong, format!("{field} has more than {limit} {what}: shorten it."))
            .field(field)
            .limit(format!("{limit} {what}"), format!("{sent} {what}"))
    };
    let sent = html.chars().count();
    if sent > limits::BODY_SENT {
        return Err(too_long("characters as sent", limits::BODY_SENT, sent));
    }
    let tags = html.bytes().filter(|b| *b == b'<').count();
    if tags > limits::BODY_TAGS {
        return Err(too_long("tags", limits::BODY_TAGS, tags));
    }
    let dressed = dressed_tags(html);
    if dressed > limits::BODY_DRESSED_TAGS {
        return Err(too_long("formatting tags with attributes", limits::BODY_DRESSED_TAGS, dressed));
    }

    let mut kept = Cow::Borrowed(html);
    for passes in 0..PASSES {
        let count = kept.chars().count();
        // Far over the limit, a further pass would cost much and change little.
        if passes > 0 && count > 2 * limits::BODY {
            return Err(too_long("characters", limits::BODY, count));
        }
        let again = pass(&kept);
        if again == kept {
            if count > limits::BODY {
                return Err(too_long("characters", limits::BODY, count));
            }
            if let Some(long) = links(&kept).map(|link| link.chars().count()).find(|count| *count > limits::LINK) {
                return Err(too_long("characters in a link", limits::LINK, long));
            }
            return Ok(again);
        }
        kept = Cow::Owned(again);
    }
    Err(Refusal::new(Code::Invalid, format!("{field} is not HTML that can be tidied: close its tags in order."))
        .field(field))
}

/// How many re-opened formatting tags have attributes, by the look of the text alone: whatever a parser takes for one
/// is counted.
fn dressed_tags(html: &str) -> usize {
    let dressed = |rest: &&str| {
        let name = rest.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        REOPENED.iter().any(|tag| tag.eq_ignore_ascii_case(name)) && !rest[name.len()..].starts_with('>')
    };
    html.split('<').skip(1).filter(dressed).count()
}

/// The tags of a sanitised text, without their brackets, each with the text that follows it.
fn tags(html: &str) -> impl Iterator<Item = (&str, &str)> {
    html.split('<').skip(1).filter_map(|part| part.split_once('>'))
}

/// The addresses of the links in a sanitised text.
fn links(html: &str) -> impl Iterator<Item = String> {
    tags(html).filter_map(|(tag, _)| {
        let href = tag.strip_prefix("a href=\"")?.split('"').next()?;
        Some(href.replace("&amp;", "&"))
    })
}

/// The plain text of a sanitised body: paragraphs, list entries and line breaks on lines of their own.
#[must_use]
pub fn plain(html: &str) -> String {
    let mut text = html.split('<').next().unwrap_or_default().to_owned();
    for (tag, after) in tags(html) {
        let name = tag.trim_start_matches('/').split(' ').next().unwrap_or_default();
        let inline = matches!(name, "a" | "strong" | "em" | "b" | "i" | "code");
        if !inline && !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(if inline { after } else { after.trim_start_matches('\n') });
    }
    // `&amp;` last, or what it is part of would be read as another entity.
    let text = text.replace("&nbsp;", "\u{a0}").replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    text.replace("&amp;", "&").trim().to_owned()
}

#[cfg(test)]
mod tests;
