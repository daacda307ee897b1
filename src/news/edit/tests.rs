use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::news::{Ever, feed::FeedStatus};

fn feed() -> Feed {
    let mut feed = Feed::new("news-feed".parse().expect("a feed id"), "News");
    feed.language = Some("en".to_owned());
    feed
}

fn at(seconds: i64) -> Moment {
    Moment::from_millis(1_700_000_000_000 + seconds * 1_000)
}

fn try_at(now: Moment, current: Option<&Record>, verb: Verb, body: Value) -> Result<Option<Draft>, Refusal> {
    let Value::Object(body) = body else { panic!("an object") };
    edit(&Edit { feed: &feed(), current, verb, body: &body, now, mark: Mark(7) })
}

fn tried(current: Option<&Record>, verb: Verb, body: Value) -> Result<Option<Draft>, Refusal> {
    try_at(at(0), current, verb, body)
}

fn done(current: &Record, verb: Verb, body: Value) -> Draft {
    try_at(at(10), Some(current), verb, body).expect("allowed").expect("a difference")
}

fn published(body: Value) -> Record {
    tried(None, Verb::Publish, body).expect("allowed").expect("an item").record
}

fn code(result: Result<Option<Draft>, Refusal>) -> Code {
    result.expect_err("refused").code
}

fn story(record: &Record) -> Value {
    serde_json::from_str(&record.story).expect("JSON")
}

#[test]
fn an_item_is_published_with_what_it_leaves_unsaid_filled_in() {
    let draft = tried(None, Verb::Publish, json!({"headline": "<b>One</b> & two", "tags": ["a", "a"], "byline": null}))
        .expect("allowed")
        .expect("an item");
    let record = &draft.record;
    assert_eq!((record.version, record.kind, record.status), (1, Kind::ItemPublished, Status::Usable));
    assert_eq!((record.published, record.updated, record.id.get_version_num()), (at(0), at(0), 7));
    let expected = json!({"headline": "<b>One</b> & two", "urgency": 5, "tags": ["a"], "language": "en", "dir": "ltr",
        "wordCount": 2, "readTime": 1});
    assert_eq!(story(record), expected);
    assert_eq!((&record.ever.tags[..], &record.ever.urgencies[..]), (&["a".to_owned()][..], &[5][..]));
    assert_eq!(draft.fields, ["dir", "headline", "language", "tags", "urgency"]);
}

#[test]
fn an_import_brings_its_own_id_and_times() {
    let id = Uuid::now_v7();
    let body =
        json!({"id": id, "headline": "x", "published": "2021-02-19T21:19:26+02:00", "updated": "2021-02-19T19:19:25Z"});
    let record = published(body);
    assert_eq!((record.id, record.published.to_string()), (id, "2021-02-19T19:19:26.000Z".to_owned()));
    assert_eq!(record.updated, record.published, "an item is not edited before it goes out");
    for bad in
        [json!(Uuid::nil()), json!("0190a0c8-0000-4000-8000-000000000001"), json!(id.simple().to_string()), json!(1)]
    {
        assert_eq!(code(tried(None, Verb::Publish, json!({"headline": "x", "id": bad}))), Code::Invalid);
    }
}

#[test]
fn an_item_needs_something_to_read_or_see() {
    let wordless =
        ["<script>x</script>", "<p> </p>", "<p>&nbsp;<br></p><ul><li></li></ul>"].map(|body| json!({"body": body}));
    for body in [json!({}), json!({"tags": ["a"]}), json!({"media": []})].into_iter().chain(wordless) {
        let refusal = tried(None, Verb::Publish, body).expect_err("empty");
        assert_eq!((refusal.code, refusal.field.as_deref()), (Code::Missing, Some("headline")));
    }
    let picture = json!({"kind": "picture", "href": "https://example.org/a.jpg", "alt": "a", "width": 4, "height": 3});
    published(json!({"media": [picture]}));
    published(json!({"body": "x"}));
    let record = published(json!({"headline": "x"}));
    assert_eq!(code(tried(Some(&record), Verb::Update, json!({"headline": null}))), Code::Missing);
}

