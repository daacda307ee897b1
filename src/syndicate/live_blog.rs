//! What search engines are told of a feed's page: a schema.org `LiveBlogPosting` with one `BlogPosting` per item.
//!
//! What was retracted is left out, its notice too: a search engine shows headlines, and has no place for a text that
//! only says that there is none. When coverage ends is said only once it has ended.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::{
    Addresses, Item,
    item::{Author, Correction, Media, MediaKind},
};
use crate::news::{Feed, Moment, feed::FeedStatus};

/// The feed of a page, and what its items do not tell of its time.
#[derive(Clone, Debug)]
pub struct Coverage<'a> {
    /// The feed.
    pub feed: &'a Feed,
    /// When its first item was published; none: when the oldest was that the page has.
    pub began: Option<Moment>,
    /// When it was closed. Where that is not known of a closed feed, it is when the newest change came; of an open one it
    /// says nothing.
    pub ended: Option<Moment>,
}

/// The structured data of a page that shows these items, in their order. It is JSON, not markup: whoever puts it into a
/// page writes each `<` as `\u003c`.
#[must_use]
pub fn live_blog_posting(coverage: &Coverage<'_>, items: &[Item], addresses: &Addresses) -> Value {
    let Coverage { feed, began, ended } = *coverage;
    let page = addresses.page(feed);
    let items: Vec<_> = items.iter().filter(|item| item.is_usable()).collect();
    let began = began.or_else(|| items.iter().map(|item| item.published).min());
    let newest = items.iter().map(|item| item.updated).max();
    let ended = ended.or(newest).filter(|_| feed.status == FeedStatus::Closed);
    let mut posting = Posting::of("LiveBlogPosting");
    posting.put("@id", Some(&page));
    posting.put("url", Some(&page));
    posting.put("mainEntityOfPage", Some(&page));
    posting.put("headline", Some(&feed.title));
    posting.put("description", feed.description.as_ref());
    posting.put("inLanguage", feed.language.as_ref());
    posting.put("datePublished", began);
    posting.put("dateModified", newest.max(ended).or(began));
    posting.put("coverageStartTime", began);
    posting.put("coverageEndTime", ended);
    posting.list("author", &authors(&items));
    posting.put("publisher", publisher(&items));
    let first = items.iter().flat_map(|item| &item.media).find(|media| media.kind == MediaKind::Picture);
    posting.put("image", first.map(picture));
    let posts: Vec<_> = items.iter().map(|item| post(item, feed, addresses)).collect();
    posting.put("liveBlogUpdate", Some(posts));
    let mut whole = Map::from_iter([("@context".to_owned(), json!("https://schema.org"))]);
    whole.extend(posting.0);
    Value::Object(whole)
}

/// One item.
fn post(item: &Item, feed: &Feed, addresses: &Addresses) -> Value {
    let at = addresses.item(feed, item.id);
    let mut post = Posting::of("BlogPosting");
    post.put("@id", Some(&at));
    post.put("url", Some(&at));
    post.put("headline", Some(item.title()));
    post.put("datePublished", Some(item.published));
    post.put("dateModified", Some(item.updated));
    post.list("author", &signed(item));
    post.put("articleBody", Some(item.plain()).filter(|text| !text.is_empty()));
    post.put("inLanguage", item.language.as_ref());
    let of = |kind| item.media.iter().filter(move |media| media.kind == kind);
    post.list("image", &of(MediaKind::Picture).map(picture).collect::<Vec<_>>());
    post.list("video", &of(MediaKind::Video).map(|video| recording("VideoObject", video, item)).collect::<Vec<_>>());
    post.list("audio", &of(MediaKind::Audio).map(|audio| recording("AudioObject", audio, item)).collect::<Vec<_>>());
    post.list("keywords", &item.tags);
    post.list("articleSection", &item.subjects);
    post.put("contentLocation", item.located.as_ref().map(|place| json!({"@type": "Place", "name": place})));
    post.put("publisher", item.source.as_deref().map(organization));
    post.put("copyrightNotice", item.rights.as_ref());
    post.put("wordCount", item.word_count);
    post.list("correction", &item.corrections.iter().filter_map(correction).collect::<Vec<_>>());
    post.value()
}

/// Who wrote an item: its authors, or whom its byline names, or else whose news it is.
fn signed(item: &Item) -> Vec<Value> {
    if !item.authors.is_empty() {
        return item.authors.iter().map(person).collect();
    }
    let signed = item.byline.as_ref().map(|byline| json!({"@type": "Person", "name": byline}));
    signed.or_else(|| item.source.as_deref().map(organization)).into_iter().collect()
}

