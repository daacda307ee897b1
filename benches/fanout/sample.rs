//! What newswire sends to one reader, byte for byte: the floor says the same.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use super::{
    crowd::stream::{Part, Stream},
    floor::{ACCEPT, Script},
    wire::Wire,
};
use crate::support::{
    Fallible,
    http::{self, header},
    newswire::{FEED, Newswire},
    stamp::{DIGITS, NUMBER, Stamped},
};

/// A reader that keeps everything.
pub(crate) struct Sample {
    wire: Wire,
    socket: TcpStream,
    stream: Stream,
    /// The head of the answer.
    pub(crate) head: Vec<u8>,
    /// Everything that came.
    came: Vec<u8>,
    /// The messages that came as text.
    messages: Vec<String>,
    /// How many bytes each message took, without its frame.
    pub(crate) lengths: Vec<usize>,
}

impl Sample {
    /// Asks for a stream; `more` is further header lines.
    ///
    /// # Errors
    /// The server is away.
    pub(crate) fn open(server: SocketAddr, wire: Wire, path: &str, more: &str) -> Fallible<Self> {
        let mut socket = TcpStream::connect(server)?;
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        socket.write_all(wire.request(path, more).as_bytes())?;
        let (head, came, messages) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { wire, socket, stream: Stream::new(wire), head, came, messages, lengths: Vec::new() })
    }

    /// Reads until a message of this type has come.
    ///
    /// # Errors
    /// It does not come.
    pub(crate) fn until(mut self, kind: &str) -> Fallible<Self> {
        let start = format!("{{\"type\":\"{kind}\"");
        while !self.messages.iter().any(|message| message.starts_with(&start)) {
            self.read()?;
        }
        Ok(self)
    }

    /// Reads until so many messages have come in all.
    ///
    /// # Errors
    /// They do not come.
    pub(crate) fn messages(mut self, count: usize) -> Fallible<Self> {
        while self.lengths.len() < count {
            self.read()?;
        }
        Ok(self)
    }

    fn read(&mut self) -> Fallible<()> {
        let mut part = vec![0; 64 * 1024];
        let read = self.socket.read(&mut part)?;
        if read == 0 {
            return Err("the stream ended before what was waited for".into());
        }
        self.came.extend_from_slice(&part[..read]);
        let Self { stream, head, messages, lengths, .. } = self;
        stream.take(&part[..read], &mut |part| match part {
            Part::Head(came) => *head = came.to_vec(),
            Part::Message(json) => {
                lengths.push(json.len());
                messages.push(String::from_utf8_lossy(json).into_owned());
            }
            Part::Packed(payload) => lengths.push(payload.len()),
        })
    }

    /// What the floor greets with to say the same: the answer to the handshake is for it to compute.
    pub(crate) fn greeting(&self) -> Vec<u8> {
        let mut greeting = self.came.clone();
        if let Some(accept) = header(&self.head, "sec-websocket-accept") {
            let at = memchr::memmem::find(&greeting, accept.as_bytes()).expect("it stands in the head");
            greeting[at..at + ACCEPT.len()].copy_from_slice(ACCEPT.as_bytes());
        }
        greeting
    }

    /// The change that came last, with [`DIGITS`] for its seq, and that seq.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn change(&self) -> Fallible<(String, String)> {
        const POSITION: &str = "\"position\":\"";
        let change =
            self.messages.iter().rfind(|message| message.starts_with("{\"type\":\"item.")).ok_or("no change")?;
        let (before, after) = change.split_once(POSITION).ok_or("a change has a position")?;
        let (seq, mark) = after.split_once('-').ok_or("a position is SEQ-MARK")?;
        let seq = format!("{:0DIGITS$}", seq.parse::<u64>()?);
        Ok((format!("{before}{POSITION}{seq}-{mark}"), seq))
    }

    /// The frame in which that change came.
    fn frame(&self) -> Fallible<Stamped> {
        let (change, seq) = self.change()?;
        let id = change.split('"').skip_while(|word| *word != "position").nth(2);
        let chunked = header(&self.head, "transfer-encoding") == Some("chunked");
        Ok(Stamped::with_seq(self.wire.frame(&change, id, chunked), &seq))
    }
}

/// What the floor says where newswire greets new readers and sends them the smallest changes; and such a change, as it
/// is published to others.
pub(crate) fn of_the_smallest(wire: Wire) -> Fallible<(Script, Stamped)> {
    let server = Newswire::start(None)?;
    let sample =
        Sample::open(server.address, wire, &format!("/v1/feeds/{FEED}/live?last=10"), "")?.until("caughtUp")?;
    let greeting = sample.greeting();
    http::ask(server.address, &server.publication(NUMBER, ""))?;
    let sample = sample.until("item.published")?;
    let (change, seq) = sample.change()?;
    Ok((Script { greeting, frame: sample.frame()?, head: seq.parse()? }, Stamped::with_seq(change.into_bytes(), &seq)))
}
