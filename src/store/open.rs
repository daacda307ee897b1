//! Opening a store by its address: the one place that knows which stores there are.

use std::{fmt, path::PathBuf, sync::Arc};

pub use super::sqlite::Role;
use super::{
    SharedStore, StoreError,
    redis::{self, Redis},
    sqlite::Sqlite,
};

/// Where a store is.
#[derive(Clone, PartialEq, Eq)]
pub enum Address {
    /// One SQLite file in this directory.
    Sqlite {
        /// The directory; it is created.
        dir: PathBuf,
    },
    /// A Redis or Valkey server.
    Redis(redis::Settings),
}

impl fmt::Debug for Address {
    /// Without the password that a Redis address may carry.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite { dir } => write!(f, "sqlite in {}", dir.display()),
            Self::Redis(settings) => write!(f, "redis at {}", settings.address),
        }
    }
}

/// Opens a store; a new one is laid out.
///
/// # Errors
/// It cannot be reached, is in use, or is of a newer schema.
pub async fn open(address: &Address, role: Role) -> Result<SharedStore, StoreError> {
    Ok(match address {
        Address::Sqlite { dir } => Arc::new(Sqlite::open(dir, role)?),
        Address::Redis(settings) => Arc::new(Redis::open(settings).await?),
    })
}
