//! What a page says of itself in its head: to browsers, search engines, feed readers, and sites that show a link to it.

use super::{View, files, item::Item, read::Asked};
use crate::{
    http::words::Words,
    news::{Feed, Moment, html, language::direction},
    syndicate::{Addresses, atom, json_feed, rss},
};

/// How long a description is, in characters: about what sites show of it.
const DESCRIPTION: usize = 200;

/// The head of a page.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) language: String,
    pub(super) dir: Option<String>,
    pub(super) title: String,
    pub(super) description: Option<String>,
    pub(super) robots: Option<&'static str>,
    pub(super) canonical: String,
    pub(super) alternates: Vec<Alternate>,
    /// Open Graph (ogp.me).
    pub(super) properties: Vec<(&'static str, String)>,
    pub(super) style: String,
    /// Modules.
    pub(super) scripts: Vec<String>,
    /// JSON for search engines, as it may stand in a script.
    pub(super) data: Option<String>,
}

/// The same feed for other software.
#[derive(Debug)]
pub(super) struct Alternate {
    pub(super) kind: &'static str,
    pub(super) name: &'static str,
    pub(super) title: String,
    pub(super) href: String,
}

/// What feeds for other software are called, and where they are.
const FORMATS: [(&str, &str, &str); 3] =
    [(atom::TYPE, "Atom", atom::FILE), (rss::TYPE, "RSS", rss::FILE), (json_feed::TYPE, "JSON Feed", json_feed::FILE)];

/// Of a page of a feed's items. `began` is when its coverage did, where the page is of all of it.
pub(super) fn of_list(
    feed: &Feed,
    asked: &Asked,
    items: &[Item],
    addresses: &Addresses,
    view: View,
    began: Option<Moment>,
) -> Head {
    let canonical = match view {
        View::Page if !asked.is_whole() => addresses.of(&feed.id, &asked.query()),
        _ => addresses.page(feed),
    };
    let description = feed.description.clone().or_else(|| items.iter().find_map(|item| item.headline.clone()));
    // Older pages change with every item that is published, and filters are without number.
    let robots = (view == View::Frame || !asked.is_whole()).then_some("noindex, follow");
    let newest = items.iter().map(|item| item.updated).max();
    let picture = items.iter().filter(|item| item.is_usable()).find_map(Item::picture);
    let mut properties = properties(feed, &feed.title, description.as_deref(), &canonical, picture);
    properties.extend(began.map(|at| ("article:published_time", at.to_string())));
    properties.extend(newest.map(|at| ("article:modified_time", at.to_string())));
    let above = if view == View::Page { "" } else { "../feeds/" };
    let root = "../";
    Head {
        alternates: alternates(feed, above, &asked.from(None).query()),
        robots,
        ..head(feed, feed.title.clone(), description, canonical, properties, root)
    }
}

/// Of the page of one item.
pub(super) fn of_item(feed: &Feed, item: &Item, words: &Words, addresses: &Addresses) -> Head {
    let canonical = addresses.of(&feed.id, &format!("/items/{}", item.id));
    let text = item.body.as_deref().map(html::plain).filter(|text| !text.is_empty());
    let shown = item.picture().and_then(|picture| picture.alt.clone());
    let (title, description) = if item.is_usable() {
        let headline = item.headline.clone().or_else(|| text.clone().map(|text| first(&text))).or(shown);
        (headline.unwrap_or_else(|| feed.title.clone()), text.map(|text| first(&text)))
    } else {
        (words.retracted.clone(), item.retraction.as_ref().map(|it| first(&it.reason)))
    };
    let picture = item.picture().filter(|_| item.is_usable());
    let mut properties = properties(feed, &title, description.as_deref(), &canonical, picture);
    properties.push(("article:published_time", item.published.to_string()));
    properties.push(("article:modified_time", item.updated.to_string()));
    properties.extend(item.tags.iter().map(|tag| ("article:tag", tag.clone())));
    let titled = format!("{title} – {}", feed.title);
    Head {
        alternates: alternates(feed, "../../", ""),
        robots: (!item.is_usable()).then_some("noindex"),
        language: item.language.clone().unwrap_or_else(|| language(feed).to_owned()),
        dir: item.dir.clone().or_else(|| dir(feed)),
        ..head(feed, titled, description, canonical, properties, "../../../")
    }
}

