//! Readers: who is there, who came and went and why, what they were sent, and who lags behind.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use prometheus_client::registry::{Registry, Unit};

use super::asked::{counter, gauge};
use crate::{
    count::Label as _,
    http::{
        Doors,
        live::shard::{
            Shards,
            counts::{Parting, Streams, Transport},
        },
    },
};

/// The transport of those who ask each time anew.
const POLL: &str = "poll";

/// `silent`: how many shards did not answer the scrape.
pub(super) fn register(ours: &mut Registry, doors: &Doors, shards: &Shards, silent: &Arc<AtomicUsize>) {
    open(ours, doors, shards);
    came_and_went(ours, shards);
    sent(ours, doors, shards);
    behind(ours, shards, silent);
}

/// A number of each shard's streams of a transport, over all shards.
fn sum(shards: &Shards, transport: Transport, number: impl Fn(&Streams) -> u64) -> u64 {
    shards.counts().map(|counts| number(counts.of(transport))).sum()
}

fn open(ours: &mut Registry, doors: &Doors, shards: &Shards) {
    let all = shards.clone();
    ours.register(
        "streams",
        "Streams that are open",
        gauge(move |told| {
            Transport::all().try_for_each(|transport| {
                told.of([("transport", transport.name())], sum(&all, transport, Streams::open))
            })
        }),
    );
    let room = doors.room.clone();
    ours.register(
        "streams_limit",
        "How many streams may be open (--max-readers); who is one too many is told to come back",
        gauge(move |told| told.one(room.most())),
    );
    let (all, feeds) = (shards.clone(), doors.feeds.clone());
    ours.register(
        "readers",
        "Readers that are open: one for each feed that a stream follows, and each poll that waits for a change",
        gauge(move |told| {
            Transport::all().try_for_each(|transport| {
                told.of([("transport", transport.name())], sum(&all, transport, Streams::readers))
            })?;
            told.of([("transport", POLL)], feeds.numbers.polls.waiting())
        }),
    );
    let feeds = doors.feeds.clone();
    ours.register(
        "filters",
        "Different filters that open readers have, of at most 10,000",
        gauge(move |told| told.one(feeds.filters())),
    );
}

fn came_and_went(ours: &mut Registry, shards: &Shards) {
    let all = shards.clone();
    ours.register(
        "streams_begun",
        "Streams that began",
        counter(move |told| {
            Transport::all().try_for_each(|transport| {
                told.of([("transport", transport.name())], sum(&all, transport, |streams| streams.begun.get()))
            })
        }),
    );
    let all = shards.clone();
    ours.register(
        "streams_ended",
        "Streams that ended: the reason of the bye, or client (it closed or hung up), protocol (it sent what is no frame), \
         stuck (its socket took nothing for 120 s), pinned (slow readers held too much memory), failed (a defect)",
        counter(move |told| {
            Transport::all().try_for_each(|transport| {
                Parting::all().try_for_each(|why| {
                    let labels = [("transport", transport.name()), ("reason", why.name())];
                    told.of(labels, sum(&all, transport, |streams| streams.ended.get(why)))
                })
            })
        }),
    );
}

fn sent(ours: &mut Registry, doors: &Doors, shards: &Shards) {
    let (all, feeds) = (shards.clone(), doors.feeds.clone());
    ours.register(
        "deliveries",
        "Changes that readers were sent: one for each change and reader",
        counter(move |told| {
            Transport::all().try_for_each(|transport| {
                told.of([("transport", transport.name())], sum(&all, transport, |streams| streams.deliveries.get()))
            })?;
            told.of([("transport", POLL)], feeds.numbers.polls.deliveries.get())
        }),
    );
    let (all, feeds) = (shards.clone(), doors.feeds.clone());
    ours.register_with_unit(
        "written",
        "Bytes that the sockets of streams took, and those of the answers to polls",
        Unit::Bytes,
        counter(move |told| {
            Transport::all().try_for_each(|transport| {
                told.of([("transport", transport.name())], sum(&all, transport, |streams| streams.bytes.get()))
            })?;
            told.of([("transport", POLL)], feeds.numbers.polls.bytes.get())
        }),
    );
}

fn behind(ours: &mut Registry, shards: &Shards, silent: &Arc<AtomicUsize>) {
    let all = shards.clone();
    ours.register_with_unit(
        "furthest_reader_lag",
        "By how many changes the furthest reader of any stream is behind the head of its feed",
        Unit::Other("changes".to_owned()),
        gauge(move |told| told.one(all.census().furthest)),
    );
    let all = shards.clone();
    ours.register(
        "readers_behind_window",
        "Readers of streams that are further behind than the window of their feed, so that each is served from the store",
        gauge(move |told| told.one(all.census().behind_window)),
    );
    let all = shards.clone();
    ours.register(
        "readers_asking",
        "Readers of streams for which the store is being asked, for a snapshot or for what their window has no more",
        gauge(move |told| told.one(all.census().asking)),
    );
    let all = shards.clone();
    ours.register(
        "streams_stuck",
        "Streams whose socket takes nothing just now; after 120 s of that they are closed",
        gauge(move |told| told.one(all.census().stuck)),
    );
    let all = shards.clone();
    ours.register_with_unit(
        "pinned",
        "Bytes that unfinished writes hold; beyond 64 MiB the streams that have waited longest are closed",
        Unit::Bytes,
        gauge(move |told| told.one(all.pinned_bytes())),
    );
    let silent = silent.clone();
    ours.register(
        "shards_silent",
        "Shards (the threads that serve streams, one for each core) that did not answer this scrape within 1 s: they are \
         busy, and what is told of who lags is that of an earlier scrape",
        gauge(move |told| told.one(silent.load(Ordering::Relaxed))),
    );
}
