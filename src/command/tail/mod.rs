//! `newswire tail`: following one feed, or several over one connection, with positions that are kept.
//!
//! A follower repeats one step: connect after its position, deal with what comes, remember how far it got. The position
//! of a feed moves only with messages that carry one, and only after they, and all before them, have been dealt with: printed, or
//! given to a command that ended well. It ends when it is told to stop, or when the server refuses it for good.

mod connection;
mod exec;
mod message;
mod print;
mod state;
mod stop;
mod wanted;

use std::{
    collections::BTreeMap,
    io::{self, ErrorKind, IsTerminal, Stdout},
    path::PathBuf,
    time::Duration,
};

use clap::Args;
use jiff::tz::TimeZone;
use tokio::{select, time::sleep};
use url::Url;

use super::{
    backoff::Backoff,
    exit::{self, Exit, Failure},
    server_url::ServerUrl,
};
use crate::news::{After, FeedId, Filter, Position};
use connection::{Connection, NotOpened};
use exec::Dealt;
use message::{Message, What};
use print::{Format, Naming, Printer};
use state::{StateFile, Unusable};
use stop::Stop;
use wanted::Wanted;

const MANUAL: &str = "\
What comes out:
  Without --exec: on a terminal one readable line for each item; anywhere else JSON Lines, one message a line as the \
server sent it: changes (type item.… and feed.…), pages of a snapshot (type snapshot) and reset. What is said about the \
connection goes to standard error.
  It reconnects by itself, with growing pauses, until it is told to stop or refused for good.

Where it begins:
  At the position in the --state file if there is one; else after --after (0: from the first change); else with a snapshot \
of the newest --last items. Where the position can no longer be gone on from (the server says why), it gets a `reset` and \
then a snapshot.

Several feeds, and filters:
  With several --feed, lines of text begin with the feed's id, and each message names its `feed`. With --urgency, --tag or --subject only items that match come: values of one option are alternatives, different options must all match. An item that no longer matches comes once more as `item.left`.

A bot:
  --exec runs CMD by `sh -c` for each message, one after the other, with the JSON on its standard input. Only after CMD has \
ended with 0 does the position move on and is written to --state (synced and renamed). A CMD that fails is run again for \
the same message, with growing pauses, for as long as it takes: nothing is skipped. After a crash the last message may \
come a second time; its `position`, or the item's id and version, tells. A CMD whose input ends without a line break \
was left by a tail that was killed: it should do nothing. On Ctrl-C or SIGTERM a running CMD is waited for.

Examples:
  newswire tail --feed news-feed
  newswire tail --feed news-feed | jq -r 'select(.type == \"item.published\").item.headline'
  newswire tail --feed world --feed sports --urgency 1..2 --tag elections --tag vote
  newswire tail --feed alerts --after 0 --state alerts.state --exec ./post-to-chat

Environment:
  NEWSWIRE_SERVER, NEWSWIRE_TOKEN   as --server and --token; a token there is not seen in the list of processes
";

/// `tail`.
#[derive(Args, Debug)]
#[command(after_long_help = format!("{MANUAL}\n{}", exit::HELP))]
pub struct TailArgs {
    /// Address of the server
    #[arg(long, value_name = "URL", env = "NEWSWIRE_SERVER", default_value = "http://127.0.0.1:8787")]
    server: ServerUrl,
    /// A token that may read, for a feed that is not public
    #[arg(long, value_name = "T", env = "NEWSWIRE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// The feed to follow; may be repeated, up to 16 times
    #[arg(long = "feed", value_name = "ID", required = true)]
    feeds: Vec<FeedId>,
    #[command(flatten)]
    wanted: Wanted,
    /// Begin after this position, where there is no state yet; 0, which also several feeds can begin after, is before the
    /// first change
    #[arg(long, value_name = "POS", conflicts_with = "last")]
    after: Option<String>,
    /// Begin with the newest items (the server rounds up to 10, 50, 200 or 500), where there is no state yet
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=500))]
    last: u16,
    /// Keep the position of each feed in this file, and go on from it
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Run this for each message, with the JSON on its standard input, instead of printing
    #[arg(long, value_name = "CMD", conflicts_with = "format")]
    exec: Option<String>,
    /// How to print [default: text on a terminal, json elsewhere]
    #[arg(long)]
    format: Option<Format>,
}

