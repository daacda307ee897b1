//! What scripts rely on: names, help texts, exit codes, and what goes to which output. Each test runs the program, alone
//! or beside a running server.

mod support;

use std::{
    process::{Command, Output, Stdio},
    time::Duration,
};

use reqwest::{Method, StatusCode};
use serde_json::json;
use support::{
    server::{FEED, Kept, Server},
    within,
};

/// The program with these arguments and these variables, and no others of ours.
fn newswire(args: &[&str], env: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_newswire"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("NEWSWIRE_")) {
        command.env_remove(name);
    }
    command.args(args).envs(env.iter().copied()).stdin(Stdio::null()).output().expect("the program runs")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("it exits by itself")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}

/// An address at which nobody listens: the port was free a moment ago.
fn nobody() -> String {
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port");
    format!("http://{free}")
}

#[test]
fn every_help_is_a_manual_with_examples_and_exit_codes() {
    for args in [&["export"][..], &["import"], &["backup"], &["restore"], &["check"], &["health"], &["feed", "set"]] {
        let text = stdout(&newswire(&[args, &["--help"]].concat(), &[]));
        assert!(text.contains("Usage:") && text.contains("Examples:"), "{args:?}:\n{text}");
    }
    for args in [&["--help"][..], &["publish", "--help"], &["tail", "--help"]] {
        let output = newswire(args, &[]);
        let text = stdout(&output);
        assert_eq!(code(&output), 0, "{args:?}");
        for part in ["Usage:", "Examples:", "Environment:", "Exit status:", "  3  "] {
            assert!(text.contains(part), "{args:?} lacks {part:?}:\n{text}");
        }
    }
    let whole = stdout(&newswire(&["--help"], &[]));
    for name in [
        "--listen",
        "--data",
        "--store",
        "--sample",
        "--log",
        "--spread",
        "--drain",
        "NEWSWIRE_LISTEN",
        "feed",
        "token",
    ] {
        assert!(whole.contains(name), "{name}:\n{whole}");
    }
}

#[test]
fn no_help_shows_a_secret_of_the_environment() {
    let env = [("NEWSWIRE_TOKEN", "nw_secret"), ("NEWSWIRE_STORE", "redis://:secret@db")];
    for args in [&["--help"][..], &["publish", "--help"], &["tail", "--help"], &["token", "list", "--help"]] {
        assert!(!stdout(&newswire(args, &env)).contains("secret"), "{args:?}");
    }
}

/// Arguments, variables, and what the complaint has to name.
type Senseless<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);

