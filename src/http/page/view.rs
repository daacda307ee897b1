//! How pages are put together: from what was read, through the templates, to the text that is kept and sent.

use askama::Template;
use uuid::Uuid;

use super::{
    View,
    article::{Places, Setting},
    dates::Dates,
    files,
    head::{self, Head},
    item::Item,
    news::{Follows, News},
    read::{self, Asked, Read},
};
use crate::{
    http::{Doors, coverage, rendered::Made, words::Words},
    live::Awake,
    news::{Cursor, Feed, FeedId, Position, feed::Access},
    store::{FeedState, StoreError},
    syndicate::{self, Addresses, Coverage, live_blog_posting},
};

/// A feed's own page.
#[derive(Template)]
#[template(path = "feed.html")]
struct FeedPage<'a> {
    head: Head,
    words: &'static Words,
    feed: &'a Feed,
    news: News<'a>,
    root: &'static str,
    /// Where the newest of everything is; none: here.
    top: Option<String>,
    /// Which part of the feed it is, in words.
    part: Option<String>,
    live: Option<Live>,
}

/// The page of one item.
#[derive(Template)]
#[template(path = "item.html")]
struct ItemPage<'a> {
    head: Head,
    words: &'static Words,
    feed: &'a Feed,
    news: News<'a>,
    root: &'static str,
    /// The feed's page.
    top: String,
    live: Option<LiveItem>,
}

/// What an item's page is kept current with.
struct LiveItem {
    widget: String,
    /// The item, and those that it links to.
    snapshot: String,
}

/// The page for other sites' frames.
#[derive(Template)]
#[template(path = "embed.html")]
struct FramePage<'a> {
    head: Head,
    feed: &'a Feed,
    news: News<'a>,
    root: &'static str,
    live: Option<Live>,
}

