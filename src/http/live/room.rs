//! How many readers there is room for: on this node, and for one address. Who is one too many is told to come back, before
//! anything is spent on them but an answer.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use crate::http::proxy::household;

/// How many readers a node takes that is not told otherwise: what a machine of a few GB holds with all that the system
/// keeps for their sockets.
const USUAL: usize = 100_000;

/// The room for readers.
#[derive(Debug)]
pub struct Room {
    node: usize,
    address: usize,
    /// What this machine's own addresses may have: a proxy on it brings everybody.
    own: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// By address; nobody's address is kept once its last reader has left.
    by_address: HashMap<IpAddr, usize>,
}

/// A reader's place, until it is dropped.
#[derive(Debug)]
pub struct Place {
    room: Arc<Room>,
    address: IpAddr,
}

/// There is no room, and what would have been exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// The node has as many readers as this.
    Node(usize),
    /// This address has as many readers as this.
    Address(usize),
}

impl Room {
    /// Room for so many readers. By default a node takes 100,000, or three quarters of the files that may be open if that
    /// is less, so that editors and the store have theirs; and one
    /// address half of that, unless it is this machine's own.
    #[must_use]
    pub fn of(node: Option<usize>, address: Option<usize>, files: Option<u64>) -> Arc<Self> {
        let files = files.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX));
        let node = node.unwrap_or(USUAL.min(files - files / 4));
        if node >= files {
            tracing::warn!(
                readers = node,
                files,
                "more readers are allowed than files can be open; lower --max-readers"
            );
        }
        let (address, own) = address.map_or((node.div_ceil(2), node), |told| (told, told));
        Arc::new(Self { node, address, own, taken: Mutex::default() })
    }

    /// A place for a reader at this address.
    ///
    /// # Errors
    /// There is none.
    pub fn enter(self: &Arc<Self>, address: IpAddr) -> Result<Place, Full> {
        let address = household(address);
        let mut taken = self.taken();
        if taken.all >= self.node {
            return Err(Full::Node(self.node));
        }
        let there = taken.by_address.get(&address).copied().unwrap_or(0);
        let most = if address.is_loopback() { self.own } else { self.address };
        if there >= most {
            return Err(Full::Address(most));
        }
        taken.by_address.insert(address, there + 1);
        taken.all += 1;
        drop(taken);
        Ok(Place { room: self.clone(), address })
    }

    /// How many readers it takes.
    #[must_use]
    pub fn most(&self) -> usize {
        self.node
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().expect("nothing panics while holding it")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.room.taken();
        taken.all -= 1;
        let there = taken.by_address.get_mut(&self.address).expect("who is there is counted");
        *there -= 1;
        if *there == 0 {
            taken.by_address.remove(&self.address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_node_and_an_address_take_so_many_and_others_once_somebody_has_left() {
        let room = Room::of(Some(3), Some(2), None);
        let one = room.enter(at("192.0.2.1")).expect("room");
        let two = room.enter(at("::ffff:192.0.2.1")).expect("room");
        assert_eq!(room.enter(at("192.0.2.1")).err(), Some(Full::Address(2)));
        let other = room.enter(at("2001:db8::1")).expect("room");
        assert_eq!(room.enter(at("192.0.2.9")).err(), Some(Full::Node(3)));
        drop(one);
        let again = room.enter(at("192.0.2.1")).expect("room");
        drop((two, other, again));
        assert!(room.taken().by_address.is_empty() && room.taken().all == 0);
    }

    #[test]
    fn addresses_of_one_household_are_one() {
        let room = Room::of(None, Some(1), None);
        let _one = room.enter(at("2001:db8:0:1::1")).expect("room");
        assert!(room.enter(at("2001:db8:0:1:ffff::2")).is_err());
        assert!(room.enter(at("2001:db8:0:2::1")).is_ok());
    }

    #[test]
    fn without_being_told_a_node_leaves_a_quarter_of_its_files_to_others() {
        let most = |files| (Room::of(None, None, Some(files)).node, Room::of(None, None, Some(files)).address);
        assert_eq!(most(1024), (768, 384));
        assert_eq!(most(1_048_576), (USUAL, USUAL / 2));
        let room = Room::of(Some(2), None, None);
        let _two = [room.enter(at("127.0.0.1")), room.enter(at("127.0.0.1"))].map(|own| own.expect("a proxy's place"));
    }
}
