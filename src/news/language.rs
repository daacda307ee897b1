//! Languages: whether a tag is well-formed, and which way its script runs.
//!
//! Well-formed in the sense of RFC 5646, section 2.2.9: the shape is right. Whether the subtags are registered is not
//! looked up, so that no list has to be kept up to date. The few irregular tags of old (`i-klingon`) are not accepted;
//! each has a regular successor.

/// Whether a text is a well-formed BCP 47 language tag (RFC 5646, section 2.1: `langtag` or `privateuse`).
#[must_use]
pub fn is_well_formed(tag: &str) -> bool {
    let mut rest = tag.split('-').peekable();
    let alpha = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphabetic());
    let alnum =
        |part: &str, least: usize| (least..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    let is_private = |part: &str| part.eq_ignore_ascii_case("x");

    if !rest.peek().is_some_and(|part| is_private(part)) {
        let language = rest.next().unwrap_or_default();
        if !alpha(language) || !(2..=8).contains(&language.len()) {
            return false;
        }
        if language.len() <= 3 {
            for _ in 0..3 {
                let _extended = rest.next_if(|part| part.len() == 3 && alpha(part));
            }
        }
        let _script = rest.next_if(|part| part.len() == 4 && alpha(part));
        let _region = rest.next_if(|part| {
            part.len() == 2 && alpha(part) || part.len() == 3 && part.bytes().all(|b| b.is_ascii_digit())
        });
        let is_variant =
            |part: &str| alnum(part, 5) || part.len() == 4 && alnum(part, 4) && part.as_bytes()[0].is_ascii_digit();
        while rest.next_if(|part| is_variant(part)).is_some() {}
        while let Some(_singleton) = rest.next_if(|part| part.len() == 1 && alnum(part, 1) && !is_private(part)) {
            if !rest.next().is_some_and(|part| alnum(part, 2)) {
                return false;
            }
            while rest.next_if(|part| alnum(part, 2)).is_some() {}
        }
    }
    match rest.next() {
        None => true,
        Some(part) if is_private(part) => rest.peek().is_some() && rest.all(|part| alnum(part, 1)),
        Some(_) => false,
    }
}

/// Languages that are written from right to left unless their tag names another script (CLDR, "likely subtags").
const RIGHT_TO_LEFT: [&str; 14] =
    ["ar", "arc", "azb", "ckb", "dv", "fa", "he", "iw", "nqo", "ps", "sd", "ug", "ur", "yi"];

/// Scripts that run from right to left (ISO 15924).
const RIGHT_TO_LEFT_SCRIPTS: [&str; 8] = ["adlm", "arab", "aran", "hebr", "nkoo", "rohg", "syrc", "thaa"];

/// Which way a language's script runs: `ltr` or `rtl`.
#[must_use]
pub fn direction(tag: &str) -> &'static str {
    let lower = tag.to_ascii_lowercase();
    let mut parts = lower.split('-');
    let language = parts.next().unwrap_or_default();
    let script = parts
        .take_while(|part| part.len() > 1)
        .find(|part| part.len() == 4 && !part.starts_with(|c: char| c.is_ascii_digit()));
    let rtl = match script {
        Some(script) => RIGHT_TO_LEFT_SCRIPTS.contains(&script),
        None => RIGHT_TO_LEFT.contains(&language),
    };
    if rtl { "rtl" } else { "ltr" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_tag_has_the_shape_of_bcp_47() {
        for good in [
            "en",
            "uk",
            "EN-gb",
            "zh-Hant-TW",
            "zh-cmn-Hans-CN",
            "sr-Latn-RS",
            "es-419",
            "sl-rozaj-biske",
            "de-1996",
            "de-CH-1901",
            "en-US-u-islamcal",
            "x-whatever",
            "en-x-us",
            "de-a-value",
            "ckb",
        ] {
            assert!(is_well_formed(good), "{good}");
        }
        for bad in [
            "",
            "e",
            "en-",
            "-en",
            "en--GB",
            "english-language-tag",
            "en_GB",
            "en GB",
            "x",
            "en-x",
            "en-u",
            "de-419-DE",
            "ab-c",
            "i-klingon",
            "український",
            "en-a-b",
            "a1",
            "toolonglanguage",
        ] {
            assert!(!is_well_formed(bad), "{bad}");
        }
    }

    #[test]
    fn a_language_tells_which_way_it_is_read() {
        for (tag, dir) in [
            ("ar", "rtl"),
            ("he-IL", "rtl"),
            ("uz-Arab", "rtl"),
            ("en", "ltr"),
            ("ar-Latn", "ltr"),
            ("uk-UA", "ltr"),
            ("en-x-arab", "ltr"),
        ] {
            assert_eq!(direction(tag), dir, "{tag}");
        }
    }
}
