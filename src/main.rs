//! The program: the command line is read, and either a server runs or one command is carried out.

use std::process::ExitCode;

use newswire::command::{self, Job};

#[tokio::main]
async fn main() -> ExitCode {
    let job = command::parse();
    // Both TLS clients, for HTTPS and for WebSockets, take their cryptography from here.
    rustls::crypto::ring::default_provider().install_default().expect("nothing installed another one before");
    match job {
        Job::Serve(settings) => newswire::serve(settings).await,
        Job::Beside(command) => command.run().await,
    }
}
