//! A request to a door, made from its description: a good one, for a test to spoil.

use std::{cell::RefCell, collections::BTreeSet};

use reqwest::{Method, header::HeaderMap, redirect::Policy};
use serde_json::{Value, json};

use crate::{
    document::{Document, Operation, described, names},
    support::server::{FEED, Server},
};

/// A server, what describes it, and what was seen of that.
pub(crate) struct Tour {
    pub(crate) server: Server,
    pub(crate) document: Document,
    /// A client that goes nowhere else than where it is sent.
    client: reqwest::Client,
    /// A token that may do everything.
    pub(crate) admin: String,
    /// The operations, statuses and codes that were answered; a code is empty where the answer was no problem.
    pub(crate) seen: RefCell<BTreeSet<(String, String, String)>>,
    /// The headers that may be missing, and were there.
    headers: RefCell<BTreeSet<(String, String)>>,
    /// The fields of all that was answered.
    fields: RefCell<BTreeSet<String>>,
}

/// A request that is being made.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) feed: String,
    pub(crate) item: String,
    pub(crate) query: String,
    pub(crate) token: Option<String>,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<Vec<u8>>,
}

impl Ask {
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(had, _)| *had != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Asks for a WebSocket.
    pub(crate) fn upgrade(self) -> Self {
        let ask = self.header("upgrade", "websocket").header("connection", "Upgrade");
        ask.header("sec-websocket-version", "13").header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
    }

