//! A refusal as a server words it (`application/problem+json`, RFC 9457), and what a client command makes of it.

use http::StatusCode;
use serde::Deserialize;

use super::exit::{Exit, Failure};

/// What is read of a problem document; everything else in it is ignored.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// The stable code.
    pub code: String,
    /// A sentence for a person.
    pub detail: String,
    /// The field, as a path.
    pub field: Option<String>,
    /// The id under which the server's log has it.
    #[serde(rename = "requestId")]
    pub request_id: Option<String>,
}

impl Problem {
    /// Reads an answer's body. None: it is not a problem document, so who answered may be no newswire.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice::<Self>(body).ok().filter(|problem| !problem.code.is_empty())
    }

    /// The problem on one line: field, sentence, and what helps to find it in a log.
    #[must_use]
    pub fn line(&self, status: StatusCode) -> String {
        let said = if self.detail.is_empty() { &self.code } else { &self.detail };
        let field = self.field.as_ref().map(|field| format!("{field}: ")).unwrap_or_default();
        let request = match &self.request_id {
            Some(id) if status.is_server_error() => format!(" (request {id})"),
            _ => String::new(),
        };
        format!("{field}{said}{request}")
    }
}

/// What an answer means that no retry and no other line will change; none if it is not of that kind.
#[must_use]
pub fn for_good(status: StatusCode, body: &[u8]) -> Option<Failure> {
    // A server of ours redirects nobody, whatever the body says.
    let problem = Problem::read(body).filter(|_| !status.is_redirection());
    let said = problem.as_ref().map_or_else(|| format!("the server answers {status}"), |problem| problem.line(status));
    let exit = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Exit::NotAllowed,
        StatusCode::NOT_FOUND => Exit::NotFound,
        _ if problem.is_none() && !passing(status) => Exit::Away,
        _ => return None,
    };
    let foreign = if problem.is_none() { ", and not as a newswire server would: is the address right?" } else { "" };
    Some(Failure::new(exit, format!("{said}{foreign}")))
}

/// Whether the same request may succeed later: a server or a proxy that is full, stopping, or without its store.
#[must_use]
pub fn passing(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
            | StatusCode::REQUEST_TIMEOUT
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_reads_as_field_and_sentence() {
        let body = br#"{"code":"tooLong","status":422,"detail":"at most 300 characters","field":"headline"}"#;
        let problem = Problem::read(body).expect("a problem");
        assert_eq!(problem.line(StatusCode::UNPROCESSABLE_ENTITY), "headline: at most 300 characters");
        assert_eq!(for_good(StatusCode::UNPROCESSABLE_ENTITY, body), None);
    }

    #[test]
    fn what_no_retry_changes_has_its_own_exit_code() {
        let exit = |status: u16, body: &[u8]| {
            for_good(StatusCode::from_u16(status).expect("a status"), body).map(|failure| failure.exit)
        };
        let problem = br#"{"code":"x","detail":"y"}"#;
        assert_eq!(exit(401, problem), Some(Exit::NotAllowed));
        assert_eq!(exit(403, b""), Some(Exit::NotAllowed));
        assert_eq!(exit(404, problem), Some(Exit::NotFound));
        assert_eq!(exit(409, problem), None);
        assert_eq!(exit(503, b"<html>"), None);
        assert_eq!(exit(301, problem), Some(Exit::Away));
        assert_eq!(exit(405, b"<html>"), Some(Exit::Away));
    }
}
