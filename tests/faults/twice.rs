//! A request that an editor sends again, through another node, while the first is still under way there.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::{
    support::server::FEED,
    world::{Kept, PATIENCE, Plan, Word, World},
};

/// By how much each reply to the one node is late: by so much that the other carries the request out in between, also on a
/// machine that is busy.
const LATE: Duration = Duration::from_millis(60);
/// How long after the request there the same is sent to the other node, in steps of 20 ms: at any step of the first.
const STEPS: u64 = 16;

async fn ask(world: &World, node: usize, method: Method, path: &str, etag: Option<&str>, body: &Value) -> Response {
    let url = world.nodes[node].url(&format!("/v1/feeds/{FEED}/{path}"));
    let mut request = reqwest::Client::new().request(method, url).bearer_auth(world.token()).json(body);
    request = request.header("Idempotency-Key", body.to_string());
    if let Some(etag) = etag {
        request = request.header("If-Match", etag);
    }
    request.timeout(PATIENCE).send().await.expect("the node answers in time")
}

/// Status, the item's version, and whether it is said that it was carried out before.
async fn came_to(answer: Response) -> (u16, u64, bool) {
    let (status, replayed) = (answer.status().as_u16(), answer.headers().contains_key("idempotency-replayed"));
    let answer: Value = answer.json().await.expect("JSON");
    (status, answer["item"]["version"].as_u64().unwrap_or_default(), replayed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_under_way_twice_is_carried_out_once_and_answered_twice() {
    let _there = rustls::crypto::ring::default_provider().install_default();
    let plan =
        Plan { kept: Kept::Always, nodes: 2, word: Word::Kept, settable: false, networked: false, sealable: false };
    let world = World::new(plan).await;
    world.nodes[1].wire.as_ref().expect("a wire to Redis").delay(LATE);
    for step in 0..STEPS {
        let made = ask(&world, 0, Method::POST, "items", None, &json!({"headline": format!("Item {step}")})).await;
        let etag = made.headers()["etag"].to_str().expect("text").to_owned();
        let made: Value = made.json().await.expect("JSON");
        let path = format!("items/{}", made["item"]["id"].as_str().expect("an id"));
        for (method, path, body) in [
            (Method::PATCH, path.clone(), json!({"headline": format!("Item {step}, edited")})),
            (Method::POST, format!("{path}/retract"), json!({"reason": format!("Item {step} was not so.")})),
        ] {
            let etag = (method == Method::PATCH).then_some(etag.as_str());
            let version = if method == Method::PATCH { 2 } else { 3 };
            let late = async {
                tokio::time::sleep(Duration::from_millis(step * 20)).await;
                ask(&world, 0, method.clone(), &path, etag, &body).await
            };
            let (one, other) = tokio::join!(ask(&world, 1, method.clone(), &path, etag, &body), late);
            let (one, other) = (came_to(one).await, came_to(other).await);
            assert_eq!((one.0, one.1, other.0, other.1), (200, version, 200, version), "{method} {path}, step {step}");
            assert!(one.2 != other.2, "carried out by one of them: {one:?} and {other:?}");
        }
    }
}