#[test]
fn settings_that_make_no_sense_exit_2_before_anything_is_opened() {
    let place = tempfile::tempdir().expect("a directory");
    let data = place.path().join("data").display().to_string();
    let bad: [Senseless; 28] = [
        (&["--no-such-option"], &[], "--no-such-option"),
        (&["no-such-command"], &[], "no-such-command"),
        (&["--data", &data, "--listen", "here"], &[], "--listen"),
        (&["--data", &data, "--metrics", "9464"], &[], "--metrics"),
        (&["--data", &data, "--listen", "0.0.0.0:9464"], &[("NEWSWIRE_METRICS", "127.0.0.1:9464")], "--metrics"),
        (&["--data", &data, "--store", "mysql"], &[], "--store"),
        (&["serve", "--data", &data, "--store", "redis://127.0.0.1:1"], &[], "--data"),
        (&["--store", "redis://:s3cr3t@db:x"], &[], "redis://HOST"),
        (&["token", "list", "--store", "redis+sentinel://:s3cr3t@a,b"], &[], "/NAME"),
        (&["check"], &[("NEWSWIRE_STORE", "rediss://:s3cr3t@db/news")], "database"),
        (&["--store", "redis://:s3cr3t@db", "--store-ca", "ca.pem"], &[], "--store-ca"),
        (&["--data", &data, "--drain", "never"], &[], "--drain"),
        (&["--data", &data, "--spread", "3601"], &[], "--spread"),
        (&["--data", &data], &[("NEWSWIRE_LISTN", "x")], "NEWSWIRE_LISTN"),
        (&["--data", &data], &[("NEWSWIRE_LOG_FORMAT", "xml")], "--log"),
        (&["--data", &data, "token", "list"], &[], "subcommand"),
        (&["token", "create", "desk", "--can", "fly", "--data", &data], &[], "--can"),
        (&["feed", "create", "News Feed", "--title", "T", "--data", &data], &[], "hyphen"),
        (&["feed", "create", "news", "--title", " ", "--data", &data], &[], "title"),
        (&["feed", "create", "news", "--data", &data], &[], "title"),
        (&["feed", "create", "news", "--title", "T", "--dir", "up", "--data", &data], &[], "dir"),
        (&["feed", "create", "news", "--title", "T", "--keep-days", "0", "--data", &data], &[], "keep.days"),
        (&["feed", "set", "news", "--data", &data], &[], "nothing to set"),
        (&["token", "create", "desk", "--can", "read", "--expires", "tomorrow"], &[], "--expires"),
        (&["backup", "--store", "redis://:secret@127.0.0.1:1", "copy"], &[], "BGSAVE"),
        (&["check", "--data", &data, "--store", "redis://127.0.0.1:1"], &[], "--data"),
        (&["check", "--data", &data, "--drain", "never"], &[], "--drain"),
        (&["tail", "--feed", "a", "--feed", "b", "--after", "7-9f3a2c1b"], &[], "--after"),
    ];
    for (args, env, named) in bad {
        let output = newswire(args, env);
        assert_eq!(code(&output), 2, "{args:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(named), "{args:?}: {}", stderr(&output));
        assert!(!stderr(&output).contains("s3cr3t"), "{args:?}: {}", stderr(&output));
        assert_eq!(stdout(&output), "", "{args:?}");
    }
    assert!(!place.path().join("data").exists(), "something was opened");
}

#[test]
fn a_variable_for_the_server_does_not_disturb_the_other_commands() {
    let output = newswire(
        &["tail", "--feed", "news", "--after", "yesterday"],
        &[("NEWSWIRE_DATA", "x"), ("NEWSWIRE_LISTEN", "127.0.0.1:0")],
    );
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("--after"), "{}", stderr(&output));
}

#[test]
fn publish_needs_a_token_a_feed_and_a_file_that_is_there() {
    let no_token = newswire(&["publish", "--feed", "news"], &[]);
    assert!(code(&no_token) == 2 && stderr(&no_token).contains("--token"));
    let no_feed = newswire(&["publish", "--token", "t"], &[]);
    assert!(code(&no_feed) == 2 && stderr(&no_feed).contains("--feed"));
    let no_file = newswire(&["publish", "--token", "t", "--feed", "news", "/no/such/file"], &[]);
    assert!(code(&no_file) == 2 && stderr(&no_file).contains("/no/such/file"));
}

#[test]
fn a_server_that_stays_away_exits_3_and_says_how_to_go_on() {
    let place = tempfile::tempdir().expect("a directory");
    let file = place.path().join("items.jsonl");
    std::fs::write(&file, "not an item\n{\"headline\":\"A\"}\n").expect("written");
    let file = file.display().to_string();
    let server = nobody();
    let output = newswire(
        &["publish", "--server", &server, "--feed", "news", "--patience", "1", &file],
        &[("NEWSWIRE_TOKEN", "nw_secret")],
    );
    let said = stderr(&output);
    assert_eq!(code(&output), 3, "{said}");
    assert!(
        said.contains("line 1: not JSON") && said.contains(&format!("line 2: cannot connect to {server}")),
        "{said}"
    );
    assert!(said.contains("0 published, 1 refused") && said.contains("nothing is doubled"), "{said}");
    assert!(!said.contains("secret"), "{said}");
}

#[test]
fn a_state_file_that_is_none_is_refused_and_left_alone() {
    let place = tempfile::tempdir().expect("a directory");
    let state = place.path().join("state");
    std::fs::write(&state, "12").expect("written");
    let output = newswire(&["tail", "--feed", "news", "--state", &state.display().to_string()], &[]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("no state file"), "{}", stderr(&output));
    assert_eq!(std::fs::read(&state).expect("it is still there"), b"12");
}

