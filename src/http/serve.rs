//! The accept loop: takes connections, outlives running out of files, and gives each to hyper with its limits.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;

use super::{
    proxy::Proxy,
    socket::{Socket, Stage},
};
use crate::live::Drain;

/// How long a connection may idle between requests: longer than the minute for which proxies keep one (nginx), so that
/// none is closed under a request that a proxy has just sent. A request's head has less time ([`super::socket`]).
const IDLE: Duration = Duration::from_secs(65);
/// The same for a connection that comes while the server drains: what is opened in advance must not hold that up.
const HEAD_OF_LATE: Duration = Duration::from_secs(1);
/// How many headers a request may have.
const HEADERS: usize = 64;
/// How large a request's head may be, in bytes; hyper answers 431 beyond it.
const HEAD_BYTES: usize = 16 * 1024;
/// The pause after an accept that failed for want of files or memory.
const OUT_OF_FILES: Duration = Duration::from_millis(100);

/// Accepts connections until `done`; each lives in the drain, and is told to end after its request when that begins.
pub async fn accept(listener: TcpListener, router: Router, proxy: Arc<Proxy>, drain: Drain) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                drain.spawn(converse(stream, peer, router.clone(), proxy.clone(), drain.clone()));
            }
            Err(error) if of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection could be accepted; trying again");
                tokio::time::sleep(OUT_OF_FILES).await;
            }
        }
    }
}

/// Errors that a connection had before it was accepted say nothing of the listener.
fn of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// One connection, from its first request to its last.
async fn converse(stream: TcpStream, peer: SocketAddr, router: Router, proxy: Arc<Proxy>, drain: Drain) {
    let socket = match Socket::new(stream) {
        Ok(socket) => socket,
        Err(error) => {
            tracing::debug!(%error, %peer, "a connection ended before it began");
            return;
        }
    };
    let stage = socket.stage();
    let (asked, answered) = (stage.clone(), stage.clone());
    let service = router.map_request(move |mut request: http::Request<hyper::body::Incoming>| {
        asked.set(Stage::Asked);
        let client = proxy.client(peer.ip(), request.headers());
        request.extensions_mut().insert(client);
        if let Some(uri) = proxy.stripped(request.uri()) {
            *request.uri_mut() = uri;
        }
        request.map(axum::body::Body::new)
    });
    let service = service.map_response(move |response: axum::response::Response| {
        answered.set(Stage::Answered);
        response
    });
    let late = drain.leaving();
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(if late { HEAD_OF_LATE } else { IDLE })
        .max_headers(HEADERS)
        .max_buf_size(HEAD_BYTES)
        .half_close(false)
        .keep_alive(!late)
        .serve_connection(TokioIo::new(socket), TowerToHyperService::new(service))
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        // Who comes while the server drains is still answered, once.
        () = drain.left(), if !late => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    // What goes on from here is no HTTP: a WebSocket.
    stage.set(Stage::Beyond);
    if let Err(error) = ended {
        tracing::debug!(%error, %peer, "a connection broke off");
    }
}
