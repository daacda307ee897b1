//! Single values of a story: texts, links, times, ids, numbers. Each reader takes the path of the field, for its
//! refusal, and what was sent; a text comes back as it was sent, but for line ends.

use serde_json::Value;
use url::Url;
use uuid::Uuid;

use crate::news::{
    Moment, limits,
    refusal::{Code, Refusal},
};

/// What was sent, short enough for a refusal: the type of what is long or nested, and never more than a few words.
fn shown(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => short(text),
        Value::Array(list) => format!("a list of {}", list.len()),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// The beginning of a text.
pub(in crate::news) fn short(text: &str) -> String {
    const SHOWN: usize = 40;
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// A value of the wrong type or form.
pub(in crate::news) fn wrong(path: &str, wanted: &str, value: &Value) -> Refusal {
    let mut refusal = Refusal::new(Code::Invalid, format!("{path} must be {wanted}.")).field(path);
    refusal.sent = Some(shown(value));
    refusal
}

/// Refuses control characters other than newline and tab.
pub(in crate::news) fn without_controls(path: &str, text: &str) -> Result<(), Refusal> {
    match text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        None => Ok(()),
        Some(c) => {
            Err(Refusal::new(Code::Invalid, format!("{path} has a control character other than newline and tab."))
                .field(path)
                .limit("no control characters", format!("U+{:04X}", u32::from(c))))
        }
    }
}

/// A text as it was sent, of any length, even empty. CR LF, the newline of some systems, becomes a newline.
pub(super) fn raw(path: &str, value: &Value) -> Result<String, Refusal> {
    let Value::String(text) = value else {
        let mut refusal = Refusal::new(Code::Invalid, format!("{path} must be a text.")).field(path);
        refusal.sent = Some(shown(value));
        return Err(refusal);
    };
    let text = text.replace("\r\n", "\n");
    without_controls(path, &text)?;
    Ok(text)
}

/// A text of 1 to `most` characters that is not only white space.
pub(in crate::news) fn text(path: &str, value: &Value, most: usize) -> Result<String, Refusal> {
    let text = raw(path, value)?;
    let count = text.chars().count();
    if count > most {
        return Err(Refusal::new(Code::TooLong, format!("{path} is longer than {most} characters: shorten it."))
            .field(path)
            .limit(format!("{most} characters"), format!("{count} characters")));
    }
    if text.trim().is_empty() {
        return Err(Refusal::new(Code::Invalid, format!("{path} is blank: leave it out, or write something."))
            .field(path)
            .limit(format!("1 to {most} characters"), format!("{count} blank characters")));
    }
    Ok(text)
}

/// An absolute http or https address, kept as it was sent.
pub(in crate::news) fn link(path: &str, value: &Value) -> Result<String, Refusal> {
    let text = text(path, value, limits::LINK)?;
    let wanted = "an absolute http or https address";
    let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
    let written = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    // Characters that an address cannot hold, and that a page which forgot to escape would stumble over.
    let clean = !text.contains(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '`' | '\\'));
    if !written || !clean || !Url::parse(&text).is_ok_and(|url| url.has_host()) {
        return Err(wrong(path, wanted, value));
    }
    Ok(text)
}

/// An RFC 3339 time.
pub(in crate::news) fn moment(path: &str, value: &Value) -> Result<Moment, Refusal> {
    let parsed = value.as_str().and_then(|text| text.parse().ok());
    parsed.ok_or_else(|| wrong(path, "an RFC 3339 time, such as 2026-02-19T19:38:39Z", value))
}

/// An RFC 3339 time after `now`.
pub(in crate::news) fn future(path: &str, value: &Value, now: Moment) -> Result<Moment, Refusal> {
    let at = moment(path, value)?;
    if at <= now {
        return Err(Refusal::new(Code::OutOfRange, format!("{path} must be in the future."))
            .field(path)
            .limit(format!("after {now}"), at));
    }
    Ok(at)
}

/// A UUID in its usual form with hyphens (RFC 9562).
pub(in crate::news) fn uuid(path: &str, value: &Value) -> Result<Uuid, Refusal> {
    let hyphenated = |text: &&str| text.len() == uuid::fmt::Hyphenated::LENGTH;
    let parsed = value.as_str().filter(hyphenated).and_then(|text| text.parse().ok());
    parsed.ok_or_else(|| wrong(path, "a UUID", value))
}

/// A whole number within a range.
pub(in crate::news) fn whole(path: &str, value: &Value, range: &std::ops::RangeInclusive<u64>) -> Result<u64, Refusal> {
    let (least, most) = (range.start(), range.end());
    let wanted = format!("a whole number from {least} to {most}");
    if !value.is_i64() && !value.is_u64() {
        return Err(wrong(path, &wanted, value));
    }
    value.as_u64().filter(|number| range.contains(number)).ok_or_else(|| {
        Refusal::new(Code::OutOfRange, format!("{path} must be {wanted}."))
            .field(path)
            .limit(format!("{least} to {most}"), value)
    })
}
