//! `newswire feed`: creating feeds and listing them, in the store itself.

use clap::{Args, Subcommand};

use super::{
    exit::{self, Exit, Failure},
    open_store,
};
use crate::{
    config::StoreArgs,
    news::{Feed, FeedId, Mark, feed},
};

/// `feed create`, `feed list`.
#[derive(Args, Debug)]
#[command(after_long_help = exit::HELP)]
pub struct FeedArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Create a feed: public, live, keeping everything
    #[command(after_long_help = "\
Examples:
  newswire feed create elections --title 'Election night'
  newswire feed create elections --title 'Election night' --store redis://127.0.0.1:6379

Works beside a running server of the same --data or --store, which serves the new feed at once.")]
    Create {
        /// The feed's name in addresses: 1 to 64 of a-z, 0-9 and hyphen
        id: FeedId,
        /// What readers see, 1 to 300 characters
        #[arg(long, value_name = "T")]
        title: String,
        #[command(flatten)]
        place: StoreArgs,
    },
    /// List the feeds, one a line: id, status, access, newest position, title
    List {
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
        Verb::Create { id, title, place } => create(id, &title, &place).await,
        Verb::List { place } => list(&place).await,
    }
}

async fn create(id: FeedId, title: &str, place: &StoreArgs) -> Result<Exit, Failure> {
    let title = title.trim();
    if !(1..=300).contains(&title.chars().count()) || title.chars().any(char::is_control) {
        return Err(Failure::new(Exit::Usage, "a title is 1 to 300 characters, on one line"));
    }
    let store = open_store(place).await?;
    let created = store.create_feed(Feed::new(id.clone(), title), Mark::random(), "command line").await;
    store.close().await;
    if !created? {
        return Err(Failure::new(Exit::Refused, format!("there is a feed {id} already; it is left as it is")));
    }
    eprintln!("created the feed {id}");
    Ok(Exit::Done)
}

async fn list(place: &StoreArgs) -> Result<Exit, Failure> {
    let store = open_store(place).await?;
    let feeds = store.feeds().await;
    store.close().await;
    for state in feeds? {
        let Feed { id, title, status, access, .. } = state.feed;
        let status = match status {
            feed::FeedStatus::Live => "live",
            feed::FeedStatus::Closed => "closed",
        };
        let access = match access {
            feed::Access::Public => "public",
            feed::Access::Token => "token",
        };
        println!("{id}\t{status}\t{access}\t{}\t{title}", state.head);
    }
    Ok(Exit::Done)
}
