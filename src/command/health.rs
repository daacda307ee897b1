//! `newswire health`: asks a server whether it is alive, or whether it takes readers and publishes. It is there for
//! places with nothing else to ask with: a container whose only program is newswire.

use std::{error::Error as _, time::Duration};

use clap::Args;

use super::{
    exit::{self, Exit, Failure},
    output,
    server_url::ServerUrl,
};

const MANUAL: &str = "\
What ends a container that is not healthy must ask whether it is alive, as this does without --ready: one that is not \
ready, because its store is away, still serves its readers, and is ready again once the store is back.

Examples:
  newswire health
  newswire health --ready --server http://10.0.0.11:8787

Environment:
  NEWSWIRE_SERVER   as --server
";

/// How long the server may take: one that is alive takes a fraction of it.
const PATIENCE: Duration = Duration::from_secs(4);

/// `health`.
#[derive(Args, Debug)]
#[command(after_long_help = format!("{MANUAL}\n{}", exit::HELP))]
pub struct HealthArgs {
    /// Address of the server
    #[arg(long, value_name = "URL", env = "NEWSWIRE_SERVER", default_value = "http://127.0.0.1:8787")]
    server: ServerUrl,
    /// Ask whether it takes new readers and publishes (/readyz), and not only whether it is alive (/healthz)
    #[arg(long)]
    ready: bool,
}

/// Carries the command out: prints what the server says of itself.
///
/// # Errors
/// The server is away ([`Exit::Away`]), or says that it is not ready ([`Exit::Refused`]).
pub async fn run(args: HealthArgs) -> Result<Exit, Failure> {
    let asked = args.server.health(if args.ready { "readyz" } else { "healthz" });
    let away = |error: reqwest::Error| {
        let mut why = error.source();
        while let Some(deeper) = why.and_then(|error| error.source()) {
            why = Some(deeper);
        }
        let why = why.map_or_else(|| error.to_string(), ToString::to_string);
        Failure::new(Exit::Away, format!("{} does not answer ({why})", args.server))
    };
    let client = reqwest::Client::builder().timeout(PATIENCE).build().map_err(away)?;
    let answer = client.get(asked).send().await.map_err(away)?;
    let status = answer.status();
    let said = answer.text().await.map_err(away)?;
    if !status.is_success() {
        return Err(Failure::new(Exit::Refused, format!("{} answers {status}: {}", args.server, said.trim())));
    }
    output::lines([said.trim()])?;
    Ok(Exit::Done)
}
