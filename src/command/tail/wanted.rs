//! Which items a follower wants: its filters, as options and as they stand in an address.

use clap::Args;
use url::Url;

use crate::{
    command::exit::{Exit, Failure},
    news::Filter,
};

/// The filters, as options.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Wanted {
    /// Only items of this urgency, 1 (flash) to 8 (routine), or of a range such as 1..2; may be repeated
    #[arg(long = "urgency", value_name = "N|N..N", value_parser = urgencies)]
    urgencies: Vec<(u8, u8)>,
    /// Only items with this tag; may be repeated
    #[arg(long = "tag", value_name = "T")]
    tags: Vec<String>,
    /// Only items with this subject; may be repeated
    #[arg(long = "subject", value_name = "S")]
    subjects: Vec<String>,
}

/// A range of urgencies, both ends included.
fn urgencies(text: &str) -> Result<(u8, u8), &'static str> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let range = first.parse().ok().zip(last.trim_start_matches('=').parse().ok());
    let within = |(first, last): &(u8, u8)| (1..=8).contains(first) && (*first..=8).contains(last);
    range.filter(within).ok_or("an urgency is a number from 1 (flash) to 8 (routine), or a range of them: 1..2")
}

impl Wanted {
    /// The filter that they make.
    ///
    /// # Errors
    /// A value is none, or there are too many.
    pub(super) fn filter(&self) -> Result<Filter, Failure> {
        let mut filter = Filter::default();
        let urgencies = self.urgencies.iter().flat_map(|(first, last)| *first..=*last);
        let parts = urgencies
            .map(|urgency| ("urgency", urgency.to_string()))
            .chain(self.tags.iter().map(|tag| ("tag", tag.clone())))
            .chain(self.subjects.iter().map(|subject| ("subject", subject.clone())));
        for (name, value) in parts {
            filter.add(name, &value).map_err(|error| Failure::new(Exit::Usage, format!("--{error}")))?;
        }
        Ok(filter)
    }
}

/// Adds a filter to an address, each value under its name.
pub(super) fn append(url: &mut Url, filter: &Filter) {
    // An address that nothing is added to stays without a question mark.
    if filter.is_empty() {
        return;
    }
    let (urgencies, tags, subjects) = filter.parts();
    let mut query = url.query_pairs_mut();
    query.extend_pairs(urgencies.iter().map(|urgency| ("urgency", urgency.to_string())));
    query.extend_pairs(tags.iter().map(|tag| ("tag", tag)));
    query.extend_pairs(subjects.iter().map(|subject| ("subject", subject)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_stands_in_an_address_value_by_value() {
        let wanted = Wanted {
            urgencies: vec![urgencies("1..2").expect("a range"), urgencies("5").expect("a number")],
            tags: vec!["a b".to_owned()],
            subjects: vec!["medtop:1".to_owned()],
        };
        let mut url = Url::parse("ws://h/v1/live?last=10").expect("an address");
        append(&mut url, &wanted.filter().expect("a filter"));
        assert_eq!(url.query(), Some("last=10&urgency=1&urgency=2&urgency=5&tag=a+b&subject=medtop%3A1"));
    }

    #[test]
    fn what_is_no_urgency_is_refused() {
        for bad in ["", "0", "9", "2..1", "1..9", "x", "1..", "..2"] {
            assert!(urgencies(bad).is_err(), "{bad:?}");
        }
        let long = Wanted { tags: vec!["x".repeat(65)], ..Wanted::default() };
        assert!(long.filter().is_err_and(|failure| failure.why.starts_with("--tag: ")));
    }
}
