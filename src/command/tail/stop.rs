//! Being told to stop: Ctrl-C or SIGTERM.

use std::io;

use tokio::{
    select,
    signal::unix::{Signal, SignalKind, signal},
};

/// Hears Ctrl-C and SIGTERM. Once told, it stays told.
#[derive(Debug)]
pub(super) struct Stop {
    interrupt: Signal,
    terminate: Signal,
    told: bool,
}

impl Stop {
    /// From now on, neither signal ends the process by itself.
    ///
    /// # Errors
    /// The system does not let signals be heard.
    pub(super) fn listen() -> io::Result<Self> {
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(Self { interrupt, terminate, told: false })
    }

    /// Waits until it is told, or returns at once if it was.
    pub(super) async fn told(&mut self) {
        if !self.told {
            self.again().await;
            self.told = true;
        }
    }

    /// Whether it was told.
    #[must_use]
    pub(super) fn was_told(&self) -> bool {
        self.told
    }

    /// Waits for the next signal, whatever came before.
    pub(super) async fn again(&mut self) {
        select! {
            _ = self.interrupt.recv() => (),
            _ = self.terminate.recv() => (),
        }
    }
}
