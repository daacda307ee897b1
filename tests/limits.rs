//! Every limit of an item: what is at the limit goes in, one over it is refused with field, limit and what was sent.

use newswire::news::{
    Feed, Mark, Moment, Record, Refusal,
    edit::{Draft, Edit, Verb, edit},
    limits,
    refusal::Code,
};
use serde_json::{Value, json};

fn now() -> Moment {
    Moment::from_millis(1_700_000_000_000)
}

fn feed() -> Feed {
    Feed::new("news-feed".parse().expect("a feed id"), "News")
}

fn tried(current: Option<&Record>, verb: Verb, body: &Value) -> Result<Option<Draft>, Refusal> {
    let body = body.as_object().expect("an object");
    edit(&Edit { feed: &feed(), current, verb, body, now: now(), mark: Mark(1) })
}

fn done(current: Option<&Record>, verb: Verb, body: &Value) -> Record {
    tried(current, verb, body).expect("allowed").expect("a difference").record
}

/// A text of so many characters, of two bytes each: characters are counted, not bytes.
fn text(characters: usize) -> String {
    "й".repeat(characters)
}

fn link(characters: usize) -> String {
    format!("https://example.org/{}", "a".repeat(characters - 20))
}

/// So many different entries.
fn list(entries: usize, one: impl Fn(usize) -> Value) -> Value {
    (0..entries).map(one).collect()
}

/// An item with one field.
fn with(field: &str, value: impl Into<Value>) -> Value {
    json!({"headline": "x", field: value.into()})
}

/// An item with a list of one object that has one more field, or another one in its place.
fn inside(list: &str, mut object: Value, field: &str, value: impl Into<Value>) -> Value {
    object[field] = value.into();
    json!({"headline": "x", list: [object]})
}

fn author() -> Value {
    json!({"name": "A"})
}

fn picture() -> Value {
    json!({"kind": "picture", "href": "https://example.org/a.jpg", "alt": "a", "width": 4, "height": 3})
}

fn video() -> Value {
    json!({"kind": "video", "href": "https://example.org/a.mp4"})
}

fn card() -> Value {
    json!({"title": "A", "url": "https://example.org/a"})
}

fn alt_id() -> Value {
    json!({"role": "wire", "value": "1"})
}

/// A limit: the field, the code, what fits and what is one over.
type Limit = (&'static str, Code, Value, Value);

/// A limit on the length of a text, or of a list.
fn most<V: Into<Value>>(field: &'static str, code: Code, limit: usize, item: impl Fn(usize) -> V) -> Limit {
    (field, code, item(limit).into(), item(limit + 1).into())
}

#[rustfmt::skip]
fn limits_of_texts() -> Vec<Limit> {
    use Code::TooLong;
    vec![
        most("headline", TooLong, 300, |n| with("headline", text(n))),
        most("body", TooLong, 20_000, |n| with("body", text(n))),
        most("body", TooLong, 20_000, |n| with("body", format!("<p onclick='x'>{}</p>", text(n - 7)))),
        most("body", TooLong, 100_000, |n| with("body", format!("<p {}>x</p>", "a".repeat(n - 9)))),
        most("body", TooLong, 2_048, |n| with("body", format!("<a href='{}'>x</a>", link(n)))),
        most("byline", TooLong, 255, |n| with("byline", text(n))),
        most("authors[0].name", TooLong, 255, |n| inside("authors", author(), "name", text(n))),
        most("authors[0].role", TooLong, 255, |n| inside("authors", author(), "role", text(n))),
        most("authors[0].url", TooLong, 2_048, |n| inside("authors", author(), "url", link(n))),
        most("located", TooLong, 120, |n| with("located", text(n))),
        most("media[0].href", TooLong, 2_048, |n| inside("media", picture(), "href", link(n))),
        most("media[0].alt", TooLong, 500, |n| inside("media", picture(), "alt", text(n))),
        most("media[0].caption", TooLong, 1_000, |n| inside("media", picture(), "caption", text(n))),
        most("media[0].credit", TooLong, 255, |n| inside("media", picture(), "credit", text(n))),
        most("media[0].contentType", TooLong, 255, |n| inside("media", picture(), "contentType", format!("image/{}", "a".repeat(n - 6)))),
        most("related[0].title", TooLong, 300, |n| inside("related", card(), "title", text(n))),
        most("related[0].url", TooLong, 2_048, |n| inside("related", card(), "url", link(n))),
        most("related[0].image", TooLong, 2_048, |n| inside("related", card(), "image", link(n))),
        most("subjects[0]", TooLong, 64, |n| with("subjects", json!([text(n)]))),
        most("tags[0]", TooLong, 64, |n| with("tags", json!([text(n)]))),
        most("language", TooLong, 35, |n| with("language", format!("en-x-{}{}", "abcdefg-".repeat(3), "a".repeat(n - 29)))),
        most("source", TooLong, 255, |n| with("source", text(n))),
        most("rights", TooLong, 500, |n| with("rights", text(n))),
        most("altIds[0].role", TooLong, 64, |n| inside("altIds", alt_id(), "role", text(n))),
        most("altIds[0].value", TooLong, 255, |n| inside("altIds", alt_id(), "value", text(n))),
    ]
}

#[rustfmt::skip]
fn limits_of_lists() -> Vec<Limit> {
    use Code::{TooLong, TooMany};
    let word = |n: usize| json!(format!("word {n}"));
    let named = |object: fn() -> Value, field: &'static str| move |n: usize| {
        let mut object = object();
        object[field] = format!("{}{n}", object[field].as_str().expect("a text")).into();
        object
    };
    vec![
        most("authors", TooMany, 10, |n| with("authors", list(n, named(author, "name")))),
        most("media", TooMany, 10, |n| with("media", list(n, named(picture, "href")))),
        most("related", TooMany, 5, |n| with("related", list(n, named(card, "url")))),
        most("subjects", TooMany, 20, |n| with("subjects", list(n, word))),
        most("tags", TooMany, 20, |n| with("tags", list(n, word))),
        most("altIds", TooMany, 10, |n| with("altIds", list(n, named(alt_id, "value")))),
        most("body", TooLong, 4_000, |n| with("body", "<br>".repeat(n))),
        most("body", TooLong, 32, |n| with("body", "<b class=x>y</b>".repeat(n))),
    ]
}

