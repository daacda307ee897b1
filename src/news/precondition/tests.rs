use serde_json::json;

use super::*;
use crate::news::{Ever, Moment, Status};

const ETAG: &str = "\"5-0000000e\"";

fn current() -> Record {
    Record {
        id: "0190a0c8-0000-7000-8000-000000000001".parse().expect("a UUID"),
        version: 5,
        mark: Mark(14),
        kind: Kind::ItemUpdated,
        at: Moment::from_millis(0),
        born: 2,
        last_seq: 9,
        status: Status::Usable,
        published: Moment::from_millis(0),
        updated: Moment::from_millis(0),
        breaking_until: None,
        pin: None,
        ever: Ever::default(),
        more: serde_json::Map::new(),
        story: r#"{"headline":"x"}"#.to_owned(),
    }
}

fn judged(verb: Verb, if_match: Option<&str>) -> Result<Match, Code> {
    precondition(verb, if_match, &current()).map_err(|refusal| refusal.code)
}

#[test]
fn an_edit_of_the_text_must_say_which_version_it_is_meant_for_and_a_kill_need_not() {
    for verb in [Verb::Update, Verb::Correct] {
        let refusal = precondition(verb, None, &current()).expect_err("required");
        assert_eq!((refusal.code, refusal.current.as_deref()), (Code::PreconditionRequired, Some(ETAG)));
    }
    for verb in [Verb::Withhold, Verb::Release, Verb::Retract, Verb::Remove, Verb::Pin, Verb::Unpin] {
        assert_eq!(judged(verb, None), Ok(Match::Current));
        assert_eq!(judged(verb, Some("\"9-00000001\"")), Err(Code::PreconditionFailed));
    }
}

#[test]
fn a_tag_matches_the_version_and_the_mark_and_nothing_less() {
    for yes in [ETAG, "*", " * ", "\"1-00000001\", \"5-0000000e\"", "\"a,b\" ,\"5-0000000e\"", ",\"5-0000000e\","] {
        assert_eq!(judged(Verb::Update, Some(yes)), Ok(Match::Current), "{yes}");
    }
    for no in
        ["W/\"5-0000000e\"", "\"5-0000000f\"", "\"6-0000000e\"", "\"05-0000000e\"", "\"\"", "\"x\"", "W/\"4-0000000d\""]
    {
        assert_eq!(judged(Verb::Update, Some(no)), Err(Code::PreconditionFailed), "{no}");
    }
    for never in ["", ",", "5-0000000e", "\"5-0000000e", "\"a\" \"b\"", "*, \"a\"", "w/\"a\"", "\"a b\"", "\"a\"x"] {
        assert_eq!(judged(Verb::Update, Some(never)), Err(Code::Invalid), "{never}");
    }
}

#[test]
fn of_several_earlier_versions_the_newest_counts() {
    let since = Match::Since(Known { version: 4, mark: Mark(13) });
    assert_eq!(judged(Verb::Update, Some("\"2-0000000b\", \"4-0000000d\", \"3-0000000c\"")), Ok(since));
}

/// Versions 3 to 5, the last two made by these.
fn decided(between: [(Kind, &[&str]); 2], known: Known, verb: Verb, body: Value) -> Result<(), Code> {
    let fields = between.map(|(_, names)| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    let step =
        |version: u64, kind, fields| Step { known: Known { version, mark: Mark(9 + version as u32) }, kind, fields };
    let steps =
        [step(3, Kind::ItemPublished, &[][..]), step(4, between[0].0, &fields[0]), step(5, between[1].0, &fields[1])];
    let body = body.as_object().expect("an object");
    on_top(known, &steps, &current(), verb, body).map_err(|refusal| {
        assert_eq!(refusal.current.as_deref(), Some(ETAG));
        refusal.code
    })
}

const KNOWN: Known = Known { version: 3, mark: Mark(12) };
const PIN: (Kind, &[&str]) = (Kind::ItemPinned, &["pinned"]);
const END: (Kind, &[&str]) = (Kind::ItemBreakingEnded, &["breaking"]);
const BODY: (Kind, &[&str]) = (Kind::ItemUpdated, &["body"]);

#[test]
fn an_edit_goes_on_top_of_what_touched_none_of_its_fields() {
    for (between, verb, body) in [
        ([PIN, END], Verb::Update, json!({"headline": "y"})),
        ([BODY, PIN], Verb::Update, json!({"headline": "y", "tags": null})),
        ([BODY, PIN], Verb::Correct, json!({"kind": "correction", "note": "n", "changes": {"headline": "y"}})),
        ([PIN, END], Verb::Retract, json!({"reason": "r"})),
        ([BODY, END], Verb::Pin, json!({})),
    ] {
        assert_eq!(decided(between, KNOWN, verb, body.clone()), Ok(()), "{verb:?} {body}");
    }
}

#[test]
fn nobody_overwrites_what_they_have_not_seen() {
    let withheld: (Kind, &[&str]) = (Kind::ItemWithheld, &["status"]);
    let corrected: (Kind, &[&str]) = (Kind::ItemCorrected, &["corrections", "located"]);
    let direction: (Kind, &[&str]) = (Kind::ItemUpdated, &["dir"]);
    for (between, verb, body) in [
        ([PIN, BODY], Verb::Update, json!({"body": "y"})),
        ([END, PIN], Verb::Update, json!({"breaking": null})),
        ([withheld, PIN], Verb::Update, json!({"headline": "y"})),
        ([corrected, PIN], Verb::Correct, json!({"kind": "correction", "changes": {"body": "y"}})),
        ([BODY, PIN], Verb::Correct, json!({"kind": "refile", "changes": {"body": "y"}})),
        ([BODY, PIN], Verb::Retract, json!({"reason": "r"})),
        ([PIN, END], Verb::Pin, json!({})),
        ([direction, END], Verb::Update, json!({"language": "ar"})),
    ] {
        assert_eq!(decided(between, KNOWN, verb, body.clone()), Err(Code::PreconditionFailed), "{verb:?} {body}");
    }
}

#[test]
fn a_version_that_never_was_or_cannot_be_told_is_a_conflict() {
    let body = json!({"headline": "y"});
    for known in [Known { version: 3, mark: Mark(99) }, Known { version: 2, mark: Mark(11) }] {
        assert_eq!(decided([PIN, END], known, Verb::Update, body.clone()), Err(Code::PreconditionFailed));
    }
    let body = body.as_object().expect("an object");
    assert!(on_top(KNOWN, &[], &current(), Verb::Update, body).is_err());
    let first = Step { known: KNOWN, kind: Kind::ItemPublished, fields: &[] };
    assert!(on_top(KNOWN, &[first], &current(), Verb::Update, body).is_err(), "the versions were not all read");
}
