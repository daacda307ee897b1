//! How long things took, from what was written down.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::time::Instant;

use crate::{
    fault::{Fault, Fired},
    reader::{Event, Reader, Seen},
    record::Ack,
};

/// A round's times.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Measure {
    /// The longest that a reader with an open stream was told nothing while its node was out of touch with its store, or
    /// while the store lacked what it had lost.
    pub(crate) silence: Option<Duration>,
    /// From the end of the last fault until each node had delivered something that was published after it.
    pub(crate) resumed: Option<Duration>,
}

impl Measure {
    pub(crate) fn of(
        fired: &[Fired],
        acks: &BTreeMap<String, Ack>,
        seen: &[(&Arc<Reader>, Seen)],
        nodes: usize,
    ) -> Self {
        // Who takes nothing, by the harness' own doing, can be told nothing.
        let deaf = fired.iter().any(|fired| fired.fault == Fault::SlowReaders);
        let hears = |reader: &Reader| reader.is_stream() && !(deaf && reader.habit.slow);
        let streams = || seen.iter().filter(|(reader, _)| hears(reader)).map(|(_, seen)| seen);
        let silences = fired.iter().flat_map(|fired| streams().filter_map(|seen| silence(fired, seen)));
        let back = fired.iter().map(|fired| fired.ended).max();
        let resumed = back.map(|back| {
            let each = (0..nodes).map(|node| {
                let first = seen.iter().filter_map(|(_, seen)| first_after(seen, node, back, acks)).min();
                first.map_or(Duration::MAX, |at| at - back)
            });
            each.max().unwrap_or_default()
        });
        Self { silence: silences.max(), resumed }
    }
}

/// How long this reader was told nothing of this fault; none if it was not concerned, or knew already.
fn silence(fired: &Fired, seen: &Seen) -> Option<Duration> {
    let knew = |then| seen.was_at(then).is_none() || seen.was_stale(then);
    let mut silence = None;
    if seen.was_at(fired.began).is_some_and(|node| fired.away.contains(&node)) && !knew(fired.began) {
        let told = seen.told_since(fired.began).unwrap_or(fired.ended);
        silence = Some(told.min(fired.ended) - fired.began);
    }
    if let Some(lost_at) = fired.lost_at.filter(|lost_at| !knew(*lost_at) && was_reset(seen, *lost_at)) {
        silence = silence.max(seen.told_since(lost_at).map(|told| told - lost_at));
    }
    silence
}

/// Whether it had anything of what was lost.
fn was_reset(seen: &Seen, lost_at: Instant) -> bool {
    let mut later = seen.story.iter().filter(|(at, _)| *at > lost_at);
    later.any(|(_, event)| matches!(event, Event::Said(message) if message["type"] == "reset"))
}

/// When this reader, at this node, was first told, as a change or in a snapshot, of something that was made after `back`.
fn first_after(seen: &Seen, node: usize, back: Instant, acks: &BTreeMap<String, Ack>) -> Option<Instant> {
    let mut at_node = None;
    for (at, event) in &seen.story {
        match event {
            Event::Came(came) => at_node = Some(*came),
            Event::Left => at_node = None,
            Event::Said(message) if at_node == Some(node) && *at > back => {
                let position = message["position"].as_str().unwrap_or_default();
                let new = |item: &Value| {
                    let mut later = acks.values().filter(|ack| ack.asked > back);
                    later.any(|ack| item["id"] == ack.item && item["version"] == ack.version)
                };
                let change = acks.get(position).is_some_and(|ack| ack.asked > back);
                if change || message["items"].as_array().is_some_and(|items| items.iter().any(new)) {
                    return Some(*at);
                }
            }
            Event::Said(_) => {}
        }
    }
    None
}
