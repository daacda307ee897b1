//! What the server tells of itself.

use std::collections::HashMap;

use redis::aio::MultiplexedConnection;

use super::link::{Link, Request, told};
use crate::store::StoreError;

/// Answers of `INFO` or `CONFIG GET`, by name. Empty where the server refuses to tell.
#[derive(Debug, Default)]
pub(super) struct Info(HashMap<String, String>);

impl Info {
    /// One section of `INFO`, asked on this connection.
    ///
    /// # Errors
    /// The server is away. A refusal is none: the answer is then empty.
    pub(super) async fn of(connection: &mut MultiplexedConnection, section: &str) -> Result<Self, StoreError> {
        let answer: redis::RedisResult<String> = redis::cmd("INFO").arg(section).query_async(connection).await;
        match answer {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error) if error.is_io_error() => Err(told(&error)),
            Err(error) if error.code() == Some("LOADING") => Err(told(&error)),
            Err(_) => Ok(Self::default()),
        }
    }

    /// Everything that `INFO` tells.
    ///
    /// # Errors
    /// The server is away or refuses.
    pub(super) async fn all(link: &Link) -> Result<Self, StoreError> {
        let text: String = link.ask(Request::One(&redis::cmd("INFO"))).await?;
        Ok(Self::parse(&text))
    }

    /// The same; empty where the server does not allow it to this user.
    ///
    /// # Errors
    /// The server is away.
    pub(super) async fn all_allowed(link: &Link) -> Result<Self, StoreError> {
        match Self::all(link).await {
            Err(StoreError::Unavailable(words)) if words.contains("NOPERM") => Ok(Self::default()),
            info => info,
        }
    }

    /// Settings; none of them where the server refuses to tell.
    ///
    /// # Errors
    /// The server is away.
    pub(super) async fn settings(link: &Link, names: &[&str]) -> Result<Self, StoreError> {
        let mut command = redis::cmd("CONFIG");
        command.arg("GET").arg(names);
        match link.ask::<HashMap<String, String>>(Request::One(&command)).await {
            Ok(settings) => Ok(Self(settings)),
            Err(StoreError::Unavailable(words)) if words.contains("NOPERM") || words.contains("unknown command") => {
                Ok(Self::default())
            }
            Err(error) => Err(error),
        }
    }

    fn parse(text: &str) -> Self {
        let pairs = text.lines().filter_map(|line| line.split_once(':'));
        Self(pairs.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect())
    }

    /// What it says by this name.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Whether what it says by this name is a number other than 0.
    pub(super) fn counts(&self, name: &str) -> bool {
        self.text(name).is_some_and(|value| value.parse::<i64>().is_ok_and(|value| value != 0))
    }
}
