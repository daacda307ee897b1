//! Typical items: those of the sample feed. Where more are wanted than there are, the same come again with their letters
//! exchanged, so that a compressor finds no text of the first ones in them.

use serde_json::Value;

use super::Fallible;

const ITEMS: &str = include_str!("../../examples/sample-items.jsonl");

/// So many, without what makes an item one of a kind.
///
/// # Errors
/// The sample feed is not JSON.
pub(crate) fn items(count: usize) -> Fallible<Vec<Value>> {
    let lines: Vec<&str> = ITEMS.lines().collect();
    let item = |number: usize| -> Fallible<Value> {
        let mut item: Value = serde_json::from_str(lines[number % lines.len()])?;
        let fields = item.as_object_mut().ok_or("an item is an object")?;
        for unique in ["id", "altIds", "updateOf", "pinned", "published", "updated", "breaking"] {
            fields.remove(unique);
        }
        for text in ["headline", "body"] {
            if let Some(Value::String(text)) = fields.get_mut(text) {
                *text = exchanged(text, number / lines.len());
            }
        }
        Ok(item)
    };
    (0..count).map(item).collect()
}

/// The text with each letter outside of tags moved so many times 11 places along the alphabet.
fn exchanged(text: &str, times: usize) -> String {
    let moved = |letter: u8, first: u8| {
        char::from(first + u8::try_from((usize::from(letter - first) + times * 11) % 26).expect("a letter"))
    };
    let mut tag = false;
    let letters = text.chars().map(|letter| {
        tag = (tag || letter == '<') && letter != '>';
        match u8::try_from(letter) {
            Ok(ascii @ b'a'..=b'z') if !tag => moved(ascii, b'a'),
            Ok(ascii @ b'A'..=b'Z') if !tag => moved(ascii, b'A'),
            _ => letter,
        }
    });
    letters.collect()
}
