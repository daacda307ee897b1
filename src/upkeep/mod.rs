//! What any node does by the clock, and no editor asks for: ending what ends by itself, giving up what a feed no
//! longer keeps, and writing down when tokens were last used. Every node does it, none is in charge, and nothing is lost where none runs: it is done late then.

pub mod last_used;
pub mod retention;
pub mod timed_ends;
