//! `newswire feed`: creating feeds, changing, closing, deleting and listing them, in the store itself.

mod document;

use std::io::{self, BufRead as _, IsTerminal as _};

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::{
    exit::{self, Exit, Failure},
    open_store, output,
};
use crate::{
    config::StoreArgs,
    news::{Feed, FeedId, Kind, Mark, Refusal, amend, feed},
    store::{Commit, CommitError, Conflict, FeedState, FeedWrite, SharedStore, Write},
};
use document::Document;

/// Who is told to have made the changes that are made here.
const WHO: &str = "command line";

/// How often a change is tried on top of others that came in between.
const TRIES: u32 = 8;

/// `feed create`, `set`, `close`, `reopen`, `show`, `list`, `delete`.
#[derive(Args, Debug)]
#[command(after_long_help = exit::HELP)]
pub struct FeedArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Create a feed: public, live, keeping everything, unless told otherwise
    #[command(after_long_help = "\
Examples:
  newswire feed create elections --title 'Election night'
  newswire feed create staff --title 'For the newsroom' --access token --keep-days 30
  newswire feed create elections --title 'Election night' --store redis://127.0.0.1:6379

Works beside a running server of the same --data or --store, which serves the new feed at once.")]
    Create {
        /// The feed's name in addresses: 1 to 64 of a-z, 0-9 and hyphen
        id: FeedId,
        #[command(flatten)]
        document: Box<Document>,
        #[command(flatten)]
        place: StoreArgs,
    },
    /// Change what is given; readers are told at once
    #[command(after_long_help = "\
Examples:
  newswire feed set elections --title 'The count' --language en-GB
  newswire feed set elections --description '' --keep-days 30 --keep-items all
  newswire feed set elections --access token      readers without a token are told to leave")]
    Set {
        /// The feed
        id: FeedId,
        #[command(flatten)]
        document: Box<Document>,
        #[command(flatten)]
        place: StoreArgs,
    },
    /// Close a feed: its coverage has ended, it takes no new items, and stays readable
    Close {
        /// The feed
        id: FeedId,
        #[command(flatten)]
        place: StoreArgs,
    },
    /// Open a closed feed again
    Reopen {
        /// The feed
        id: FeedId,
        #[command(flatten)]
        place: StoreArgs,
    },
    /// Print a feed's document as JSON
    Show {
        /// The feed
        id: FeedId,
        #[command(flatten)]
        place: StoreArgs,
    },
    /// List the feeds, one a line: id, status, access, newest position, title
    List {
        #[command(flatten)]
        place: StoreArgs,
    },
    /// Delete a feed with everything in it, for good
    Delete {
        /// The feed
        id: FeedId,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        place: StoreArgs,
    },
}

/// Carries the command out.
///
/// # Errors
/// The store cannot be used, or says no.
pub async fn run(args: FeedArgs) -> Result<Exit, Failure> {
    match args.verb {
        Verb::Create { id, document, place } => create(id, &document, &place).await,
        Verb::Set { id, document, place } => {
            let patch = document.patch();
            if patch.is_empty() {
                return Err(Failure::new(Exit::Usage, "nothing to set: see `newswire feed set --help`"));
            }
            set(&id, &patch, &place).await
        }
        Verb::Close { id, place } => set(&id, &status("closed"), &place).await,
        Verb::Reopen { id, place } => set(&id, &status("live"), &place).await,
        Verb::Show { id, place } => show(&id, &place).await,
        Verb::List { place } => list(&place).await,
        Verb::Delete { id, yes, place } => delete(&id, yes, &place).await,
    }
}

fn status(word: &str) -> Map<String, Value> {
    Map::from_iter([("status".to_owned(), json!(word))])
}

/// An option that breaks a rule.
fn senseless(refusal: Refusal) -> Failure {
    Failure::new(Exit::Usage, refusal.detail)
}

/// There is no such feed.
pub(super) fn missing(id: &FeedId) -> Failure {
    Failure::new(Exit::NotFound, format!("there is no feed {id}; see `newswire feed list`"))
}

async fn create(id: FeedId, document: &Document, place: &StoreArgs) -> Result<Exit, Failure> {
    let feed = amend::create(id.clone(), &document.patch()).map_err(senseless)?;
    let store = open_store(place).await?;
    let created = store.create_feed(feed, Mark::random(), WHO).await;
    store.close().await;
    if !created? {
        return Err(Failure::new(Exit::Refused, format!("there is a feed {id} already; it is left as it is")));
    }
    eprintln!("created the feed {id}");
    Ok(Exit::Done)
}

