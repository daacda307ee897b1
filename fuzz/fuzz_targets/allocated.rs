//! How much memory a piece of code holds at most: the system's allocator, and a count beside it.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    /// What this thread holds, and the most that it has held, since it was last set to nothing.
    static HELD: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

fn count(change: isize) {
    // A thread that ends has given its count away before its memory.
    let _ended = HELD.try_with(|held| {
        let (now, most) = held.get();
        held.set((now + change, most.max(now + change)));
    });
}

// SAFETY: everything is done by the system's allocator, which keeps the contract.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        unsafe { System.dealloc(place, layout) }
    }
}

/// What this comes to, and how many bytes more than before it held meanwhile at most.
pub fn during<T>(what: impl FnOnce() -> T) -> (T, usize) {
    HELD.set((0, 0));
    let came = what();
    let (_, most) = HELD.get();
    (came, usize::try_from(most).expect("it began with nothing"))
}
