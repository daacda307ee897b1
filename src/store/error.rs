//! What goes wrong with a store: it cannot, or it says no.

use super::Conflict;

/// A store that cannot do what was asked, through no fault of who asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Away, full, slow or read-only: it may come back. Whether a commit was carried out is not known; a retry with
    /// the same idempotency key is safe.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// It is committed, and fewer replicas than the settings ask for have received it. A retry with the same idempotency
    /// key waits for them again, and commits nothing a second time.
    #[error("it is committed, but of {wanted} replicas that must receive it {received} did so in time")]
    NotReplicated {
        /// How many have received it.
        received: u32,
        /// How many must.
        wanted: u32,
    },
    /// It was written by a newer newswire.
    #[error("the store has schema {found}, and this program knows {known}: run a newer newswire")]
    NewerSchema {
        /// The schema it has.
        found: u32,
        /// The newest that this program knows.
        known: u32,
    },
    /// Another server has the file.
    #[error("{0}")]
    InUse(String),
    /// What was to be loaded is there already.
    #[error("{0}")]
    Taken(String),
    /// What it holds cannot be read; a defect or a damaged store.
    #[error("the store holds what cannot be read: {0}")]
    Corrupt(String),
}

/// Why a commit did not happen.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommitError {
    /// The store says no.
    #[error("{0:?}")]
    Conflict(Conflict),
    /// The store cannot say.
    #[error(transparent)]
    Store(#[from] StoreError),
}
