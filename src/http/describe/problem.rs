//! Problems: which code comes with which status and headers, and when.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    header::{headers, optional},
    pages,
    schema::{Fields, object, refer, told},
};

/// A problem: its code, its status, when it comes, and the headers that it brings.
type Row = (&'static str, u16, &'static str, &'static [&'static str]);

/// Every problem.
const PROBLEMS: [Row; 33] = [
    ("badRequest", 400, "A parameter or header cannot be understood; `field` names it.", &[]),
    ("notJson", 400, "The body is no JSON object.", &[]),
    ("unauthorized", 401, "A token is needed, or this one is unknown, expired or revoked.", &["WWW-Authenticate"]),
    ("forbidden", 403, "The token does not allow it.", &[]),
    ("notFound", 404, "There is no such thing.", &[]),
    ("methodNotAllowed", 405, "The address does not take that method.", &["Allow"]),
    ("notAcceptable", 406, "What is here is a stream.", &[]),
    ("requestTimeout", 408, "The body did not arrive in time.", &[]),
    ("wrongStatus", 409, "The item's status does not allow it; `current` is that status.", &[]),
    ("exists", 409, "There is one of that id.", &[]),
    ("altIdTaken", 409, "An altId belongs to another `item`.", &[]),
    ("pinTaken", 409, "Another `item` is pinned there.", &[]),
    ("feedClosed", 409, "The feed takes no new items.", &[]),
    ("gone", 410, "It was removed, and does not come back.", &[]),
    ("preconditionFailed", 412, "It has changed since the version that If-Match names; `current` is its ETag.", &[]),
    ("bodyTooLarge", 413, "The body is over `limit`.", &[]),
    ("uriTooLong", 414, "The address is over `limit`.", &[]),
    ("unknownField", 422, "There is no such `field`.", &[]),
    ("readOnly", 422, "The `field` is not to be set here.", &[]),
    ("invalid", 422, "The `field` is of the wrong type or form.", &[]),
    ("missing", 422, "The `field` must be there.", &[]),
    ("tooLong", 422, "The `field` is over `limit`.", &[]),
    ("tooMany", 422, "The `field` has more entries than `limit`.", &[]),
    ("outOfRange", 422, "The `field` is outside `limit`.", &[]),
    ("tooLarge", 422, "The item as a whole is over `limit`.", &[]),
    ("keyReused", 422, "The Idempotency-Key was used for another request.", &[]),
    (
        "upgradeRequired",
        426,
        "WebSocket version 13 is spoken here.",
        &["Sec-WebSocket-Version", "Upgrade", "Connection"],
    ),
    ("preconditionRequired", 428, "If-Match must be there; `current` is the ETag.", &[]),
    ("internal", 500, "A defect of the server's.", &[]),
    ("unavailable", 503, "The store cannot be reached just now.", &["Retry-After"]),
    ("not_replicated", 503, "The change is made, and too few replicas have received it.", &["Retry-After"]),
    ("busy", 503, "Too many requests are open at once.", &["Retry-After"]),
    ("full", 503, "There is no room for another stream, here or for this address.", &["Retry-After"]),
];

/// The code of every problem.
pub fn codes() -> impl Iterator<Item = &'static str> {
    PROBLEMS.iter().map(|row| row.0)
}

/// Codes that any request can be answered with.
const ALWAYS: [&str; 3] = ["uriTooLong", "internal", "busy"];

fn row(code: &str) -> &'static Row {
    PROBLEMS.iter().find(|row| row.0 == code).expect("a code of the table")
}

/// The answers with which a request can be refused, by status: these codes, and those of every request.
pub(super) fn refusals(codes: &[&'static str]) -> BTreeMap<u16, Value> {
    let mut by_status: BTreeMap<u16, Vec<&Row>> = BTreeMap::new();
    for row in codes.iter().chain(&ALWAYS).map(|code| row(code)) {
        by_status.entry(row.1).or_default().push(row);
    }
    by_status.into_iter().map(|(status, rows)| (status, answer(&rows))).collect()
}

/// The answer with one of these problems, which have the same status.
fn answer(rows: &[&Row]) -> Value {
    if let [one] = rows {
        return json!({"$ref": format!("#/components/responses/{}", one.0)});
    }
    described(rows)
}

fn described(rows: &[&Row]) -> Value {
    let about: Vec<_> = rows.iter().map(|(code, _, when, _)| format!("`{code}`: {when}")).collect();
    let codes: Vec<_> = rows.iter().map(|row| row.0).collect();
    let more: Vec<_> = [&["Cache-Control"], rows[0].3].concat();
    let schema = json!({"$ref": refer("Problem")["$ref"],
        "properties": {"status": {"const": rows[0].1}, "code": {"enum": codes}}});
    json!({
        "description": about.join("\n\n"),
        "headers": headers(&more),
        "content": {"application/problem+json": {"schema": schema}},
    })
}

/// Every problem as an answer of its own, by its code.
pub(super) fn answers() -> Map<String, Value> {
    PROBLEMS.iter().map(|row| (row.0.to_owned(), described(&[row]))).collect()
}

/// The answer itself where it is only referred to.
pub(super) fn resolved(answer: &Value) -> Value {
    let code = answer.get("$ref").and_then(|place| place.as_str()?.rsplit('/').next());
    code.map_or_else(|| answer.clone(), |code| described(&[row(code)]))
}

/// The same answer outside of the API, where who accepts HTML is answered with a page.
pub(super) fn told_to_people(answer: &Value) -> Value {
    let mut answer = resolved(answer);
    let (kind, page) = pages::html();
    answer["content"][kind] = json!({"schema": page});
    for name in pages::GUARDS {
        answer["headers"][name] = optional(name);
    }
    answer
}

/// The schemas of problems, by name.
pub(super) fn schemas() -> Fields {
    let text = || json!({"type": "string"});
    let said = |about: &str| told(text(), about);
    let codes: Vec<_> = PROBLEMS.iter().map(|row| row.0).collect();
    let must = vec![
        ("type", json!({"const": "about:blank"})),
        ("title", text()),
        ("status", json!({"type": "integer", "minimum": 400, "maximum": 599})),
        ("detail", said("What is wrong, and what to do about it.")),
        ("code", json!({"type": "string", "enum": codes, "description": "Stable: programs may rely on it."})),
        ("requestId", said("The X-Request-Id of the answer.")),
    ];
    let may = vec![
        ("field", said("Where it is wrong, as a path: `media[0].alt`.")),
        ("limit", said("What was passed, with its unit.")),
        ("sent", said("What was sent: a size, a count, or a short value.")),
        ("item", told(refer("Id"), "The item that stands in the way.")),
        ("current", said("The ETag or status as it now is.")),
    ];
    vec![("Problem", told(object(must, may), "An error (RFC 9457)."))]
}
