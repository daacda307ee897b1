//! The news of a page: the key events, the pinned items, and the others by days. The template writes what MARKUP.md has.

use askama::Template;

use super::{
    article::{Article, Setting},
    item::Item,
};
use crate::{
    http::words::Words,
    news::{Feed, feed::FeedStatus},
};

/// How many key events are listed.
const KEY_EVENTS: usize = 7;

/// The list of a page.
#[derive(Debug, Template)]
#[template(path = "newswire.html")]
pub(super) struct News<'a> {
    feed: &'a Feed,
    words: &'static Words,
    /// That it is over, or up to when it is current, in words; none for a page of what happened before.
    state: Option<String>,
    key_events: Vec<KeyEvent<'a>>,
    pinned: Vec<Article<'a>>,
    days: Vec<(String, Vec<Article<'a>>)>,
    empty: &'static str,
    older: Option<String>,
}

/// A line of the list of key events.
#[derive(Debug)]
struct KeyEvent<'a> {
    item: &'a Item,
    href: String,
    time: String,
    headline: &'a str,
}

/// Whether a page is followed live, from its newest item on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follows {
    /// It is.
    Live,
    /// It is not, though it shows the newest items: who asks again sees more.
    Not,
    /// It shows something that is over: older items, or one of them.
    Over,
}

impl<'a> News<'a> {
    /// Of items that come pinned ones first, then newest first. `older` is where older ones are.
    pub(super) fn of(
        feed: &'a Feed,
        items: &'a [Item],
        setting: &Setting<'a>,
        follows: Follows,
        older: Option<String>,
    ) -> Self {
        let Setting { dates, words, .. } = setting;
        let (mut pinned, mut days) = (Vec::new(), Vec::<(String, Vec<Article<'a>>)>::new());
        for item in items {
            let article = Article::of(item, setting);
            if item.pinned.is_some() {
                pinned.push(article);
                continue;
            }
            let day = dates.day(item.published);
            match days.last_mut() {
                Some((last, articles)) if *last == day => articles.push(article),
                _ => days.push((day, vec![article])),
            }
        }
        let newest = items.iter().map(|item| item.updated).max();
        Self {
            feed,
            words,
            state: match (follows, feed.status) {
                (Follows::Over, _) => None,
                (_, FeedStatus::Closed) => Some(words.closed.clone()),
                (Follows::Live, FeedStatus::Live) => newest.map(|newest| words.updates(&dates.time(newest))),
                (Follows::Not, FeedStatus::Live) => None,
            },
            // Of what is over they are told where they happened, and are no news.
            key_events: if follows == Follows::Over { Vec::new() } else { key_events(items, setting) },
            pinned,
            days,
            // That news appears by itself is for the widget to say.
            empty: if follows == Follows::Over { &words.page_over } else { &words.page_empty },
            older,
        }
    }
}

fn key_events<'a>(items: &'a [Item], setting: &Setting<'a>) -> Vec<KeyEvent<'a>> {
    let mut events: Vec<_> = items.iter().filter(|item| item.is_usable() && item.key_event).collect();
    events.sort_by_key(|item| std::cmp::Reverse((item.published, item.id)));
    let line = |item: &'a Item| {
        let today = setting.dates.same_day(item.published, setting.now);
        let time = if today { setting.dates.clock(item.published) } else { setting.dates.short(item.published) };
        Some(KeyEvent { item, href: setting.places.of(item.id), time, headline: item.headline.as_deref()? })
    };
    events.into_iter().filter_map(line).take(KEY_EVENTS).collect()
}