#[test]
fn fields_that_cannot_be_meant_are_refused_by_name() {
    let record = published(json!({"headline": "x"}));
    for (name, when_new) in
        [("status", true), ("pinned", true), ("corrections", true), ("version", true), ("id", false)]
    {
        let mut sent = json!({"headline": "y"});
        sent[name] = json!("0190a0c8-0000-7000-8000-000000000001");
        let refusal = tried(Some(&record), Verb::Update, sent.clone()).expect_err("read-only");
        assert_eq!((refusal.code, refusal.field.as_deref()), (Code::ReadOnly, Some(name)));
        assert_eq!(tried(None, Verb::Publish, sent).is_err(), when_new, "{name}");
    }
    for (verb, body, field) in [
        (Verb::Update, json!({"headlin": "x"}), "headlin"),
        (Verb::Update, json!({"breaking": {"from": 1}}), "breaking.from"),
        (Verb::Update, json!({"media": [{"src": 1}]}), "media[0].src"),
        (Verb::Correct, json!({"headline": "x"}), "headline"),
        (Verb::Correct, json!({"kind": "refile", "changes": {"x": 1}}), "changes.x"),
        (Verb::Withhold, json!({"reason": "x"}), "reason"),
        (Verb::Retract, json!({"reason": "x", "by": 1}), "by"),
        (Verb::Pin, json!({"place": 1}), "place"),
        (Verb::Unpin, json!({"position": 1}), "position"),
    ] {
        let refusal = tried(Some(&record), verb, body).expect_err("unknown");
        assert_eq!((refusal.code, refusal.field.as_deref()), (Code::UnknownField, Some(field)));
    }
}

#[test]
fn what_a_newer_version_wrote_survives_an_edit() {
    let mut record = published(json!({"headline": "x"}));
    record.story = record.story.replacen('{', "{\"mood\":{\"a\":[1]},", 1);
    let edited = story(&done(&record, Verb::Update, json!({"headline": "y"})).record);
    assert_eq!((&edited["mood"]["a"][0], &edited["headline"]), (&json!(1), &json!("y")));
    assert_eq!(code(tried(Some(&record), Verb::Update, json!({"mood": 1}))), Code::UnknownField);
}

#[test]
fn no_difference_is_no_change() {
    let record = published(json!({"headline": "x", "body": "<p>a</p>", "keyEvent": false, "tags": []}));
    for body in [
        json!({}),
        json!({"headline": "x", "body": "<p onclick=x>a", "keyEvent": null, "urgency": null, "summary": false}),
        json!({"breaking": null, "language": null, "dir": null, "altIds": []}),
    ] {
        assert!(tried(Some(&record), Verb::Update, body).expect("allowed").is_none());
    }
    let refile = json!({"kind": "refile", "changes": {"headline": "x"}});
    assert!(tried(Some(&record), Verb::Correct, refile).expect("allowed").is_none());
}

#[test]
fn updated_moves_when_a_reader_should_notice() {
    let record = published(json!({"headline": "x"}));
    let until = at(60).to_string();
    for (verb, body, moves) in [
        (Verb::Update, json!({"headline": "y"}), true),
        (Verb::Update, json!({"keyEvent": true, "urgency": 1, "tags": ["a"]}), false),
        (Verb::Update, json!({"breaking": {"until": until}}), false),
        (Verb::Correct, json!({"kind": "clarification"}), true),
        (Verb::Correct, json!({"kind": "refile", "changes": {"headline": "y"}}), false),
        (Verb::Withhold, json!({}), false),
        (Verb::Retract, json!({"reason": "wrong"}), true),
        (Verb::Pin, json!({}), false),
    ] {
        let next = done(&record, verb, body.clone()).record;
        assert_eq!(next.updated == at(10), moves, "{verb:?} {body}");
        assert_eq!((next.version, next.at, next.mark, next.published), (2, at(10), Mark(7), at(0)));
    }
    let ahead = published(json!({"headline": "x", "published": at(60)}));
    assert_eq!(done(&ahead, Verb::Update, json!({"headline": "y"})).record.updated, at(60), "never before published");
}

