//! Every error's form on the wire: `application/problem+json` (RFC 9457) with a stable `code` and the request's id.
//!
//! One `match` turns each kind of failure into its status. A problem is put together where the failure is decided and
//! written out by [`super::request::tell`], which knows the request's id.

use std::any::Any;

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use super::live::room::Full;
use crate::{
    live::{Ending, Goodbye},
    news::refusal::{Code, Refusal},
    store::StoreError,
};

/// After how many seconds to try again when the store is away, or the server busy.
pub const RETRY_AFTER: u32 = 2;

/// An error as the client gets it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    #[serde(serialize_with = "as_number")]
    status: StatusCode,
    detail: String,
    code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<uuid::Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<String>,
    #[serde(skip)]
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status,
            detail: detail.into(),
            code: code.to_owned(),
            field: None,
            limit: None,
            sent: None,
            item: None,
            current: None,
            headers: Vec::new(),
        }
    }

    fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// 400: a parameter or header that cannot be understood.
    pub fn bad_request(field: &str, detail: impl Into<String>) -> Self {
        Self { field: Some(field.to_owned()), ..Self::new(StatusCode::BAD_REQUEST, "badRequest", detail) }
    }

    /// 401.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
            .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"newswire\""))
    }

    /// 403.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// 404.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "notFound", detail)
    }

    /// 410: it was removed and does not come back.
    pub fn gone(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, "gone", detail)
    }

    /// 404 for a feed.
    pub fn no_feed(feed: &str) -> Self {
        Self::not_found(format!("There is no feed {feed:?}; GET /v1/feeds lists those there are."))
    }

    /// 405.
    pub fn method_not_allowed() -> Self {
        let detail = "This address does not take that method; the Allow header names those it takes.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "methodNotAllowed", detail)
    }

    /// 406.
    pub fn not_acceptable(detail: &str) -> Self {
        Self::new(StatusCode::NOT_ACCEPTABLE, "notAcceptable", detail)
    }

    /// 408: the body did not arrive in time.
    pub fn too_slow(seconds: u64) -> Self {
        let detail = format!("The request's body did not arrive within {seconds} seconds; send it again.");
        Self::new(StatusCode::REQUEST_TIMEOUT, "requestTimeout", detail)
    }

    /// 413.
    pub fn body_too_large(limit: usize) -> Self {
        let detail = format!("The request's body is larger than {limit} bytes; send one item at a time.");
        let problem = Self::new(StatusCode::PAYLOAD_TOO_LARGE, "bodyTooLarge", detail);
        Self { field: Some("body".to_owned()), limit: Some(format!("{limit} bytes")), ..problem }
    }

    /// 414.
    pub fn uri_too_long(limit: usize, sent: usize) -> Self {
        let detail = format!("The request's address is longer than {limit} bytes; ask with fewer parameters.");
        let problem = Self::new(StatusCode::URI_TOO_LONG, "uriTooLong", detail);
        let (limit, sent) = (Some(format!("{limit} bytes")), Some(format!("{sent} bytes")));
        Self { field: Some("uri".to_owned()), limit, sent, ..problem }
    }

    /// 426: a WebSocket of another version.
    pub fn upgrade_required() -> Self {
        Self::new(StatusCode::UPGRADE_REQUIRED, "upgradeRequired", "WebSocket version 13 (RFC 6455) is spoken here.")
            .header(HeaderName::from_static("sec-websocket-version"), HeaderValue::from_static("13"))
            // RFC 9110, section 15.5.22, wants it named.
            .header(header::UPGRADE, HeaderValue::from_static("websocket"))
            .header(header::CONNECTION, HeaderValue::from_static("upgrade"))
    }

    /// 500: a defect of ours.
    fn internal() -> Self {
        let detail = "The server failed in a way it should not; the log has more under this request's id.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// 503: it may work again soon.
    pub fn unavailable(detail: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
            .header(header::RETRY_AFTER, RETRY_AFTER.into())
    }

    /// 503: it is committed, and too few replicas have received it.
    fn not_replicated() -> Self {
        let detail = "The change is made, but fewer replicas of the store than must have received it. Send the request \
                      again after the pause that Retry-After names: with the same Idempotency-Key it waits for them, and \
                      makes no second change.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_replicated", detail)
            .header(header::RETRY_AFTER, RETRY_AFTER.into())
    }

    /// 503: so many requests are open already.
    pub fn busy(limit: usize) -> Self {
        let detail = "This server has as many requests open as it takes at once; try again after the pause that \
                      Retry-After names.";
        let problem =
            Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).header(header::RETRY_AFTER, RETRY_AFTER.into());
        Self { limit: Some(format!("{limit} open requests")), ..problem }
    }

    /// 503: so many requests of this client wait already.
    pub fn crowded(limit: usize) -> Self {
        let detail =
            "Your address waits for as many pages as it may; try again after the pause that Retry-After names.";
        let problem =
            Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).header(header::RETRY_AFTER, RETRY_AFTER.into());
        Self { limit: Some(format!("{limit} waiting requests")), ..problem }
    }

    /// 503: there is no room for another reader.
    pub fn full(full: Full) -> Self {
        let (limit, whose) = match full {
            Full::Node(limit) => (limit, "This server has"),
            Full::Address(limit) => (limit, "Your address has"),
        };
        let detail =
            format!("{whose} as many open streams as it may; come back after the pause that Retry-After names.");
        let pause = Goodbye::Full.pause().as_secs();
        let problem =
            Self::new(StatusCode::SERVICE_UNAVAILABLE, "full", detail).header(header::RETRY_AFTER, pause.into());
        Self { limit: Some(format!("{limit} open streams")), ..problem }
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What is wrong, and what to do about it.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Its code.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// 503: a stream that another server may take.
    pub fn refused(ending: &Ending) -> Self {
        let code = if ending.why == Goodbye::Full { "full" } else { "unavailable" };
        let detail = format!(
            "This server takes no reader just now ({}): try another one, or this one after the pause that Retry-After \
             names.",
            ending.why.name(),
        );
        let pause = ending.pause.as_secs().max(1);
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).header(header::RETRY_AFTER, pause.into())
    }

    /// Whether it says nothing of the request: the server, or its store, is in no state to judge it.
    #[must_use]
    pub fn is_of_the_server(&self) -> bool {
        self.status.is_server_error()
    }

    /// The text, with the id of the request that it answers.
    pub fn json(&self, request_id: &str) -> String {
        let mut json = serde_json::to_value(self).expect("a problem is plain data");
        json["requestId"] = request_id.into();
        json.to_string()
    }
}

