//! The variable parts of an address. What is not text is refused like everything else, as a problem.

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};
use serde::de::DeserializeOwned;

use super::problem::Problem;

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
