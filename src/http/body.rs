//! A request's body: bounded in size and in time before anything looks at it.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::{Map, Value};

use super::problem::Problem;
use crate::news::refusal::{Code, Refusal};

/// The largest body, in bytes. An item is smaller; this leaves room for white space and escapes.
pub const LARGEST: usize = 512 * 1024;
/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// The whole body.
///
/// # Errors
/// 413 over [`LARGEST`], 408 where it does not arrive in time, 400 where the connection breaks.
pub async fn whole(body: Body) -> Result<Bytes, Problem> {
    let collected = tokio::time::timeout(PATIENCE, Limited::new(body, LARGEST).collect()).await;
    match collected {
        Err(_) => Err(Problem::too_slow(PATIENCE.as_secs())),
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Problem::body_too_large(LARGEST)),
        Ok(Err(_)) => Err(Problem::bad_request("body", "The request's body broke off; send it again.")),
    }
}

/// The body as a JSON object; an empty one is `{}`, since most verbs need nothing.
///
/// # Errors
/// It is not JSON, or not an object.
pub fn object(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Refusal::new(Code::NotJson, "The body must be a JSON object.").field("body")),
        // The parser's words name a line, a column and what it expected, never what stands there.
        Err(error) => Err(Refusal::new(Code::NotJson, format!("The body is not JSON: {error}.")).field("body")),
    }
}
