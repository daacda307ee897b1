//! `newswire token`: creating, listing and revoking tokens, in the store itself. A token's text is printed once, by
//! `create`, and is kept nowhere.

use std::fmt::Write as _;

use clap::{Args, Subcommand};

use super::{
    exit::{self, Exit, Failure},
    open_store,
};
use crate::{
    config::StoreArgs,
    news::{FeedId, Moment},
    store::{Scope, Token, token::Secret},
};

/// The longest name of a token, in characters: it stands in every line of the audit log.
const LONGEST_NAME: usize = 64;

/// `token create`, `token list`, `token revoke`.
#[derive(Args, Debug)]
#[command(after_long_help = exit::HELP)]
pub struct TokenArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Create a token and print it, alone, on standard output
    #[command(after_long_help = "\
Examples:
  newswire token create desk --can publish
  TOKEN=$(newswire token create wire-bot --can publish --feed world --feed sports)

The token is shown this once; only its hash is kept. Works beside a running server of the same --data or --store, \
which honours the token within a second.")]
    Create {
        /// What people call it; the audit log does, too
        name: String,
        /// What it allows: reading feeds that are not public; publishing (and reading); everything
        #[arg(long, value_name = "WHAT")]
        can: Scope,
        /// In which feed; may be repeated; without it in all of them
        #[arg(long = "feed", value_name = "ID")]
        feeds: Vec<FeedId>,
        #[command(flatten)]
        place: StoreArgs,
    },
    /// List the tokens, one a line: name, what it can, feeds, state, created
    List {
        #[command(flatten)]
        place: StoreArgs,
    },
    /// Revoke a token: within a second it is good for nothing, and its open readers are told to leave
    Revoke {
        /// Its name
        name: String,
        #[command(flatten)]
        place: StoreArgs,
    },
}

/// Carries the command out.
///
/// # Errors
/// The store cannot be used, or says no.
pub async fn run(args: TokenArgs) -> Result<Exit, Failure> {
    match args.verb {
        Verb::Create { name, can, feeds, place } => create(name, can, feeds, &place).await,
        Verb::List { place } => list(&place).await,
        Verb::Revoke { name, place } => revoke(&name, &place).await,
    }
}

async fn create(name: String, can: Scope, feeds: Vec<FeedId>, place: &StoreArgs) -> Result<Exit, Failure> {
    let fits = (1..=LONGEST_NAME).contains(&name.chars().count());
    if !fits || name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        let why = format!("a token's name is 1 to {LONGEST_NAME} characters without spaces");
        return Err(Failure::new(Exit::Usage, why));
    }
    let store = open_store(place).await?;
    for feed in &feeds {
        if store.feed(feed).await?.is_none() {
            return Err(Failure::new(Exit::NotFound, format!("there is no feed {feed}; see `newswire feed list`")));
        }
    }
    let secret = Secret::random();
    let token = Token {
        name: name.clone(),
        hash: secret.hash(),
        scopes: vec![can],
        feeds,
        created: store.now(),
        expires: None,
        revoked: None,
        last_used: None,
    };
    let created = store.create_token(token).await;
    store.close().await;
    if !created? {
        let why = format!("the name {name} is taken (revoked tokens keep theirs); see `newswire token list`");
        return Err(Failure::new(Exit::Refused, why));
    }
    println!("{}", secret.reveal());
    Ok(Exit::Done)
}

async fn list(place: &StoreArgs) -> Result<Exit, Failure> {
    let store = open_store(place).await?;
    let now = store.now();
    let tokens = store.tokens().await;
    store.close().await;
    for token in tokens? {
        println!("{}", line(&token, now));
    }
    Ok(Exit::Done)
}

/// A token on one line, its columns parted by tabs.
fn line(token: &Token, now: Moment) -> String {
    let listed = |words: Vec<String>| if words.is_empty() { "all feeds".to_owned() } else { words.join(",") };
    let scopes = listed(token.scopes.iter().map(ToString::to_string).collect());
    let feeds = listed(token.feeds.iter().map(ToString::to_string).collect());
    let state = match (token.revoked, token.good(now)) {
        (Some(_), _) => "revoked",
        (None, true) => "good",
        (None, false) => "expired",
    };
    let mut line = format!("{}\t{scopes}\t{feeds}\t{state}\tcreated {}", token.name, token.created);
    if let Some(used) = token.last_used {
        write!(line, "\tlast used {used}").expect("writing to a string does not fail");
    }
    line
}

async fn revoke(name: &str, place: &StoreArgs) -> Result<Exit, Failure> {
    let store = open_store(place).await?;
    let revoked = store.revoke_token(name).await;
    store.close().await;
    if !revoked? {
        return Err(Failure::new(Exit::NotFound, format!("there is no token {name}; see `newswire token list`")));
    }
    eprintln!("revoked {name}");
    Ok(Exit::Done)
}
