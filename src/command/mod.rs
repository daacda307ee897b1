//! command/mod