/// Runs the program on the store of a running server.
fn beside(server: &Server, args: &[&str]) -> Output {
    let place = server.place();
    let mut words = args.to_vec();
    for (option, value) in &place {
        words.extend([*option, value.to_str().expect("a path in text")]);
    }
    newswire(&words, &[])
}

/// What a request to publish in a feed with this token is answered with.
async fn publishes(server: &Server, feed: &str, token: &str) -> StatusCode {
    let url = server.url(&format!("/v1/feeds/{feed}/items"));
    let request = server.client.request(Method::POST, url).bearer_auth(token).json(&json!({"headline": "A"}));
    request.send().await.expect("the server answers").status()
}

#[tokio::test]
async fn a_feed_made_beside_a_running_server_is_served_at_once() {
    for kept in [Kept::Sqlite, Kept::Redis] {
        let server = Server::start(kept).await;
        let created = beside(&server, &["feed", "create", "elections", "--title", " Election night "]);
        assert_eq!((code(&created), stdout(&created).as_str()), (0, ""), "{}", stderr(&created));
        let served = server.read("/v1/feeds/elections").await;
        assert_eq!((&served["title"], &served["id"]), (&json!("Election night"), &json!("elections")));
        assert_eq!(publishes(&server, "elections", &server.token).await, 201);

        let listed = stdout(&beside(&server, &["feed", "list"]));
        let lines: Vec<Vec<&str>> = listed.lines().map(|line| line.split('\t').collect()).collect();
        assert_eq!(lines.iter().map(|line| line[0]).collect::<Vec<_>>(), ["elections", FEED], "{listed}");
        let head = server.read("/v1/feeds/elections").await["position"].clone();
        assert_eq!(lines[0][1..], ["live", "public", head.as_str().expect("text"), "Election night"]);

        let again = beside(&server, &["feed", "create", "elections", "--title", "Other"]);
        assert_eq!(code(&again), 1);
        assert!(stderr(&again).contains("left as it is"), "{}", stderr(&again));
        assert_eq!(server.read("/v1/feeds/elections").await["title"], "Election night");
    }
}

