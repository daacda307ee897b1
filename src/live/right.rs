//! By what right a reader reads: as anybody, or by a token. Who has lost it is told to leave before anything more is
//! sent.
//!
//! A node looks at the store's revision of tokens twice a second while any reader holds one, or an editor has shown one
//! lately, and at a token itself only where that has changed since it was looked at: all of them after a change, and
//! otherwise those alone that came since. Expiry is judged by the store's clock, without asking.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    news::Moment,
    store::{Hash, SharedStore, StoreError, Token},
};

/// By what right a reader reads.
#[derive(Clone, Debug)]
pub enum Right {
    /// The feed is public.
    Anybody,
    /// It showed a token.
    Token(Arc<Held>),
}

/// A token that readers hold.
#[derive(Debug)]
pub struct Held {
    hash: Hash,
    expires: Option<Moment>,
    revoked: AtomicBool,
    /// The revision at which it was looked at last.
    seen: AtomicU64,
}

/// It was not looked at: it may have been revoked since it was found good. No store comes to this revision.
const NEVER: u64 = u64::MAX;

impl Right {
    /// Whether it is lost. `public`: whether everybody may read the feed now.
    #[must_use]
    pub fn is_lost(&self, public: bool, now: Moment) -> bool {
        match self {
            Self::Anybody => !public,
            Self::Token(held) => {
                held.revoked.load(Ordering::Relaxed) || held.expires.is_some_and(|expires| expires <= now)
            }
        }
    }

    /// When it ends by itself.
    #[must_use]
    pub fn expires(&self) -> Option<Moment> {
        match self {
            Self::Anybody => None,
            Self::Token(held) => held.expires,
        }
    }
}

/// How long after a look what was found before counts: a token that is revoked is refused within a second.
const COUNTS: Duration = Duration::from_secs(1);
/// How many tokens are kept before all are given up: they can be asked for again.
const KEPT: usize = 4_096;

/// All tokens that readers of this node hold, and those that requests showed lately.
#[derive(Debug, Default)]
pub struct Rights {
    held: Mutex<HashMap<Hash, Weak<Held>>>,
    shown: Mutex<Shown>,
}

/// Tokens that requests showed and that were not revoked at the last look.
#[derive(Debug, Default)]
struct Shown {
    tokens: HashMap<Hash, Arc<Token>>,
    /// When the last look was, and the revision that it found.
    looked: Option<(Instant, u64)>,
    /// Grows whenever all are given up, so that what was read before that is not kept after it.
    turn: u64,
}

impl Shown {
    fn give_up(&mut self) {
        self.tokens.clear();
        self.turn += 1;
    }
}

impl Rights {
    /// The token of this hash, if there is one: from the store, or as a request showed it lately. Whether it has expired
    /// is for the caller to say.
    ///
    /// # Errors
    /// The store is away.
    pub async fn token(&self, store: &SharedStore, hash: &Hash) -> Result<Option<Arc<Token>>, StoreError> {
        let turn = {
            let shown = self.shown();
            if let Some(token) = shown.tokens.get(hash)
                && shown.looked.is_some_and(|(looked, _)| looked.elapsed() <= COUNTS)
            {
                return Ok(Some(token.clone()));
            }
            shown.turn
        };
        let Some(token) = store.token(hash).await?.map(Arc::new) else { return Ok(None) };
        let mut shown = self.shown();
        if token.revoked.is_none() && shown.turn == turn {
            if shown.tokens.len() >= KEPT {
                shown.give_up();
            }
            shown.tokens.insert(*hash, token.clone());
        }
        Ok(Some(token))
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().expect("nothing panics while holding it")
    }

    /// The right of who shows this token, which is good now.
    #[must_use]
    pub fn of(&self, token: &Token) -> Right {
        let mut all = self.held.lock().expect("nothing panics while holding it");
        if let Some(held) = all.get(&token.hash).and_then(Weak::upgrade) {
            return Right::Token(held);
        }
        all.retain(|_, held| held.strong_count() > 0);
        let (revoked, seen) = (AtomicBool::new(false), AtomicU64::new(NEVER));
        let held = Arc::new(Held { hash: token.hash, expires: token.expires, revoked, seen });
        all.insert(token.hash, Arc::downgrade(&held));
        Right::Token(held)
    }

    /// Looks whether tokens were revoked. True: some were, and their readers are to be woken.
    ///
    /// # Errors
    /// The store is away.
    pub async fn look(&self, store: &SharedStore) -> Result<bool, StoreError> {
        let held: Vec<Arc<Held>> = {
            let all = self.held.lock().expect("nothing panics while holding it");
            all.values().filter_map(Weak::upgrade).collect()
        };
        if held.is_empty() && self.shown().tokens.is_empty() {
            return Ok(false);
        }
        let asked = Instant::now();
        let revision = store.tokens_revision().await?;
        {
            let mut shown = self.shown();
            if shown.looked.is_none_or(|(_, before)| before != revision) {
                shown.give_up();
            }
            shown.looked = Some((asked, revision));
        }
        let mut any = false;
        // What changes while they are looked at has a later revision, and they are looked at again.
        for held in held.iter().filter(|held| held.seen.load(Ordering::Relaxed) != revision) {
            let token = match store.token(&held.hash).await {
                // Those who are marked already are told now, and the others looked at next time.
                Err(_) if any => return Ok(true),
                token => token?,
            };
            let good = token.is_some_and(|token| token.revoked.is_none());
            any |= !good && !held.revoked.swap(true, Ordering::Relaxed);
            held.seen.store(revision, Ordering::Relaxed);
        }
        Ok(any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{
        Scope,
        sqlite::{Role, Sqlite},
        token::Secret,
    };

    #[tokio::test]
    async fn a_token_that_was_shown_counts_until_a_look_finds_it_revoked_or_no_look_comes() {
        let dir = tempfile::tempdir().expect("a folder");
        let store: SharedStore = Arc::new(Sqlite::open(dir.path(), Role::Server).expect("opens"));
        let hash = Secret::random().hash();
        let token = Token {
            name: "desk".to_owned(),
            hash,
            scopes: vec![Scope::Publish],
            feeds: Vec::new(),
            created: store.now(),
            expires: None,
            revoked: None,
            last_used: None,
        };
        assert!(store.create_token(token).await.expect("answers"));
        let rights = Rights::default();
        let revoked = async || {
            let token = rights.token(&store, &hash).await.expect("answers").expect("is there");
            token.revoked.is_some()
        };
        assert!(!revoked().await);
        rights.look(&store).await.expect("answers");
        assert!(!revoked().await, "what was read before a look is read again after it");
        assert!(store.revoke_token("desk").await.expect("answers"));
        assert!(!revoked().await, "it is not asked for each time");
        rights.look(&store).await.expect("answers");
        assert!(revoked().await);

        // Where no look comes any more, what was found at the last one is not trusted for long.
        let stale = store.token(&hash).await.expect("answers").expect("is there");
        rights.shown().tokens.insert(hash, Arc::new(Token { revoked: None, ..stale }));
        assert!(!revoked().await);
        tokio::time::pause();
        tokio::time::advance(COUNTS + Duration::from_millis(1)).await;
        tokio::time::resume();
        assert!(revoked().await);
    }
}
