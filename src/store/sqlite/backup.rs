//! A copy of the file while a server writes, and putting such a copy in its place.
//!
//! A copy is one consistent view (`VACUUM INTO`), holds no byte of what was removed, and needs no second file beside it.
//! A store that is put back went back in time: every feed tells its readers so, as a cut.

use std::{
    fs::{File, OpenOptions},
    io::ErrorKind,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::{FILE, LOCK, Role, floor, lock, rows, schema};
use crate::{
    news::{Mark, Moment},
    store::StoreError,
};

/// What the name of the file that a restored one takes the place of ends with.
const BEFORE: &str = ".before-restore";

/// What the name of a file ends with while it is being restored.
const RESTORING: &str = ".restoring";

/// Copies the store in a directory into a new file, which only this user may read. A server may be writing meanwhile.
///
/// # Errors
/// [`StoreError::Taken`] where the new file exists; [`StoreError::Unavailable`] where there is no store or the file
/// cannot be written; else as [`Sqlite::open`](super::Sqlite::open).
pub async fn backup(dir: &Path, file: &Path) -> Result<(), StoreError> {
    let (from, to) = (dir.join(FILE), file.to_owned());
    away(move || copy(&from, OpenFlags::SQLITE_OPEN_READ_WRITE, &to)).await
}

/// Puts a backup in the place of the store in a directory, where no server runs, and raises the floor of every feed by a
/// cut. The file that was there is moved aside; the answer says where to.
///
/// # Errors
/// [`StoreError::InUse`] where a server has the store; [`StoreError::Taken`] where an earlier one stands aside still;
/// else as [`backup`].
pub async fn restore(file: &Path, dir: &Path) -> Result<Option<PathBuf>, StoreError> {
    let (from, dir) = (file.to_owned(), dir.to_owned());
    away(move || put_back(&from, &dir)).await
}

/// Does something that blocks away from the async threads.
async fn away<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(act).await;
    done.map_err(|error| StoreError::Corrupt(format!("the copy failed: {error}")))?
}

/// Copies one of our files, as its newest view is, into a new one that is on the disk then.
fn copy(from: &Path, how: OpenFlags, to: &Path) -> Result<(), StoreError> {
    if std::fs::metadata(from).map_or(0, |found| found.len()) == 0 {
        return Err(StoreError::Unavailable(format!("there is no store at {}", from.display())));
    }
    let db = Connection::open_with_flags(from, how)?;
    db.busy_timeout(schema::SERVER_WAITS)?;
    schema::ours(&db, from)?;
    let text = to.to_str().ok_or_else(|| StoreError::Unavailable(format!("{} is no text", to.display())))?;
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to);
    let made = made.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => StoreError::Taken(format!("{} exists: name another file", to.display())),
        _ => cannot("make", to)(error),
    })?;
    let written = db.execute("VACUUM INTO ?", [text]).map_err(StoreError::from);
    let written = written.and_then(|_| made.sync_all().map_err(cannot("write", to)));
    if written.is_err() {
        // Half a copy is worse than none. If even this fails, the error that is told says enough.
        drop(std::fs::remove_file(to));
    }
    written
}

fn put_back(from: &Path, dir: &Path) -> Result<Option<PathBuf>, StoreError> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(cannot("make", dir))?;
    let _lock = lock(&dir.join(LOCK))?;
    let (file, aside) = (dir.join(FILE), dir.join(format!("{FILE}{BEFORE}")));
    let there = file.exists();
    if there && aside.exists() {
        return Err(StoreError::Taken(format!(
            "{} is there from an earlier restore: move it away first",
            aside.display()
        )));
    }
    let restoring = dir.join(format!("{FILE}{RESTORING}"));
    // What a restore that was cut off left.
    for left in [restoring.clone(), beside(&restoring, "-wal"), beside(&restoring, "-shm")] {
        remove(&left)?;
    }
    copy(from, OpenFlags::SQLITE_OPEN_READ_ONLY, &restoring)?;
    tell(&restoring)?;
    let rename = |from: &Path, to: &Path| std::fs::rename(from, to).map_err(cannot("move", from));
    // Its write-ahead log goes where SQLite looks for it: a server that was killed may have left changes there. Under
    // two names for a moment, where the disk has that, so that a server that starts never finds none and makes a new one.
    if there {
        std::fs::hard_link(&file, &aside).or_else(|_| std::fs::rename(&file, &aside)).map_err(cannot("move", &file))?;
        if beside(&file, "-wal").exists() {
            rename(&beside(&file, "-wal"), &beside(&aside, "-wal"))?;
        }
    }
    remove(&beside(&file, "-wal"))?;
    remove(&beside(&file, "-shm"))?;
    rename(&restoring, &file)?;
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(cannot("write", dir))?;
    Ok(there.then_some(aside))
}

/// Tells in every feed of a file that the store went back in time.
fn tell(file: &Path) -> Result<(), StoreError> {
    let mut db = schema::writing(file, Role::Server)?;
    schema::create(&mut db)?;
    let all = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for state in rows::feeds(&all)? {
        floor::tell(&all, &state, Mark::random(), Moment::of_this_machine(), floor::TOLD)?;
    }
    all.commit()?;
    // The last connection takes the write-ahead log into the file, and removes it.
    db.close().map_err(|(_, error)| StoreError::from(error))
}

/// The name of a file that SQLite keeps beside its own.
fn beside(file: &Path, what: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(what);
    name.into()
}

/// Removes a file, if it is there.
fn remove(file: &Path) -> Result<(), StoreError> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(cannot("remove", file)(error)),
        _ => Ok(()),
    }
}

fn cannot(what: &str, file: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    let says = format!("cannot {what} {}", file.display());
    move |error| StoreError::Unavailable(format!("{says}: {error}"))
}