    pub(crate) fn body(self, body: &Value) -> Self {
        Self { body: Some(body.to_string().into_bytes()), ..self }
    }
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Tour {
    pub(crate) async fn of(server: Server) -> Self {
        let document = Document::read(&server, "/openapi.json").await;
        let admin = server.token(&["--can", "admin"]);
        Self {
            server,
            document,
            client: reqwest::Client::builder().redirect(Policy::none()).build().expect("a client"),
            admin,
            seen: RefCell::default(),
            headers: RefCell::default(),
            fields: RefCell::default(),
        }
    }

    /// The operation of this name.
    pub(crate) fn operation(&self, name: &str) -> Operation {
        let all = self.document.operations();
        all.into_iter().find(|operation| operation.name() == name).expect("it is described")
    }

    /// A good request; `item` is the item that it is about.
    pub(crate) fn good(&self, operation: &Operation, item: &str) -> Ask {
        let name = operation.name().trim_end_matches("Head");
        let query = match name {
            "poll" => "after=0",
            "findItem" => "role=wire&value=tour",
            "followSeveral" => "feed=news-feed",
            _ => "",
        };
        let body = match name {
            "publishItem" => json!({"headline": "From the tour"}),
            "updateItem" => json!({"located": "Harrow Quay"}),
            "makeFeed" => json!({"id": "made", "title": "Made"}),
            "changeFeed" => json!({"description": "Changed on the tour"}),
            "correctItem" => {
                json!({"kind": "correction", "note": "It was otherwise.", "changes": {"byline": "A. Reporter"}})
            }
            "retractItem" => json!({"reason": "It was not so."}),
            _ => json!({}),
        };
        let ask = Ask {
            feed: FEED.to_owned(),
            item: item.to_owned(),
            query: query.to_owned(),
            token: Some(self.admin.clone()),
            headers: vec![],
            body: operation.is.get("requestBody").map(|_| body.to_string().into_bytes()),
        };
        match name {
            "followSeveral" => ask.upgrade(),
            _ if operation.takes("ifMatchRequired") => ask.header("if-match", "*"),
            _ => ask,
        }
    }

    /// Sends a request, and checks that the answer is as the operation's description says. Where that is a problem that
    /// people are told of in HTML, it is asked for in HTML, too.
    pub(crate) async fn ask(&self, operation: &Operation, ask: &Ask) -> Answered {
        let answered = self.send(operation, ask).await;
        let kind = |answered: &Answered| answered.headers.get("content-type").cloned();
        let problem = kind(&answered).is_some_and(|kind| kind == "application/problem+json");
        if problem && !operation.path.starts_with("/v1/") {
            let page = self.send(operation, &ask.clone().header("accept", "text/html")).await;
            let told = (page.status, kind(&page).expect("a content type"));
            assert_eq!(told, (answered.status, "text/html; charset=utf-8".parse().expect("a value")));
        }
        answered
    }

    async fn send(&self, operation: &Operation, ask: &Ask) -> Answered {
        let place = operation.path.replace("{feed}", &ask.feed).replace("{id}", &ask.item);
        let place = place.replace("{file}", &ask.item).replace("{hash}", &ask.item);
        let url = self.server.url(&format!("{place}?{}", ask.query));
        let method: Method = operation.method.parse().expect("a method");
        let mut request = self.client.request(method, url);
        for (name, value) in &ask.headers {
            request = request.header(*name, value);
        }
        if let Some(token) = &ask.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = &ask.body {
            request = request.body(body.clone());
        }
        let answer = request.send().await.unwrap_or_else(|error| panic!("{}: {error}", operation.name()));
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let endless = status == 101 || status == 200 && operation.name() == "follow";
        let body = if endless { Vec::new() } else { answer.bytes().await.expect("a body").to_vec() };
        let about = format!("{} {place}?{} is answered {status}", operation.method, ask.query);
        self.note(operation, ask, &Raw { status, headers, body }, &about)
    }

    /// Notes an answer that came over a bare connection.
    pub(crate) fn raw(&self, operation: &Operation, answer: &[u8]) {
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
        let head = std::str::from_utf8(&answer[..end]).expect("text");
        let status = head[9..12].parse().expect("a status");
        let fields = head.lines().skip(1).map(|line| line.split_once(": ").expect("a header"));
        let headers = fields.filter(|(name, _)| *name != "connection").map(|(name, value)| {
            (name.parse::<reqwest::header::HeaderName>().expect("a name"), value.parse().expect("a value"))
        });
        let raw = Raw { status, headers: headers.collect(), body: answer[end + 4..].to_vec() };
        let nothing = Ask { body: None, ..self.good(operation, "") };
        self.note(operation, &nothing, &raw, &format!("{} is answered {status}", operation.name()));
    }

    fn note(&self, operation: &Operation, ask: &Ask, answer: &Raw, about: &str) -> Answered {
        let Raw { status, headers, body } = answer;
        let described = operation.is["responses"].get(status.to_string());
        let text = String::from_utf8_lossy(body);
        let described = described.unwrap_or_else(|| panic!("{about}, which is not described: {text:.600}"));
        self.document.check(described, headers, body, about);
        // What was good enough for the server must be good by its description, too.
        if *status < 300 && ask.body.as_ref().is_some_and(|body| !body.is_empty()) {
            let sent: Value = serde_json::from_slice(ask.body.as_deref().expect("there")).expect("JSON");
            let errors =
                self.document.errors(&operation.is["requestBody"]["content"]["application/json"]["schema"], &sent);
            assert!(errors.is_empty(), "{about}: {sent} should not be good: {errors:#?}");
        }
        let body = serde_json::from_slice(body).unwrap_or(Value::Null);
        let problem = headers.get("content-type").is_some_and(|kind| kind == "application/problem+json");
        let code = if problem { body["code"].as_str().unwrap_or_default() } else { "" };
        self.seen.borrow_mut().insert((operation.name().to_owned(), status.to_string(), code.to_owned()));
        for name in self.optional(operation, &status.to_string()) {
            if headers.contains_key(&name) {
                self.headers.borrow_mut().insert((operation.name().to_owned(), name));
            }
        }
        // The documents themselves have every name in them.
        if !operation.name().starts_with("openapi") && !operation.name().starts_with("messageSchema") {
            names(&body, &mut self.fields.borrow_mut());
        }
        Answered { status: *status, headers: headers.clone(), body }
    }

    /// The headers that an answer may have or not.
    fn optional(&self, operation: &Operation, status: &str) -> Vec<String> {
        let answer = self.document.resolve(&operation.is["responses"][status]);
        let headers = answer["headers"].as_object().cloned().unwrap_or_default();
        let optional = |(name, is): (String, Value)| (self.document.resolve(&is)["required"] == false).then_some(name);
        headers.into_iter().filter_map(optional).collect()
    }

    /// What is described and was not seen: operations with status and code, headers, and fields of what is answered.
    pub(crate) fn unseen(&self) -> BTreeSet<String> {
        let (seen, headers, fields) = (self.seen.borrow(), self.headers.borrow(), self.fields.borrow());
        let mut unseen = BTreeSet::new();
        for operation in self.document.operations() {
            let name = operation.name();
            let answers = operation.is["responses"].as_object().expect("answers");
            for (status, answer) in answers {
                let content = &self.document.resolve(answer)["content"];
                let of = |code: &str| (name.to_owned(), status.clone(), code.to_owned());
                let own = content.as_object().is_some_and(|kinds| kinds.keys().any(|kind| !kind.contains("problem")));
                if own && !seen.contains(&of("")) {
                    unseen.insert(format!("{name} {status}"));
                }
                if content.is_null() && !seen.iter().any(|(had, at, _)| had == name && at == status) {
                    unseen.insert(format!("{name} {status}"));
                }
                let codes = self.document.codes(&operation, status);
                unseen.extend(
                    codes.iter().filter(|code| !seen.contains(&of(code))).map(|code| format!("{name} {status} {code}")),
                );
                let missing = |header: &String| !headers.contains(&(name.to_owned(), header.clone()));
                unseen.extend(
                    self.optional(&operation, status).into_iter().filter(missing).map(|h| format!("{name} {h}")),
                );
            }
        }
        let mut all = BTreeSet::new();
        for name in ["Item", "EditorsItem", "Feed", "Problem"] {
            self.reachable(&self.document.json["components"]["schemas"][name], &mut all);
        }
        unseen.extend(all.difference(&fields).map(|field| format!("the field {field}")));
        unseen
    }

    fn reachable(&self, schema: &Value, into: &mut BTreeSet<String>) {
        described(schema, into);
        let mut references = Vec::new();
        fn find(value: &Value, into: &mut Vec<String>) {
            match value {
                Value::Array(all) => all.iter().for_each(|value| find(value, into)),
                Value::Object(all) => all.values().for_each(|value| find(value, into)),
                Value::String(text) if text.starts_with("#/components/schemas/") => into.push(text.clone()),
                _ => {}
            }
        }
        find(schema, &mut references);
        for place in references {
            self.reachable(self.document.json.pointer(&place[1..]).expect("it is there"), into);
        }
    }
}

/// An answer as it came.
struct Raw {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}
