//! Requests: the places that they take, and the refusals that they got.

use prometheus_client::registry::Registry;

use super::asked::{counter, gauge};
use crate::{
    count::Label as _,
    http::{Doors, request::Code},
    live::feeds::READS_AT_ONCE,
};

pub(super) fn register(ours: &mut Registry, doors: &Doors) {
    let places = doors.places.clone();
    ours.register(
        "open_requests",
        "Requests that are open, by the places they take: those that read, that write, and that take a text away",
        gauge(move |told| {
            places.taken().into_iter().try_for_each(|(place, taken, _)| told.of([("place", place)], taken))
        }),
    );
    let places = doors.places.clone();
    ours.register(
        "open_requests_limit",
        "How many requests may be open in such places; one too many is refused as busy",
        gauge(move |told| {
            places.taken().into_iter().try_for_each(|(place, _, most)| told.of([("place", place)], most))
        }),
    );
    let feeds = doors.feeds.clone();
    ours.register(
        "reads_behind_window",
        "Reads at the store for readers that are behind their window, of at most 32 at once",
        gauge(move |told| told.one(READS_AT_ONCE - feeds.reads.available_permits())),
    );
    let refusals = doors.refusals.clone();
    ours.register(
        "refusals",
        "Requests that were refused, by the code of the problem that they were answered with",
        counter(move |told| Code::all().try_for_each(|code| told.of([("code", code.name())], refusals.get(code)))),
    );
}
