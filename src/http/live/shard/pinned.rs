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

/// How many bytes may be pinned.
pub(super) const MOST: usize = 64 * 1024 * 1024;

/// All that is pinned.
#[derive(Debug, Default)]
pub(super) struct Pinned {
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

impl Pinned {
    /// How many bytes are pinned.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Pins these messages.
    pub(super) fn pin<'a>(self: &Arc<Self>, messages: impl Iterator<Item = &'a Bytes>) -> Pins {
        let mut held = self.held.lock().expect("nothing panics while holding it");
        let pin = |message: &Bytes| {
            let place = message.as_ptr() as usize;
            let (_, holders) = held.entry(place).or_insert_with(|| {
                self.bytes.fetch_add(message.len(), Ordering::Relaxed);
                (message.len(), 0)
            });
            *holders += 1;
            place
        };
        let messages = messages.map(pin).collect();
        Pins { of: self.clone(), messages }
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
    use super::*;

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
