//! Problems as people read them: outside of the API, who asks for HTML is told in HTML what is wrong, in
//! a language that the browser asks for. What else the API says of it stands there in English.

use askama::Template;
use axum::extract::Request;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::{FRAMED, POLICY, files, protect};
use crate::http::{problem::Problem, words::Words};

/// The page of a problem.
#[derive(Template)]
#[template(path = "problem.html")]
struct Wrong<'a> {
    words: &'static Words,
    title: &'a str,
    detail: &'a str,
    status: u16,
    request: &'a str,
    /// The way from the page's address to the first page.
    root: String,
    style: String,
}

/// How a request is told of a problem, which is known before it is answered.
#[derive(Clone, Debug)]
pub(in crate::http) struct Told {
    words: &'static Words,
    root: String,
}

impl Told {
    /// As a page; none: as JSON.
    pub(in crate::http) fn of(request: &Request) -> Option<Self> {
        let path = request.uri().path();
        let accepts = request.headers().get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let html = accepts.flat_map(|list| list.split(',')).any(names_html);
        let person = html && path != "/v1" && !path.starts_with("/v1/");
        // Relative, since what stands in front of this server's paths is the proxy's.
        person.then(|| Self {
            words: Words::accepted(request.headers()),
            root: "../".repeat(path.matches('/').count().saturating_sub(1)),
        })
    }

    /// The text of the page, whose headers are set.
    pub(in crate::http) fn page(&self, problem: &Problem, request: &str, out: &mut HeaderMap) -> String {
        out.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        protect(out, &[POLICY, FRAMED].concat());
        let status = problem.status();
        let words = self.words;
        let title = match status {
            StatusCode::NOT_FOUND => &words.page_missing,
            StatusCode::GONE => &words.page_gone,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => &words.page_denied,
            StatusCode::SERVICE_UNAVAILABLE => &words.page_away,
            _ => &words.page_wrong,
        };
        // Addresses made of dots alone lead nowhere.
        let root = if self.root.is_empty() { "./".to_owned() } else { self.root.clone() };
        let style = files::STYLE.at(&root);
        let page = Wrong { words, title, detail: problem.detail(), status: status.as_u16(), request, root, style };
        page.render().expect("a page is written into memory")
    }
}

/// Whether an entry of `Accept` names HTML, and not to refuse it.
fn names_html(entry: &str) -> bool {
    let mut parts = entry.split(';').map(str::trim);
    let named = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("text/html"));
    named && !parts.any(|part| matches!(part.strip_prefix("q="), Some("0" | "0.0" | "0.00" | "0.000")))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn told(path: &str, accept: &str) -> Option<String> {
        let request = Request::builder().uri(path).header("accept", accept).body(Body::empty()).expect("a request");
        Told::of(&request).map(|told| told.root)
    }

    #[test]
    fn a_browser_is_told_in_html_and_a_program_in_json() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        for (path, accept, root) in [
            ("/feeds/a", browser, Some("../")),
            ("/feeds/a/items/b", browser, Some("../../../")),
            ("/nothing", browser, Some("")),
            ("/v1/feeds/a", browser, None),
            ("/feeds/a", "*/*", None),
            ("/feeds/a", "application/json", None),
            ("/feeds/a", "application/json, text/html;q=0", None),
        ] {
            assert_eq!(told(path, accept).as_deref(), root, "{path} {accept}");
        }
    }
}
