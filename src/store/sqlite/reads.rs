//! Reads: a few connections that only read, each read one view of the file, away from the async threads.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::{fault, schema};
use crate::store::StoreError;

/// Reads at once. They are short and mostly come from memory, so more would only wait for each other's processor.
const AT_ONCE: usize = 4;

/// The connections, and the way to read through them.
#[derive(Clone)]
pub(super) struct Reads {
    file: PathBuf,
    slots: Arc<Semaphore>,
    /// Those not in use. One that met an error is not put back.
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Reads {
    /// Opens the first connection.
    pub(super) fn open(file: PathBuf) -> Result<Self, StoreError> {
        let first = schema::reading(&file)?;
        Ok(Self { file, slots: Arc::new(Semaphore::new(AT_ONCE)), idle: Arc::new(Mutex::new(vec![first])) })
    }

    /// Reads one view. If the caller goes away, the read still ends by itself and gives its slot back then.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let slot = self.slots.clone().acquire_owned().await.map_err(|_| fault::closed())?;
        let (file, idle) = (self.file.clone(), self.idle.clone());
        let read = tokio::task::spawn_blocking(move || {
            let _slot = slot;
            let pooled = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut db = match pooled {
                Some(db) => db,
                None => schema::reading(&file)?,
            };
            let view = db.transaction()?;
            let outcome = act(&view)?;
            view.commit()?;
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(db);
            Ok(outcome)
        });
        read.await.map_err(|error| StoreError::Corrupt(format!("a read failed: {error}")))?
    }

    /// Waits for the reads under way, refuses any other, and closes the connections.
    pub(super) async fn close(&self) {
        let all = u32::try_from(AT_ONCE).expect("a handful");
        // An error says that it is closed already.
        if let Ok(slots) = self.slots.acquire_many(all).await {
            self.slots.close();
            drop(slots);
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
