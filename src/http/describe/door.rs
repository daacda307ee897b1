//! One door as OpenAPI describes it: how it is asked, what it answers, and with which problems it refuses.

use serde_json::{Map, Value, json};

use super::{header::headers, parameter, problem, schema::refer};

/// A door that is being described.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) path: &'static str,
    pub(super) method: &'static str,
    pub(super) is: Value,
}

/// What doors are for.
pub(super) const TAGS: [&str; 5] = ["Following", "Items", "Editing", "Feeds", "Server"];

/// A door: its method, its address, its name in programs, and what it is for.
pub(super) fn door(method: &'static str, path: &'static str, name: &str, about: &str) -> Door {
    let tag = match path {
        "/v1/live" | "/v1/feeds/{feed}/live" | "/v1/feeds/{feed}/changes" | "/v1/feeds/{feed}/tickets" => "Following",
        path if path.starts_with("/v1/feeds/{feed}/items") && method == "get" => "Items",
        path if path.starts_with("/v1/feeds/{feed}/items") => "Editing",
        path if path.starts_with("/feeds/") => "Items",
        path if path.starts_with("/v1/feeds") => "Feeds",
        _ => "Server",
    };
    let is = json!({"operationId": name, "summary": about, "tags": [tag], "parameters": [], "responses": {}});
    Door { path, method, is }.takes(&["X-Request-Id"])
}

impl Door {
    /// It takes these parameters.
    pub(super) fn takes(mut self, names: &[&str]) -> Self {
        let parameters = self.is["parameters"].as_array_mut().expect("a list");
        parameters.extend(names.iter().map(|name| parameter::refer_to(name)));
        self
    }

    /// Who may: anybody, so that a token is not even looked at.
    pub(super) fn open(mut self) -> Self {
        self.is["security"] = json!([]);
        self
    }

    /// Who may: who has a token that allows it.
    pub(super) fn with_token(mut self) -> Self {
        self.is["security"] = json!([{"token": []}]);
        self
    }

    /// Who may: as everywhere, or who has a ticket.
    pub(super) fn or_ticket(mut self) -> Self {
        self.is["security"] = json!([{}, {"token": []}, {"ticket": []}]);
        self
    }

    /// It takes a body, and must be given one.
    pub(super) fn body(mut self, schema: &str) -> Self {
        self.is["requestBody"] = json!({"required": true, "content": {"application/json": {"schema": refer(schema)}}});
        self
    }

    /// It takes a body, and nothing is as good as `{}`.
    pub(super) fn may_have(self, schema: &str) -> Self {
        let mut door = self.body(schema);
        door.is["requestBody"]["required"] = false.into();
        door
    }

    /// It answers with this status, content (a media type and a schema) and these headers.
    pub(super) fn answers(self, status: u16, about: &str, content: &[(&str, Value)], names: &[&str]) -> Self {
        let mut answer = json!({"description": about, "headers": headers(names)});
        if !content.is_empty() {
            let content = content.iter().map(|(kind, is)| ((*kind).to_owned(), json!({"schema": is})));
            answer["content"] = content.collect::<Map<_, _>>().into();
        }
        self.with(status, answer)
    }

    /// It answers 200 with JSON that a client may have already, or 304.
    pub(super) fn reads(self, about: &str, schema: Value, more: &[&str]) -> Self {
        let names = [&["ETag", "Cache-Control", "Vary"], more].concat();
        let door = self.takes(&["If-None-Match"]).answers(200, about, &[("application/json", schema)], &names);
        door.answers(304, "What the client has is current.", &[], &names)
    }

    /// Where what it answers leads: to other doors, and what names the feed and the item there.
    pub(super) fn leads_to(mut self, status: u16, feed: &str, item: Option<&str>, doors: &[&str]) -> Self {
        let mut parameters = json!({"feed": feed});
        if let Some(item) = item {
            parameters["id"] = item.into();
        }
        let link = |door: &&str| ((*door).to_owned(), json!({"operationId": door, "parameters": parameters.clone()}));
        self.is["responses"][status.to_string()]["links"] = doors.iter().map(link).collect::<Map<_, _>>().into();
        self
    }

    /// It refuses with these problems, beside those with which every door may.
    pub(super) fn refuses(mut self, codes: &[&[&'static str]]) -> Self {
        for (status, mut refusal) in problem::refusals(&codes.concat()) {
            if !self.path.starts_with("/v1/") {
                refusal = problem::told_to_people(&refusal);
            }
            let place = status.to_string();
            match self.is["responses"].get(&place).cloned() {
                // What it answers itself with that status comes beside the problem.
                Some(mut own) => {
                    let refusal = problem::resolved(&refusal);
                    for part in ["content", "headers"] {
                        let more = refusal[part].as_object().expect("a problem has both").clone();
                        for (name, is) in more {
                            let optional = own[part].get(&name).is_none() && part == "headers";
                            own[part][&name] = if optional { super::header::optional(&name) } else { is };
                        }
                    }
                    self.is["responses"][place] = own;
                }
                None => self = self.with(status, refusal),
            }
        }
        self
    }

    fn with(mut self, status: u16, answer: Value) -> Self {
        self.is["responses"][status.to_string()] = answer;
        self
    }

    /// The same door asked for its head alone, which each is that answers GET: without contents, and no WebSocket.
    pub(super) fn head(&self) -> Self {
        let mut is = self.is.clone();
        let name = is["operationId"].as_str().expect("a name").to_owned();
        is["operationId"] = format!("{name}Head").into();
        is["summary"] = format!("The head of the answer to {name}.").into();
        let parameters = is["parameters"].as_array_mut().expect("a list");
        parameters.retain(|taken| !parameter::HANDSHAKE.iter().any(|name| *taken == parameter::refer_to(name)));
        let answers = is["responses"].as_object_mut().expect("answers");
        answers.retain(|status, _| !["101", "426"].contains(&status.as_str()));
        for answer in answers.values_mut() {
            *answer = problem::resolved(answer);
            let answer = answer.as_object_mut().expect("an answer");
            answer.shift_remove("content");
            answer.shift_remove("links");
        }
        Self { path: self.path, method: "head", is }
    }
}
