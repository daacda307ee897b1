//! Counting: how often each of a closed set of things has happened.
//!
//! A count is kept by whoever makes it happen and read by [`crate::metrics`] when somebody asks. It only ever grows, and
//! nothing is decided by it, so that no order between counts is promised. Absent on purpose: a map. What is counted apart
//! is known when the program is built, and never comes from a request.

use std::{
    marker::PhantomData,
    sync::atomic::{AtomicU64, Ordering},
};

/// How often something has happened.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// It has happened once more.
    pub fn one(&self) {
        self.add(1);
    }

    /// It has happened so many times more.
    pub fn add(&self, times: u64) {
        self.0.fetch_add(times, Ordering::Relaxed);
    }

    /// How often that is.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A closed set of things that are counted apart.
pub trait Label: Copy + PartialEq {
    /// All of them.
    fn all() -> impl Iterator<Item = Self>;

    /// The name of one.
    fn name(self) -> &'static str;
}

/// How often each of them has happened.
#[derive(Debug)]
pub struct Each<L> {
    counts: Box<[Count]>,
    of: PhantomData<fn(L)>,
}

impl<L: Label> Default for Each<L> {
    fn default() -> Self {
        Self { counts: L::all().map(|_| Count::default()).collect(), of: PhantomData }
    }
}

impl<L: Label> Each<L> {
    /// This one has happened once more.
    pub fn one(&self, of: L) {
        self.count(of).one();
    }

    /// How often this one has happened.
    #[must_use]
    pub fn get(&self, of: L) -> u64 {
        self.count(of).get()
    }

    fn count(&self, of: L) -> &Count {
        let place = L::all().position(|one| one == of).expect("all of them are counted");
        &self.counts[place]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, PartialEq)]
    enum Side {
        Left,
        Right,
    }

    impl Label for Side {
        fn all() -> impl Iterator<Item = Self> {
            [Self::Left, Self::Right].into_iter()
        }

        fn name(self) -> &'static str {
            if self == Self::Left { "left" } else { "right" }
        }
    }

    #[test]
    fn each_is_counted_apart() {
        let each = Each::default();
        (0..3).for_each(|_| each.one(Side::Right));
        let told: Vec<_> = Side::all().map(|side| (side.name(), each.get(side))).collect();
        assert_eq!(told, [("left", 0), ("right", 3)]);
    }
}
