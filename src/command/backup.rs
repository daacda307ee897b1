//! `newswire backup` and `newswire restore`: a copy of the SQLite file, made beside a running server, and put back where
//! none runs. Redis has its own means, and `export` and `import` know both stores.

use std::{
    fs::File,
    io::{ErrorKind, Read as _},
    path::{Path, PathBuf},
};

use clap::Args;

use super::{
    exit::{self, Exit, Failure},
    find_store, output,
};
use crate::{
    config::StoreArgs,
    store::{open::Address, sqlite},
};

const OF_BACKUP: &str = "\
Examples:
  newswire backup /backups/newswire-$(date +%F).sqlite
  newswire backup --data /var/lib/newswire /backups/newswire.sqlite

Works beside a running server. The copy holds everything that the store holds: keep it as safe. What is removed later \
stays in it.";

const OF_RESTORE: &str = "\
Examples:
  newswire restore --data /var/lib/newswire /backups/newswire.sqlite

The server must not run. What stands in the place is moved aside, not deleted. Readers who have seen changes that the \
backup does not hold are told `reset` with the reason storeChanged, and get the state of the backup.";

/// `backup`.
#[derive(Args, Debug)]
#[command(after_long_help = format!("{OF_BACKUP}\n\n{}", exit::HELP))]
pub struct BackupArgs {
    #[command(flatten)]
    place: StoreArgs,
    /// The copy to be made
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// `restore`.
#[derive(Args, Debug)]
#[command(after_long_help = format!("{OF_RESTORE}\n\n{}", exit::HELP))]
pub struct RestoreArgs {
    #[command(flatten)]
    place: StoreArgs,
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Makes a backup.
///
/// # Errors
/// The store is in Redis or not there, or the copy cannot be made.
pub async fn backup(args: BackupArgs) -> Result<Exit, Failure> {
    let dir = sqlite_dir(find_store(&args.place)?)?;
    sqlite::backup(&dir, &args.file).await?;
    eprintln!("the store in {} is copied to {}", dir.display(), args.file.display());
    Ok(Exit::Done)
}

/// Puts a backup back.
///
/// # Errors
/// The store is in Redis, a server runs, or the file is no backup.
pub async fn restore(args: RestoreArgs) -> Result<Exit, Failure> {
    let dir = sqlite_dir(args.place.address()?)?;
    if !args.file.is_file() {
        return Err(Failure::new(Exit::Usage, format!("there is no file {}", args.file.display())));
    }
    if !is_sqlite(&args.file) {
        let wrong = format!("{} is no backup: nothing in it is of SQLite", args.file.display());
        return Err(Failure::new(Exit::Usage, wrong));
    }
    let aside = sqlite::restore(&args.file, &dir).await?;
    eprintln!("{} stands in {} now", args.file.display(), dir.display());
    if let Some(aside) = aside {
        eprintln!(
            "what stood there was moved aside; it still holds what was removed since the backup, so delete it once it is \
             not needed any more. Readers will be told reset{{storeChanged}} where they have seen later changes."
        );
        output::lines([aside.display()])?;
    }
    Ok(Exit::Done)
}

/// Whether a file begins as all of SQLite's do. One that cannot be read is left to SQLite to say so.
fn is_sqlite(file: &Path) -> bool {
    let mut begins = [0; 16];
    let read = File::open(file).and_then(|mut file| file.read_exact(&mut begins));
    match read {
        Ok(()) => begins == *b"SQLite format 3\0",
        Err(error) => error.kind() != ErrorKind::UnexpectedEof,
    }
}

fn sqlite_dir(address: Address) -> Result<PathBuf, Failure> {
    match address {
        Address::Sqlite { dir } => Ok(dir),
        Address::Redis(_) => Err(Failure::new(
            Exit::Usage,
            "backup and restore copy the SQLite file, and this store is in Redis: use `newswire export`, or Redis' own \
             BGSAVE and the RDB and AOF files that it writes",
        )),
    }
}
