//! PROTOCOL.md names everything that the server says: a client's author finds each kind, reason and close code there.

use newswire::{
    live::{Goodbye, message::Reset},
    news::Kind,
};

const PROTOCOL: &str = include_str!("../PROTOCOL.md");

fn row(first: &str) -> &'static str {
    let start = format!("| `{first}` |");
    PROTOCOL.lines().find(|line| line.starts_with(&start)).unwrap_or_else(|| panic!("no row of {first:?}"))
}

#[test]
fn the_protocol_names_every_kind_of_change() {
    for (_, name) in Kind::ALL {
        assert!(PROTOCOL.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn the_protocol_names_every_reason_and_its_close_code() {
    for reset in Reset::ALL {
        row(reset.name());
    }
    for goodbye in Goodbye::ALL {
        let start = format!("| `{}` | {} |", goodbye.name(), goodbye.close_code());
        assert!(PROTOCOL.lines().any(|line| line.starts_with(&start)), "{start}");
    }
}
