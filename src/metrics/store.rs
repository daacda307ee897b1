//! The store, as this node sees it: how commits come out, how long answers take, and what fails.

use std::{fmt, sync::Arc};

use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder},
    metrics::MetricType,
    registry::{Registry, Unit},
};

use super::asked::{counter, gauge};
use crate::{
    count::Label as _,
    store::{
        Store as _,
        measured::Measured,
        operation::{Operation, Outcome},
    },
};

pub(super) fn register(ours: &mut Registry, measured: &Arc<Measured>) {
    let store = measured.clone();
    ours.register(
        "commits",
        "Commits that this node asked for, by how they came out: conflicts are refused to editors, what is unavailable may \
         be committed all the same",
        counter(move |told| {
            Outcome::all().try_for_each(|outcome| told.of([("outcome", outcome.name())], store.commits.get(outcome)))
        }),
    );
    let store = measured.clone();
    ours.register(
        "store_errors",
        "Questions that the store did not answer, by what was asked",
        counter(move |told| {
            Operation::all()
                .try_for_each(|operation| told.of([("operation", operation.name())], store.errors.get(operation)))
        }),
    );
    let store = measured.clone();
    ours.register_with_unit(
        "store_unheard",
        "How long what this node writes for nothing but to be heard has not come back to it from Redis; over 7 s it is not \
         ready, whatever its connections say, and 0 on SQLite",
        Unit::Seconds,
        gauge(move |told| told.one(store.unheard().as_secs_f64())),
    );
    ours.register_with_unit(
        "store_duration",
        "How long the store took to answer, or until nobody waited any more, by what was asked",
        Unit::Seconds,
        Took(measured.clone()),
    );
}

/// How long each operation took.
#[derive(Debug)]
struct Took(Arc<Measured>);

impl EncodeMetric for Took {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        Operation::all().try_for_each(|operation| {
            let labels = [("operation", operation.name())];
            self.0.took(operation).encode(encoder.encode_family(&labels)?)
        })
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}
