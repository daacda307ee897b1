//! `newswire check`: what a server started with these settings would run by and meet, and what an operator should know
//! of it. It binds no port and changes nothing of what is kept.
//!
//! It names every setting that `serve` has, since it asks the command line itself which there are. No password is told.

use clap::{ArgMatches, Args, CommandFactory as _, ValueEnum, parser::ValueSource};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    Cli,
    exit::{Exit, Failure},
    output,
};
use crate::{
    config::ServeArgs,
    news::Moment,
    store::{
        self, SharedStore, StoreError,
        open::{Address, Role},
        sqlite,
    },
};

const MANUAL: &str = "\
Give it the options and the environment that the server gets. Works beside a running server.

Examples:
  newswire check
  newswire check --store redis://127.0.0.1:6379 --format json | jq .warnings

Exit status:
  0  all is well
  1  there are warnings
  2  the settings make no sense
  3  the store is away, or takes no writes";

/// How far the store's clock and this machine's may be apart before it is worth a warning. Milliseconds.
const CLOCKS_APART: i64 = 1000;

/// Fewer open files than this are fewer readers than a server of this kind is meant for.
const FEW_FILES: u64 = 10_000;

/// `check`.
#[derive(Args, Debug)]
#[command(after_long_help = MANUAL)]
pub struct CheckArgs {
    #[command(flatten)]
    serve: ServeArgs,
    /// How the report is written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    #[arg(skip)]
    settings: Vec<Setting>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Lines for people.
    Text,
    /// One JSON object.
    Json,
}

/// A setting as it was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Setting {
    name: String,
    value: Option<String>,
    from: &'static str,
}

/// What was found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    settings: Vec<Setting>,
    store: String,
    facts: Map<String, Value>,
    /// By how much the store's clock is ahead of this machine's.
    clock_ahead_ms: Option<i64>,
    open_files: Option<OpenFiles>,
    warnings: Vec<String>,
    error: Option<String>,
}

/// How many files, and so connections, a process may have open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct OpenFiles {
    soft: u64,
    hard: u64,
}

impl CheckArgs {
    /// Notes what was given and where, which only the parsed command line knows.
    pub(super) fn note(&mut self, given: &ArgMatches) {
        let whole = Cli::command();
        let check = whole.find_subcommand("check").expect("it is one of our commands");
        let own = |name: &str| matches!(name, "format" | "help" | "version");
        let arguments = check.get_arguments().filter(|argument| !own(argument.get_id().as_str()));
        self.settings = arguments.map(|argument| setting(argument, given)).collect();
    }
}

fn setting(argument: &clap::Arg, given: &ArgMatches) -> Setting {
    let id = argument.get_id().as_str();
    let values = given.try_get_raw(id).ok().flatten();
    let value = values
        .map(|values| values.map(|value| without_password(&value.to_string_lossy())).collect::<Vec<_>>().join(","));
    let from = match given.value_source(id) {
        Some(ValueSource::CommandLine) => "command line",
        Some(ValueSource::EnvVariable) => "environment",
        _ => "default",
    };
    Setting { name: argument.get_long().unwrap_or(id).to_owned(), value, from }
}

/// An address without the names and passwords that it may carry, before its hosts and among its parameters.
fn without_password(value: &str) -> String {
    let Some((scheme, rest)) = value.split_once("://") else { return value.to_owned() };
    let (rest, parameters) = rest.split_once('?').map_or((rest, ""), |(rest, _)| (rest, "?…"));
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://…@{host}{parameters}"),
        None => format!("{scheme}://{rest}{parameters}"),
    }
}