#[test]
fn a_correction_tells_what_was_wrong_and_a_refile_does_not() {
    let record = published(json!({"headline": "20 hurt"}));
    let sent = json!({"kind": "correction", "note": "The number was too low.", "changes": {"headline": "26 hurt"}});
    let first = done(&record, Verb::Correct, sent);
    assert_eq!(
        (first.kind, &first.fields[..]),
        (Kind::ItemCorrected, &["corrections".to_owned(), "headline".into()][..])
    );
    let entry = json!({"kind": "correction", "note": "The number was too low.", "at": at(10), "version": 2});
    assert_eq!(story(&first.record)["corrections"], json!([entry]));
    let refile = done(&first.record, Verb::Correct, json!({"kind": "refile", "changes": {"headline": "26 hurt."}}));
    assert_eq!((refile.kind, &refile.fields[..]), (Kind::ItemCorrected, &["headline".to_owned()][..]));
    let second = done(&refile.record, Verb::Correct, json!({"kind": "clarification", "note": null}));
    assert_eq!(story(&second.record)["corrections"][1], json!({"kind": "clarification", "at": at(10), "version": 4}));

    for (body, wanted) in [
        (json!({}), Code::Missing),
        (json!({"kind": "correction"}), Code::Missing),
        (json!({"kind": "typo"}), Code::Invalid),
        (json!({"kind": "refile", "note": "x"}), Code::Invalid),
        (json!({"kind": "refile", "changes": []}), Code::Invalid),
    ] {
        assert_eq!(code(tried(Some(&record), Verb::Correct, body)), wanted);
    }
}

/// An item in each status.
fn lives() -> [Record; 4] {
    let usable = published(json!({"headline": "x"}));
    let withheld = done(&usable, Verb::Withhold, json!({})).record;
    let canceled = done(&usable, Verb::Retract, json!({"reason": "wrong"})).record;
    let removed = done(&usable, Verb::Remove, json!({})).record;
    [usable, withheld, canceled, removed]
}

#[test]
fn an_item_goes_through_its_life_one_way() {
    // For usable, withheld, canceled, removed: changed (c), no change (-), refused (x).
    for (verb, body, ways) in [
        (Verb::Update, json!({"headline": "y"}), "ccxx"),
        (Verb::Correct, json!({"kind": "clarification"}), "ccxx"),
        (Verb::Withhold, json!({}), "c-xx"),
        (Verb::Release, json!({}), "-cxx"),
        (Verb::Retract, json!({"reason": "wrong"}), "cc-x"),
        (Verb::Retract, json!({"reason": "other"}), "ccxx"),
        (Verb::Remove, json!({}), "ccc-"),
        (Verb::Pin, json!({}), "cxxx"),
        (Verb::Unpin, json!({}), "----"),
    ] {
        let went = lives().map(|record| match tried(Some(&record), verb, body.clone()) {
            Ok(Some(_)) => 'c',
            Ok(None) => '-',
            Err(refusal) => {
                assert_eq!(refusal.code, Code::WrongStatus);
                assert_eq!(refusal.current.as_deref(), Some(record.status.name()));
                'x'
            }
        });
        assert_eq!(String::from_iter(went), ways, "{verb:?}");
    }
    assert_eq!(code(tried(None, Verb::Update, json!({}))), Code::NotFound);
    assert_eq!(code(tried(Some(&lives()[0]), Verb::Publish, json!({}))), Code::Exists);
}

