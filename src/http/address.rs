//! The variable parts of an address. What makes no sense is refused like everything else, as a problem.

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};
use serde::de::DeserializeOwned;

use super::problem::Problem;
use crate::store::budget;

/// How many entries an answer has where the request does not say.
pub(super) const LIMIT: usize = 50;

/// The variable parts of an address.
#[derive(Clone, Copy, Debug)]
pub struct Address<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Address<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(variable) = Path::from_request_parts(parts, state)
            .await
            .map_err(|error| Problem::bad_request("path", format!("{}.", error.body_text())))?;
        Ok(Self(variable))
    }
}

/// How many entries an answer may have: what `limit` says.
///
/// # Errors
/// It is none, or more than one read of the store returns.
pub fn limit(given: Option<usize>) -> Result<usize, Problem> {
    let limit = given.unwrap_or(LIMIT);
    if (1..=budget::ITEMS).contains(&limit) {
        return Ok(limit);
    }
    Err(Problem::bad_request("limit", format!("limit is 1 to {}, not {limit}.", budget::ITEMS)))
}
