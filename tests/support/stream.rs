//! A client of the doors, written from PROTOCOL.md and not from the server's code.

use std::collections::BTreeMap;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, protocol::CloseFrame},
};

use super::{
    PATIENCE,
    server::{FEED, Server},
};

/// A door through which a feed can be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    WebSocket,
    Sse,
    Poll,
}

/// An open stream.
pub(crate) enum Stream {
    WebSocket(Box<WebSocketStream<MaybeTlsStream<TcpStream>>>),
    Sse { answer: Box<reqwest::Response>, buffer: Vec<u8> },
}

/// What a stream says.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    /// A message.
    Message(Value),
    /// The end, with the close frame of a WebSocket that sent one.
    End(Option<CloseFrame>),
}

impl Said {
    /// The message; there must be one.
    pub(crate) fn message(self) -> Value {
        match self {
            Self::Message(message) => message,
            Self::End(frame) => panic!("the stream ended: {frame:?}"),
        }
    }
}

impl Stream {
    /// Opens a stream of a feed; `query` is `after=…`, `last=…` or nothing. None: the server is not there.
    async fn try_open(server: &Server, feed: &str, door: Door, query: &str) -> Option<Self> {
        Self::try_at(&server.url(&format!("/v1/feeds/{feed}/live?{query}")), door).await
    }

    /// Opens a stream at an address that takes readers.
    pub(crate) async fn at(url: &str, door: Door) -> Self {
        Self::try_at(url, door).await.expect("the server takes readers")
    }

    /// The same, where nobody may be there: none, then.
    pub(crate) async fn try_at(url: &str, door: Door) -> Option<Self> {
        match door {
            Door::WebSocket => {
                let (socket, _) = connect_async(url.replacen("http:", "ws:", 1)).await.ok()?;
                Some(Self::WebSocket(Box::new(socket)))
            }
            Door::Sse => {
                // The ordinary client has a deadline for whole answers, and a stream never ends.
                let client = reqwest::Client::new();
                let answer = client.get(url).header("Accept", "text/event-stream").send().await.ok()?;
                assert_eq!(answer.status(), 200);
                Some(Self::Sse { answer: Box::new(answer), buffer: Vec::new() })
            }
            Door::Poll => panic!("a poll is no stream"),
        }
    }

    /// Opens a stream on a server that is there.
    pub(crate) async fn open(server: &Server, door: Door, query: &str) -> Self {
        Self::open_in(server, FEED, door, query).await
    }

    /// Opens a stream of a feed that may not be there.
    pub(crate) async fn open_in(server: &Server, feed: &str, door: Door, query: &str) -> Self {
        Self::try_open(server, feed, door, query).await.expect("the server takes readers")
    }

    /// What it says next, heartbeats included, within the patience of a test.
    pub(crate) async fn next(&mut self) -> Said {
        tokio::time::timeout(PATIENCE, self.wait()).await.expect("the stream says something in time")
    }

    /// What it says next, for as long as it takes.
    pub(crate) async fn wait(&mut self) -> Said {
        match self {
            Self::WebSocket(socket) => loop {
                match socket.next().await {
                    Some(Ok(tungstenite::Message::Text(text))) => {
                        return Said::Message(serde_json::from_str(&text).expect("JSON"));
                    }
                    Some(Ok(tungstenite::Message::Close(frame))) => return Said::End(frame),
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return Said::End(None),
                }
            },
            Self::Sse { answer, buffer } => loop {
                if let Some(end) = buffer.windows(2).position(|two| two == b"\n\n") {
                    let event: Vec<u8> = buffer.drain(..end + 2).collect();
                    if let Some(message) = event_data(&event) {
                        return Said::Message(message);
                    }
                    continue;
                }
                match answer.chunk().await {
                    Ok(Some(bytes)) => buffer.extend_from_slice(&bytes),
                    Ok(None) | Err(_) => return Said::End(None),
                }
            },
        }
    }

    /// The next message of this type; everything before it is passed over.
    pub(crate) async fn until(&mut self, kind: &str) -> Value {
        self.up_to(kind).await.pop().expect("it ends with that")
    }

