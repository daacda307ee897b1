//! A child process, ended when it is dropped. One that is this benchmark itself in another part talks with its parent in
//! lines of JSON: an order on its standard input, an answer on its standard output.

use std::{
    env,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child as Process, ChildStdin, ChildStdout, Command, Stdio},
};

use serde::{Serialize, de::DeserializeOwned};

use super::Fallible;

/// A process of ours.
pub(crate) struct Child(Process);

impl Child {
    /// Starts it.
    ///
    /// # Errors
    /// It is not installed, for example.
    pub(crate) fn start(command: &mut Command) -> Fallible<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        Ok(Self(command.spawn().map_err(|error| format!("{name} does not start: {error}"))?))
    }

    /// Its id.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Its standard output, once.
    pub(crate) fn output(&mut self) -> Option<ChildStdout> {
        self.0.stdout.take()
    }

    /// Whether it is still there.
    pub(crate) fn runs(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.0.kill();
        let _ended = self.0.wait();
    }
}

/// This benchmark in another part.
pub(crate) struct Part {
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    process: Child,
}

impl Part {
    /// Starts this program again with a name for what it is to be.
    ///
    /// # Errors
    /// The system has no room for a process.
    pub(crate) fn start(name: &str) -> Fallible<Self> {
        let mut command = Command::new(env::current_exe()?);
        let mut process = Child::start(command.arg(name).stdin(Stdio::piped()).stdout(Stdio::piped()))?;
        let orders = process.0.stdin.take().ok_or("it has an input")?;
        let answers = BufReader::new(process.output().ok_or("it has an output")?);
        Ok(Self { orders, answers, process })
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Gives an order.
    ///
    /// # Errors
    /// It has ended.
    pub(crate) fn order(&mut self, order: &impl Serialize) -> Fallible<()> {
        writeln!(self.orders, "{}", serde_json::to_string(order)?)?;
        Ok(self.orders.flush()?)
    }

    /// Waits for the answer to an order.
    ///
    /// # Errors
    /// It could not do what it was told.
    pub(crate) fn answer<T: DeserializeOwned>(&mut self) -> Fallible<T> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let answer: Result<T, String> = serde_json::from_str(&line).map_err(|error| format!("{error}: {line:?}"))?;
        Ok(answer?)
    }
}

/// Answers orders until there are no more: the other side of a [`Part`].
///
/// # Errors
/// The parent sent no order, or has ended.
pub(crate) fn obey<Order: DeserializeOwned, Answer: Serialize>(
    mut obey: impl FnMut(Order) -> Fallible<Answer>,
) -> Fallible<()> {
    for line in std::io::stdin().lines() {
        let answer = obey(serde_json::from_str(&line?)?).map_err(|failure| failure.to_string());
        println!("{}", serde_json::to_string(&answer)?);
    }
    Ok(())
}