#[test]
fn what_is_not_usable_is_neither_pinned_nor_breaking() {
    let record = published(json!({"headline": "x", "breaking": {"until": at(3600)}}));
    let record = done(&record, Verb::Pin, json!({"position": 2, "until": at(3600)})).record;
    assert_eq!((record.pin.map(|pin| pin.position), record.breaking_until), (Some(2), Some(at(3600))));
    for (verb, body) in
        [(Verb::Withhold, json!({})), (Verb::Retract, json!({"reason": "r"})), (Verb::Remove, json!({}))]
    {
        let draft = done(&record, verb, body);
        assert_eq!((draft.record.pin, draft.record.breaking_until), (None, None));
        for field in ["breaking", "pinned", "status"] {
            assert!(draft.fields.iter().any(|name| name == field), "{verb:?} {:?}", draft.fields);
        }
    }
}

#[test]
fn a_removal_leaves_nothing_and_a_retraction_keeps_the_story_for_the_newsroom() {
    let record = published(json!({"headline": "secret", "tags": ["t"], "altIds": [{"role": "r", "value": "v"}]}));
    let other = Uuid::now_v7();
    let retracted = done(&record, Verb::Retract, json!({"reason": "wrong", "replacedBy": other}));
    assert_eq!(story(&retracted.record)["headline"], "secret");
    let notice = json!({"reason": "wrong", "at": at(10), "replacedBy": other});
    assert_eq!(story(&retracted.record)["retraction"], notice);
    let removed = done(&retracted.record, Verb::Remove, json!({}));
    assert_eq!((removed.record.story.as_str(), &removed.record.ever), ("{}", &Ever::default()));
    assert!(!removed.fields.is_empty() && removed.alt_ids.len() == 1);
    let itself = json!({"reason": "wrong", "replacedBy": record.id});
    assert_eq!(code(tried(Some(&record), Verb::Retract, itself)), Code::Invalid);
    assert_eq!(code(tried(Some(&record), Verb::Update, json!({"updateOf": record.id}))), Code::Invalid);
}

#[test]
fn breaking_and_pins_end_in_the_future_or_at_once() {
    let record = published(json!({"headline": "x", "breaking": {"until": at(5)}}));
    let ended = tried(Some(&record), Verb::Update, json!({"breaking": null})).expect("allowed").expect("a change");
    assert_eq!((ended.record.breaking_until, &ended.fields[..]), (None, &["breaking".to_owned()][..]));
    let late = try_at(at(5), Some(&record), Verb::Update, json!({"breaking": null})).expect("allowed");
    assert!(late.is_none(), "it has ended by itself");
    for (verb, body) in [(Verb::Update, json!({"breaking": {"until": at(0)}})), (Verb::Pin, json!({"until": at(0)}))] {
        assert_eq!(code(tried(Some(&record), verb, body)), Code::OutOfRange);
    }
    assert_eq!(code(tried(Some(&record), Verb::Update, json!({"breaking": {}}))), Code::Missing);
    let pinned = done(&record, Verb::Pin, json!({"until": at(20)})).record;
    assert!(tried(Some(&pinned), Verb::Pin, json!({"position": 1, "until": at(20)})).expect("allowed").is_none());
    assert!(try_at(at(20), Some(&pinned), Verb::Unpin, json!({})).expect("allowed").is_none());
    assert_eq!(done(&pinned, Verb::Unpin, json!({})).record.pin, None);
}

#[test]
fn what_filters_ever_matched_only_grows_until_it_is_removed() {
    let record = published(json!({"headline": "x", "tags": ["a"], "subjects": ["s"], "urgency": 3}));
    let ever = done(&record, Verb::Update, json!({"tags": ["b", "a"], "subjects": null, "urgency": 1})).record.ever;
    assert_eq!((ever.tags.join(""), ever.subjects.join(""), ever.urgencies), ("ab".into(), "s".into(), vec![3, 1]));
}

#[test]
fn a_closed_feed_takes_no_new_item_but_edits_of_those_it_has() {
    let mut feed = feed();
    feed.status = FeedStatus::Closed;
    let record = published(json!({"headline": "x"}));
    let body = json!({"headline": "y"});
    let body = body.as_object().expect("an object");
    let tried = |current, verb| edit(&Edit { feed: &feed, current, verb, body, now: at(0), mark: Mark(1) });
    assert_eq!(code(tried(None, Verb::Publish)), Code::FeedClosed);
    assert!(tried(Some(&record), Verb::Update).expect("allowed").is_some());
}

