//! Changes: what is committed, how it reaches this node's windows, and whether the node is in touch with its store.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use prometheus_client::registry::{Registry, Unit};

use super::asked::{counter, gauge};
use crate::{
    count::Label as _,
    live::{Feeds, message::Reset},
    news::Kind,
    store::{Witness, measured::Measured},
};

/// `ready`: whether the server was ready when the scrape began.
pub(super) fn register(ours: &mut Registry, feeds: &Arc<Feeds>, measured: &Arc<Measured>, ready: &Arc<AtomicBool>) {
    committed(ours, measured);
    followed(ours, feeds);
    windows(ours, feeds);
    in_touch(ours, feeds, measured, ready);
}

fn committed(ours: &mut Registry, measured: &Arc<Measured>) {
    let store = measured.clone();
    ours.register(
        "changes",
        "Changes that this node committed, also those that end by themselves; the sum over all nodes is what was published",
        counter(move |told| Kind::all().try_for_each(|kind| told.of([("kind", kind.name())], store.changes.get(kind)))),
    );
}

fn followed(ours: &mut Registry, feeds: &Arc<Feeds>) {
    let all = feeds.clone();
    ours.register(
        "followed_changes",
        "Changes that came into the windows of feeds that are awake here, whichever node committed them",
        counter(move |told| told.one(all.numbers.followed.get())),
    );
    ours.register_with_unit(
        "follower_lag",
        "From the time of a change, by the store's clock, to when it was in its window here",
        Unit::Seconds,
        feeds.numbers.lag.clone(),
    );
    let all = feeds.clone();
    ours.register(
        "follower_errors",
        "How often following the store failed, and was tried again after a pause",
        counter(move |told| told.one(all.numbers.failed.get())),
    );
}

fn windows(ours: &mut Registry, feeds: &Arc<Feeds>) {
    let all = feeds.clone();
    ours.register(
        "awake_feeds",
        "Feeds that are awake: somebody reads them, or did within 10 minutes",
        gauge(move |told| told.one(all.every().len())),
    );
    let all = feeds.clone();
    ours.register_with_unit(
        "window",
        "Changes in all windows, at most 1,000 in each",
        Unit::Other("changes".to_owned()),
        gauge(move |told| told.one(all.every().iter().map(|awake| awake.changes()).sum::<usize>())),
    );
    let all = feeds.clone();
    ours.register_with_unit(
        "window",
        "Bytes that all windows hold, roughly: at most 4 MiB each and 512 MiB together",
        Unit::Bytes,
        gauge(move |told| told.one(all.every().iter().map(|awake| awake.weight()).sum::<usize>())),
    );
}

fn in_touch(ours: &mut Registry, feeds: &Arc<Feeds>, measured: &Arc<Measured>, ready: &Arc<AtomicBool>) {
    let all = feeds.clone();
    ours.register_with_unit(
        "checked_age",
        "How long ago this node last confirmed with the store that it has everything; over 5 s it is stale",
        Unit::Seconds,
        gauge(move |told| all.freshness.age().map_or(Ok(()), |age| told.one(age.as_secs_f64()))),
    );
    let ready = ready.clone();
    ours.register(
        "ready",
        "1 where new readers and publishes are welcome, as /readyz says; for this, a scrape has the store written to",
        gauge(move |told| told.one(u64::from(ready.load(Ordering::Relaxed)))),
    );
    let all = feeds.clone();
    ours.register(
        "stale",
        "1 while this node is out of touch with the store: readers are told so, and nobody new is served from memory",
        gauge(move |told| told.one(u64::from(!all.freshness.is_fresh()))),
    );
    let all = feeds.clone();
    ours.register(
        "draining",
        "1 while the server stops and tells readers to leave",
        gauge(move |told| told.one(u64::from(all.drain.spread().is_some()))),
    );
    let store = measured.clone();
    ours.register(
        "cuts",
        "Cuts of feeds that this node told, by who noticed that the store had gone back in time; each resets every reader \
         of its feed",
        counter(move |told| {
            Witness::all().try_for_each(|witness| told.of([("witness", witness.name())], store.cuts.get(witness)))
        }),
    );
    let all = feeds.clone();
    ours.register(
        "resets",
        "Readers that were told to begin anew, by the reason they were told",
        counter(move |told| {
            Reset::all().try_for_each(|reason| told.of([("reason", reason.name())], all.numbers.resets.get(reason)))
        }),
    );
}
