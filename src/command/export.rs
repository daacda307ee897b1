//! `newswire export`: everything a store keeps, as JSON Lines that any store can load, beside a running server.
//!
//! The first line says what the file is, the last one how many rows stand between: a file that was torn lacks it. A file
//! is written beside its name, synced and renamed, so that a torn one never stands under the name.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use clap::Args;
use serde::{Deserialize, Serialize};

use super::{
    exit::{self, Exit, Failure},
    feed, open_store, output,
};
use crate::{
    config::StoreArgs,
    news::{FeedId, Moment},
    store::{SharedStore, dump::FORM},
};

const MANUAL: &str = "\
The export:
  JSON Lines: a line that says what it is, one line for each row, and an end line with their number. It is one state of each \
feed, although a server may go on publishing. `newswire import` loads it into any store, SQLite or Redis; its \
manual says when readers go on from their positions.
  Without --feed also the tokens, as hashes. It holds what is withheld, and the history of every item: keep it as safe as \
the store. What is removed later stays in it.
  A FILE that is there is replaced once the new one is whole.

Examples:
  newswire export backup.jsonl
  newswire export --feed elections - | gzip > elections.jsonl.gz
  newswire export --store redis://127.0.0.1:6379 all.jsonl && newswire import --data ./newswire-data all.jsonl";

/// `export`.
#[derive(Args, Debug)]
#[command(after_long_help = format!("{MANUAL}\n\n{}", exit::HELP))]
pub struct ExportArgs {
    /// Only this feed, and no tokens; may be repeated
    #[arg(long = "feed", value_name = "ID")]
    feeds: Vec<FeedId>,
    #[command(flatten)]
    place: StoreArgs,
    /// Where to write; `-` is standard output
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
}

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Header {
    /// Always [`Header::WHAT`].
    pub(super) newswire: String,
    /// The form of the rows.
    pub(super) form: u32,
    /// When it was begun.
    pub(super) at: Moment,
    /// Which newswire wrote it.
    pub(super) version: String,
}

impl Header {
    /// What it says this is.
    pub(super) const WHAT: &str = "export";
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct End {
    /// Always true.
    pub(super) end: bool,
    /// How many rows stand before it.
    pub(super) rows: u64,
}

/// Carries the command out.
///
/// # Errors
/// There is no such feed, the store is away, or the file cannot be written.
pub async fn run(args: ExportArgs) -> Result<Exit, Failure> {
    let store = open_store(&args.place).await?;
    let exported = export(&store, &args.feeds, &args.file).await;
    store.close().await;
    let rows = exported?;
    eprintln!("exported {rows} rows");
    Ok(Exit::Done)
}

async fn export(store: &SharedStore, feeds: &[FeedId], file: &Path) -> Result<u64, Failure> {
    for id in feeds {
        store.feed(id).await?.ok_or_else(|| feed::missing(id))?;
    }
    if file == Path::new("-") {
        // Here a reader that leaves has got a torn export, which is a failure.
        return write(store, feeds, &mut BufWriter::new(io::stdout())).await;
    }
    let unwritable =
        |error: io::Error| Failure::new(Exit::Refused, format!("cannot write {}: {error}", file.display()));
    let beside = beside(file);
    // Nobody else on the machine may read it: it holds what is withheld, and the hashes of tokens.
    let opened = File::options().write(true).create(true).truncate(true).mode(0o600).open(&beside);
    let mut out = BufWriter::new(opened.map_err(unwritable)?);
    let written = write(store, feeds, &mut out).await;
    let placed = written.and_then(|rows| {
        let synced = out.get_ref().sync_all().and_then(|()| fs::rename(&beside, file));
        synced.and_then(|()| sync_directory(file)).map_err(unwritable)?;
        Ok(rows)
    });
    if placed.is_err() {
        // If it cannot be removed either, it is written over the next time.
        let _left = fs::remove_file(&beside);
    }
    placed
}

/// Writes the whole export; the answer is how many rows it has.
async fn write<W: Write>(store: &SharedStore, feeds: &[FeedId], out: &mut W) -> Result<u64, Failure> {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    line(out, &Header { newswire: Header::WHAT.to_owned(), form: FORM, at: store.now(), version })?;
    let mut dump = store.dump(feeds).await?;
    let mut rows = 0;
    while let Some(some) = dump.next().await? {
        for row in &some {
            line(out, row)?;
        }
        rows += some.len() as u64;
    }
    line(out, &End { end: true, rows })?;
    out.flush().map_err(|error| output::unwritable(&error))?;
    Ok(rows)
}

fn line<W: Write>(out: &mut W, value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value)
        .map_err(|error| Failure::new(Exit::Refused, format!("the store holds what cannot be written: {error}")))?;
    // A story is written as it is kept; JSON holds line breaks only between its parts, where a space does as well.
    let text = text.replace(['\n', '\r'], " ");
    writeln!(out, "{text}").map_err(|error| output::unwritable(&error))
}

/// The name under which it is written first: the same each time, so that what a crash leaves is written over.
fn beside(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    file.with_file_name(name)
}

fn sync_directory(file: &Path) -> io::Result<()> {
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}
