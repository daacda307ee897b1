//! Readers on the way: a feed is exported and imported into a new server on another kind of store, while its readers are
//! reading. Where nothing was published after the export, they can go on from their positions (`--resume`). Else every reader
//! is told to begin anew: what was published later is lost on the way, and who has not seen it may have skipped something for
//! it. Where `--resume` was wrong, the first who has seen more makes that known. All end with what the new server lists, in
//! its order.

mod support;

use std::path::Path;

use serde_json::{Value, json};
use support::{
    program::{ended, newswire},
    server::{Kept, Server, accepted},
    stream::{Door, Held, Said, Stream},
    until,
};

const WORLD: &str = "/v1/feeds/world";

async fn publish(server: &Server, headline: &str) -> Value {
    let item = json!({"headline": headline, "tags": ["moved"]});
    let request = server.client.post(server.url(&format!("{WORLD}/items"))).bearer_auth(&server.token).json(&item);
    accepted(request.send().await).await
}

/// What the feed lists, in its order: no more than one page here.
async fn listed(server: &Server) -> Vec<Value> {
    let page = server.read(&format!("{WORLD}/items?limit=200")).await;
    assert!(page.get("before").is_none(), "one page");
    page["items"].as_array().expect("items").clone()
}

async fn on(server: &Server, words: &[&str]) {
    let mut command = newswire(server, words);
    for (option, value) in server.place() {
        command.arg(option).arg(value);
    }
    let ran = ended(command.spawn().expect("newswire runs")).await;
    assert_eq!(ran.code, 0, "{words:?}: {}", ran.err);
}

/// A reader: where it reads, and what it has.
struct Reader {
    door: Door,
    filter: &'static str,
    held: Held,
}

impl Reader {
    /// One that has everything there is.
    async fn arrived(server: &Server, door: Door, filter: &'static str) -> (Self, Stream) {
        let mut stream = Stream::open_in(server, "world", door, &format!("last=200{filter}")).await;
        let mut held = Held::default();
        stream.up_to("caughtUp").await.iter().for_each(|message| held.apply(message));
        (Self { door, filter, held }, stream)
    }

    /// Reads on until it has this position.
    async fn follows(&mut self, stream: &mut Stream, to: &str) {
        while self.held.position.as_deref() != Some(to) {
            self.held.apply(&stream.next().await.message());
        }
    }

    /// Reads on until the server ends the stream, with `bye`.
    async fn stays_to_the_end(&mut self, mut stream: Stream) {
        let mut last = String::new();
        while let Said::Message(message) = stream.next().await {
            last = message["type"].as_str().expect("a type").to_owned();
            self.held.apply(&message);
        }
        assert_eq!(last, "bye");
    }

    /// Comes back, to another server, and has everything there is.
    async fn returns(&mut self, server: &Server) -> Stream {
        let query = format!("{}&last=200{}", self.held.query(), self.filter);
        let mut stream = Stream::open_in(server, "world", self.door, &query).await;
        stream.up_to("caughtUp").await.iter().for_each(|message| self.held.apply(message));
        stream
    }

    /// It has all that is listed, as it is listed; what the feed no longer keeps it may have kept.
    fn has(&self, listed: &[Value]) {
        for item in listed {
            assert_eq!(self.held.items.get(item["id"].as_str().expect("an id")), Some(item), "{:?}", self.door);
        }
    }
}

/// What was published at the old server after the export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    Nothing,
    Something,
}

