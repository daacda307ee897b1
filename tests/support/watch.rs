//! Who watches a server: its metrics, scraped, and read by the parser of Prometheus' own client for Python.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::Value;

use super::server::Server;

/// Reads OpenMetrics text, strictly, and writes what it says as JSON.
const READ: &str = "
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
families = text_string_to_metric_families(sys.stdin.read())
print(json.dumps([dict(name=f.name, type=f.type, unit=f.unit, help=f.documentation,
    samples=[dict(name=s.name, labels=s.labels, value=s.value) for s in f.samples]) for f in families]))
";

/// Where a server's metrics are.
pub(crate) struct Watch {
    pub(crate) url: String,
    client: reqwest::Client,
}

/// What one scrape told.
pub(crate) struct Scrape {
    pub(crate) text: String,
    /// The families, in their order.
    pub(crate) families: Vec<Value>,
}

impl Watch {
    /// Starts a server again, with metrics on a free port.
    pub(crate) async fn over(server: &Server) -> Self {
        server.stop().await;
        Self::up(server).await
    }

    /// Starts a server that is down, with metrics on a free port.
    pub(crate) async fn up(server: &Server) -> Self {
        let said = server.up_as(server.command().args(["--metrics", "127.0.0.1:0"])).await;
        let line = said.iter().find(|line| line.contains("scrape")).expect("it says where its metrics are");
        let url = line.split_whitespace().last().expect("an address").to_owned();
        // A connection for each scrape: one that idles is closed when the server begins to drain.
        let client = reqwest::Client::builder().pool_max_idle_per_host(0).build().expect("a client");
        Self { url, client }
    }

    /// Scrapes once.
    pub(crate) async fn scrape(&self) -> Scrape {
        let answer = self.client.get(&self.url).send().await.expect("the metrics are there");
        assert_eq!(answer.status(), 200);
        let form = answer.headers()["content-type"].to_str().expect("text").to_owned();
        assert_eq!(form, "application/openmetrics-text; version=1.0.0; charset=utf-8");
        let text = answer.text().await.expect("a body");
        let families = tokio::task::block_in_place(|| read(&text));
        Scrape { text, families }
    }

    /// Scrapes until a fact holds, and returns that scrape.
    pub(crate) async fn until(&self, what: &str, fact: impl Fn(&Scrape) -> bool) -> Scrape {
        let mut last = None;
        super::until(what, async || {
            let scrape = self.scrape().await;
            let holds = fact(&scrape);
            last = Some(scrape);
            holds
        })
        .await;
        last.expect("it was scraped at least once")
    }
}

impl Scrape {
    /// The sum of the samples of this name that have all these labels; there must be one.
    pub(crate) fn get(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let samples = self.families.iter().flat_map(|family| family["samples"].as_array().expect("a list"));
        let meant = samples.filter(|sample| {
            sample["name"] == name && labels.iter().all(|(label, value)| sample["labels"][label] == *value)
        });
        let values: Vec<f64> = meant.map(|sample| sample["value"].as_f64().expect("a number")).collect();
        assert!(!values.is_empty(), "{name} {labels:?} is not told");
        values.iter().sum()
    }
}

fn read(text: &str) -> Vec<Value> {
    let python = std::env::var("TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut parser = Command::new(&python)
        .args(["-c", READ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{python} does not start: {error}"));
    parser.stdin.take().expect("it is piped").write_all(text.as_bytes()).expect("it reads");
    let read = parser.wait_with_output().expect("our own child can be waited for");
    assert!(
        read.status.success(),
        "{python} does not read this (./test installs its package prometheus-client, or name another interpreter in \
         TEST_PYTHON): {}\n{text}",
        String::from_utf8_lossy(&read.stderr)
    );
    serde_json::from_slice(&read.stdout).expect("JSON")
}
