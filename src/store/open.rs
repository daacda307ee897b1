//! Opening a store by its address: the one place that knows which stores there are.

use std::{fmt, path::PathBuf, sync::Arc};

pub use super::sqlite::Role;
use super::{SharedStore, StoreError, redis::Redis, sqlite::Sqlite};

/// Where a store is.
#[derive(Clone, PartialEq, Eq)]
pub enum Address {
    /// One SQLite file in this directory.
    Sqlite {
        /// The directory; it is created.
        dir: PathBuf,
    },
    /// A Redis or Valkey server.
    Redis {
        /// `redis://[:PASSWORD@]HOST[:PORT][/DB]`
        url: String,
    },
}

impl fmt::Debug for Address {
    /// Without the password that a Redis address may carry.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite { dir } => write!(f, "sqlite in {}", dir.display()),
            Self::Redis { url } => {
                write!(f, "redis at {}", url.rsplit_once('@').map_or(url.as_str(), |(_, host)| host))
            }
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
        Address::Redis { url } => Arc::new(Redis::open(url).await?),
    })
}
