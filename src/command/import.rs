//! `newswire import`: loading what `newswire export` wrote, into any store.
//!
//! A file is read twice: first to its end, so that nothing is loaded of one that is torn, wrong or already there.
//! Standard input can be read only once; what is torn there is told at its end, and the feed that it breaks off in is
//! never seen.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, IsTerminal as _, Read as _},
    path::{Path, PathBuf},
};

use clap::Args;
use serde::Deserialize;

use super::{
    exit::{self, Exit, Failure},
    export::{End, Header},
    open_or_make_store,
};
use crate::{
    config::StoreArgs,
    news::{FeedId, Mark},
    store::{
        Row, SharedStore, Witness,
        dump::{FORM, VersionRow},
    },
};

const MANUAL: &str = "\
Readers of what is imported are told to begin anew, and then have what was exported: nobody can know what they saw of what \
was published later. Where nothing was, --resume lets them go on from their positions.

Nothing is loaded over what is there: a feed, or a token, of the same name is refused, before anything is loaded. A store \
that is not there yet is made. From standard input, what comes before a wrong line is loaded; a feed is seen once all of \
it is there.

Examples:
  newswire import --data ./other --resume backup.jsonl
  gunzip < elections.jsonl.gz | newswire import --store redis://127.0.0.1:6379";

/// The longest line: an item's longest story many times over.
const LONGEST_LINE: u64 = 16 * 1024 * 1024;

/// How many rows are loaded at a time.
const ROWS: usize = 200;

/// `import`.
#[derive(Args, Debug)]
#[command(after_long_help = format!("{MANUAL}\n\n{}", exit::HELP))]
pub struct ImportArgs {
    #[command(flatten)]
    place: StoreArgs,
    /// Readers go on from their positions: only where nothing was published or edited after the export
    #[arg(long)]
    resume: bool,
    /// Where to read; `-` is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
}

/// Carries the command out.
///
/// # Errors
/// The file is no whole export, what it holds is there already, or the store is away.
pub async fn run(args: ImportArgs) -> Result<Exit, Failure> {
    let from_standard_input = args.file == Path::new("-");
    if from_standard_input && io::stdin().is_terminal() {
        return Err(Failure::new(Exit::Usage, "give a FILE, or an export on standard input"));
    }
    let names = if from_standard_input { None } else { Some(look_through(&args.file)?) };
    let store = open_or_make_store(&args.place).await?;
    let loaded = async {
        match names {
            None => load(&store, Rows::begin(io::stdin().lock())?, args.resume).await,
            Some(names) => {
                refuse_taken(&store, &names).await?;
                load(&store, Rows::begin(open(&args.file)?)?, args.resume).await
            }
        }
    }
    .await;
    store.close().await;
    let rows = loaded?;
    eprintln!("imported {rows} rows");
    Ok(Exit::Done)
}

fn open(file: &Path) -> Result<BufReader<File>, Failure> {
    let unreadable = |error| Failure::new(Exit::Usage, format!("cannot read {}: {error}", file.display()));
    Ok(BufReader::new(File::open(file).map_err(unreadable)?))
}

/// Reads a file to its end, and remembers the rows that name what must not be there yet.
fn look_through(file: &Path) -> Result<Vec<Row>, Failure> {
    let mut rows = Rows::begin(open(file)?)?;
    let mut names = Vec::new();
    while let Some(row) = rows.next()? {
        if matches!(row, Row::Begin { .. } | Row::Token(_)) {
            names.push(row);
        }
    }
    Ok(names)
}

async fn refuse_taken(store: &SharedStore, names: &[Row]) -> Result<(), Failure> {
    let tokens = store.tokens().await?;
    for row in names {
        let taken = match row {
            Row::Begin { feed } if store.feed(feed).await?.is_some() => {
                format!("there is a feed {feed} already; delete it first, or import into another store")
            }
            Row::Token(token) if tokens.iter().any(|kept| kept.name == token.name) => {
                let hint = "an export with --feed leaves the tokens out";
                format!("there is a token {} already; import into another store, or without tokens: {hint}", token.name)
            }
            _ => continue,
        };
        return Err(Failure::new(Exit::Refused, format!("{taken}. Nothing was loaded")));
    }
    Ok(())
}

async fn load<R: BufRead>(store: &SharedStore, mut rows: Rows<R>, resume: bool) -> Result<u64, Failure> {
    let mut batch = Vec::with_capacity(ROWS);
    loop {
        let row = rows.next()?;
        let last = row.is_none();
        batch.extend(row);
        if batch.len() == ROWS || (last && !batch.is_empty()) {
            let feeds: Vec<_> = batch.iter().filter_map(whole).collect();
            store.load(std::mem::replace(&mut batch, Vec::with_capacity(ROWS))).await?;
            for (feed, cut) in feeds.into_iter().filter(|_| !resume) {
                store.cut(&feed, Some(cut), Witness::Follower, Mark::random()).await?;
            }
        }
        if last {
            return Ok(rows.read);
        }
    }
}

/// The feed that is whole with this row, and its last cut.
fn whole(row: &Row) -> Option<(FeedId, u64)> {
    match row {
        Row::Feed { document, cut, .. } => Some((document.id.clone(), *cut)),
        _ => None,
    }
}

