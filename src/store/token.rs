//! Tokens: who may publish, read or administer. Only a token's hash is kept; the token itself is shown once.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Hash;
use crate::news::{FeedId, Moment};

/// What a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "camelCase")]
pub enum Scope {
    /// Publishing and editing items, and reading them in full.
    Publish,
    /// Reading feeds that are not public.
    Read,
    /// Everything, feeds and tokens too.
    Admin,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Publish => "publish",
            Self::Read => "read",
            Self::Admin => "admin",
        })
    }
}

/// A token as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// What people call it; the audit log does.
    pub name: String,
    /// SHA-256 of the token's text.
    pub hash: Hash,
    /// What it allows.
    pub scopes: Vec<Scope>,
    /// In which feeds; none named: in all.
    pub feeds: Vec<FeedId>,
    /// When it was made.
    pub created: Moment,
    /// From when on it is no longer good.
    pub expires: Option<Moment>,
    /// When it was revoked.
    pub revoked: Option<Moment>,
    /// When it was last used.
    pub last_used: Option<Moment>,
}

impl Token {
    /// Whether it is still good.
    #[must_use]
    pub fn good(&self, now: Moment) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|expires| now < expires)
    }

    /// Whether it allows this in that feed. `admin` allows everything; `publish` allows to read, too.
    #[must_use]
    pub fn allows(&self, scope: Scope, feed: &FeedId) -> bool {
        let scoped = self
            .scopes
            .iter()
            .any(|has| *has == scope || *has == Scope::Admin || (*has == Scope::Publish && scope == Scope::Read));
        scoped && (self.feeds.is_empty() || self.feeds.contains(feed))
    }
}

/// A token's text: `nw_` and 256 random bits in hex. Shown once, never kept and never logged: it has no `Debug` that
/// tells.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// A new one, from the system's random source.
    ///
    /// # Panics
    /// When the operating system has no random numbers to give.
    #[must_use]
    pub fn random() -> Self {
        let mut bits = [0_u8; 32];
        getrandom::fill(&mut bits).expect("the operating system gives random numbers");
        Self(bits.iter().fold("nw_".to_owned(), |text, byte| text + &format!("{byte:02x}")))
    }

    /// The hash by which it is known. The bits are random, so a plain hash cannot be guessed backwards.
    #[must_use]
    pub fn hash(&self) -> Hash {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// The text, to be shown to its owner.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
