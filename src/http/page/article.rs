//! An article: an item as a page shows it. The template writes what `web/widget/article.js` does, so that one style sheet
//! is for both and nothing moves when the widget takes over.

use askama::Template;
use uuid::Uuid;

use super::{
    dates::{Dates, Published},
    item::Item,
};
use crate::{
    http::words::Words,
    news::{FeedId, Moment},
};

/// An item is shown as updated where a reader could have missed that, in milliseconds after its publication.
const MISSED: i64 = 60_000;

/// What the articles of a page have in common.
#[derive(Debug)]
pub(super) struct Setting<'a> {
    pub(super) dates: Dates,
    pub(super) words: &'static Words,
    pub(super) now: Moment,
    /// The items that can be linked to, if they are usable.
    pub(super) known: Vec<&'a Item>,
    pub(super) places: Places,
}

/// Where a page's links to items lead.
#[derive(Clone, Debug)]
pub(super) enum Places {
    /// To their places on the same page, which is this feed's.
    Here(FeedId),
    /// To their places on the feed's page, at this address.
    On(String),
    /// To the pages of their own, beside this one.
    Beside,
}

impl Places {
    /// Where an item of the same page is.
    pub(super) fn of(&self, id: Uuid) -> String {
        match self {
            Self::Here(_) => format!("#item-{id}"),
            Self::On(page) => format!("{page}#item-{id}"),
            Self::Beside => id.to_string(),
        }
    }

    /// Where an item is however many newer ones came: the page of its own.
    fn own(&self, id: Uuid) -> String {
        match self {
            Self::Here(feed) => format!("{feed}/items/{id}"),
            Self::On(page) => format!("{page}/items/{id}"),
            Self::Beside => id.to_string(),
        }
    }
}

/// One item.
#[derive(Debug, Template)]
#[template(path = "article.html")]
pub(super) struct Article<'a> {
    item: &'a Item,
    words: &'static Words,
    permalink: String,
    classes: String,
    /// What it is named by: its headline, or else its time.
    named: &'static str,
    labels: Vec<(&'static str, &'static str)>,
    /// A pinned item stands under no day, so its date is said where it is not of today.
    date: Option<String>,
    published: Published,
    updated: Option<(Moment, String, String)>,
    dir: Option<&'a str>,
    earlier: Option<Linked<'a>>,
    retraction: Option<Notice<'a>>,
    instead: Option<Linked<'a>>,
    notes: Vec<Note<'a>>,
}

/// Another item that is linked to.
#[derive(Debug)]
struct Linked<'a> {
    href: String,
    name: &'a str,
}

/// What stands in the place of a retracted item.
#[derive(Debug)]
struct Notice<'a> {
    reason: &'a str,
    at: Moment,
    full: String,
}

/// What was wrong, and when that was said.
#[derive(Debug)]
struct Note<'a> {
    kind: &'a str,
    name: &'static str,
    at: Moment,
    full: String,
    text: &'a str,
}

impl<'a> Article<'a> {
    pub(super) fn of(item: &'a Item, setting: &Setting<'a>) -> Self {
        let Setting { dates, words, now, places, .. } = setting;
        let usable = item.is_usable();
        let labels: Vec<_> = [
            (usable && item.breaking.is_some(), "breaking", words.breaking.as_str()),
            (item.pinned.is_some(), "pinned", &words.pinned),
            (usable && item.key_event, "key", &words.key),
            (usable && item.summary, "summary", &words.summary),
        ]
        .into_iter()
        .filter_map(|(is, name, text)| is.then_some((name, text)))
        .collect();
        let states = labels.iter().map(|(name, _)| *name).chain((!usable).then_some("canceled"));
        let classes = states.fold("item".to_owned(), |classes, state| classes + " " + state);
        let late = item.updated.millis() - item.published.millis() >= MISSED;
        let updated = (usable && late).then(|| {
            let same = dates.same_day(item.updated, item.published);
            let text = if same { dates.clock(item.updated) } else { dates.short(item.updated) };
            (item.updated, dates.exact(item.updated), text)
        });
        let elsewhere = item.pinned.is_some() && !dates.same_day(item.published, *now);
        let retraction = item.retraction.as_ref().filter(|_| !usable);
        Self {
            item,
            words,
            permalink: places.own(item.id),
            classes,
            named: if !usable || item.headline.is_some() { "headline" } else { "time" },
            labels,
            date: elsewhere.then(|| dates.short(item.published)),
            published: dates.published(item.published),
            updated,
            dir: item.dir(),
            earlier: item.update_of.and_then(|id| setting.linked(id)),
            retraction: retraction.map(|it| Notice { reason: &it.reason, at: it.at, full: dates.full(it.at) }),
            instead: retraction.and_then(|it| it.replaced_by).and_then(|id| setting.linked(id)),
            notes: notes(item, dates, words),
        }
    }
}

