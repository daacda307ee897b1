//! The doors that there are, and those that are described, are the same.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    document::Document,
    support::server::{Kept, Server},
};

/// Where the router is put together.
const ROUTER: &str = include_str!("../../src/http/mod.rs");
const PROTOCOL: &str = include_str!("../../PROTOCOL.md");

#[tokio::test]
async fn every_door_is_described_with_every_method_and_no_other() {
    let server = Server::start(Kept::Sqlite).await;
    let document = Document::read(&server, "/openapi.json").await;
    let paths = document.json["paths"].as_object().expect("paths");
    let routed: BTreeSet<&str> =
        ROUTER.split(".route(").skip(1).map(|rest| rest.split('"').nth(1).expect("an address")).collect();
    assert!(routed.len() > 20, "{routed:?}");
    assert_eq!(paths.keys().map(String::as_str).collect::<BTreeSet<_>>(), routed);
    for (path, doors) in paths {
        let described: BTreeSet<String> = doors.as_object().expect("doors").keys().map(|m| m.to_uppercase()).collect();
        let place =
            path.replace("{feed}", "news-feed").replace("{id}", "x").replace("{file}", "x").replace("{hash}", "x");
        let answer = server.client.request(Method::PUT, server.url(&place)).send().await.expect("it answers");
        assert_eq!(answer.status(), 405, "{path}");
        let allow = answer.headers()["allow"].to_str().expect("text").split(',').map(|m| m.trim().to_owned()).collect();
        assert_eq!(described, allow, "{path}");
        let headers = answer.headers().clone();
        let body = answer.bytes().await.expect("a body");
        document.check(&json!({"$ref": "#/components/responses/methodNotAllowed"}), &headers, &body, path);
    }
    let answer = server.get("/v2").await.expect("it answers");
    let headers = answer.headers().clone();
    let body = answer.bytes().await.expect("a body");
    document.check(&json!({"$ref": "#/components/responses/notFound"}), &headers, &body, "/v2");
}

#[tokio::test]
async fn the_protocol_lists_the_problems_that_are_described() {
    let server = Server::start(Kept::Sqlite).await;
    let document = Document::read(&server, "/openapi.json").await;
    let described = document.json["components"]["responses"].as_object().expect("answers");
    let mut listed = BTreeSet::new();
    for line in PROTOCOL.lines() {
        let Some((status, codes)) = line.strip_prefix("| ").and_then(|row| row.split_once(" | ")) else { continue };
        if status.len() != 3 || !status.bytes().all(|b| b.is_ascii_digit()) {
            continue;
        }
        for code in codes.split('`').skip(1).step_by(2).filter(|code| described.contains_key(*code)) {
            let schema = &described[code]["content"]["application/problem+json"]["schema"];
            assert_eq!(schema["properties"]["status"]["const"].to_string(), status, "{code}");
            listed.insert(code);
        }
    }
    assert_eq!(described.keys().map(String::as_str).collect::<BTreeSet<_>>(), listed);
}

#[tokio::test]
async fn the_description_names_the_address_under_which_the_public_finds_the_server() {
    let server = Server::start(Kept::Sqlite).await;
    assert_eq!(server.read("/openapi.json").await["servers"], json!([{"url": "/"}]));
    server.stop().await;
    server.up_as(server.command().args(["--public-url", "https://example.org/news"])).await;
    let described: Value = server.read("/news/openapi.json").await;
    assert_eq!(described["servers"], json!([{"url": "https://example.org/news"}]));
}