/// The pause after a first failure; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Short enough that nobody waits long for news once the server is back.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

impl From<Unusable> for Failure {
    fn from(unusable: Unusable) -> Self {
        Self::new(Exit::Usage, unusable.to_string())
    }
}

/// Carries the command out.
///
/// # Errors
/// A file or an argument makes no sense, the output is gone, or the server refuses for good.
pub async fn run(args: TailArgs) -> Result<Exit, Failure> {
    let after = match args.after.as_deref().map(str::parse::<After>) {
        Some(Err(error)) => return Err(Failure::new(Exit::Usage, format!("--after: {error}, or 0"))),
        Some(Ok(after)) => Some(after),
        None => None,
    };
    let filter = args.wanted.filter()?;
    let mut feeds = args.feeds;
    feeds.sort();
    feeds.dedup();
    if feeds.len() > 1 && matches!(after, Some(After::Position(_))) {
        return Err(Failure::new(Exit::Usage, "--after: a position is of one feed; for several give 0, or --state"));
    }
    let state = args.state.as_deref().map(|path| StateFile::open(path, &feeds)).transpose()?;
    let mut positions: BTreeMap<FeedId, After> =
        after.map(|after| feeds.iter().map(|feed| (feed.clone(), after)).collect()).unwrap_or_default();
    for (feed, kept) in state.iter().flat_map(StateFile::positions) {
        if positions.insert(feed.clone(), After::Position(*kept)).is_some() {
            eprintln!("newswire: {feed}: going on from {kept} in the state file; --after is for a first run");
        }
    }
    let sink = match args.exec {
        Some(command) => Sink::Command(command),
        None => {
            let naming = if feeds.len() > 1 { Naming::Feed } else { Naming::Nothing };
            let usual = if io::stdout().is_terminal() { Format::Text } else { Format::Json };
            Sink::Print(Printer::new(io::stdout(), args.format.unwrap_or(usual), TimeZone::system(), naming))
        }
    };
    let mut follower = Follower {
        server: args.server,
        feeds,
        filter,
        token: args.token,
        after: positions,
        last: args.last,
        state,
        sink,
        backoff: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
    };
    let mut stop = Stop::listen().map_err(|error| Failure::new(Exit::Refused, error.to_string()))?;
    follower.follow(&mut stop).await
}

/// Who follows: how far it got, and what it does with what comes.
struct Follower {
    server: ServerUrl,
    /// At least one, by id.
    feeds: Vec<FeedId>,
    filter: Filter,
    token: Option<String>,
    /// Where it stands in each feed; nowhere before a first snapshot of it is complete.
    after: BTreeMap<FeedId, After>,
    last: u16,
    state: Option<StateFile>,
    sink: Sink,
    backoff: Backoff,
}

/// What is done with a message.
enum Sink {
    Print(Printer<Stdout>),
    Command(String),
}

/// How a walk along the feed ended.
enum Walked {
    /// Told to stop, or nobody reads what is printed.
    Stopped,
    /// The connection is gone; the server may have said how long to stay away.
    Lost { why: String, pause: Option<Duration> },
}

impl Follower {
    async fn follow(&mut self, stop: &mut Stop) -> Result<Exit, Failure> {
        loop {
            let url = self.door();
            let opened = select! {
                () = stop.told() => return Ok(Exit::Done),
                opened = Connection::open(&url, self.token.as_deref()) => opened,
            };
            let walked = match opened {
                Ok(connection) => self.walk(connection, stop).await?,
                Err(NotOpened::ForGood(failure)) => return Err(failure),
                Err(NotOpened::ForNow { why, pause }) => Walked::Lost { why, pause },
            };
            let Walked::Lost { why, pause } = walked else { return Ok(Exit::Done) };
            // What the server asks for is waited at least, and the jitter comes on top.
            let pause = pause.unwrap_or_default() + self.backoff.next_pause();
            eprintln!("newswire: {}; again in {:.1} s", print::plain(&why), pause.as_secs_f64());
            select! {
                () = stop.told() => return Ok(Exit::Done),
                () = sleep(pause) => (),
            }
        }
    }

