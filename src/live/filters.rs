//! The distinct filters of a feed's open readers. Equal filters are one here, so that a change is judged once for each
//! of them and not once for each reader.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use crate::news::Filter;

/// How many different filters the open readers of one feed may have. Each costs every change of the feed one judgement:
/// a thousand of them about as much as a dozen deliveries.
pub const PER_FEED: usize = 1_000;
/// How many different filters the open readers of all feeds of a node may have together.
pub const PER_NODE: usize = 10_000;

/// How many there are on this node.
pub type Count = Arc<AtomicUsize>;

/// The filters of one feed.
#[derive(Debug)]
pub struct Filters {
    open: Mutex<HashMap<Arc<Filter>, (u64, usize)>>,
    node: Count,
}

/// A filter in use. It is forgotten once nobody uses it.
#[derive(Debug)]
pub struct Wanted {
    filter: Arc<Filter>,
    number: u64,
    of: Arc<Filters>,
}

impl Filters {
    /// None yet.
    #[must_use]
    pub fn none(node: Count) -> Arc<Self> {
        Arc::new(Self { open: Mutex::default(), node })
    }

    /// This filter, counted. None: there are too many different ones.
    #[must_use]
    pub fn enter(self: &Arc<Self>, filter: Filter) -> Option<Wanted> {
        // Numbers are never used again, so that a judgement that is remembered is never another filter's.
        static NUMBERS: AtomicU64 = AtomicU64::new(0);
        let mut open = self.open();
        if let Some((known, _)) = open.get_key_value(&filter) {
            let known = known.clone();
            let (number, readers) = open.get_mut(&known).expect("it was found just now");
            *readers += 1;
            return Some(Wanted { filter: known, number: *number, of: self.clone() });
        }
        if open.len() >= PER_FEED || self.node.load(Ordering::Relaxed) >= PER_NODE {
            return None;
        }
        self.node.fetch_add(1, Ordering::Relaxed);
        let (filter, number) = (Arc::new(filter), NUMBERS.fetch_add(1, Ordering::Relaxed));
        open.insert(filter.clone(), (number, 1));
        Some(Wanted { filter, number, of: self.clone() })
    }

    /// How many different ones there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.open().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Arc<Filter>, (u64, usize)>> {
        self.open.lock().expect("nothing panics while holding it")
    }
}

impl Wanted {
    /// The filter itself.
    #[must_use]
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// A number that no other filter of this process ever has.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for Wanted {
    fn drop(&mut self) {
        let mut open = self.of.open();
        let (_, readers) = open.get_mut(&self.filter).expect("what is in use is counted");
        *readers -= 1;
        if *readers == 0 {
            open.remove(&self.filter);
            self.of.node.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tagged(tag: usize) -> Filter {
        let mut filter = Filter::default();
        filter.add("tag", &tag.to_string()).expect("a tag");
        filter
    }

    #[test]
    fn equal_filters_are_one_until_the_last_reader_leaves() {
        let filters = Filters::none(Count::default());
        let (one, same) = (filters.enter(tagged(1)).expect("room"), filters.enter(tagged(1)).expect("room"));
        assert_eq!((filters.len(), one.number() == same.number()), (1, true));
        drop(one);
        assert_eq!(filters.len(), 1);
        let number = same.number();
        drop(same);
        assert!(filters.is_empty());
        assert_ne!(filters.enter(tagged(1)).expect("room").number(), number);
    }

    #[test]
    fn their_number_is_bounded_for_a_feed_and_for_the_node() {
        let node = Count::default();
        let filters = Filters::none(node.clone());
        let all: Vec<_> = (0..PER_FEED).map(|tag| filters.enter(tagged(tag)).expect("room")).collect();
        assert!(filters.enter(tagged(PER_FEED)).is_none());
        assert!(filters.enter(tagged(0)).is_some(), "one that is there already costs nothing");
        drop(all);
        assert_eq!(node.load(Ordering::Relaxed), 0);
        node.store(PER_NODE, Ordering::Relaxed);
        assert!(filters.enter(tagged(0)).is_none());
    }
}
