//! The command line: what can be typed, and where each command is carried out.
//!
//! `feed`, `token`, `export`, `import` and `backup` open the store and work beside a server that may be running; `publish` and `tail` know a server
//! only by its address and its public doors. Each command writes what was asked for to standard output, everything
//! else to standard error, and ends with one of the codes in [`exit`].

pub mod backoff;
pub mod backup;
pub mod check;
pub mod exit;
pub mod export;
pub mod feed;
pub mod import;
pub mod output;
pub mod problem;
pub mod publish;
pub mod server_url;
pub mod tail;
pub mod token;

use clap::{CommandFactory, FromArgMatches as _, Parser, Subcommand, error::ErrorKind};

use crate::{
    config::{Contradiction, ServeArgs, Settings, StoreArgs},
    store::{
        self, SharedStore,
        open::{Address, Role},
        sqlite,
    },
};
use exit::{Exit, Failure};

const ABOUT: &str = "\
A real-time news-feed push server

Editors publish timestamped items; newswire keeps them in one SQLite file (or in Redis) and pushes them to every connected \
reader over WebSocket or server-sent events. A reader who comes back with its position gets what it missed, once and in \
order.

Without a command newswire serves: the page is at http://127.0.0.1:8787/, the API below /v1/. The very first start creates \
the feed `news-feed` and prints an editor's token, once.";

const EXAMPLES: &str = "\
Examples:
  newswire --sample                      serve on 127.0.0.1:8787 with items to look at
  newswire --listen 0.0.0.0:80 --data /var/lib/newswire
  newswire --store redis://127.0.0.1:6379
  newswire feed create elections --title 'Election night'
  TOKEN=$(newswire token create desk --can publish --feed elections)
  echo '{\"headline\":\"Polls have closed\"}' | newswire publish --token $TOKEN --feed elections
  newswire tail --feed elections
  newswire feed close elections          its coverage has ended
  newswire export elections.jsonl --feed elections
  newswire check                         before a start: settings, store, clock, limits
  newswire help tail                     the manual of one command

Environment:
  NEWSWIRE_LISTEN, NEWSWIRE_DATA, NEWSWIRE_STORE, NEWSWIRE_STORE_CA, NEWSWIRE_ACK_REPLICAS, NEWSWIRE_PUBLIC_URL, NEWSWIRE_TRUST_PROXY, NEWSWIRE_MAX_READERS,
  NEWSWIRE_MAX_READERS_PER_ADDRESS, NEWSWIRE_LOG_FORMAT, NEWSWIRE_DRAIN
                                         as the options of serve; an option wins
  NEWSWIRE_SERVER, NEWSWIRE_TOKEN        for publish and tail
  An unknown NEWSWIRE_… variable keeps the server from starting: most likely it is a mistyped one.
";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "newswire",
    version,
    about = "A real-time news-feed push server",
    long_about = ABOUT,
    after_long_help = format!("{EXAMPLES}\n{}", exit::HELP),
    args_conflicts_with_subcommands = true,
    max_term_width = 100
)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

/// What can be asked for.
#[derive(Debug, Subcommand)]
enum Command {
    /// Serve feeds (what newswire does when no command is given)
    #[command(long_about = ABOUT, after_long_help = exit::HELP)]
    Serve(ServeArgs),
    /// Create feeds; change, close, list and delete them
    Feed(feed::FeedArgs),
    /// Create tokens, list and revoke them
    Token(token::TokenArgs),
    /// Write everything that the store keeps as JSON Lines, which any store can import
    Export(export::ExportArgs),
    /// Load what export wrote
    Import(import::ImportArgs),
    /// Copy the SQLite file, beside a running server
    Backup(backup::BackupArgs),
    /// Put a copy of the SQLite file back
    Restore(backup::RestoreArgs),
    /// Tell what a server would run by, and what an operator should know before it starts
    Check(Box<check::CheckArgs>),
    /// Publish items from a file or from standard input
    Publish(publish::PublishArgs),
    /// Follow feeds: print their changes, or run a command for each (a bot)
    Tail(tail::TailArgs),
}

/// What is to be done, once the command line has been read.
#[derive(Debug)]
pub enum Job {
    /// Serve by these settings.
    Serve(Settings),
    /// One of the commands.
    Beside(Beside),
}

/// A command other than `serve`, to be [`run`](Beside::run).
#[derive(Debug)]
pub struct Beside(Command);

/// Reads the command line and the environment. Help, version and what makes no sense end the process here, with exit
/// code 0 or 2: nothing has been opened yet.
#[must_use]
pub fn parse() -> Job {
    let given = Cli::command().get_matches();
    let mut cli = Cli::from_arg_matches(&given).unwrap_or_else(|error| error.format(&mut Cli::command()).exit());
    if let (Some(Command::Check(check)), Some(given)) = (&mut cli.command, given.subcommand_matches("check")) {
        check.note(given);
    }
    let serve = match cli.command {
        None => cli.serve,
        Some(Command::Serve(serve)) => serve,
        Some(other) => return Job::Beside(Beside(other)),
    };
    match serve.settings() {
        Ok(settings) => Job::Serve(settings),
        Err(contradiction) => Cli::command().error(ErrorKind::ArgumentConflict, contradiction).exit(),
    }
}

impl Beside {
    /// Carries the command out.
    ///
    /// # Errors
    /// It did not do what was asked.
    pub async fn run(self) -> Result<Exit, Failure> {
        // Both TLS clients, for HTTPS and for WebSockets, take their cryptography from here, and cannot be built without.
        // An error is a provider that was installed before, which does as well.
        let _installed_before = rustls::crypto::ring::default_provider().install_default();
        match self.0 {
            Command::Serve(_) => unreachable!("`parse` makes every serve a job of its own"),
            Command::Feed(args) => feed::run(args).await,
            Command::Token(args) => token::run(args).await,
            Command::Export(args) => export::run(args).await,
            Command::Import(args) => import::run(args).await,
            Command::Backup(args) => backup::backup(args).await,
            Command::Restore(args) => backup::restore(args).await,
            Command::Check(args) => check::run(*args).await,
            Command::Publish(args) => publish::run(args).await,
            Command::Tail(args) => tail::run(args).await,
        }
    }
}

impl From<Contradiction> for Failure {
    fn from(contradiction: Contradiction) -> Self {
        Self::new(Exit::Usage, contradiction.to_string())
    }
}

/// Opens the store that the arguments name, beside a server that may be running. A file that is not there is not made:
/// most likely this is another directory than the server's.
///
/// # Errors
/// The arguments contradict each other, or the store is not there or cannot be opened.
pub async fn open_store(args: &StoreArgs) -> Result<SharedStore, Failure> {
    Ok(store::open::open(&find_store(args)?, Role::Beside).await?)
}

/// Opens the store that the arguments name, and makes it where it is not there.
///
/// # Errors
/// The arguments contradict each other, or the store cannot be opened.
pub async fn open_or_make_store(args: &StoreArgs) -> Result<SharedStore, Failure> {
    Ok(store::open::open(&args.address()?, Role::Beside).await?)
}

/// The address of the store that the arguments name, where a file is known to be there.
///
/// # Errors
/// The arguments contradict each other, or the file is not there.
pub fn find_store(args: &StoreArgs) -> Result<Address, Failure> {
    let address = args.address()?;
    if let Address::Sqlite { dir } = &address
        && !dir.join(sqlite::FILE).exists()
    {
        let place = std::path::absolute(dir).unwrap_or_else(|_| dir.clone());
        let why = format!("there is no store in {}; give --data, or start the server there once", place.display());
        return Err(Failure::new(Exit::Away, why));
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
