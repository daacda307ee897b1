//! What other people's items become here, field by field. Pure; what has no place in an item is listed, not dropped.

use jiff::{civil::DateTime, tz::TimeZone};
use serde_json::{Map, Value, json};

/// Items, oldest first, as the editors' door takes them, and what could not be carried over, a sentence each.
#[derive(Debug, Default)]
pub(crate) struct Converted {
    /// Bodies of `POST …/items`.
    pub(crate) items: Vec<Map<String, Value>>,
    /// What was left out, and why.
    pub(crate) left_out: Vec<String>,
}

/// Converts a document of either shape. `zone` is the IANA name of the zone in which a page shows its times.
///
/// # Errors
/// It is of neither shape, or a time in it cannot be read.
pub(crate) fn convert(document: &Value, zone: &str) -> Result<Converted, String> {
    let items = document["items"].as_array().ok_or("there are no items in it")?;
    let zone = TimeZone::get(zone).map_err(|error| error.to_string())?;
    let mut converted = Converted::default();
    for (index, item) in items.iter().enumerate() {
        let mut place = Place { number: index + 1, left_out: &mut converted.left_out };
        let item = if item.get("bodyHtml").is_some() {
            live_blog_post(item, &mut place)
        } else if item.get("shown_time").is_some() {
            page_item(item, document, &zone, &mut place)
        } else {
            Err("it is neither a live-blog post nor an item of a page".to_owned())
        };
        converted.items.push(item.map_err(|error| format!("item {}: {error}", index + 1))?);
    }
    // RFC 3339 in UTC: the order of the texts is the order of the times.
    converted.items.sort_by_key(|item| item["published"].as_str().unwrap_or_default().to_owned());
    Ok(converted)
}

/// Where in the document we are.
struct Place<'a> {
    number: usize,
    left_out: &'a mut Vec<String>,
}

impl Place<'_> {
    fn leave_out(&mut self, what: impl AsRef<str>) {
        self.left_out.push(format!("item {}: {}", self.number, what.as_ref()));
    }
}

/// Sets a field, unless there is nothing to say in it.
fn set(item: &mut Map<String, Value>, name: &str, value: Value) {
    let blank = match &value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    };
    if !blank {
        item.insert(name.to_owned(), value);
    }
}

/// A post of a live blog: HTML, UTC times, several pictures.
fn live_blog_post(post: &Value, place: &mut Place<'_>) -> Result<Map<String, Value>, String> {
    let mut item = Map::new();
    set(&mut item, "headline", post["title"].clone());
    set(&mut item, "body", post["bodyHtml"].clone());
    let names: Vec<&str> = post["byline"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    set(&mut item, "byline", names.join(", ").into());
    set(&mut item, "authors", names.iter().map(|name| json!({"name": name})).collect());
    set(&mut item, "keyEvent", post["keyEvent"].clone());
    set(&mut item, "summary", post["summary"].clone());
    let pictures = post["images"].as_array().into_iter().flatten();
    set(&mut item, "media", pictures.filter_map(|image| picture(image, place)).collect());
    set(&mut item, "published", utc(&post["published"])?.into());
    set(&mut item, "updated", utc(&post["updated"])?.into());
    if let Some(id) = post["id"].as_str() {
        set(&mut item, "altIds", json!([{"role": "source-id", "value": id}]));
    }

    if post["pinned"] == true {
        place.leave_out("it was pinned: pin it once it is published");
    }
    let carried = ["TextBlockElement", "TweetBlockElement", "ImageBlockElement"];
    for kind in post["kinds"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !carried.contains(&kind) {
            place.leave_out(format!("a {kind} is not part of what was saved"));
        }
    }
    Ok(item)
}

/// A picture; none if what a picture needs is not there. Sizes come as numbers or as texts.
fn picture(image: &Value, place: &mut Place<'_>) -> Option<Value> {
    let said = |name: &str| image[name].as_str().filter(|text| !text.trim().is_empty());
    let size = |name: &str| image[name].as_u64().or_else(|| image[name].as_str()?.parse().ok());
    let (caption, credit) = (said("caption"), said("credit"));
    let href = said("url").or_else(|| said("href"));
    // Where nobody wrote down what a picture shows, its caption is the next best.
    let alt = said("alt").or(caption);
    let (Some(href), Some(alt), Some(width), Some(height)) = (href, alt, size("width"), size("height")) else {
        let told = [caption, credit].map(|text| text.unwrap_or("nothing"));
        place.leave_out(format!(
            "a picture without address, size or description (caption: {}; credit: {})",
            told[0], told[1]
        ));
        return None;
    };
    let mut picture = json!({"kind": "picture", "href": href, "alt": alt, "width": width, "height": height});
    for (name, text) in [("caption", caption), ("credit", credit)] {
        if let Some(text) = text {
            picture[name] = text.into();
        }
    }
    Some(picture)
}

/// An item of a page: plain text, and times as the page shows them to people.
fn page_item(
    shown: &Value,
    document: &Value,
    zone: &TimeZone,
    place: &mut Place<'_>,
) -> Result<Map<String, Value>, String> {
    let mut item = Map::new();
    set(&mut item, "headline", shown["headline"].clone());
    set(&mut item, "body", paragraphs(shown["body"].as_str().unwrap_or_default()).into());
    set(&mut item, "byline", shown["byline"].clone());
    if let Some(photo) = shown.get("photo") {
        set(&mut item, "media", picture(photo, place).into_iter().collect());
    }
    if let Some(related) = shown.get("related") {
        let (title, url, author) = (&related["headline"], &related["url"], &related["author"]);
        if url.is_string() {
            set(&mut item, "related", json!([{"title": title, "url": url}]));
        } else {
            place.leave_out(format!("a related story without address ({title} by {author})"));
        }
    }
    set(&mut item, "language", document["feed"]["language"].clone());
    set(&mut item, "published", shown_at(shown, zone)?.into());
    if let Some(id) = shown["id"].as_str() {
        set(&mut item, "altIds", json!([{"role": "source-id", "value": id}]));
    }
    for remark in ["note", "kind"] {
        if let Some(text) = shown[remark].as_str() {
            place.leave_out(format!("a remark ({text})"));
        }
    }
    Ok(item)
}

/// Plain text as HTML, a paragraph for each that an empty line ends.
fn paragraphs(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let paragraphs = escaped.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
    paragraphs.map(|paragraph| format!("<p>{paragraph}</p>")).collect()
}

/// `2:01 AM` on `2023-12-31` in a zone. Where a clock shows a time twice it is the first, where it leaves one out the
/// time is moved on by as much.
fn shown_at(shown: &Value, zone: &TimeZone) -> Result<String, String> {
    let text = |name: &str| shown[name].as_str().ok_or_else(|| format!("{name} is missing"));
    let both = format!("{} {}", text("date")?, text("shown_time")?);
    let civil = DateTime::strptime("%Y-%m-%d %I:%M %p", &both).map_err(|error| format!("{both:?}: {error}"))?;
    let zoned = zone.to_zoned_datetime(civil).map_err(|error| error.to_string())?;
    Ok(format!("{:.3}", zoned.timestamp()))
}

/// An RFC 3339 time in UTC.
fn utc(time: &Value) -> Result<String, String> {
    let text = time.as_str().ok_or("a time is missing")?;
    let at: jiff::Timestamp = text.parse().map_err(|error| format!("{text:?}: {error}"))?;
    Ok(format!("{at:.3}"))
}