/// Of the list of feeds.
pub(super) fn of_front(words: &Words, canonical: String) -> Head {
    Head {
        language: words.lang.clone(),
        dir: Some(words.dir.clone()),
        title: words.page_feeds.clone(),
        description: None,
        robots: None,
        canonical,
        alternates: Vec::new(),
        properties: Vec::new(),
        style: files::STYLE.at(""),
        scripts: Vec::new(),
        data: None,
    }
}

/// The language of a feed's pages.
pub(super) fn language(feed: &Feed) -> &str {
    feed.language.as_deref().unwrap_or("en")
}

/// Which way they run, where that is not from left to right: as the feed says, or else its language.
fn dir(feed: &Feed) -> Option<String> {
    let natural = || Some(direction(language(feed))).filter(|dir| *dir == "rtl").map(str::to_owned);
    feed.dir.clone().or_else(natural)
}

fn head(
    feed: &Feed,
    title: String,
    description: Option<String>,
    canonical: String,
    properties: Vec<(&'static str, String)>,
    root: &str,
) -> Head {
    Head {
        language: language(feed).to_owned(),
        dir: dir(feed),
        title,
        description,
        robots: None,
        canonical,
        alternates: Vec::new(),
        properties,
        style: files::STYLE.at(root),
        scripts: Vec::new(),
        data: None,
    }
}

fn alternates(feed: &Feed, above: &str, query: &str) -> Vec<Alternate> {
    let of = |(kind, name, file): (&'static str, &'static str, &str)| Alternate {
        // Readers look for the bare name.
        kind: kind.split(';').next().unwrap_or_default(),
        name,
        title: format!("{} ({name})", feed.title),
        href: format!("{above}{}/{file}{query}", feed.id),
    };
    FORMATS.into_iter().map(of).collect()
}

fn properties(
    feed: &Feed,
    title: &str,
    description: Option<&str>,
    url: &str,
    picture: Option<&super::item::Medium>,
) -> Vec<(&'static str, String)> {
    let mut all = vec![
        ("og:type", "article".to_owned()),
        ("og:title", title.to_owned()),
        ("og:url", url.to_owned()),
        ("og:site_name", feed.title.clone()),
    ];
    all.extend(description.map(|text| ("og:description", text.to_owned())));
    all.extend(feed.language.as_deref().and_then(locale).map(|locale| ("og:locale", locale)));
    if let Some(picture) = picture {
        all.push(("og:image", picture.href.clone()));
        all.extend(picture.width.map(|width| ("og:image:width", width.to_string())));
        all.extend(picture.height.map(|height| ("og:image:height", height.to_string())));
        all.extend(picture.alt.clone().map(|alt| ("og:image:alt", alt)));
    }
    all
}

/// A language with its country as Open Graph has it: `en_GB`. One without a country has no such name.
fn locale(language: &str) -> Option<String> {
    let mut parts = language.split('-');
    let first = parts.next()?;
    let country = parts.find(|part| part.len() == 2 && part.bytes().all(|b| b.is_ascii_alphabetic()))?;
    Some(format!("{}_{}", first.to_ascii_lowercase(), country.to_ascii_uppercase()))
}

/// The beginning of a text, in one line, to the end of a word.
fn first(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((most, _)) = text.char_indices().nth(DESCRIPTION) else { return text };
    let end = text[..most].rfind(' ').unwrap_or(most);
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_is_a_language_with_its_country() {
        for (tag, is) in [("en-GB", Some("en_GB")), ("zh-Hant-TW", Some("zh_TW")), ("en", None), ("es-419", None)] {
            assert_eq!(locale(tag).as_deref(), is, "{tag}");
        }
    }

    #[test]
    fn a_description_ends_with_a_word() {
        assert_eq!(first("One\n two"), "One two");
        let long = "word ".repeat(100);
        let cut = first(&long);
        assert!(cut.ends_with("word…") && cut.chars().count() <= DESCRIPTION, "{cut}");
    }
}
