//! Opening a store by its address: the one place that knows which stores there are.

use std::{fmt, path::PathBuf};

use super::{SharedStore, StoreError};

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

/// What the store is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// To serve: of these, SQLite allows one at a time.
    Server,
    /// To do one thing beside a server that may be running.
    Beside,
}

/// Opens a store; a new one is laid out.
///
/// # Errors
/// It cannot be reached, is in use, or is of a newer schema.
pub async fn open(address: &Address, role: Role) -> Result<SharedStore, StoreError> {
    Err(StoreError::Unavailable(format!("{address:?} cannot be opened as {role:?}: no store is built in yet")))
}
