//! What describes the server to machines, `/openapi.json` and `/messages.schema.json`, says what it does: no answer and
//! no message is other than described, and nothing is described that does not come.

#[path = "../support/mod.rs"]
mod support;

mod ask;
mod document;
mod messages;
mod routes;
mod tour;
