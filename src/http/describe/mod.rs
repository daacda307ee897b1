//! What machines read to know the doors: `/openapi.json` (OpenAPI 3.1) and `/messages.schema.json` (JSON Schema
//! 2020-12).
//!
//! Both are made from the same schemas, and numbers come from where the server itself takes them. That they say what
//! the server does, all of it and nothing else, is held by `tests/described`, which compares them with real answers.
//! They are written as the JSON that they are: no library knows all of OpenAPI 3.1 that is said here.

mod door;
mod doors;
mod editing;
mod feed;
mod header;
mod item;
mod message;
mod pages;
mod parameter;
mod problem;
mod schema;
mod syndication;

use std::{collections::BTreeSet, sync::LazyLock};

use axum::{extract::State, response::Response};
use http::{HeaderMap, HeaderValue, header as name};
use serde_json::{Map, Value, json};

use super::{Doors, access::Sight, conditional, problem::Problem, proxy::PublicUrl};
pub use problem::codes;

/// What stands at `/openapi.json`, but for the server's address.
static OPENAPI: LazyLock<Value> = LazyLock::new(openapi);
/// What stands at `/messages.schema.json`.
static MESSAGES: LazyLock<String> = LazyLock::new(|| messages().to_string());

/// `GET /openapi.json`.
pub async fn doors(State(doors): State<Doors>, headers: HeaderMap) -> Response {
    let mut document = OPENAPI.clone();
    let public = doors.proxy.public.as_ref();
    document["servers"] = json!([{"url": public.map_or("/", PublicUrl::as_str)}]);
    conditional::json(&headers, Sight::Public, None, document.to_string())
}

/// `GET /messages.schema.json`.
pub async fn streams(headers: HeaderMap) -> Result<Response, Problem> {
    let mut response = conditional::json(&headers, Sight::Public, None, MESSAGES.clone());
    response.headers_mut().insert(name::CONTENT_TYPE, HeaderValue::from_static("application/schema+json"));
    Ok(response)
}

/// Every schema, by name.
fn schemas() -> Map<String, Value> {
    let named = [schema::values(), item::shown(), item::sent(), feed::schemas(), problem::schemas()].concat();
    let named = named.into_iter().map(|(name, is)| (name.to_owned(), is));
    named.chain(message::schemas()).collect()
}

fn openapi() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "newswire",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "MIT", "identifier": "MIT"},
            "summary": "A real-time news-feed push server.",
            "description": "Editors publish items; every connected reader sees them, and who comes back gets what it \
                missed. PROTOCOL.md says what each thing means.\n\nAn address without a door is answered 404 \
                (`notFound`), a method that an address does not take 405 (`methodNotAllowed`). A request that is no \
                HTTP is answered 400, and one with too large a head 431, both without a body. OPTIONS is answered 200 \
                everywhere, for browsers that ask which requests another origin may send (CORS). Outside of `/v1`, a problem \
                is told in HTML to who accepts `text/html`, with the same status and headers.",
        },
        "servers": [],
        "security": [{}, {"token": []}],
        "tags": door::TAGS.map(|name| json!({"name": name})).to_vec(),
        "paths": doors::paths(),
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "A token that the operator made."},
                "ticket": {"type": "apiKey", "in": "query", "name": "ticket",
                    "description": "For who can send no header: a ticket, made with a token."},
            },
            "schemas": schemas(),
            "parameters": parameter::all(),
            "headers": header::all(),
            "responses": problem::answers(),
        },
    })
}

/// The schema of messages, with what it refers to, directly or not.
fn messages() -> Value {
    const HERE: &str = "#/$defs/";
    let all = schemas();
    let (mut needed, mut open) = (BTreeSet::new(), vec!["Message".to_owned()]);
    while let Some(name) = open.pop() {
        if needed.insert(name.clone()) {
            open.extend(references(&all[&name]));
        }
    }
    let defs: Map<String, Value> = all.into_iter().filter(|(name, _)| needed.contains(name)).collect();
    let text = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What newswire's streams say",
        "description": "One message: a WebSocket's text frame, an event's `data`, an entry of a poll's `changes`. A \
            client ignores fields, and types, that it does not know.",
        "$ref": "#/$defs/Message",
        "$defs": defs,
    })
    .to_string();
    serde_json::from_str(&text.replace(schema::PLACE, HERE)).expect("JSON stays JSON")
}

/// The names of the schemas that this one refers to.
fn references(schema: &Value) -> Vec<String> {
    match schema {
        Value::String(text) => text.strip_prefix(schema::PLACE).map(ToOwned::to_owned).into_iter().collect(),
        Value::Array(all) => all.iter().flat_map(references).collect(),
        Value::Object(all) => all.values().flat_map(references).collect(),
        _ => Vec::new(),
    }
}
