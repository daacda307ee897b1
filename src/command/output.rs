//! Writing what was asked for to standard output. Whoever reads it, `head` for example, may close it early: it has seen
//! enough, and the command is done.

use std::io::{self, ErrorKind, Write as _};

use super::exit::{Exit, Failure};

/// Writes lines to standard output, until its reader has closed it.
///
/// # Errors
/// It cannot be written to: a full disk, for example.
pub fn lines<T: std::fmt::Display>(lines: impl IntoIterator<Item = T>) -> Result<(), Failure> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let written = lines.into_iter().try_for_each(|line| writeln!(out, "{line}")).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(unwritable(&error)),
        _ => Ok(()),
    }
}

/// What it means that standard output cannot be written to.
#[must_use]
pub fn unwritable(error: &io::Error) -> Failure {
    Failure::new(Exit::Refused, format!("cannot write the output: {error}"))
}
