//! An item as everybody may see it, read back from its public text ([`Record::public`]): what is not in that text can
//! reach no format. Fields that a newer version of this server writes are passed over.

use serde::Deserialize;
use uuid::Uuid;

use crate::news::{FeedId, Moment, Record, Status, html};

/// A usable item, or the notice of a retracted one.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// Its id.
    pub id: Uuid,
    /// [`Status::Usable`] or [`Status::Canceled`].
    pub status: Status,
    /// When it was published.
    pub published: Moment,
    /// When it last changed in a way that a reader should notice.
    pub updated: Moment,
    /// Plain text.
    pub headline: Option<String>,
    /// Sanitised markup.
    pub body: Option<String>,
    /// How it is signed.
    pub byline: Option<String>,
    /// Who wrote it.
    #[serde(default)]
    pub authors: Vec<Author>,
    /// Where it was written.
    pub located: Option<String>,
    /// Pictures, videos and sounds.
    #[serde(default)]
    pub media: Vec<Media>,
    /// What it is about.
    #[serde(default)]
    pub subjects: Vec<String>,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// BCP 47.
    pub language: Option<String>,
    /// `ltr` or `rtl`.
    pub dir: Option<String>,
    /// Whose news it is.
    pub source: Option<String>,
    /// Who may do what with it.
    pub rights: Option<String>,
    /// How many words it has.
    pub word_count: Option<u64>,
    /// What was wrong in it.
    #[serde(default)]
    pub corrections: Vec<Correction>,
    /// Why it was retracted.
    pub retraction: Option<Retraction>,
}

/// Who wrote an item.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub struct Author {
    /// The person's name.
    pub name: String,
    /// What the person does.
    pub role: Option<String>,
    /// The person's page.
    pub url: Option<String>,
}

/// A picture, video or sound.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Media {
    /// What of these it is.
    pub kind: MediaKind,
    /// Where it is.
    pub href: String,
    /// What it shows, for who cannot see it.
    pub alt: Option<String>,
    /// What stands below it.
    pub caption: Option<String>,
    /// Whose it is.
    pub credit: Option<String>,
    /// In pixels.
    pub width: Option<u32>,
    /// In pixels.
    pub height: Option<u32>,
    /// Its media type.
    pub content_type: Option<String>,
    /// In seconds.
    pub duration: Option<f64>,
}

/// What a reader does with media.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MediaKind {
    /// It is looked at.
    Picture,
    /// It is watched.
    Video,
    /// It is listened to.
    Audio,
}

/// A note of what was wrong.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Correction {
    /// `correction` or `clarification`.
    pub kind: String,
    /// The note; a clarification may have none.
    pub note: Option<String>,
    /// When it was made.
    pub at: Moment,
}

/// The notice that an item was retracted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Retraction {
    /// Why.
    pub reason: String,
    /// When.
    pub at: Moment,
}

/// Characters of a title that is made from a text: about what a line of a list of headlines holds.
const TITLE: usize = 90;

impl Item {
    /// The item of a record. None where it is held back or removed: nobody lists it. Nor does anybody here where a newer
    /// version of this server wrote it in a way that this one cannot read.
    #[must_use]
    pub fn of(record: &Record, feed: &FeedId) -> Option<Self> {
        // Only pins and breaking marks depend on the time, and no format has them.
        let public = || record.public(feed, Moment::default());
        record.status.listed().then(|| serde_json::from_str(&public()).ok())?
    }

    /// Whether it can be read, and is not only the notice of its retraction.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.status == Status::Usable
    }

    /// The body as plain text; empty where there is none.
    #[must_use]
    pub fn plain(&self) -> String {
        self.body.as_deref().map(html::plain).unwrap_or_default()
    }

    /// What it is called in a list: its headline, or the first words of its body, or what its first picture shows.
    #[must_use]
    pub fn title(&self) -> String {
        if let Some(headline) = &self.headline {
            return headline.clone();
        }
        let shown = |media: &Media| media.alt.clone().or_else(|| media.caption.clone());
        let text = Some(self.plain()).filter(|text| !text.is_empty());
        let text = text.or_else(|| self.media.iter().find_map(shown)).unwrap_or_default();
        let words: Vec<_> = text.split_whitespace().collect();
        first(&words.join(" "), TITLE)
    }
}

/// The beginning of a text, to the last word that ends within so many characters; or, where there is none, that many.
fn first(text: &str, characters: usize) -> String {
    let Some((most, _)) = text.char_indices().nth(characters) else { return text.to_owned() };
    let end = if text[most..].starts_with(' ') { most } else { text[..most].rfind(' ').unwrap_or(most) };
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_ends_with_a_whole_word() {
        assert_eq!(first("Ein Deich bricht", 16), "Ein Deich bricht");
        assert_eq!(first("Ein Deich bricht", 15), "Ein Deich…");
        assert_eq!(first("Ein Deich bricht", 9), "Ein Deich…");
        assert_eq!(first("Ein Deich bricht", 2), "Ei…");
        assert_eq!(first("堤防が決壊した", 4), "堤防が決…");
    }
}
