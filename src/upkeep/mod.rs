//! What any node does by the clock, and no editor asks for: ending what ends by itself, and giving up what a feed no
//! longer keeps. Every node does it, none is in charge, and nothing is lost where none runs: it is done late then.

pub mod retention;
pub mod timed_ends;