    /// All messages up to and including the first of this type. The patience of a test is for all of them together, since
    /// a stream that is broken goes on with heartbeats.
    pub(crate) async fn up_to(&mut self, kind: &str) -> Vec<Value> {
        let mut messages: Vec<Value> = Vec::new();
        let given_up = Instant::now() + PATIENCE;
        loop {
            let types = || messages.iter().map(|message| message["type"].to_string()).collect::<Vec<_>>().join(", ");
            match timeout_at(given_up, self.wait()).await {
                Err(_) => panic!("waited {PATIENCE:?} in vain for {kind}; what came: [{}]", types()),
                Ok(Said::End(frame)) => panic!("the stream ended ({frame:?}) before {kind}; what came: [{}]", types()),
                Ok(Said::Message(message)) => {
                    let last = message["type"] == kind;
                    messages.push(message);
                    if last {
                        return messages;
                    }
                }
            }
        }
    }

    /// Says that it leaves.
    pub(crate) async fn close(&mut self, code: u16) {
        if let Self::WebSocket(socket) = self {
            let frame = CloseFrame { code: code.into(), reason: "".into() };
            WebSocketStream::close(socket, Some(frame)).await.expect("the close frame is sent");
        }
    }

    /// Sends a text message, as no well-behaved reader needs to.
    pub(crate) async fn send(&mut self, text: String) {
        if let Self::WebSocket(socket) = self {
            // The server may have closed already; the test looks at what it said.
            let _closed = socket.send(tungstenite::Message::text(text)).await;
        }
    }
}

/// The message of one event, after a check that its `id:` is the message's position.
fn event_data(event: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(event).expect("events are UTF-8");
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    assert_eq!(field("event"), None, "everything arrives as `message`");
    let message: Value = serde_json::from_str(field("data")?).expect("JSON");
    let moves = message.get("position").filter(|_| message["type"] != "hello");
    assert_eq!(field("id"), moves.map(|position| position.as_str().expect("text")), "{message}");
    Some(message)
}

/// What a client has: the items by id, and the position that it keeps.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Held {
    pub(crate) items: BTreeMap<String, Value>,
    pub(crate) position: Option<String>,
    /// Where older items go on that a snapshot did not have.
    pub(crate) before: Option<String>,
    /// How often a reset emptied it.
    pub(crate) resets: usize,
    /// The seqs of the changes that were applied since the last reset or snapshot.
    pub(crate) seqs: Vec<u64>,
    fresh: bool,
}

impl Held {
    /// Applies a message as PROTOCOL.md says.
    pub(crate) fn apply(&mut self, message: &Value) {
        let kind = message["type"].as_str().expect("a type");
        match kind {
            "reset" => {
                *self = Self { resets: self.resets + 1, position: self.position.take(), ..Self::default() };
            }
            "snapshot" => {
                if !self.fresh {
                    self.items.clear();
                    self.seqs.clear();
                    self.fresh = true;
                }
                message["items"].as_array().expect("items").iter().for_each(|item| self.put(item));
                if message["done"] == true {
                    self.fresh = false;
                    self.before = message.get("before").map(|cursor| cursor.as_str().expect("text").to_owned());
                }
            }
            "item.left" | "item.withheld" | "item.removed" => {
                self.items.remove(message["item"]["id"].as_str().expect("an id"));
            }
            _ if kind.starts_with("item.") => self.put(&message["item"]),
            _ => {}
        }
        if kind.starts_with("item.") || kind.starts_with("feed.") {
            self.seqs.push(seq(&message["position"]));
        }
        if let Some(position) = message.get("position").and_then(Value::as_str)
            && kind != "hello"
        {
            self.position = Some(position.to_owned());
        }
    }

    /// Puts an item under its id, unless a newer form of it is there.
    pub(crate) fn put(&mut self, item: &Value) {
        let id = item["id"].as_str().expect("an id").to_owned();
        let newer = self.items.get(&id).is_none_or(|held| held["version"].as_u64() <= item["version"].as_u64());
        if newer {
            self.items.insert(id, item.clone());
        }
    }

    /// Its stream ended: what began of a snapshot begins anew with the next.
    pub(crate) fn cut_off(&mut self) {
        self.fresh = false;
    }

    /// The query with which this client comes back.
    pub(crate) fn query(&self) -> String {
        self.position.as_ref().map_or_else(|| "last=500".to_owned(), |position| format!("after={position}"))
    }
}

/// The seq of a position.
pub(crate) fn seq(position: &Value) -> u64 {
    let text = position.as_str().expect("a position is text");
    text.split_once('-').expect("SEQ-MARK").0.parse().expect("a number")
}
