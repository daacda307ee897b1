//! live/mod