impl<'a> Setting<'a> {
    fn linked(&self, id: Uuid) -> Option<Linked<'a>> {
        let item = self.known.iter().find(|item| item.id == id && item.is_usable())?;
        Some(Linked { href: self.places.of(id), name: item.headline.as_deref().unwrap_or(&self.words.untitled) })
    }
}

/// A refile says nothing to a reader, and a clarification may have no words.
fn notes<'a>(item: &'a Item, dates: &Dates, words: &'static Words) -> Vec<Note<'a>> {
    let noted = item.corrections.iter().filter_map(|one| {
        let name = match one.kind.as_str() {
            "correction" => &words.correction,
            "clarification" => &words.clarification,
            _ => return None,
        };
        let text = one.note.as_deref().filter(|text| !text.is_empty())?;
        Some(Note { kind: &one.kind, name, at: one.at, full: dates.full(one.at), text })
    });
    noted.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::news::Feed;

    /// What is written down for the widget and for the templates alike.
    const MARKUP: &str = include_str!("../../../web/widget/MARKUP.md");

    /// The same markup, written in one way: without what stands between tags, and with what it may leave out.
    fn same(html: &str) -> String {
        let html: String = html.trim().split('\n').map(str::trim_start).collect::<Vec<_>>().join("");
        html.replace("&#39;", "'").replace(" alt=\"\"", " alt")
    }

    #[test]
    fn an_article_is_written_as_the_markup_says() {
        let mut feed = Feed::new("a".parse().expect("an id"), "A");
        feed.time_zone = Some("Europe/Berlin".to_owned());
        let known = r#"{"id":"019c9f59-0000-7000-8000-000000000001","version":1,"status":"usable","headline":"Polls have closed",
            "published":"2026-11-23T20:00:00.000Z","updated":"2026-11-23T20:00:00.000Z"}"#;
        let known: Item = serde_json::from_str(known).expect("an item");
        let now = "2026-11-24T08:00:00.000Z".parse().expect("a time");
        let (words, places) = (Words::lookup(None), Places::Here(feed.id.clone()));
        let setting = Setting { dates: Dates::of(&feed, words), words, now, known: vec![&known], places };
        let mut compared = 0;
        for pair in MARKUP.split("```json\n").skip(1) {
            let (json, rest) = pair.split_once("\n```\n\n```html\n").expect("an item and its article");
            let html = rest.split("```").next().expect("an article");
            let json: Value = serde_json::from_str(json).expect("JSON");
            let item: Item = serde_json::from_value(json).expect("an item");
            // The widget finds an item on its page, however old it is; without it a link leads to the item's own.
            let (own, here) = (format!("a/items/{}", item.id), format!("#item-{}", item.id));
            let written = Article::of(&item, &setting).to_string();
            assert!(written.contains(&format!("class=\"permalink\" href=\"{own}\"")), "{written}");
            assert_eq!(same(&written.replace(&own, &here)), same(html));
            compared += 1;
        }
        assert!(compared > 12, "{compared}");
    }
}
