//! What a benchmark is told on its command line.

use clap::Args;

/// What every benchmark takes.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Runs {
    /// How often each figure is taken: medians are told
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) runs: u32,
    /// A quick look: smaller loads, which say little about the large ones
    #[arg(long)]
    pub(crate) quick: bool,
    /// What cargo adds by itself
    #[arg(long, hide = true)]
    bench: bool,
}