fn as_number<S: serde::Serializer>(status: &StatusCode, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u16(status.as_u16())
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal.code {
            Code::NotJson => StatusCode::BAD_REQUEST,
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::WrongStatus | Code::Exists | Code::AltIdTaken | Code::PinTaken | Code::FeedClosed => {
                StatusCode::CONFLICT
            }
            Code::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Code::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
            Code::UnknownField
            | Code::ReadOnly
            | Code::Invalid
            | Code::Missing
            | Code::TooLong
            | Code::TooMany
            | Code::OutOfRange
            | Code::TooLarge
            | Code::KeyReused => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let code = serde_json::to_value(refusal.code).expect("a code is a plain name");
        let Refusal { detail, field, limit, sent, item, current, .. } = refusal;
        let problem = Self::new(status, code.as_str().expect("a code is a plain name"), detail);
        Self { field, limit, sent, item, current, ..problem }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => {
                tracing::warn!(%error, "a request was refused");
                Self::unavailable(
                    "The store cannot be reached or written to just now. Try again after the pause that Retry-After \
                     names; with the same Idempotency-Key a write cannot happen twice.",
                )
            }
            StoreError::NotReplicated { .. } => {
                tracing::warn!(%error, "a change is not acknowledged");
                Self::not_replicated()
            }
            StoreError::NewerSchema { .. } | StoreError::InUse(_) | StoreError::Taken(_) | StoreError::Corrupt(_) => {
                tracing::error!(%error, "a request failed");
                Self::internal()
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.headers_mut().extend(self.headers.iter().cloned());
        response.extensions_mut().insert(self);
        response
    }
}

/// A task of ours that did not finish: it panicked, or the runtime is going down.
/// A panic is a defect of ours: it costs its request and nothing else.
pub fn of_panic(panic: Box<dyn Any + Send + 'static>) -> Response {
    let said = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(said, "a request panicked");
    Problem::internal().into_response()
}