/// Who wrote the items, each once, in the order of their newest.
fn authors(items: &[&Item]) -> Vec<Value> {
    let mut known = HashSet::new();
    items.iter().flat_map(|item| signed(item)).filter(|author| known.insert(author.to_string())).collect()
}

/// Whose news all of it is, where that is one newsroom.
fn publisher(items: &[&Item]) -> Option<Value> {
    let mut sources = items.iter().map(|item| item.source.as_deref());
    let first = sources.next()??;
    sources.all(|source| source == Some(first)).then(|| organization(first))
}

fn person(author: &Author) -> Value {
    let mut person = Posting::of("Person");
    person.put("name", Some(&author.name));
    person.put("jobTitle", author.role.as_ref());
    person.put("url", author.url.as_ref());
    person.value()
}

fn organization(name: &str) -> Value {
    json!({"@type": "Organization", "name": name})
}

fn picture(media: &Media) -> Value {
    object("ImageObject", media).value()
}

/// A video or sound. Search engines show none without a name and a date.
fn recording(kind: &str, media: &Media, item: &Item) -> Value {
    let mut recording = object(kind, media);
    recording.put("name", Some(media.caption.clone().or_else(|| media.alt.clone()).unwrap_or_else(|| item.title())));
    recording.put("uploadDate", Some(item.published));
    recording.put("duration", media.duration.map(|seconds| format!("PT{seconds}S")));
    recording.value()
}

fn object(kind: &str, media: &Media) -> Posting {
    let mut object = Posting::of(kind);
    object.put("url", Some(&media.href));
    object.put("contentUrl", Some(&media.href));
    object.put("encodingFormat", media.content_type.as_ref());
    object.put("width", media.width);
    object.put("height", media.height);
    object.put("description", media.alt.as_ref());
    object.put("caption", media.caption.as_ref());
    object.put("creditText", media.credit.as_ref());
    object
}

/// A note of what was wrong. One without words says nothing that `dateModified` does not.
fn correction(correction: &Correction) -> Option<Value> {
    let note = correction.note.as_ref()?;
    Some(json!({"@type": "CorrectionComment", "text": note, "datePublished": correction.at}))
}

/// A thing of schema.org, with what is known of it and nothing else.
struct Posting(Map<String, Value>);

impl Posting {
    fn of(kind: &str) -> Self {
        Self(Map::from_iter([("@type".to_owned(), kind.into())]))
    }