#[rustfmt::skip]
fn limits_of_numbers_and_times() -> Vec<Limit> {
    use Code::{Invalid, OutOfRange};
    let ahead = |millis: i64| json!(Moment::from_millis(now().millis() + millis));
    let range = |field, fits: Value, over: Value| (field, OutOfRange, fits, over);
    let picture = |field, value: Value| inside("media", picture(), field, value);
    let long = |value: Value| inside("media", video(), "duration", value);
    vec![
        range("urgency", with("urgency", 1), with("urgency", 0)),
        range("urgency", with("urgency", 8), with("urgency", 9)),
        range("media[0].width", picture("width", json!(1)), picture("width", json!(0))),
        range("media[0].height", picture("height", json!(100_000)), picture("height", json!(100_001))),
        range("media[0].duration", long(json!(0.04)), long(json!(0))),
        range("media[0].duration", long(json!(604_800)), long(json!(604_800.5))),
        range("breaking.until", with("breaking", json!({"until": ahead(1)})), with("breaking", json!({"until": ahead(0)}))),
        range("published", with("published", ahead(60_000)), with("published", ahead(60_001))),
        range("updated", with("updated", ahead(60_000)), with("updated", ahead(60_001))),
        ("headline", Invalid, with("headline", "x"), json!({"headline": " \n", "body": "x"})),
        ("tags[0]", Invalid, with("tags", json!(["x"])), with("tags", json!([""]))),
        ("body", Invalid, with("body", "tab\tnewline\nCR LF\r\n"), with("body", "bell\u{7}")),
        ("body", Invalid, with("body", "&#9;"), with("body", "&#7;")),
        ("headline", Invalid, with("headline", "tab\tnewline\n"), with("headline", "return\r")),
        ("located", Invalid, with("located", "\u{a0}x"), with("located", "x\u{9f}")),
    ]
}

fn hold(limit: &Limit, current: Option<&Record>, verb: Verb) {
    let (field, code, fits, over) = limit;
    let taken = tried(current, verb, fits);
    assert!(taken.is_ok(), "{verb:?} {field} at its limit: {:?}", taken.err());
    let refusal = tried(current, verb, over).expect_err(field);
    assert_eq!((refusal.code, refusal.field.as_deref()), (*code, Some(*field)), "{verb:?} {refusal:?}");
    assert!(refusal.limit.is_some() && refusal.sent.is_some(), "{refusal:?}");
    assert!(refusal.sent.is_some_and(|sent| sent.len() < 80), "what was sent is told shortly");
}

#[test]
fn what_is_at_a_limit_is_published_and_one_over_is_refused_by_name() {
    for limit in limits_of_texts().iter().chain(&limits_of_lists()).chain(&limits_of_numbers_and_times()) {
        hold(limit, None, Verb::Publish);
    }
}

#[test]
fn the_same_limits_hold_for_an_update() {
    let current = done(None, Verb::Publish, &json!({"headline": "y"}));
    for limit in limits_of_texts().iter().chain(&limits_of_lists()).chain(&limits_of_numbers_and_times()) {
        if !["published", "updated"].contains(&limit.0) {
            hold(limit, Some(&current), Verb::Update);
        }
    }
}