#[tokio::test]
async fn a_token_is_good_from_its_creation_to_its_revocation_beside_a_running_server() {
    for kept in [Kept::Sqlite, Kept::Redis] {
        let server = Server::start(kept).await;
        beside(&server, &["feed", "create", "world", "--title", "World"]);
        let created = beside(&server, &["token", "create", "desk", "--can", "publish", "--feed", "world"]);
        let token = stdout(&created);
        let token = token.strip_suffix('\n').expect("a line");
        assert!(code(&created) == 0 && token.starts_with("nw_") && !token.contains(['\n', ' ']), "{created:?}");
        assert_eq!(publishes(&server, "world", token).await, 201);
        assert_eq!(publishes(&server, FEED, token).await, 403);
        let reads = stdout(&beside(&server, &["token", "create", "kiosk", "--can", "read"]));
        assert_eq!(publishes(&server, "world", reads.trim()).await, 403);

        let state = |name: &str| {
            let listed = stdout(&beside(&server, &["token", "list"]));
            assert!(!listed.contains("nw_") && !listed.contains(token), "no token is listed: {listed}");
            let line = listed.lines().find(|line| line.split('\t').next() == Some(name));
            line.expect("it is listed").split('\t').take(4).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(state("desk"), "desk publish world good");
        assert_eq!(state("kiosk"), "kiosk read all feeds good");

        assert_eq!(code(&beside(&server, &["token", "revoke", "desk"])), 0);
        let refused = async || publishes(&server, "world", token).await == 401;
        within(Duration::from_secs(2), "a running server refuses it", refused).await;
        assert_eq!(state("desk"), "desk publish world revoked");
        assert_eq!(publishes(&server, FEED, &server.token).await, 201);

        for (args, expected) in [
            (&["token", "revoke", "nobody"][..], 5),
            (&["token", "create", "desk", "--can", "read"], 1),
            (&["token", "create", "press", "--can", "read", "--feed", "no-such-feed"], 5),
            (&["token", "create", "two words", "--can", "read"], 2),
        ] {
            let output = beside(&server, args);
            assert_eq!((code(&output), stdout(&output).as_str()), (expected, ""), "{args:?}: {}", stderr(&output));
        }
    }
}

#[test]
fn a_store_that_is_away_exits_3() {
    let store = nobody().replace("http:", "redis:");
    for args in [&["feed", "list"][..], &["token", "list"], &["--listen", "127.0.0.1:0"]] {
        let output = newswire(&[args, &["--store", &store]].concat(), &[]);
        assert_eq!(code(&output), 3, "{args:?}: {}", stderr(&output));
        assert_eq!(stdout(&output), "", "{args:?}");
    }
}

#[tokio::test]
async fn a_list_whose_reader_has_left_ends_quietly() {
    let server = Server::start(Kept::Sqlite).await;
    let place = server.place();
    for command in ["feed", "token"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_newswire"));
        child.args([command, "list"]).stdin(Stdio::null()).stderr(Stdio::piped());
        for (option, value) in &place {
            child.arg(option).arg(value);
        }
        // A pipe whose reading end is closed before anything is written.
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = child.stdout(writer).spawn().and_then(std::process::Child::wait_with_output).expect("it runs");
        assert_eq!((code(&output), stderr(&output).as_str()), (0, ""), "{command}");
    }
}

#[tokio::test]
async fn a_token_that_expires_is_listed_with_its_end() {
    let server = Server::start(Kept::Sqlite).await;
    let created = beside(&server, &["token", "create", "guest", "--can", "read", "--expires", "2099-01-01T00:00:00Z"]);
    assert_eq!(code(&created), 0, "{}", stderr(&created));
    let listed = stdout(&beside(&server, &["token", "list"]));
    assert!(listed.contains("expires 2099-01-01T00:00:00.000Z"), "{listed}");
    let past = beside(&server, &["token", "create", "late", "--can", "read", "--expires", "2020-01-01T00:00:00Z"]);
    assert!(code(&past) == 2 && stderr(&past).contains("over already"), "{}", stderr(&past));
}

#[tokio::test]
async fn a_feed_is_shown_as_it_was_created() {
    let server = Server::start(Kept::Sqlite).await;
    let options = ["--title", "World", "--language", "en-GB", "--time-zone", "Europe/Athens", "--keep-items", "10"];
    let created = beside(&server, &[&["feed", "create", "world", "--url", ""][..], &options].concat());
    assert_eq!(code(&created), 0, "{}", stderr(&created));
    let shown: serde_json::Value =
        serde_json::from_str(&stdout(&beside(&server, &["feed", "show", "world"]))).expect("JSON");
    let expected = json!({"id": "world", "title": "World", "language": "en-GB", "timeZone": "Europe/Athens",
        "access": "public", "status": "live", "keep": {"items": 10}});
    assert_eq!(shown, expected);
    assert_eq!(code(&beside(&server, &["feed", "show", "no-such-feed"])), 5);
    let kept = beside(&server, &["feed", "delete", "world"]);
    assert!(code(&kept) == 2 && stderr(&kept).contains("--yes"), "{}", stderr(&kept));
}

#[test]
fn a_check_tells_each_setting_and_where_it_came_from_and_no_password() {
    let place = tempfile::tempdir().expect("a directory");
    let data = place.path().join("none").display().to_string();
    let output = newswire(&["check", "--data", &data, "--format", "json"], &[("NEWSWIRE_DRAIN", "7")]);
    let report: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    let setting = |name: &str| {
        let all = report["settings"].as_array().expect("settings");
        all.iter().find(|setting| setting["name"] == name).expect("each setting is told").clone()
    };
    assert_eq!(setting("data"), json!({"name": "data", "value": data, "from": "command line"}));
    assert_eq!(setting("drain"), json!({"name": "drain", "value": "7", "from": "environment"}));
    assert_eq!(setting("listen")["from"], "default");
    assert!(report["warnings"].to_string().contains("no store in"), "{report}");
    assert_eq!(code(&output), 1);
    assert!(!place.path().join("none").exists(), "a check makes nothing");

    let store = nobody().replace("http://", "redis://:secret@");
    let away = newswire(&["check", "--store", &store], &[]);
    assert_eq!(code(&away), 3, "{}", stdout(&away));
    assert!(stdout(&away).contains("Error: ") && !stdout(&away).contains("secret"), "{}", stdout(&away));
}

#[tokio::test]
async fn health_tells_whether_a_server_is_alive_and_whether_it_is_ready() {
    let away = newswire(&["health", "--server", &nobody()], &[]);
    assert_eq!(code(&away), 3, "{}", stderr(&away));
    let server = Server::start(Kept::Redis).await;
    let at = server.url("");
    let ask = |words: &[&str]| newswire(&[&["health"], words].concat(), &[("NEWSWIRE_SERVER", &at)]);
    let (alive, ready) = (ask(&[]), ask(&["--ready"]));
    assert_eq!((code(&alive), stdout(&alive).as_str()), (0, "ok\n"));
    assert!(code(&ready) == 0 && stdout(&ready).contains("\"ready\":true"), "{}", stdout(&ready));
    server.redis().kill();
    let red = ask(&["--ready"]);
    assert!(code(&red) == 1 && stderr(&red).contains("\"ready\":false"), "{}", stderr(&red));
    assert_eq!(code(&ask(&[])), 0, "it is alive without its store");
}

#[test]
fn an_import_of_what_is_no_whole_export_loads_nothing() {
    let place = tempfile::tempdir().expect("a directory");
    let data = place.path().join("data").display().to_string();
    let file = place.path().join("torn.jsonl");
    let header = json!({"newswire": "export", "form": 1, "at": "2026-02-19T19:38:39.000Z", "version": "0.1.0"});
    std::fs::write(&file, format!("{header}\n{{\"row\":\"begin\",\"feed\":\"news\"}}\n")).expect("written");
    let output = newswire(&["import", "--data", &data, &file.display().to_string()], &[]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("line 3") && stderr(&output).contains("torn off"), "{}", stderr(&output));
    assert!(!place.path().join("data").exists(), "nothing was opened");
}

#[tokio::test]
async fn a_feed_is_changed_closed_and_opened_again_beside_a_running_server() {
    for kept in [Kept::Sqlite, Kept::Redis] {
        let server = Server::start(kept).await;
        beside(&server, &["feed", "create", "world", "--title", "World", "--description", "Old"]);
        for (args, said) in [
            (
                &["feed", "set", "world", "--title", "The world", "--description", "", "--keep-days", "30"][..],
                "changed",
            ),
            (&["feed", "set", "world", "--title", "The world"], "nothing was changed"),
            (&["feed", "close", "world"], "is closed"),
            (&["feed", "close", "world"], "nothing was changed"),
            (&["feed", "reopen", "world"], "open again"),
        ] {
            let output = beside(&server, args);
            assert_eq!((code(&output), stdout(&output).as_str()), (0, ""), "{args:?}: {}", stderr(&output));
            assert!(stderr(&output).contains(said), "{args:?}: {}", stderr(&output));
        }
        let shown: serde_json::Value =
            serde_json::from_str(&stdout(&beside(&server, &["feed", "show", "world"]))).expect("JSON");
        let expected = json!({"id": "world", "title": "The world", "access": "public", "status": "live",
            "keep": {"days": 30}});
        assert_eq!(shown, expected);
        let changes = server.read("/v1/feeds/world/changes?after=0").await;
        let newest = changes["changes"].as_array().and_then(|all| all.last()).expect("a change");
        assert_eq!(newest["type"], "feed.reopened");
        assert_eq!(code(&beside(&server, &["feed", "close", "no-such-feed"])), 5);
    }
}
