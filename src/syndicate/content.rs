//! An item as one piece of markup, for software that shows an item and knows of nothing beside it: its body, its pictures,
//! links to its videos and sounds, and the notes of what was wrong in it.

use super::{
    Item,
    item::{Correction, Media, MediaKind},
};

/// The markup; none where the item is a headline and no more. What is not from left to right says so itself.
#[must_use]
pub fn html(item: &Item) -> Option<String> {
    let mut html = item.body.clone().unwrap_or_default();
    item.media.iter().for_each(|media| html.push_str(&shown(media)));
    item.corrections.iter().for_each(|correction| html.push_str(&noted(correction)));
    let rtl = item.dir.as_deref() == Some("rtl");
    (!html.is_empty()).then(|| if rtl { format!("<div dir=\"rtl\">{html}</div>") } else { html })
}

fn shown(media: &Media) -> String {
    let words = |text: &Option<String>| text.as_deref().map(escaped).unwrap_or_default();
    let (href, alt, caption) = (escaped(&media.href), words(&media.alt), words(&media.caption));
    let credit = media.credit.as_deref().map(|credit| format!("({})", escaped(credit))).unwrap_or_default();
    let below = [caption.as_str(), credit.as_str()].join(" ");
    let below = match below.trim() {
        "" => String::new(),
        below => format!("<figcaption>{below}</figcaption>"),
    };
    let side = |name: &str, pixels: Option<u32>| pixels.map(|n| format!(" {name}=\"{n}\"")).unwrap_or_default();
    let shown = match media.kind {
        MediaKind::Picture => {
            let (width, height) = (side("width", media.width), side("height", media.height));
            format!("<img src=\"{href}\" alt=\"{alt}\"{width}{height}>")
        }
        MediaKind::Video | MediaKind::Audio => {
            let name = if alt.is_empty() { &href } else { &alt };
            format!("<a href=\"{href}\">{name}</a>")
        }
    };
    format!("<figure>{shown}{below}</figure>")
}

fn noted(correction: &Correction) -> String {
    let kind = if correction.kind == "clarification" { "Clarification" } else { "Correction" };
    let note = correction.note.as_deref().map(|note| format!(": {}", escaped(note))).unwrap_or_default();
    format!("<p><strong>{kind}</strong> (<time datetime=\"{0}\">{0}</time>){note}</p>", correction.at)
}

/// A text as it stands in markup, within quotes too.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
