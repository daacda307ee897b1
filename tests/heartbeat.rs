//! A stream that has nothing to say still says that it is alive, where the reader stands, and when the server last
//! confirmed with its store that nothing is newer.

mod support;

use newswire::news::Moment;
use serde_json::json;
use support::{
    server::{Kept, Server},
    stream::{Door, Stream},
};

#[tokio::test]
async fn a_quiet_stream_beats_with_the_position_and_when_it_was_checked() {
    let server = Server::start(Kept::Sqlite).await;
    let made = server.publish(&json!({"headline": "A"})).await;
    let beats = [Door::WebSocket, Door::Sse].map(async |door| {
        let mut reader = Stream::open(&server, door, "").await;
        assert_eq!(reader.next().await.message()["heartbeat"], 15);
        reader.until("heartbeat").await
    });
    for beat in futures_util::future::join_all(beats).await {
        assert_eq!(beat["position"], made["position"]);
        let checked: Moment = beat["checked"].as_str().expect("a time").parse().expect("RFC 3339");
        let age = Moment::of_this_machine().millis() - checked.millis();
        assert!((0..5_000).contains(&age), "checked {age} ms ago");
    }
}