/// The rows of an export, read to its end line, which has to be there.
struct Rows<R> {
    input: R,
    /// The number of the line that was read last.
    number: u64,
    /// How many rows were read.
    read: u64,
}

#[derive(Deserialize)]
struct Tag {
    row: String,
}

impl<R: BufRead> Rows<R> {
    /// Reads the first line.
    fn begin(input: R) -> Result<Self, Failure> {
        let mut rows = Self { input, number: 0, read: 0 };
        let line = rows.line()?.unwrap_or_default();
        let header = serde_json::from_slice::<Header>(&line).ok().filter(|header| header.newswire == Header::WHAT);
        match header {
            None => Err(rows.wrong("this is no export of newswire")),
            Some(Header { form, version, .. }) if form > FORM => {
                Err(rows.wrong(&format!("newswire {version} wrote it, in form {form}, and this program knows {FORM}")))
            }
            Some(_) => Ok(rows),
        }
    }

    /// The next row; none after the last, once the end line was seen.
    fn next(&mut self) -> Result<Option<Row>, Failure> {
        let Some(line) = self.line()? else {
            return Err(self.wrong("the end line is missing: the export was torn off; make a new one"));
        };
        if let Ok(End { end: true, rows }) = serde_json::from_slice(&line) {
            if rows != self.read {
                return Err(self.wrong(&format!("there should be {rows} rows before it, and there are {}", self.read)));
            }
            return if self.line()?.is_none() { Ok(None) } else { Err(self.wrong("something follows the end line")) };
        }
        // A version's story is kept byte for byte, which a tagged enum cannot read.
        let read = serde_json::from_slice::<Tag>(&line).and_then(|tag| match tag.row.as_str() {
            "version" => serde_json::from_slice::<VersionRow>(&line).map(|version| Row::Version(Box::new(version))),
            _ => serde_json::from_slice(&line),
        });
        let row = read.map_err(|error| {
            let said = error.to_string();
            // Each line is parsed by itself: its number in the file is told, and not that it is a first line.
            self.wrong(said.split(" at line ").next().unwrap_or(&said))
        })?;
        self.read += 1;
        Ok(Some(row))
    }

    /// The next line that is not empty.
    fn line(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        loop {
            self.number += 1;
            let mut line = Vec::new();
            let read = self.input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line);
            let read = read.map_err(|error| self.wrong(&format!("cannot read on: {error}")))?;
            if read == 0 {
                return Ok(None);
            }
            if read as u64 == LONGEST_LINE && !line.ends_with(b"\n") {
                return Err(self.wrong("it is longer than any row"));
            }
            if !line.trim_ascii().is_empty() {
                return Ok(Some(line.trim_ascii().to_vec()));
            }
        }
    }

    fn wrong(&self, why: &str) -> Failure {
        Failure::new(Exit::Usage, format!("line {}: {why}", self.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = r#"{"newswire":"export","form":1,"at":"2026-02-19T19:38:39.000Z","version":"0.1.0"}"#;
    const BEGIN: &str = r#"{"row":"begin","feed":"news"}"#;
    const VERSION: &str = r#"{"row":"version","feed":"news","id":"0194f0c2-0000-7000-8000-000000000000","version":1,"mark":"9f3a2c1b","kind":"item.published","at":"2026-02-19T19:38:39.000Z","born":2,"seq":2,"status":"usable","published":"2026-02-19T19:38:39.000Z","updated":"2026-02-19T19:38:39.000Z","ever":{"tags":[],"subjects":[],"urgencies":[]},"who":"desk","fields":[],"story":{"headline":"A","n":1.50}}"#;

    fn read(lines: &[&str]) -> Result<Vec<Row>, Failure> {
        let text = lines.join("\n");
        let mut rows = Rows::begin(text.as_bytes())?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(row);
        }
        Ok(all)
    }

    #[test]
    fn a_whole_export_is_its_rows_and_a_row_reads_back_as_it_was_written() {
        let rows = read(&[HEADER, BEGIN, VERSION, r#"{"end":true,"rows":2}"#]).expect("a whole export");
        let written: Vec<String> = rows.iter().map(|row| serde_json::to_string(row).expect("JSON")).collect();
        assert_eq!(written, [BEGIN, VERSION]);
    }

    #[test]
    fn what_is_torn_or_wrong_is_refused_by_its_line() {
        let end = r#"{"end":true,"rows":1}"#;
        for (lines, line, named) in [
            (&[][..], "line 1", "no export"),
            (&["{}"], "line 1", "no export"),
            (&[&HEADER.replace("\"form\":1", "\"form\":2")], "line 1", "form 2"),
            (&[HEADER, BEGIN], "line 3", "torn"),
            (&[HEADER, end], "line 2", "should be 1 rows"),
            (&[HEADER, BEGIN, end, BEGIN], "line 4", "follows"),
            (&[HEADER, "", r#"{"row":"begin","feed":"No Feed"}"#, end], "line 3", "hyphen"),
            (&[HEADER, &BEGIN[..20], end], "line 2", "EOF"),
            (&[HEADER, r#"{"row":"comet"}"#, end], "line 2", "comet"),
        ] {
            let why = read(lines).expect_err("refused").why;
            assert!(why.starts_with(line) && why.contains(named), "{lines:?}: {why}");
        }
    }
}
