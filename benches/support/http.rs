//! As much of HTTP/1.1 as a benchmark needs: the end of an answer, its status and its body.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use serde_json::Value;

use super::Fallible;

/// An answer that has come as a whole.
pub(crate) struct Answer<'a> {
    /// The status code.
    pub(crate) status: u16,
    /// What follows the head.
    pub(crate) body: &'a [u8],
}

impl<'a> Answer<'a> {
    /// The answer at the start of these bytes, and how long it is; none where more has to come.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<(Self, usize)> {
        let head = memchr::memmem::find(bytes, b"\r\n\r\n")? + 4;
        let status = std::str::from_utf8(bytes.get(9..12)?).ok()?.parse().ok()?;
        let length = header(&bytes[..head], "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let body = bytes.get(head..head + length)?;
        Some((Self { status, body }, head + length))
    }

    /// Its text, for a failure.
    pub(crate) fn text(&self) -> String {
        format!("{} {}", self.status, String::from_utf8_lossy(self.body))
    }
}

/// The value of a header in a head.
pub(crate) fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    let lines = std::str::from_utf8(head).ok()?.split("\r\n");
    let fields = lines.filter_map(|line| line.split_once(':'));
    fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
}

/// A request with a body, of which every part is known.
pub(crate) fn post(path: &str, token: Option<&str>, body: &str) -> Vec<u8> {
    let token = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: bench\r\n{token}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// What a request is answered with, in JSON.
///
/// # Errors
/// The server is away, or answers with an error.
pub(crate) fn ask(server: SocketAddr, request: &[u8]) -> Fallible<Value> {
    let mut socket = TcpStream::connect(server)?;
    socket.write_all(request)?;
    let (mut came, mut part) = (Vec::new(), [0; 64 * 1024]);
    loop {
        let read = socket.read(&mut part)?;
        came.extend_from_slice(&part[..read]);
        match Answer::read(&came) {
            Some((answer, _)) if answer.status < 300 => return Ok(serde_json::from_slice(answer.body)?),
            Some((answer, _)) => return Err(answer.text().into()),
            None if read == 0 => return Err("the server closed the connection without an answer".into()),
            None => {}
        }
    }
}

/// The same for a GET.
///
/// # Errors
/// As [`ask`].
pub(crate) fn get(server: SocketAddr, path: &str) -> Fallible<Value> {
    ask(server, format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n").as_bytes())
}