async fn set(id: &FeedId, patch: &Map<String, Value>, place: &StoreArgs) -> Result<Exit, Failure> {
    let store = open_store(place).await?;
    let changed = change(&store, id, patch).await;
    store.close().await;
    let said = match changed? {
        None => "is like that already; nothing was changed",
        Some(Kind::FeedClosed) => "is closed",
        Some(Kind::FeedReopened) => "is open again",
        Some(_) => "is changed",
    };
    eprintln!("the feed {id} {said}");
    Ok(Exit::Done)
}

/// Changes a feed's document, on top of whatever others change meanwhile. None: there was no difference.
async fn change(store: &SharedStore, id: &FeedId, patch: &Map<String, Value>) -> Result<Option<Kind>, Failure> {
    for _ in 0..TRIES {
        let FeedState { feed, own, .. } = store.feed(id).await?.ok_or_else(|| missing(id))?;
        let Some((kind, document)) = amend::amend(&feed, patch).map_err(senseless)? else { return Ok(None) };
        let commit = Commit {
            feed: id.clone(),
            once: None,
            mark: Mark::random(),
            kind,
            at: store.now(),
            who: WHO.to_owned(),
            write: Write::Feed(FeedWrite { expected: own, document }),
        };
        match store.commit(commit).await {
            Ok(_) => return Ok(Some(kind)),
            Err(CommitError::Conflict(Conflict::NoFeed)) => return Err(missing(id)),
            // Somebody else has changed the feed: once more, on top of that.
            Err(CommitError::Conflict(_)) => {}
            Err(CommitError::Store(error)) => return Err(error.into()),
        }
    }
    Err(Failure::new(Exit::Refused, format!("others keep changing the feed {id}; nothing was changed, try again")))
}

async fn show(id: &FeedId, place: &StoreArgs) -> Result<Exit, Failure> {
    let store = open_store(place).await?;
    let state = store.feed(id).await;
    store.close().await;
    let document = state?.ok_or_else(|| missing(id))?.feed;
    output::lines([serde_json::to_string_pretty(&document).expect("a document has only text for keys")])?;
    Ok(Exit::Done)
}

async fn list(place: &StoreArgs) -> Result<Exit, Failure> {
    let store = open_store(place).await?;
    let feeds = store.feeds().await;
    store.close().await;
    output::lines(feeds?.into_iter().map(|state| {
        let Feed { id, title, status, access, .. } = state.feed;
        let status = match status {
            feed::FeedStatus::Live => "live",
            feed::FeedStatus::Closed => "closed",
        };
        let access = match access {
            feed::Access::Public => "public",
            feed::Access::Token => "token",
        };
        format!("{id}\t{status}\t{access}\t{}\t{title}", state.head)
    }))?;
    Ok(Exit::Done)
}

async fn delete(id: &FeedId, yes: bool, place: &StoreArgs) -> Result<Exit, Failure> {
    let store = open_store(place).await?;
    let deleted = confirmed_delete(&store, id, yes).await;
    store.close().await;
    deleted?;
    eprintln!("deleted the feed {id}");
    Ok(Exit::Done)
}

async fn confirmed_delete(store: &SharedStore, id: &FeedId, yes: bool) -> Result<(), Failure> {
    let FeedState { feed, head, .. } = store.feed(id).await?.ok_or_else(|| missing(id))?;
    if !yes {
        let lost = format!(
            "deleting {id} ({}) loses its {} changes: all items with their history, and what is known of items sent \
             before; its readers are told that it is gone. `newswire export --feed {id} FILE` keeps a copy",
            feed.title, head.seq
        );
        if !io::stdin().is_terminal() {
            return Err(Failure::new(Exit::Usage, format!("{lost}. Give --yes to delete it")));
        }
        eprintln!("{lost}.\nType the feed's id to delete it:");
        let mut typed = String::new();
        // What cannot be read is no consent.
        let _unread = io::stdin().lock().read_line(&mut typed);
        if typed.trim() != id.as_str() {
            return Err(Failure::new(Exit::Refused, "that is not its id; nothing was deleted"));
        }
    }
    match store.delete_feed(id, None).await {
        Ok(_) => Ok(()),
        Err(CommitError::Conflict(_)) => Err(missing(id)),
        Err(CommitError::Store(error)) => Err(error.into()),
    }
}
