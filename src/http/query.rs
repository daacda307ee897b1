//! The query of an address: names that may be given once, and those of a filter, which may be repeated.

use axum::extract::FromRequestParts;
use http::request::Parts;

use super::problem::Problem;
use crate::news::Filter;

/// A query, of which each part is taken once. What is left over is refused: most likely it is a mistyped name, and a
/// reader who gets everything instead of what was meant would not notice.
#[derive(Clone, Debug)]
pub struct Query(Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let text = parts.uri.query().unwrap_or_default();
        Ok(Self(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()))
    }
}

impl Query {
    /// What was given under this name.
    ///
    /// # Errors
    /// It was given more than once.
    pub fn one(&mut self, name: &str) -> Result<Option<String>, Problem> {
        let mut given = self.all(name).into_iter();
        match (given.next(), given.next()) {
            (_, Some(_)) => Err(Problem::bad_request(name, format!("{name} is given more than once."))),
            (one, None) => Ok(one),
        }
    }

    /// Everything that was given under this name.
    pub fn all(&mut self, name: &str) -> Vec<String> {
        self.0.extract_if(.., |(given, _)| given == name).map(|(_, value)| value).collect()
    }

    /// What was given under this name, as a whole number.
    ///
    /// # Errors
    /// It is none.
    pub fn number<T: std::str::FromStr>(&mut self, name: &str) -> Result<Option<T>, Problem> {
        let Some(text) = self.one(name)? else { return Ok(None) };
        let number = text.parse().map_err(|_| {
            let shown: String = text.chars().take(40).collect();
            Problem::bad_request(name, format!("{name} is a whole number, not {shown:?}."))
        })?;
        Ok(Some(number))
    }

    /// The filter that it makes; none where it names nothing to filter by.
    ///
    /// # Errors
    /// A value is none of its name, or there are too many.
    pub fn filter(&mut self) -> Result<Option<Filter>, Problem> {
        let mut filter = Filter::default();
        for name in Filter::NAMES {
            for value in self.all(name) {
                filter.add(name, &value).map_err(|wrong| Problem::bad_request(wrong.name, format!("{wrong}.")))?;
            }
        }
        Ok((!filter.is_empty()).then_some(filter))
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// Something was given that nobody took.
    pub fn end(self, known: &str) -> Result<(), Problem> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => {
                let shown: String = name.chars().take(40).collect();
                Err(Problem::bad_request("query", format!("There is no parameter {shown:?} here; there are {known}.")))
            }
        }
    }
}
