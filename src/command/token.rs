//! `newswire token`: creating, listing and revoking tokens, in the store itself. A token's text is printed once, by
//! `create`, and is kept nowhere.

use std::{fmt::Write as _, io::Write as _, str::FromStr, time::Duration};

use clap::{Args, Subcommand};

use super::{
    exit::{self, Exit, Failure},
    feed, open_store, output,
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
  newswire token create guest --can read --expires 30d
  newswire token create election-desk --can publish --expires 2026-11-09T06:00:00Z

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
        /// From when on it is good for nothing: an RFC 3339 time, or from now on 30d, 12h, 90m, 2w [default: never]
        #[arg(long, value_name = "WHEN")]
        expires: Option<When>,
        #[command(flatten)]
        place: StoreArgs,
    },
    /// List the tokens, one a line: name, what it can, feeds, state, created, expires, last used
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
        Verb::Create { name, can, feeds, expires, place } => create(name, can, feeds, expires, &place).await,
        Verb::List { place } => list(&place).await,
        Verb::Revoke { name, place } => revoke(&name, &place).await,
    }
}

/// A moment, or a time from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    At(Moment),
    In(Duration),
}

impl FromStr for When {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "a time such as 2026-11-09T06:00:00Z, or one from now on such as 90m, 12h, 30d or 2w";
        if let Ok(moment) = text.parse() {
            return Ok(Self::At(moment));
        }
        let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or(WRONG)?;
        let seconds: u64 = match unit {
            "m" => 60,
            "h" => 60 * 60,
            "d" => 24 * 60 * 60,
            "w" => 7 * 24 * 60 * 60,
            _ => return Err(WRONG),
        };
        let number: u32 = number.parse().map_err(|_| WRONG)?;
        Ok(Self::In(Duration::from_secs(seconds * u64::from(number))))
    }
}

impl When {
    /// The moment, seen from now; none if it is not after now.
    fn after(self, now: Moment) -> Option<Moment> {
        let moment = match self {
            Self::At(moment) => moment,
            Self::In(later) => now.plus(later),
        };
        (moment > now).then_some(moment)
    }
}

async fn create(
    name: String,
    can: Scope,
    feeds: Vec<FeedId>,
    expires: Option<When>,
    place: &StoreArgs,
) -> Result<Exit, Failure> {
    let fits = (1..=LONGEST_NAME).contains(&name.chars().count());
    if !fits || name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        let why = format!("a token's name is 1 to {LONGEST_NAME} characters without spaces");
        return Err(Failure::new(Exit::Usage, why));
    }
    let store = open_store(place).await?;
    for feed in &feeds {
        if store.feed(feed).await?.is_none() {
            return Err(feed::missing(feed));
        }
    }
    let created = store.now();
    let past = || Failure::new(Exit::Usage, "--expires is over already: such a token would be good for nothing");
    let expires = expires.map(|when| when.after(created).ok_or_else(past)).transpose()?;
    let secret = Secret::random();
    let token = Token {
        name: name.clone(),
        hash: secret.hash(),
        scopes: vec![can],
        feeds,
        created,
        expires,
        revoked: None,
        last_used: None,
    };
    let created = store.create_token(token).await;
    store.close().await;
    if !created? {
        let why = format!("the name {name} is taken (revoked tokens keep theirs); see `newswire token list`");
        return Err(Failure::new(Exit::Refused, why));
    }
    // Unlike a list, a token that nobody has read is lost.
    writeln!(std::io::stdout(), "{}", secret.reveal()).map_err(|error| {
        let why = format!("cannot show the token ({error}); revoke it: newswire token revoke {name}");
        Failure::new(Exit::Refused, why)
    })?;
    Ok(Exit::Done)
}

async fn list(place: &StoreArgs) -> Result<Exit, Failure> {
    let store = open_store(place).await?;
    let now = store.now();
    let tokens = store.tokens().await;
    store.close().await;
    output::lines(tokens?.iter().map(|token| line(token, now)))?;
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
    if let Some(expires) = token.expires {
        write!(line, "\texpires {expires}").expect("writing to a string does not fail");
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_a_moment_or_a_time_from_now_on_and_lies_ahead() {
        let now: Moment = "2026-02-19T19:38:39.000Z".parse().expect("a moment");
        let ends = |text: &str| text.parse::<When>().expect("a time").after(now).map(|end| end.to_string());
        assert_eq!(ends("30d").as_deref(), Some("2026-03-21T19:38:39.000Z"));
        assert_eq!(ends("12h").as_deref(), Some("2026-02-20T07:38:39.000Z"));
        assert_eq!(ends("2026-02-19T22:00:00+02:00").as_deref(), Some("2026-02-19T20:00:00.000Z"));
        assert_eq!((ends("0m"), ends("2026-02-19T19:38:39Z")), (None, None));
        for bad in ["", "d", "30", "-1d", "30y", "ä", "tomorrow"] {
            assert!(bad.parse::<When>().is_err(), "{bad:?}");
        }
    }
}
