//! One connection to a server: opened, read with an ear to its heartbeat, and read ahead a little while a command runs.
//!
//! Reading ahead keeps pings answered and heartbeats heard, so that a command that runs for minutes loses no connection.
//! It holds at most [`AHEAD`] messages; beyond that the socket is left alone and the server waits: a reader that falls
//! behind is sent newest forms only.

use std::{collections::VecDeque, convert::Infallible, future, time::Duration};

use futures_util::StreamExt;
use http::{HeaderValue, header};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{self, client::IntoClientRequest, protocol::WebSocketConfig},
};
use url::Url;

use super::message::{Message, What};
use crate::command::{
    backoff::retry_after,
    exit::{Exit, Failure},
    problem::{Problem, for_good, passing},
};

/// How many messages are read ahead at most. Few, because what is read is held back from being replaced by a newer form.
const AHEAD: usize = 16;

/// How long opening a connection may take, with name, TCP, TLS and the server's own look at the position.
const OPENING: Duration = Duration::from_secs(20);

/// The longest message taken: a page of a snapshot has at most 256 KiB, or one item.
const LONGEST_MESSAGE: usize = 4 * 1024 * 1024;

/// How many heartbeats may be missed before the connection counts as dead.
const HEARTBEATS: f64 = 2.5;

/// An open connection.
#[derive(Debug)]
pub(super) struct Connection {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    ahead: VecDeque<Message>,
    ended: Option<String>,
    silence: Duration,
}

/// Why no connection could be opened.
#[derive(Debug)]
pub(super) enum NotOpened {
    /// No later attempt will do better.
    ForGood(Failure),
    /// A later one may; the server may have said when.
    ForNow {
        /// Why, for people.
        why: String,
        /// How long to stay away.
        pause: Option<Duration>,
    },
}

impl Connection {
    /// Opens a connection.
    ///
    /// # Errors
    /// The server is away, full or stopping, or refuses for good.
    pub(super) async fn open(url: &Url, token: Option<&str>) -> Result<Self, NotOpened> {
        let for_good = |why: String| NotOpened::ForGood(Failure::new(Exit::Usage, why));
        let mut request = url.as_str().into_client_request().map_err(|error| for_good(error.to_string()))?;
        if let Some(token) = token {
            let bearer = HeaderValue::from_str(&format!("Bearer {token}"))
                .map_err(|_| for_good("a token holds only letters, digits and a few signs".to_owned()))?;
            request.headers_mut().insert(header::AUTHORIZATION, bearer);
        }
        let config = WebSocketConfig::default()
            .max_message_size(Some(LONGEST_MESSAGE))
            .max_frame_size(Some(LONGEST_MESSAGE))
            .read_buffer_size(16 * 1024);
        match timeout(OPENING, connect_async_with_config(request, Some(config), false)).await {
            Ok(Ok((socket, _))) => {
                let silence = Duration::from_secs(15).mul_f64(HEARTBEATS);
                Ok(Self { socket, ahead: VecDeque::new(), ended: None, silence })
            }
            Ok(Err(tungstenite::Error::Http(answer))) => Err(refused(&answer)),
            Ok(Err(error)) => Err(unreached(url, &error.to_string())),
            Err(_) => Err(unreached(url, "no answer in time")),
        }
    }

    /// The next message; an error says why there will be none.
    pub(super) async fn next(&mut self) -> Result<Message, String> {
        match (self.ahead.pop_front(), &self.ended) {
            (Some(message), _) => Ok(message),
            (None, Some(why)) => Err(why.clone()),
            (None, None) => self.receive().await,
        }
    }

    /// Reads ahead, for as long as it is polled; it never returns. Dropping it loses nothing.
    pub(super) async fn read_ahead(&mut self) -> Infallible {
        while self.ahead.len() < AHEAD && self.ended.is_none() {
            match self.receive().await {
                Ok(message) => self.hold(message),
                Err(why) => self.ended = Some(why),
            }
        }
        future::pending().await
    }

    /// Holds a message until it is its turn. Of several pulses of a feed in a row the newest position says it all.
    fn hold(&mut self, message: Message) {
        match self.ahead.back_mut() {
            Some(last) if (&last.what, &message.what) == (&What::Pulse, &What::Pulse) && last.feed == message.feed => {
                last.position = message.position.or(last.position);
            }
            _ => self.ahead.push_back(message),
        }
    }

    /// Receives a message. It can be dropped half-way: a frame that has begun stays in the socket's buffer.
    async fn receive(&mut self) -> Result<Message, String> {
        loop {
            let received = match timeout(self.silence, self.socket.next()).await {
                Err(_) => return Err(format!("nothing was heard for {:.0} s", self.silence.as_secs_f64())),
                Ok(None) => return Err("the connection ended".to_owned()),
                Ok(Some(Err(error))) => return Err(error.to_string()),
                Ok(Some(Ok(received))) => received,
            };
            match received {
                tungstenite::Message::Text(text) => {
                    let message = Message::read(&text).map_err(|error| format!("not a newswire message: {error}"))?;
                    if let What::Hello(heartbeat) = message.what {
                        self.silence = heartbeat.mul_f64(HEARTBEATS);
                    }
                    return Ok(message);
                }
                tungstenite::Message::Close(Some(close)) if !close.reason.is_empty() => {
                    return Err(format!("the server closed the connection: {}", close.reason));
                }
                tungstenite::Message::Close(_) => return Err("the server closed the connection".to_owned()),
                // Pings are answered by the socket itself.
                _ => {}
            }
        }
    }
}

/// The server cannot be reached now. Its address is told as it was given: neither path nor query.
fn unreached(url: &Url, error: &str) -> NotOpened {
    let address = url.origin().ascii_serialization().replacen("ws", "http", 1);
    NotOpened::ForNow { why: format!("cannot connect to {address}: {error}"), pause: None }
}

/// What a refused handshake means.
fn refused(answer: &http::Response<Option<Vec<u8>>>) -> NotOpened {
    let status = answer.status();
    let body = answer.body().as_deref().unwrap_or_default();
    if let Some(failure) = for_good(status, body) {
        return NotOpened::ForGood(failure);
    }
    let why = Problem::read(body).map_or_else(|| format!("the server answers {status}"), |said| said.line(status));
    if passing(status) || status.is_server_error() {
        return NotOpened::ForNow { why, pause: retry_after(answer.headers()) };
    }
    NotOpened::ForGood(Failure::new(Exit::Usage, why))
}
