//! A bell: how a feed's change wakes whoever serves many readers, once, however many they are.
//!
//! Who serves attaches its bell to each feed that it has readers of ([`super::Awake::attach`]), before it looks for the
//! first time. It is rung at most once until it asks what for; what it is rung for is a set of feeds, so that it cannot
//! grow beyond those.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Mutex, MutexGuard},
};

/// The number of an awake feed: no other of this process ever has it.
pub type Number = u64;

/// One server of readers' bell.
pub struct Bell {
    due: Mutex<Due>,
    ring: Box<dyn Fn() + Send + Sync>,
}

#[derive(Debug, Default)]
struct Due {
    feeds: BTreeSet<Number>,
    rung: bool,
}

impl fmt::Debug for Bell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bell").field("due", &self.due).finish_non_exhaustive()
    }
}

impl Bell {
    /// A bell that sounds like this: `ring` is called from whichever thread has news, and must not wait.
    pub fn new(ring: impl Fn() + Send + Sync + 'static) -> Self {
        Self { due: Mutex::default(), ring: Box::new(ring) }
    }

    /// Something about this feed is to be looked at.
    pub fn ring_for(&self, feed: Number) {
        let mut due = self.lock();
        due.feeds.insert(feed);
        self.once(due);
    }

    /// Something else is to be looked at.
    pub fn ring(&self) {
        self.once(self.lock());
    }

    /// What it was rung for; from here on it rings again.
    pub fn answer(&self) -> BTreeSet<Number> {
        let mut due = self.lock();
        due.rung = false;
        std::mem::take(&mut due.feeds)
    }

    fn once(&self, mut due: MutexGuard<'_, Due>) {
        if !std::mem::replace(&mut due.rung, true) {
            drop(due);
            (self.ring)();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Due> {
        self.due.lock().expect("nothing panics while holding it")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    #[test]
    fn it_rings_once_until_it_is_answered() {
        let rung = Arc::new(AtomicUsize::new(0));
        let count = rung.clone();
        let bell = Bell::new(move || {
            count.fetch_add(1, Ordering::Relaxed);
        });
        (0..100).for_each(|n| bell.ring_for(n % 3));
        bell.ring();
        assert_eq!(rung.load(Ordering::Relaxed), 1);
        assert_eq!(bell.answer(), BTreeSet::from([0, 1, 2]));
        assert!(bell.answer().is_empty());
        bell.ring_for(7);
        assert_eq!((rung.load(Ordering::Relaxed), bell.answer()), (2, BTreeSet::from([7])));
    }
}
