//! How long an item takes to read. Derived, so that no editor counts words and all readers see the same number.

/// Words read silently in a minute: the mean over 190 studies of adults reading English non-fiction (M. Brysbaert,
/// "How many words do we read per minute?", Journal of Memory and Language 109, 2019).
const WORDS_A_MINUTE: u64 = 238;

/// How many words there are: stretches between white space that hold a letter or a digit. Scripts that are written
/// without spaces are counted too low; for them this is a lower bound.
#[must_use]
pub fn words(text: &str) -> u64 {
    text.split_whitespace().map(|word| u64::from(word.contains(char::is_alphanumeric))).sum()
}

/// Minutes to read that many words, rounded up; at least one.
#[must_use]
pub fn minutes(words: u64) -> u64 {
    words.div_ceil(WORDS_A_MINUTE).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_holds_a_letter_or_a_digit() {
        assert_eq!(words("Harbour gate 4 – closed … until dawn\nДва слова"), 8);
        assert_eq!(words(" — \n"), 0);
    }

    #[test]
    fn reading_takes_at_least_a_minute_and_whole_ones() {
        assert_eq!([0, 1, 238, 239, 477].map(minutes), [1, 1, 1, 2, 3]);
    }
}