    /// Where to connect, from where it stands.
    fn door(&self) -> Url {
        let written = |after: &After| match after {
            After::Position(position) => position.to_string(),
            After::First => "0".to_owned(),
        };
        let last = self.last.to_string();
        let mut url = if let [feed] = self.feeds.as_slice() {
            let mut url = self.server.live(feed);
            match self.after.get(feed) {
                Some(after) => url.query_pairs_mut().append_pair("after", &written(after)),
                None => url.query_pairs_mut().append_pair("last", &last),
            };
            url
        } else {
            let mut url = self.server.live_together();
            url.query_pairs_mut()
                .extend_pairs(self.feeds.iter().map(|feed| {
                    let place = self.after.get(feed).map(|after| format!("@{}", written(after)));
                    ("feed", format!("{feed}{}", place.unwrap_or_default()))
                }))
                .append_pair("last", &last);
            url
        };
        wanted::append(&mut url, &self.filter);
        url
    }

    /// Walks along the feed until the connection ends. It is woken by a message, by silence, and by being told to stop.
    async fn walk(&mut self, mut connection: Connection, stop: &mut Stop) -> Result<Walked, Failure> {
        loop {
            let received = select! {
                biased;
                () = stop.told() => return Ok(Walked::Stopped),
                received = connection.next() => received,
            };
            let message = match received {
                Ok(message) => message,
                Err(why) => return Ok(Walked::Lost { why, pause: None }),
            };
            if message.is_news() && self.deal(&message, &mut connection, stop).await? == Dealt::Stopped {
                return Ok(Walked::Stopped);
            }
            if let Some(position) = message.position {
                self.reached(message.feed.as_ref(), position)?;
            }
            match message.what {
                What::Bye { reason, pause } => return told_to_leave(message.feed.as_ref(), &reason, pause),
                What::Stale(since) => {
                    let since = print::plain(&since);
                    eprintln!("newswire: connected, but the feed's source is away since {since}; waiting for it");
                }
                What::Reset(reason) => {
                    eprintln!("newswire: starting from a snapshot: {}", print::plain(&reason));
                }
                What::Hello(_) | What::Unknown => {}
                What::News | What::Pulse => self.backoff.succeeded(),
            }
        }
    }

    /// Keeps how far a feed is dealt with. A message that names none, or one that is not followed, moves nothing where
    /// several are followed.
    fn reached(&mut self, feed: Option<&FeedId>, position: Position) -> Result<(), Failure> {
        let feed = match self.feeds.as_slice() {
            [only] => only,
            several => match several.iter().find(|followed| Some(*followed) == feed) {
                Some(feed) => feed,
                None => return Ok(()),
            },
        };
        if let Some(state) = &mut self.state {
            state.keep(feed, position)?;
        }
        self.after.insert(feed.clone(), After::Position(position));
        Ok(())
    }

    async fn deal(
        &mut self,
        message: &Message,
        connection: &mut Connection,
        stop: &mut Stop,
    ) -> Result<Dealt, Failure> {
        match &mut self.sink {
            Sink::Command(command) => exec::until_well(command, message, connection, stop).await,
            Sink::Print(printer) => match printer.print(message) {
                Ok(()) => Ok(Dealt::Well),
                // Whoever read us, `head` for example, has seen enough.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Dealt::Stopped),
                Err(error) => Err(Failure::new(Exit::Refused, format!("cannot write the output: {error}"))),
            },
        }
    }
}

/// What a `bye` means: to come back, or that there is nothing to come back for. A `ticket` that ran out and
/// `tooManyFilters` may both be over at the next attempt.
fn told_to_leave(feed: Option<&FeedId>, reason: &str, pause: Option<Duration>) -> Result<Walked, Failure> {
    let feed = feed.map_or_else(|| "the feed".to_owned(), |feed| format!("the feed {feed}"));
    match reason {
        "gone" => Err(Failure::new(Exit::NotFound, format!("{feed} is gone"))),
        "revoked" => Err(Failure::new(Exit::NotAllowed, format!("the token was revoked, or {feed} now needs one"))),
        other => Ok(Walked::Lost { why: format!("the server says bye ({other})"), pause }),
    }
}
