//! How a command ends: the exit codes, which scripts may rely on, and what is said before.

use std::process::ExitCode;

use crate::store::StoreError;

/// The exit codes. They are part of the interface: none changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: everything that was asked is done; also after Ctrl-C or SIGTERM.
    Done = 0,
    /// 1: something was refused, or could not be done; the rest is done.
    Refused = 1,
    /// 2: the command line, a setting or a file of ours makes no sense; nothing was done.
    Usage = 2,
    /// 3: the server or the store could not be reached, or stayed away for too long.
    Away = 3,
    /// 4: no token, or one that does not allow this.
    NotAllowed = 4,
    /// 5: there is no such feed or token.
    NotFound = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command ended without having done what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Failure {
    /// How to exit.
    pub exit: Exit,
    /// A sentence for whoever typed the command.
    pub why: String,
}

impl Failure {
    /// A failure and its sentence.
    #[must_use]
    pub fn new(exit: Exit, why: impl Into<String>) -> Self {
        Self { exit, why: why.into() }
    }

    /// Says on standard error why, and how to exit.
    #[must_use]
    pub fn tell(self) -> Exit {
        eprintln!("newswire: {self}");
        self.exit
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let exit = if matches!(error, StoreError::Taken(_)) { Exit::Refused } else { Exit::Away };
        Self::new(exit, error.to_string())
    }
}

/// The section of every help text that says what the exit codes mean.
pub const HELP: &str = "\
Exit status:
  0  done (also after Ctrl-C or SIGTERM)
  1  something was refused or could not be done; the rest is done
  2  the command line, a setting or a file makes no sense; nothing was done
  3  the server or the store is away
  4  no token, or one that does not allow this
  5  no such feed or token";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_lists_every_exit_code() {
        for exit in [Exit::Done, Exit::Refused, Exit::Usage, Exit::Away, Exit::NotAllowed, Exit::NotFound] {
            assert!(HELP.contains(&format!("\n  {}  ", exit as u8)), "{exit:?}");
        }
    }
}