    fn put(&mut self, name: &str, value: Option<impl serde::Serialize>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), json!(value));
        }
    }

    fn list(&mut self, name: &str, values: &[impl serde::Serialize]) {
        self.put(name, Some(values).filter(|values| !values.is_empty()));
    }

    fn value(self) -> Value {
        Value::Object(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "019c7658-1fd8-7000-8000-000000000001";

    fn item(more: Value) -> Item {
        let mut item = json!({"id": ID, "status": "usable", "published": "2026-02-19T19:38:39.000Z",
            "updated": "2026-02-19T19:40:00.000Z"});
        let item_fields = item.as_object_mut().expect("an object");
        item_fields.extend(more.as_object().expect("an object").clone());
        serde_json::from_value(item).expect("an item")
    }

    fn posting(feed: &Feed, items: &[Item]) -> Value {
        let coverage = Coverage { feed, began: None, ended: Some(Moment::from_millis(1_771_700_000_000)) };
        live_blog_posting(&coverage, items, &Addresses::below("https://example.org"))
    }

    fn feed() -> Feed {
        Feed { language: Some("en".to_owned()), ..Feed::new("storm".parse().expect("an id"), "Storm") }
    }

    #[test]
    fn an_item_is_told_with_everything_that_it_says() {
        let item = item(json!({
            "headline": "Wall <gives> way", "body": "<p>Water &amp; more</p><p>Two</p>", "byline": "The desk",
            "authors": [{"name": "H. Ruud", "role": "Reporter", "url": "https://example.org/h"}], "located": "Brennick",
            "tags": ["storm"], "subjects": ["weather"], "language": "en-GB", "source": "The Desk", "rights": "Ours",
            "wordCount": 6,
            "media": [
                {"kind": "picture", "href": "https://example.org/a.jpg", "alt": "A wall", "caption": "The wall",
                    "credit": "B. Lens", "width": 4, "height": 3, "contentType": "image/jpeg"},
                {"kind": "video", "href": "https://example.org/a.mp4", "duration": 38.5},
            ],
            "corrections": [
                {"kind": "correction", "note": "It was two.", "at": "2026-02-19T19:40:00.000Z", "version": 2},
                {"kind": "clarification", "at": "2026-02-19T19:40:00.000Z", "version": 3},
            ],
        }));
        let post = posting(&feed(), &[item])["liveBlogUpdate"][0].clone();
        let at = format!("https://example.org/feeds/storm#item-{ID}");
        assert_eq!(
            post,
            json!({
                "@type": "BlogPosting", "@id": at, "url": at, "headline": "Wall <gives> way",
                "datePublished": "2026-02-19T19:38:39.000Z", "dateModified": "2026-02-19T19:40:00.000Z",
                "author": [{"@type": "Person", "name": "H. Ruud", "jobTitle": "Reporter", "url": "https://example.org/h"}],
                "articleBody": "Water & more\nTwo", "inLanguage": "en-GB",
                "image": [{"@type": "ImageObject", "url": "https://example.org/a.jpg",
                    "contentUrl": "https://example.org/a.jpg", "encodingFormat": "image/jpeg", "width": 4, "height": 3,
                    "description": "A wall", "caption": "The wall", "creditText": "B. Lens"}],
                "video": [{"@type": "VideoObject", "url": "https://example.org/a.mp4",
                    "contentUrl": "https://example.org/a.mp4", "name": "Wall <gives> way",
                    "uploadDate": "2026-02-19T19:38:39.000Z", "duration": "PT38.5S"}],
                "keywords": ["storm"], "articleSection": ["weather"],
                "contentLocation": {"@type": "Place", "name": "Brennick"},
                "publisher": {"@type": "Organization", "name": "The Desk"}, "copyrightNotice": "Ours", "wordCount": 6,
                "correction": [{"@type": "CorrectionComment", "text": "It was two.",
                    "datePublished": "2026-02-19T19:40:00.000Z"}],
            })
        );
    }

    #[test]
    fn a_search_engine_finds_what_it_requires() {
        let items = [
            item(json!({"body": "<p>No headline</p>", "byline": "The desk"})),
            item(
                json!({"media": [{"kind": "picture", "href": "https://example.org/a.jpg", "alt": "A wall", "width": 4,
                "height": 3}]}),
            ),
            item(json!({"headline": "A", "source": "The Desk"})),
        ];
        let whole = posting(&feed(), &items);
        let required = [
            "@context",
            "@type",
            "@id",
            "url",
            "headline",
            "datePublished",
            "dateModified",
            "inLanguage",
            "coverageStartTime",
            "author",
            "image",
        ];
        required.iter().for_each(|name| assert!(!whole[*name].is_null(), "{name} of {whole:#}"));
        let posts = whole["liveBlogUpdate"].as_array().expect("posts");
        assert_eq!(posts.iter().map(|post| &post["headline"]).collect::<Vec<_>>(), ["No headline", "A wall", "A"]);
        for post in posts {
            let required = ["@type", "@id", "url", "headline", "datePublished", "dateModified"];
            required.iter().for_each(|name| assert!(post[*name].is_string(), "{name} of {post:#}"));
        }
        assert_eq!(posts[2]["author"], json!([{"@type": "Organization", "name": "The Desk"}]));
        // Not all of it is one newsroom's.
        assert_eq!(whole.get("publisher"), None);
    }

    #[test]
    fn what_was_retracted_is_left_out() {
        let notice = item(json!({"status": "canceled",
            "retraction": {"reason": "Wrong.", "at": "2026-02-19T19:41:00.000Z"}}));
        let whole = posting(&feed(), &[notice, item(json!({"headline": "A"}))]);
        assert_eq!(whole["liveBlogUpdate"].as_array().map(Vec::len), Some(1));
        assert!(!whole.to_string().contains("Wrong."));
    }

    #[test]
    fn coverage_ends_only_once_the_feed_is_closed() {
        let open = posting(&feed(), &[item(json!({"headline": "A"}))]);
        assert_eq!(open.get("coverageEndTime"), None);
        assert_eq!(open["dateModified"], "2026-02-19T19:40:00.000Z");
        let closed = Feed { status: FeedStatus::Closed, ..feed() };
        let whole = posting(&closed, &[item(json!({"headline": "A"}))]);
        assert_eq!(
            (&whole["coverageEndTime"], &whole["dateModified"]),
            (&json!("2026-02-21T18:53:20.000Z"), &json!("2026-02-21T18:53:20.000Z"))
        );
        let unknown = Coverage { feed: &closed, began: None, ended: None };
        let whole =
            live_blog_posting(&unknown, &[item(json!({"headline": "A"}))], &Addresses::below("https://a.example"));
        assert_eq!(whole["coverageEndTime"], "2026-02-19T19:40:00.000Z");
    }
}