/// Carries the command out.
///
/// # Errors
/// The settings contradict each other, or the output cannot be written.
pub async fn run(args: CheckArgs) -> Result<Exit, Failure> {
    let settings = args.serve.settings()?;
    let mut report = Report {
        settings: args.settings,
        store: format!("{:?}", settings.store),
        facts: Map::new(),
        clock_ahead_ms: None,
        open_files: std::fs::read_to_string("/proc/self/limits").ok().as_deref().and_then(open_files),
        warnings: Vec::new(),
        error: None,
    };
    if let Some(OpenFiles { hard, .. }) = report.open_files.filter(|limit| limit.hard < FEW_FILES) {
        report.warnings.push(format!(
            "at most {hard} files may be open, and each reader takes one: raise the limit (ulimit -Hn, LimitNOFILE=)"
        ));
    }
    match &settings.store {
        Address::Sqlite { dir } if !dir.join(sqlite::FILE).exists() && (dir.is_dir() || !dir.exists()) => {
            let place = std::path::absolute(dir).unwrap_or_else(|_| dir.clone());
            report.warnings.push(format!("there is no store in {} yet; the server will make it", place.display()));
        }
        Address::Sqlite { dir } if !dir.is_dir() => {
            report.error = Some(format!("{} is no directory; give --data another one", dir.display()));
        }
        // A look is not worth what it costs an older server that may be running.
        Address::Sqlite { dir } if sqlite::found(dir)?.is_some_and(|found| found < sqlite::SCHEMA) => {
            report.warnings.push(format!(
                "the file is of an older newswire: a server brings it from schema {} to {} as it starts, and older \
                 programs refuse it then",
                sqlite::found(dir)?.unwrap_or_default(),
                sqlite::SCHEMA
            ));
        }
        address => report.error = look_at(address, &mut report).await.err().map(|error| error.to_string()),
    }
    let exit = match (&report.error, report.warnings.is_empty()) {
        (Some(_), _) => Exit::Away,
        (None, false) => Exit::Refused,
        (None, true) => Exit::Done,
    };
    output::lines(match args.format {
        Format::Text => report.lines(),
        Format::Json => vec![serde_json::to_string_pretty(&report).expect("a report has only text for keys")],
    })?;
    Ok(exit)
}

async fn look_at(address: &Address, report: &mut Report) -> Result<(), StoreError> {
    let store = store::open::open(address, Role::Beside).await?;
    let looked = ask(&store, report).await;
    store.close().await;
    looked
}

async fn ask(store: &SharedStore, report: &mut Report) -> Result<(), StoreError> {
    let ahead = store.now().millis() - Moment::of_this_machine().millis();
    report.clock_ahead_ms = Some(ahead);
    if ahead.abs() > CLOCKS_APART {
        report.warnings.push(format!("the store's clock and this machine's are {} ms apart", ahead.abs()));
    }
    let facts = store.facts().await?;
    report.facts = facts.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    report.warnings.extend(store.health().await?);
    Ok(())
}

impl Report {
    /// The report for people.
    fn lines(&self) -> Vec<String> {
        let mut lines = vec!["Settings".to_owned()];
        lines.extend(self.settings.iter().map(|Setting { name, value, from }| {
            format!("  --{name:<14} {:<28} {from}", value.as_deref().unwrap_or("(not set)"))
        }));
        lines.push(format!("Store\n  {}", self.store));
        lines.extend(self.facts.iter().map(|(name, value)| {
            format!("  {name:<16} {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        }));
        if let Some(ahead) = self.clock_ahead_ms {
            lines.push(format!("  {:<16} {ahead} ms ahead of this machine's", "clock"));
        }
        if let Some(OpenFiles { soft, hard }) = self.open_files {
            lines.push(format!("Open files\n  {soft} now, {hard} at most"));
        }
        lines.extend(self.warnings.iter().map(|warning| format!("Warning: {warning}")));
        lines.extend(self.error.iter().map(|error| format!("Error: {error}")));
        if self.warnings.is_empty() && self.error.is_none() {
            lines.push("All is well".to_owned());
        }
        lines
    }
}

/// Reads Linux's list of a process's limits; elsewhere there is none.
fn open_files(limits: &str) -> Option<OpenFiles> {
    let mut words = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?.split_whitespace();
    let mut limit = || words.next().map(|word| if word == "unlimited" { Some(u64::MAX) } else { word.parse().ok() });
    Some(OpenFiles { soft: limit()??, hard: limit()?? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_without_its_password() {
        assert_eq!(without_password("redis://me:p@ss@db:6379/2"), "redis://…@db:6379/2");
        let watched = "redis+sentinel://me:p@ss@a,b/news?sentinel_password=p@ss";
        assert_eq!(without_password(watched), "redis+sentinel://…@a,b/news?…");
        for plain in ["redis://db", "sqlite", "/data/a@b"] {
            assert_eq!(without_password(plain), plain);
        }
    }

    #[test]
    fn the_limit_of_open_files_is_read_as_linux_writes_it() {
        let text = "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 unlimited            files\n";
        assert_eq!(open_files(text), Some(OpenFiles { soft: 1024, hard: u64::MAX }));
        assert_eq!(open_files("Max processes 1 2 processes"), None);
    }
}
