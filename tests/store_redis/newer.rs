//! Two versions of newswire on one store: what the newer one wrote outlives every edit of the older one, which stops where
//! it does not know the schema any more.

use newswire::{
    news::{Kind, Status},
    store::{StoreError, redis::SCHEMA},
};
use serde_json::{Value, json};

use crate::{
    open,
    support::{newsroom::Newsroom, redis::RedisServer, until},
};

/// The one key that ends like this.
async fn key(server: &RedisServer, end: &str) -> String {
    let keys: Vec<String> = server.say(&["KEYS", &format!("nw:*:{end}")]).await;
    assert_eq!(keys.len(), 1, "{keys:?}");
    keys[0].clone()
}

/// Puts a field into a JSON object.
fn grown(text: &str, name: &str) -> String {
    let mut object: Value = serde_json::from_str(text).expect("JSON");
    object[name] = json!({"by": "a newer one"});
    object.to_string()
}

#[tokio::test]
async fn fields_that_a_newer_version_wrote_outlive_the_edits_of_this_one() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let room = Newsroom::open(&store, "news-feed").await;
    let item = room.publish("one").await;
    let id = item.id.to_string();

    // The newer version: a field more in what is compared, in what was ever had, in the story and in the feed.
    let items = key(&server, "items:news-feed").await;
    let record: String = server.say(&["HGET", &items, &id]).await;
    let lines: Vec<_> = record.splitn(4, '\n').collect();
    let [numbers, header, ever, story] = lines[..] else { panic!("{record}") };
    let newer = [numbers.to_owned(), grown(header, "embargo"), grown(ever, "places"), grown(story, "mood")].join("\n");
    let _: u64 = server.say(&["HSET", &items, &id, &newer]).await;
    let feed = key(&server, "feed:news-feed").await;
    let document: String = server.say(&["HGET", &feed, "doc"]).await;
    let _: u64 = server.say(&["HSET", &feed, "doc", &grown(&document, "editors")]).await;

    // This version edits both.
    let item = store.item(&room.feed, item.id).await.expect("an answer").expect("it is there");
    let edited = room.turn(&item, Kind::ItemWithheld, Status::Withheld).await;
    let mut state = room.state().await;
    state.feed.title = "Other news".to_owned();
    room.commit(room.writing_feed(Kind::FeedUpdated, state.feed).await).await;

    let record: String = server.say(&["HGET", &items, &id]).await;
    for (line, name) in record.splitn(4, '\n').skip(1).zip(["embargo", "places", "mood"]) {
        let object: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(object[name]["by"], "a newer one", "{line}");
    }
    let document: String = server.say(&["HGET", &feed, "doc"]).await;
    let document: Value = serde_json::from_str(&document).expect("JSON");
    assert_eq!((&document["editors"]["by"], &document["title"]), (&json!("a newer one"), &json!("Other news")));
    // Every version has them, and what the node itself does not know is not shown.
    let versions = store.versions(&room.feed, edited.id, 1).await.expect("an answer");
    assert_eq!(versions[0].record.more["embargo"]["by"], "a newer one");
    assert!(!edited.full(&room.feed, store.now()).contains("embargo"));
}

#[tokio::test]
async fn a_node_stops_where_a_newer_one_has_written_a_schema_that_it_does_not_know() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let room = Newsroom::open(&store, "news-feed").await;
    () = server.say(&["SET", "nw:{all}:schema", &(SCHEMA + 1).to_string()]).await;
    until("it stops", async || matches!(store.feeds().await, Err(StoreError::NewerSchema { .. }))).await;
    let refused = store.commit(room.writing(&room.draft("one"))).await.expect_err("refused");
    assert!(refused.to_string().contains("run a newer newswire"), "{refused}");
}
