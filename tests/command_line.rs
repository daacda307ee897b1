//! What scripts rely on: names, help texts, exit codes, and what goes to which output. Each test runs the program.

use std::process::{Command, Output, Stdio};

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
    for args in [&["--help"][..], &["publish", "--help"], &["tail", "--help"]] {
        let output = newswire(args, &[]);
        let text = stdout(&output);
        assert_eq!(code(&output), 0, "{args:?}");
        for part in ["Usage:", "Examples:", "Environment:", "Exit status:", "  3  "] {
            assert!(text.contains(part), "{args:?} lacks {part:?}:\n{text}");
        }
    }
    let whole = stdout(&newswire(&["--help"], &[]));
    for name in ["--listen", "--data", "--store", "--sample", "--log", "--drain", "NEWSWIRE_LISTEN", "feed", "token"] {
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
    let bad: [Senseless; 12] = [
        (&["--no-such-option"], &[], "--no-such-option"),
        (&["no-such-command"], &[], "no-such-command"),
        (&["--data", &data, "--listen", "here"], &[], "--listen"),
        (&["--data", &data, "--store", "mysql"], &[], "--store"),
        (&["serve", "--data", &data, "--store", "redis://127.0.0.1:1"], &[], "--data"),
        (&["--data", &data, "--drain", "never"], &[], "--drain"),
        (&["--data", &data], &[("NEWSWIRE_LISTN", "x")], "NEWSWIRE_LISTN"),
        (&["--data", &data], &[("NEWSWIRE_LOG_FORMAT", "xml")], "--log"),
        (&["--data", &data, "token", "list"], &[], "subcommand"),
        (&["token", "create", "desk", "--can", "fly", "--data", &data], &[], "--can"),
        (&["feed", "create", "News Feed", "--title", "T", "--data", &data], &[], "hyphen"),
        (&["feed", "create", "news", "--title", " ", "--data", &data], &[], "title"),
    ];
    for (args, env, named) in bad {
        let output = newswire(args, env);
        assert_eq!(code(&output), 2, "{args:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(named), "{args:?}: {}", stderr(&output));
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
    assert!(said.contains("line 1: not JSON") && said.contains("line 2: cannot connect"), "{said}");
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
