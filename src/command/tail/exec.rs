//! Running a command for a message, until it has ended well. Nothing is skipped: while the command fails, the message
//! waits, and so does everything behind it.

use std::{
    io,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{io::AsyncWriteExt, pin, process::Command, select, time::sleep};

use super::{connection::Connection, message::Message, stop::Stop};
use crate::command::{
    backoff::Backoff,
    exit::{Exit, Failure},
};

/// The pause after a first failure; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Short enough that a bot goes on soon after whatever it needs is back.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How dealing with a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dealt {
    /// It is dealt with: the position may move.
    Well,
    /// It is not, and we are to stop.
    Stopped,
}

/// Runs the command for this message until it ends well, or until we are told to stop.
///
/// # Errors
/// Told to stop twice while the command runs.
pub(super) async fn until_well(
    command: &str,
    message: &Message,
    connection: &mut Connection,
    stop: &mut Stop,
) -> Result<Dealt, Failure> {
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
    loop {
        let failed = match once(command, message, connection, stop).await? {
            Ok(status) if status.success() => return Ok(Dealt::Well),
            Ok(status) => status.to_string(),
            Err(error) => format!("cannot run sh: {error}"),
        };
        if stop.was_told() {
            eprintln!("newswire: the command failed ({failed}); its message comes again at the next start");
            return Ok(Dealt::Stopped);
        }
        let pause = backoff.next_pause();
        eprintln!("newswire: the command failed ({failed}); again in {:.1} s", pause.as_secs_f64());
        select! {
            () = sleep(pause) => (),
            () = stop.told() => return Ok(Dealt::Stopped),
            never = connection.read_ahead() => match never {},
        }
    }
}

/// Runs the command once, to its end. Being told to stop, we wait for it; a second time, we leave it.
async fn once(
    command: &str,
    message: &Message,
    connection: &mut Connection,
    stop: &mut Stop,
) -> Result<io::Result<ExitStatus>, Failure> {
    let running = run(command, &message.text);
    pin!(running);
    select! {
        ended = &mut running => return Ok(ended),
        never = connection.read_ahead() => match never {},
        () = stop.told() => eprintln!("newswire: waiting for the command to end; once more to leave it running"),
    }
    select! {
        ended = &mut running => Ok(ended),
        never = connection.read_ahead() => match never {},
        () = stop.again() => {
            let why = "left a command running; its message comes again at the next start";
            Err(Failure::new(Exit::Refused, why))
        }
    }
}

/// Runs the command with the text, and a line break, on its standard input. A command that does not read it, or not to
/// the end, has done nothing wrong.
async fn run(command: &str, text: &str) -> io::Result<ExitStatus> {
    let mut child = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::piped())
        // A Ctrl-C at the terminal is for us, who then wait for the command.
        .process_group(0)
        .spawn()?;
    let input = child.stdin.take();
    let writing = async {
        if let Some(mut input) = input {
            let line = format!("{text}\n");
            // An error is a command that has stopped reading.
            let _stopped_reading = input.write_all(line.as_bytes()).await;
        }
        std::future::pending::<std::convert::Infallible>().await
    };
    // The writing must not outlive the command: something it left behind may hold the pipe and never read it.
    select! {
        ended = child.wait() => ended,
        never = writing => match never {},
    }
}