async fn readers_move(from: Kept, to: Kept, after_it: After, resume: &[&str]) {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("world.jsonl");
    let file: &str = Path::to_str(&file).expect("text");
    let (old, new) = (Server::start(from).await, Server::start(to).await);
    old.beside_it(&["feed", "create", "world", "--title", "World", "--keep-items", "20", "--keep-changes", "40"]);
    let mut first = Value::Null;
    for number in 0..60 {
        let made = publish(&old, &format!("Before {number}")).await;
        first = if number == 0 { made } else { first };
    }
    until("what is not kept is gone", async || listed(&old).await.len() == 20).await;

    // One of each stands where the export has been, one goes on reading, and a poller keeps its position.
    let doors = [(Door::WebSocket, ""), (Door::Sse, "&tag=moved")];
    let (mut gone, mut staying) = (Vec::new(), Vec::new());
    for (door, filter) in doors {
        gone.push(Reader::arrived(&old, door, filter).await.0);
        staying.push(Reader::arrived(&old, door, filter).await);
    }
    let polled = gone[0].held.position.clone().expect("a position");

    // An editor goes on while the export is made, and after it.
    let export = ["export", "--feed", "world", file];
    let editor = async {
        for number in 0..10 {
            publish(&old, &format!("Meanwhile {number}")).await;
        }
    };
    tokio::join!(on(&old, &export), editor);
    if after_it == After::Nothing {
        // Nobody publishes any more: this export has everything.
        std::fs::remove_file(file).expect("the first one");
        on(&old, &export).await;
    } else {
        for number in 0..3 {
            publish(&old, &format!("Too late {number}")).await;
        }
    }
    let last = old.read(WORLD).await["position"].as_str().expect("a position").to_owned();
    for (reader, stream) in &mut staying {
        reader.follows(stream, &last).await;
    }
    let before = listed(&old).await;
    let ends = staying.into_iter().map(|(mut reader, stream)| async move {
        reader.stays_to_the_end(stream).await;
        reader
    });
    let (status, mut stayed) = tokio::join!(old.stop(), futures_util::future::join_all(ends));
    assert!(status.success());

    on(&new, &[&["import", file], resume].concat()).await;
    let told = resume.is_empty();
    until("the new server has it", async || new.get(WORLD).await.is_ok_and(|answer| answer.status() == 200)).await;
    let after = listed(&new).await;
    let moved: Vec<&Value> = before.iter().filter(|item| after.contains(item)).collect();
    assert!(moved.len() >= 7, "{}", moved.len());
    let same_order: Vec<&Value> = after.iter().filter(|item| before.contains(item)).collect();
    assert_eq!(moved, same_order);
    assert!(!after.iter().any(|item| item["headline"].as_str().is_some_and(|text| text.starts_with("Too late"))));

    // Who stands at a change that was exported goes on from it, if it may.
    let mut streams = Vec::new();
    for reader in &mut gone {
        let stream = reader.returns(&new).await;
        assert_eq!(reader.held.resets, usize::from(told), "{:?}", reader.door);
        streams.push(stream);
    }
    let poll = async |after: &str| new.read(&format!("{WORLD}/changes?after={after}&limit=200")).await;
    assert_eq!(poll(&polled).await["changes"].is_array(), !told);
    // A position from before the floor is told so, as it would have been at the old server.
    let trimmed = if told { "storeChanged" } else { "trimmed" };
    assert_eq!(poll(first["position"].as_str().expect("a position")).await["reset"], trimmed);
    for reader in &mut stayed {
        let stream = reader.returns(&new).await;
        assert_eq!(reader.held.resets, usize::from(after_it == After::Something), "{:?}", reader.door);
        streams.push(stream);
    }
    if after_it == After::Something {
        assert_eq!(poll(&last).await["reset"], "storeChanged");
        assert_eq!(poll(&polled).await["reset"], "storeChanged", "it is everybody's");
    }

    // All go on together.
    let published = publish(&new, "After the move").await;
    let position = published["position"].as_str().expect("a position");
    let listed = listed(&new).await;
    for (reader, stream) in gone.iter_mut().chain(&mut stayed).zip(&mut streams) {
        reader.follows(stream, position).await;
        assert_eq!(reader.held.resets, usize::from(after_it == After::Something), "{:?}", reader.door);
        reader.has(&listed);
    }
}

#[tokio::test]
async fn readers_go_on_from_sqlite_to_redis() {
    readers_move(Kept::Sqlite, Kept::Redis, After::Nothing, &["--resume"]).await;
}

#[tokio::test]
async fn readers_go_on_from_redis_to_sqlite() {
    readers_move(Kept::Redis, Kept::Sqlite, After::Nothing, &["--resume"]).await;
}

#[tokio::test]
async fn readers_who_have_seen_what_redis_did_not_get_make_all_begin_anew() {
    readers_move(Kept::Sqlite, Kept::Redis, After::Something, &["--resume"]).await;
}

#[tokio::test]
async fn readers_who_have_seen_what_sqlite_did_not_get_make_all_begin_anew() {
    readers_move(Kept::Redis, Kept::Sqlite, After::Something, &["--resume"]).await;
}

#[tokio::test]
async fn without_resume_all_readers_are_told_to_begin_anew_once() {
    for (from, to) in [(Kept::Sqlite, Kept::Redis), (Kept::Redis, Kept::Sqlite)] {
        readers_move(from, to, After::Something, &[]).await;
    }
}
