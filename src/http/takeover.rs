//! How a stream's socket leaves hyper.
//!
//! A handler that begins a stream returns a normal response that carries a [`Takeover`]. It goes out through all layers
//! like any other; outermost, [`Answering`] sees it, and instead of giving it to hyper leaves it for the accept loop,
//! which writes its head itself and hands the socket to a shard. Hyper waits for an answer that never comes, and is
//! dropped.

use std::{
    convert::Infallible,
    future::{self, Future},
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Body, response::Response};
use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderValue, Request, header};
use hyper::{body::Incoming, service::Service};
use jiff::Timestamp;
use tower::ServiceExt as _;

use super::{
    live::Walk,
    proxy::Proxy,
    socket::{Stage, Staged},
};
use crate::live::Drain;

/// What a response carries whose body is a stream.
#[derive(Clone, Debug)]
pub struct Takeover(Arc<Mutex<Option<Walk>>>);

impl Takeover {
    /// A stream of what is walked.
    #[must_use]
    pub fn of(walk: Walk) -> Self {
        Self(Arc::new(Mutex::new(Some(walk))))
    }
}

/// Where one connection's stream is left, once there is one.
#[derive(Clone, Debug, Default)]
pub struct Left(Arc<Mutex<Option<(Bytes, Walk)>>>);

impl Left {
    /// Whether a stream was left here.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.0.lock().expect("nothing panics while holding it").is_some()
    }

    /// The head of its response, and what is walked.
    #[must_use]
    pub fn take(&self) -> Option<(Bytes, Walk)> {
        self.0.lock().expect("nothing panics while holding it").take()
    }
}

/// The router as hyper asks it, for one connection.
#[derive(Clone, Debug)]
pub struct Answering {
    /// Every door.
    pub router: Router,
    /// What stands in front of this server.
    pub proxy: Arc<Proxy>,
    /// Who is at the other end.
    pub peer: IpAddr,
    /// The socket's stage.
    pub stage: Staged,
    /// Where a stream is left.
    pub left: Left,
    /// Once it has begun, each answer is the last of its connection, so that what a proxy keeps open to here ends
    /// between two requests and never under one.
    pub drain: Drain,
}

impl Service<Request<Incoming>> for Answering {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        self.stage.set(Stage::Asked);
        let client = self.proxy.admit(self.peer, request.headers_mut());
        request.extensions_mut().insert(client);
        if let Some(uri) = self.proxy.stripped(request.uri()) {
            *request.uri_mut() = uri;
        }
        let answer = self.router.clone().oneshot(request.map(Body::new));
        let (left, stage, drain) = (self.left.clone(), self.stage.clone(), self.drain.clone());
        Box::pin(async move {
            let mut response = match answer.await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            stage.set(Stage::Answered);
            let takeover = response.extensions_mut().remove::<Takeover>();
            let walk = takeover.and_then(|takeover| takeover.0.lock().expect("nothing panics while holding it").take());
            let Some(walk) = walk else {
                if drain.spread().is_some() {
                    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                return Ok(response);
            };
            *left.0.lock().expect("nothing panics while holding it") = Some((head(&response), walk));
            future::pending().await
        })
    }
}

/// The head of a response as it goes over the wire (RFC 9112, section 4).
fn head(response: &Response) -> Bytes {
    let status = response.status();
    let mut head = BytesMut::with_capacity(512);
    head.put_slice(b"HTTP/1.1 ");
    head.put_slice(status.as_str().as_bytes());
    head.put_u8(b' ');
    head.put_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    head.put_slice(b"\r\n");
    let date = Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let date = HeaderValue::try_from(date).expect("a date is plain text");
    for (name, value) in response.headers().iter().chain([(&header::DATE, &date)]) {
        head.put_slice(name.as_str().as_bytes());
        head.put_slice(b": ");
        head.put_slice(value.as_bytes());
        head.put_slice(b"\r\n");
    }
    head.put_slice(b"\r\n");
    head.freeze()
}
