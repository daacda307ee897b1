//! What unfinished writes keep in memory, over all shards of a node: each message once, however many readers are in the
//! middle of it.
//!
//! A reader whose socket is full stops in the middle of a message and needs the rest of it until the socket has taken
//! that, though the window may have dropped it meanwhile. That is bounded: beyond [`MOST`], the slowest are closed.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use tokio::time::Instant;

/// How many bytes may be pinned.
const MOST: usize = 64 * 1024 * 1024;

/// All that is pinned.
#[derive(Debug)]
pub(super) struct Pinned {
    most: usize,
    /// By where the message lies: its length, and how many hold it.
    held: Mutex<HashMap<usize, (usize, usize)>>,
    bytes: AtomicUsize,
}

/// Messages that one connection pins, until it is dropped.
#[derive(Debug)]
pub(super) struct Pins {
    of: Arc<Pinned>,
    messages: Vec<usize>,
}

impl Default for Pinned {
    fn default() -> Self {
        Self::up_to(MOST)
    }
}

impl Pinned {
    fn up_to(most: usize) -> Self {
        Self { most, held: Mutex::default(), bytes: AtomicUsize::new(0) }
    }

    /// How many bytes are pinned.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether that is more than may be.
    pub(super) fn too_much(&self) -> bool {
        self.bytes() > self.most
    }

    /// Those to give up, of who has been stuck since when: the slowest first, as long as too much is pinned.
    pub(super) fn give_up<T: Ord>(&self, mut stuck: Vec<(Instant, T)>, mut close: impl FnMut(Instant, T)) {
        stuck.sort_unstable();
        for (since, who) in stuck {
            if !self.too_much() {
                return;
            }
            close(since, who);
        }
    }

    /// Pins these messages.
    pub(super) fn pin<'a>(self: &Arc<Self>, messages: impl Iterator<Item = &'a Bytes>) -> Pins {
        let mut pins = Pins { of: self.clone(), messages: Vec::new() };
        pins.add(messages);
        pins
    }
}

impl Pins {
    /// Pins these messages, too.
    pub(super) fn add<'a>(&mut self, messages: impl Iterator<Item = &'a Bytes>) {
        let mut held = self.of.held.lock().expect("nothing panics while holding it");
        for message in messages {
            let place = message.as_ptr() as usize;
            let (_, holders) = held.entry(place).or_insert_with(|| {
                self.of.bytes.fetch_add(message.len(), Ordering::Relaxed);
                (message.len(), 0)
            });
            *holders += 1;
            self.messages.push(place);
        }
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        let mut held = self.of.held.lock().expect("nothing panics while holding it");
        for place in &self.messages {
            let (length, holders) = held.get_mut(place).expect("what is pinned is held");
            *holders -= 1;
            if *holders == 0 {
                self.of.bytes.fetch_sub(*length, Ordering::Relaxed);
                held.remove(place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn beyond_what_may_be_pinned_the_slowest_are_given_up_until_it_is_not() {
        let pinned = Arc::new(Pinned::up_to(250));
        let messages: Vec<Bytes> = (0..5).map(|_| Bytes::from(vec![0; 100])).collect();
        let mut pins: Vec<Option<Pins>> =
            messages.iter().map(|message| Some(pinned.pin([message].into_iter()))).collect();
        assert!(pinned.too_much());
        let began = Instant::now();
        // The third has been stuck for longest, then the second, and so on.
        let stuck = [4, 3, 0, 5, 6].into_iter().enumerate().map(|(who, secs)| (began + Duration::from_secs(secs), who));
        let mut given_up = Vec::new();
        pinned.give_up(stuck.collect(), |_, who| {
            pins[who] = None;
            given_up.push(who);
        });
        assert_eq!((given_up, pinned.bytes()), (vec![2, 1, 0], 200));
        pinned.give_up(vec![(began, 3)], |_, _| panic!("no more than may be is pinned"));
    }

    #[test]
    fn a_message_counts_once_until_nobody_holds_it() {
        let pinned = Arc::new(Pinned::default());
        let (one, two) = (Bytes::from(vec![0; 100]), Bytes::from(vec![0; 10]));
        let first = pinned.pin([&one, &two].into_iter());
        let second = pinned.pin([&one.clone()].into_iter());
        assert_eq!(pinned.bytes(), 110);
        drop(first);
        assert_eq!(pinned.bytes(), 100);
        drop(second);
        assert_eq!((pinned.bytes(), pinned.held.lock().expect("free").len()), (0, 0));
    }
}
