//! The two documents, as the server gives them, and whether an answer or a message is as they say.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
};

use jsonschema::Validator;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::support::server::Server;

/// Headers that belong to the connection or the body, and that OpenAPI leaves to HTTP.
const OF_HTTP: [&str; 5] = ["connection", "date", "content-length", "content-type", "transfer-encoding"];

/// A document, and its schemas once more with nothing in objects but what is described: what the server sends beside
/// that is not described.
pub(crate) struct Document {
    pub(crate) json: Value,
    closed: Value,
    validators: RefCell<HashMap<String, Validator>>,
}

/// An operation of the API.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) is: Value,
}

impl Operation {
    pub(crate) fn name(&self) -> &str {
        self.is["operationId"].as_str().expect("a name")
    }

    /// The names of the parameters that it takes, as they are called in the document.
    pub(crate) fn takes(&self, name: &str) -> bool {
        let parameters = self.is["parameters"].as_array().expect("parameters");
        parameters.iter().any(|p| p["$ref"] == format!("#/components/parameters/{name}"))
    }
}

impl Document {
    pub(crate) async fn read(server: &Server, path: &str) -> Self {
        let json = server.read(path).await;
        let mut closed = json.clone();
        close(&mut closed);
        Self { json, closed, validators: RefCell::default() }
    }

    /// Every operation.
    pub(crate) fn operations(&self) -> Vec<Operation> {
        let paths = self.json["paths"].as_object().expect("paths");
        let of = |(path, doors): (&String, &Value)| {
            let doors = doors.as_object().expect("doors").clone();
            let path = path.clone();
            doors.into_iter().map(move |(method, is)| Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                is,
            })
        };
        paths.iter().flat_map(of).collect()
    }

    /// What a reference refers to.
    pub(crate) fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value.get("$ref").and_then(Value::as_str) {
            Some(place) => self.json.pointer(&place[1..]).expect("what is referred to is there"),
            None => value,
        }
    }

    /// The codes of the problems with which an operation answers with this status.
    pub(crate) fn codes(&self, operation: &Operation, status: &str) -> BTreeSet<String> {
        let answer = self.resolve(&operation.is["responses"][status]);
        let codes = &answer["content"]["application/problem+json"]["schema"]["properties"]["code"]["enum"];
        codes.as_array().into_iter().flatten().map(|code| code.as_str().expect("text").to_owned()).collect()
    }

    /// What is wrong with a value by this schema; nothing, most of all.
    pub(crate) fn errors(&self, schema: &Value, value: &Value) -> Vec<String> {
        let root = if self.json.get("openapi").is_some() { "components" } else { "$defs" };
        let mut errors = Vec::new();
        // Also with the schemas as they stand: those who use them have no others.
        for (of, schema) in [(&self.json, schema.clone()), (&self.closed, closed(schema))] {
            let key = format!("{:p} {schema}", of);
            let mut validators = self.validators.borrow_mut();
            let validator = validators.entry(key).or_insert_with(|| {
                let draft = "https://json-schema.org/draft/2020-12/schema";
                let whole = json!({"$schema": draft, root: of[root], "allOf": [schema]});
                jsonschema::options().should_validate_formats(true).build(&whole).expect("a good schema")
            });
            errors.extend(validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())));
        }
        errors
    }

    /// Checks an answer against its description: headers, content type and body.
    pub(crate) fn check(&self, described: &Value, headers: &HeaderMap, body: &[u8], about: &str) {
        let described = self.resolve(described);
        let said = &described["headers"].as_object().cloned().unwrap_or_default();
        for (name, is) in said {
            let is = self.resolve(is);
            let Some(value) = headers.get(name) else {
                assert_eq!(is["required"], false, "{about}: {name} is missing");
                continue;
            };
            let errors = self.errors(&is["schema"], &json!(value.to_str().expect("text")));
            assert!(errors.is_empty(), "{about}: {name}: {value:?}: {errors:?}");
        }
        for name in headers.keys().map(reqwest::header::HeaderName::as_str).filter(|name| !OF_HTTP.contains(name)) {
            assert!(said.keys().any(|said| said.eq_ignore_ascii_case(name)), "{about}: {name} is not described");
        }
        let kind = headers.get("content-type").map(|kind| kind.to_str().expect("text"));
        let Some(content) = described.get("content").and_then(Value::as_object) else {
            assert!(body.is_empty(), "{about}: no body is described");
            return;
        };
        let kind = kind.unwrap_or_else(|| panic!("{about}: no content type"));
        let content = content.get(kind).unwrap_or_else(|| panic!("{about}: {kind} is not described"));
        if kind == "text/event-stream" {
            return;
        }
        let text = std::str::from_utf8(body).expect("UTF-8");
        let value = if kind.ends_with("json") { serde_json::from_str(text).expect("JSON") } else { json!(text) };
        let errors = self.errors(&content["schema"], &value);
        assert!(errors.is_empty(), "{about}: {errors:#?}\n{text:.2000}");
    }
}

/// A schema that allows no field which it does not name.
fn closed(schema: &Value) -> Value {
    let mut schema = schema.clone();
    close(&mut schema);
    schema
}

fn close(value: &mut Value) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(close),
        Value::Object(all) => {
            all.values_mut().for_each(close);
            // What refers to another schema adds to that one's fields.
            if all.get("type").is_some_and(|kind| kind == "object") && all.contains_key("properties") {
                all.entry("additionalProperties").or_insert(Value::Bool(false));
            }
        }
        _ => {}
    }
}

/// The names of all fields that a value has, at any depth.
pub(crate) fn names(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Array(all) => all.iter().for_each(|value| names(value, into)),
        Value::Object(all) => {
            into.extend(all.keys().cloned());
            all.values().for_each(|value| names(value, into));
        }
        _ => {}
    }
}

/// The names of all fields that a schema allows, at any depth.
pub(crate) fn described(schema: &Value, into: &mut BTreeSet<String>) {
    match schema {
        Value::Array(all) => all.iter().for_each(|schema| described(schema, into)),
        Value::Object(all) => {
            let fields = all.get("properties").and_then(Value::as_object).into_iter().flatten();
            into.extend(fields.filter(|(_, is)| **is != Value::Bool(false)).map(|(name, _)| name.clone()));
            all.values().for_each(|schema| described(schema, into));
        }
        _ => {}
    }
}