#[test]
fn the_verbs_have_their_own_limits() {
    let current = done(None, Verb::Publish, &json!({"headline": "y"}));
    let note = |n| json!({"kind": "correction", "note": text(n)});
    hold(&most("note", Code::TooLong, 1_000, note), Some(&current), Verb::Correct);
    hold(&most("reason", Code::TooLong, 1_000, |n| json!({"reason": text(n)})), Some(&current), Verb::Retract);
    let pin =
        |fits: u64, over: u64| ("position", Code::OutOfRange, json!({"position": fits}), json!({"position": over}));
    hold(&pin(1, 0), Some(&current), Verb::Pin);
    hold(&pin(3, 4), Some(&current), Verb::Pin);
}

#[test]
fn an_item_is_corrected_twenty_times_and_refiled_for_ever() {
    let mut record = done(None, Verb::Publish, &json!({"headline": "y"}));
    for n in 0..limits::CORRECTIONS {
        record = done(Some(&record), Verb::Correct, &json!({"kind": "correction", "note": format!("note {n}")}));
    }
    let refusal = tried(Some(&record), Verb::Correct, &json!({"kind": "clarification"})).expect_err("the 21st");
    let sent = (refusal.code, refusal.field.as_deref(), refusal.limit.as_deref(), refusal.sent.as_deref());
    assert_eq!(sent, (Code::TooMany, Some("corrections"), Some("20 entries"), Some("21 entries")));
    done(Some(&record), Verb::Correct, &json!({"kind": "refile", "changes": {"headline": "z"}}));
}

#[test]
fn what_an_item_ever_had_is_bounded() {
    let mut record = done(None, Verb::Publish, &json!({"headline": "y"}));
    let words = |n: usize| json!({"tags": list(limits::WORDS, |word| json!(format!("{n}/{word}")))});
    for n in 0..limits::EVER_WORDS / limits::WORDS {
        record = done(Some(&record), Verb::Update, &words(n));
    }
    assert_eq!(record.ever.tags.len(), limits::EVER_WORDS);
    let refusal = tried(Some(&record), Verb::Update, &json!({"tags": ["one more"]})).expect_err("one more");
    assert_eq!(
        (refusal.code, refusal.field.as_deref(), refusal.sent.as_deref()),
        (Code::TooMany, Some("tags"), Some("501"))
    );
    done(Some(&record), Verb::Update, &words(0));
}

/// An item with everything as long as it may be, in a script of four bytes a character.
fn huge() -> Value {
    let text = |n: usize| "𐓏".repeat(n);
    let unique = |n: usize, length: usize| format!("{}{n:02}", text(length - 2));
    let picture = |n: usize| {
        json!({"kind": "picture", "href": link(2_040 + n % 8), "alt": unique(n, 500), "caption": text(1_000),
            "credit": text(255), "width": 100_000, "height": 100_000})
    };
    json!({
        "headline": text(300), "body": text(20_000), "byline": text(255), "located": text(120), "source": text(255),
        "rights": text(500), "media": list(10, picture), "subjects": list(20, |n| json!(unique(n, 64))),
        "related": list(5, |n| json!({"title": unique(n, 300), "url": link(2_048)})),
        "tags": list(20, |n| json!(unique(n, 64))),
    })
}

#[test]
fn editing_stops_at_248_kib_and_a_kill_always_fits() {
    let size = |record: &Record| record.full(&feed().id, now()).len();
    let correction = |note: &str| json!({"kind": "correction", "note": note});
    let mut record = done(None, Verb::Publish, &huge());
    while size(&record) + 4_200 < limits::EDITED_BYTES {
        record = done(Some(&record), Verb::Correct, &correction(&"𐓏".repeat(1_000)));
    }
    let left = limits::EDITED_BYTES - size(&done(Some(&record), Verb::Correct, &correction("x"))) + 1;
    // Four bytes a character first, for there may be more than 1,000 bytes left.
    let note = |bytes: usize| format!("{}{}", "𐓏".repeat(bytes / 4), "x".repeat(bytes % 4));
    let full = done(Some(&record), Verb::Correct, &correction(&note(left)));
    assert_eq!(size(&full), limits::EDITED_BYTES);
    let refusal = tried(Some(&record), Verb::Correct, &correction(&note(left + 1))).expect_err("one byte over");
    let told = (refusal.code, refusal.limit.as_deref(), refusal.sent.as_deref());
    assert_eq!(told, (Code::TooLarge, Some("253952 bytes"), Some("253953 bytes")));

    let longest = json!({"reason": "𐓏".repeat(1_000), "replacedBy": "0190a0c8-0000-7000-8000-000000000001"});
    let until = Moment::from_millis(now().millis() + 1_000);
    let pinned = done(Some(&full), Verb::Pin, &json!({"position": 3, "until": until}));
    let withheld = done(Some(&pinned), Verb::Withhold, &json!({}));
    let released = done(Some(&withheld), Verb::Release, &json!({}));
    let killed = done(Some(&released), Verb::Retract, &longest);
    // What stands around an item in a change: type, feed, position, born and time.
    const AROUND: usize = 400;
    for record in [&pinned, &withheld, &released, &killed] {
        assert!(size(record) + AROUND <= limits::CHANGE_BYTES, "{}", size(record));
    }
}