#[test]
fn an_item_says_which_way_it_is_read() {
    let dir = |record: &Record| story(record)["dir"].as_str().map(str::to_owned);
    let arabic = published(json!({"headline": "x", "language": "ar"}));
    assert_eq!(dir(&arabic).as_deref(), Some("rtl"));
    assert_eq!(dir(&done(&arabic, Verb::Update, json!({"language": null})).record).as_deref(), Some("ltr"));
    let said = published(json!({"headline": "x", "language": "ar", "dir": "ltr"}));
    assert_eq!(dir(&said).as_deref(), Some("ltr"));
    assert_eq!(dir(&done(&said, Verb::Update, json!({"dir": null})).record).as_deref(), Some("rtl"));
}

#[test]
fn different_ids_elsewhere_never_hash_alike() {
    let hashes = |role: &str, value: &str| {
        let body = json!({"headline": "x", "altIds": [{"role": role, "value": value}]});
        tried(None, Verb::Publish, body).expect("allowed").expect("an item").alt_ids
    };
    assert_eq!(hashes("a", "bc"), hashes("a", "bc"));
    assert_ne!(hashes("a", "bc"), hashes("ab", "c"));
}

/// Any JSON value, often one that means something here.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0_u64..10).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "(<[a-z/]{0,4}>?|&[a-z#0-9]{0,4};?|[a-z \"'=]){0,12}".prop_map(Value::from),
        proptest::sample::select(vec![
            "https://example.org/a",
            "picture",
            "image/png",
            "en",
            "rtl",
            "2023-11-14T22:13:30Z",
            "correction",
            "0190a0c8-0000-7000-8000-000000000001",
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            any_object(inner).prop_map(Value::Object),
        ]
    })
}

fn any_object(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    const OTHER: [&str; 22] = [
        "breaking",
        "until",
        "id",
        "published",
        "updated",
        "kind",
        "href",
        "alt",
        "width",
        "height",
        "name",
        "role",
        "url",
        "title",
        "value",
        "note",
        "changes",
        "reason",
        "replacedBy",
        "position",
        "status",
        "what",
    ];
    let names = crate::news::story::field::FIELDS.iter().map(|field| field.name).chain(OTHER).collect::<Vec<_>>();
    let entry = (proptest::sample::select(names).prop_map(str::to_owned), value);
    proptest::collection::vec(entry, 0..6).prop_map(Map::from_iter)
}

proptest! {
    #[test]
    fn no_body_makes_editing_panic(body in any_object(any_json()), verb in 0_usize..9, life in 0_usize..4) {
        let verb = Verb::ALL[verb].0;
        let lives = lives();
        let current = (verb != Verb::Publish).then_some(&lives[life]);
        if let Ok(Some(draft)) = edit(&Edit { feed: &feed(), current, verb, body: &body, now: at(0), mark: Mark(1) }) {
            prop_assert!(draft.record.updated >= draft.record.published);
            prop_assert!(!draft.fields.is_empty() && draft.fields.is_sorted());
            let public = draft.record.public(&feed().id, at(0));
            prop_assert!(serde_json::from_str::<Value>(&public).is_ok());
        }
    }

    /// What an edit made, sent again as a patch of what differs, is no further change.
    #[test]
    fn the_same_patch_twice_is_one_change(body in any_object(any_json())) {
        let record = published(json!({"headline": "x", "tags": ["a"]}));
        let tried = |current| edit(&Edit {
            feed: &feed(), current: Some(current), verb: Verb::Update, body: &body, now: at(0), mark: Mark(1),
        });
        if let Ok(Some(first)) = tried(&record) {
            prop_assert!(tried(&first.record).expect("allowed before").is_none());
        }
    }
}
