//! A metric that is asked for its values at each scrape, by the part of the server that knows them.

use std::fmt;

use prometheus_client::{
    encoding::{EncodeCounterValue, EncodeGaugeValue, EncodeMetric, MetricEncoder, NoLabelSet},
    metrics::MetricType,
};

/// A metric whose values are asked for.
pub struct Asked<F> {
    kind: MetricType,
    ask: F,
}

/// What goes up and down. `ask` tells its values.
pub fn gauge<F: Fn(&mut Values<'_>) -> fmt::Result>(ask: F) -> Asked<F> {
    Asked { kind: MetricType::Gauge, ask }
}

/// What only grows as long as the process lives. `ask` tells its values.
pub fn counter<F: Fn(&mut Values<'_>) -> fmt::Result>(ask: F) -> Asked<F> {
    Asked { kind: MetricType::Counter, ask }
}

/// Where the values of a metric are told.
#[derive(Debug)]
pub struct Values<'a> {
    kind: MetricType,
    encoder: MetricEncoder<'a>,
}

impl Values<'_> {
    /// The one value of a metric without labels.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn one(&mut self, value: impl EncodeCounterValue + EncodeGaugeValue) -> fmt::Result {
        write(self.kind, &mut self.encoder, &value)
    }

    /// The value for these labels, each a name and one of a closed set of values.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn of<const N: usize>(
        &mut self,
        labels: [(&'static str, &'static str); N],
        value: impl EncodeCounterValue + EncodeGaugeValue,
    ) -> fmt::Result {
        write(self.kind, &mut self.encoder.encode_family(&labels)?, &value)
    }
}

fn write(
    kind: MetricType,
    to: &mut MetricEncoder<'_>,
    value: &(impl EncodeCounterValue + EncodeGaugeValue),
) -> fmt::Result {
    match kind {
        MetricType::Counter => to.encode_counter::<NoLabelSet, _, u64>(value, None),
        _ => to.encode_gauge(value),
    }
}

impl<F: Fn(&mut Values<'_>) -> fmt::Result> EncodeMetric for Asked<F> {
    fn encode(&self, encoder: MetricEncoder<'_>) -> fmt::Result {
        (self.ask)(&mut Values { kind: self.kind, encoder })
    }

    fn metric_type(&self) -> MetricType {
        self.kind
    }
}

impl<F> fmt::Debug for Asked<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").field("kind", &self.kind).finish_non_exhaustive()
    }
}
