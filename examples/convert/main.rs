//! Converts other people's items to the JSON Lines that `newswire publish` takes, oldest first.
//!
//! `cargo run --example convert -- FILE [ZONE] > items.jsonl`, where FILE holds the posts of a live blog (`bodyHtml`,
//! `images`) or the items of a page (`shown_time`, `date`), and ZONE is the IANA name of the zone in which the page
//! shows its times (Europe/Kyiv unless given). What an item has no place for is told on standard error, and so is every
//! item that the server would refuse; if there is one, the exit code is 1.

mod mapping;

use std::process::ExitCode;

use newswire::news::{
    Feed, Mark, Moment,
    edit::{Edit, Verb, edit},
};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(file) = arguments.next() else {
        eprintln!("usage: convert FILE [ZONE] > items.jsonl");
        return ExitCode::from(2);
    };
    let zone = arguments.next().unwrap_or_else(|| "Europe/Kyiv".to_owned());
    let read = || {
        let text = std::fs::read_to_string(&file).map_err(|error| error.to_string())?;
        let document = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        mapping::convert(&document, &zone)
    };
    let converted = match read() {
        Ok(converted) => converted,
        Err(error) => {
            eprintln!("{file}: {error}");
            return ExitCode::FAILURE;
        }
    };
    for left_out in &converted.left_out {
        eprintln!("left out: {left_out}");
    }
    let feed = Feed::new("news-feed".parse().expect("a feed id"), "News");
    let mut refused = 0;
    for (index, body) in converted.items.iter().enumerate() {
        let now = Moment::of_this_machine();
        if let Err(refusal) = edit(&Edit { feed: &feed, current: None, verb: Verb::Publish, body, now, mark: Mark(0) })
        {
            eprintln!("line {} would be refused: {refusal}", index + 1);
            refused += 1;
        }
        println!("{}", serde_json::Value::Object(body.clone()));
    }
    eprintln!("{} items, {refused} of which would be refused", converted.items.len());
    if refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