/// What the widget goes on from.
struct Live {
    attributes: Vec<(&'static str, String)>,
    /// The data block: what the page shows, as JSON.
    snapshot: String,
}

/// A page of a feed's items. None: there is no such feed.
pub(super) async fn list(
    doors: &Doors,
    feed: &FeedId,
    asked: &Asked,
    addresses: &Addresses,
    view: View,
) -> Result<Option<Made>, StoreError> {
    let Some(read) = read::read(doors, feed, asked).await? else { return Ok(None) };
    let (now, words) = (doors.store.now(), Words::lookup(read.state.feed.language.as_deref()));
    let (items, texts): (Vec<Item>, Vec<String>) =
        read.records.iter().map(|record| Item::of(record, feed, now)).unzip();
    let live = live(asked, &read, &texts, words, view);
    let follows = match (&live, asked.before) {
        (Some(_), _) => Follows::Live,
        (None, None) => Follows::Not,
        (None, Some(_)) => Follows::Over,
    };
    let coverage = match view {
        View::Page if asked.is_whole() => Some(coverage::of(&doors.store, &read.state).await?),
        _ => None,
    };
    // What knows a language stays on one thread, so it begins after all that is waited for.
    let dates = Dates::of(&read.state.feed, words);
    let ends = items.iter().filter_map(Item::next_end).chain([dates.tomorrow(now)]);
    let until = ends.filter(|end| *end > now).min();
    let data = coverage.as_ref().map(|coverage| structured(coverage, &read, addresses));
    let began = coverage.and_then(|coverage| coverage.began);
    let older = read.before.map(|before| asked.from(Some(before)).query());
    let places = if view == View::Page { Places::Here(feed.clone()) } else { Places::On(format!("../feeds/{feed}")) };
    let setting = Setting { dates, words, now, known: items.iter().collect(), places };
    let older = older.map(|query| if view == View::Page { query } else { format!("../feeds/{feed}{query}") });
    let feed = &read.state.feed;
    let news = News::of(feed, &items, &setting, follows, older);
    let scripts = match follows {
        Follows::Live => vec![files::widget_at("../"), files::FEED.at("../")],
        Follows::Not | Follows::Over => Vec::new(),
    };
    let head = Head { data, scripts, ..head::of_list(feed, asked, &items, addresses, view, began) };
    let text = match view {
        View::Page => {
            let values = asked.filter.as_ref().map(read::values).unwrap_or_default();
            let part = words.part(asked.before.is_some(), &values);
            let top = part.is_some().then(|| feed.id.to_string());
            FeedPage { head, words, feed, news, root: "../", top, part, live }.render()
        }
        View::Frame => FramePage { head, feed, news, root: "../", live }.render(),
    };
    let text = text.expect("a page is written into memory");
    Ok(Some(Made { text, position: read.state.head, until }))
}

/// The page of one item. None: it has none, or there is no such feed.
pub(super) async fn item(
    doors: &Doors,
    awake: &Awake,
    id: Uuid,
    addresses: &Addresses,
) -> Result<Option<Made>, StoreError> {
    // What is read now is at least as new.
    let FeedState { feed, head: position, .. } = awake.state();
    let Some(record) = doors.store.item(&feed.id, id).await? else { return Ok(None) };
    if !record.status.listed() {
        return Ok(None);
    }
    let (now, words) = (doors.store.now(), Words::lookup(feed.language.as_deref()));
    let (item, text) = Item::of(&record, &feed.id, now);
    let mut texts = vec![text];
    let replaced = item.retraction.as_ref().and_then(|retraction| retraction.replaced_by);
    let mut linked = Vec::new();
    for id in [item.update_of, replaced].into_iter().flatten() {
        if let Some(record) = doors.store.item(&feed.id, id).await?.filter(|record| record.status.listed()) {
            let (item, text) = Item::of(&record, &feed.id, now);
            linked.push(item);
            texts.push(text);
        }
    }
    let dates = Dates::of(&feed, words);
    let until = item.next_end().into_iter().chain([dates.tomorrow(now)]).filter(|end| *end > now).min();
    let items = [item];
    let setting = Setting { dates, words, now, known: linked.iter().collect(), places: Places::Beside };
    let news = News::of(&feed, &items, &setting, Follows::Over, None);
    let (head, root) = (head::of_item(&feed, &items[0], words, addresses), "../../../");
    let live = (feed.access == Access::Public)
        .then(|| LiveItem { widget: files::widget_at(root), snapshot: snapshot(&feed, &texts, position, None, None) });
    let head = if live.is_some() { Head { scripts: vec![files::ITEM.at(root)], ..head } } else { head };
    let page = ItemPage { head, words, feed: &feed, news, root, top: format!("../../{}", feed.id), live };
    Ok(Some(Made { text: page.render().expect("a page is written into memory"), position, until }))
}

/// What the widget goes on from, where the page is one to follow: the newest items of a feed that everybody may read.
fn live(asked: &Asked, read: &Read, texts: &[String], words: &Words, view: View) -> Option<Live> {
    let feed = &read.state.feed;
    if asked.before.is_some() || feed.access != Access::Public {
        return None;
    }
    let filter = asked.query().strip_prefix('?').map(|query| ("filter", query.to_owned()));
    let mut attributes = Vec::from_iter(filter);
    match view {
        View::Page => attributes.push(("title-count", String::new())),
        View::Frame => attributes.push(("permalink", format!("../feeds/{}#item-{{id}}", feed.id))),
    }
    // The widget has the English ones itself, and takes them for a page in English.
    let english = head::language(feed).split('-').next() == Some("en");
    let labels = (!english).then_some(words.widget.as_str());
    Some(Live { attributes, snapshot: snapshot(feed, texts, read.state.head, read.before, labels) })
}

/// A data block: what a page shows, the position from which that goes on, and the words of the widget.
fn snapshot(feed: &Feed, items: &[String], position: Position, before: Option<Cursor>, labels: Option<&str>) -> String {
    let info = serde_json::to_string(feed).expect("a feed's document is plain data");
    let before = before.map(|before| format!(",\"before\":\"{before}\"")).unwrap_or_default();
    let labels = labels.map(|labels| format!(",\"labels\":{labels}")).unwrap_or_default();
    let items = items.join(",");
    in_script(&format!("{{\"feedInfo\":{info},\"items\":[{items}],\"position\":\"{position}\"{before}{labels}}}"))
}

/// JSON as it may stand in a `<script>`: outside of strings it has no `<`, and in one this is the same.
fn in_script(json: &str) -> String {
    json.replace('<', "\\u003c")
}

/// What search engines are told of a whole feed.
fn structured(coverage: &Coverage<'_>, read: &Read, addresses: &Addresses) -> String {
    let feed = &read.state.feed;
    let items: Vec<_> = read.records.iter().filter_map(|record| syndicate::Item::of(record, &feed.id)).collect();
    in_script(&live_blog_posting(coverage, &items, addresses).to_string())
}
