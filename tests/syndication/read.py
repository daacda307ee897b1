"""What Python's feedparser makes of the feed on standard input, as JSON in this test's own words."""

import json
import sys

import feedparser

parsed = feedparser.parse(sys.stdin.buffer.read(), sanitize_html=False, resolve_relative_uris=False)
if parsed.bozo:
    sys.exit(f"not well-formed: {parsed.bozo_exception}")


def entry(e):
    return {
        "id": e.id,
        "title": e.title,
        "link": e.link,
        "published": e.published,
        "updated": e.get("updated"),
        "authors": [author["name"] for author in e.get("authors", [])],
        "content": e.content[0].value if "content" in e else "",
        "language": e.title_detail.language or e.get("language"),
        "labels": [tag.term for tag in e.get("tags", [])],
        "enclosures": [enclosure.href for enclosure in e.get("enclosures", [])],
        "media": [media["url"] for media in e.get("media_content", [])],
        "rights": e.get("rights"),
    }


links = [(link.rel, link.href) for link in parsed.feed.links]
json.dump(
    {
        "version": parsed.version,
        "title": parsed.feed.title,
        "language": parsed.feed.get("language"),
        "description": parsed.feed.get("subtitle"),
        "self": dict(links).get("self"),
        "page": parsed.feed.link,
        "entries": [entry(e) for e in parsed.entries],
    },
    sys.stdout,
)
