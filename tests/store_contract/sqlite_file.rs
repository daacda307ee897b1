//! What only the SQLite file can show: its lock, a crash of its process, a full disk, what is trimmed by age or length,
//! and files that are not ours.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use newswire::{
    news::{FeedId, Kind, Position, Record, Status},
    store::{
        CommitError, Followed, KEY_KEPT, LOG_KEPT, Once, SharedStore, StoreError,
        sqlite::{FILE, LOCK, Role, Sqlite},
    },
};

use tokio::time::Instant;

use crate::{
    support::{
        holds,
        newsroom::*,
        place::{Place, SqlitePlace},
        until,
    },
    whole::assert_whole,
};

/// Tells a child process in which directory its store is.
const DIR: &str = "NEWSWIRE_TEST_DIR";

fn open(dir: &Path) -> SharedStore {
    Arc::new(Sqlite::open(dir, Role::Server).expect("opens"))
}

/// Looks at, or changes, the file behind the store's back.
fn file(place: &SqlitePlace) -> rusqlite::Connection {
    rusqlite::Connection::open(place.file()).expect("the file opens")
}

/// This test program, running one of the ignored tests below on the place's store.
fn child(program: &mut Command, test: &str, place: &SqlitePlace) -> Child {
    let started = program
        .args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"])
        .env(DIR, place.dir())
        .stdout(Stdio::piped())
        .spawn();
    started.expect("the test program starts once more")
}

fn child_dir() -> std::path::PathBuf {
    std::env::var_os(DIR).expect("a parent test tells the directory").into()
}

fn this_program() -> std::path::PathBuf {
    std::env::current_exe().expect("this program has a path")
}

#[tokio::test]
async fn a_second_server_is_refused_and_told_why() {
    let place = SqlitePlace::new().await;
    let first = place.open().await.expect("opens");
    let error = place.open().await.expect_err("one server per file");
    let StoreError::InUse(sentence) = &error else { panic!("{error:?}") };
    assert!(sentence.contains(LOCK) && sentence.contains("stop"), "{sentence}");
    place.beside().await.expect("the command line works beside it");
    first.close().await;
    let second = place.open().await.expect("the lock is given back");
    drop(second);
    place.open().await.expect("also without being closed");
}

#[tokio::test]
async fn a_file_of_another_program_is_refused_and_left_as_it_is() {
    let place = SqlitePlace::new().await;
    file(&place).execute_batch("CREATE TABLE recipes (text)").expect("another program's table");
    let before = std::fs::read(place.file()).expect("can be read");
    assert!(matches!(place.open().await, Err(StoreError::Corrupt(_))));
    assert_eq!(std::fs::read(place.file()).expect("can be read"), before);
    std::fs::write(place.file(), "no database at all, but long enough to look into").expect("can be written");
    assert!(matches!(place.open().await, Err(StoreError::Corrupt(_))));
}

#[tokio::test]
async fn a_directory_that_cannot_be_made_is_told() {
    let place = SqlitePlace::new().await;
    let blocked = place.dir().join("file");
    std::fs::write(&blocked, "in the way").expect("can be written");
    let error = Sqlite::open(&blocked.join("data"), Role::Server).expect_err("no directory");
    assert!(matches!(&error, StoreError::Unavailable(text) if text.contains("file/data")), "{error:?}");
}

/// Commits in several feeds at once and prints each position that was acknowledged, until it is killed.
#[test]
#[ignore = "a process of its own, started and killed by the test below"]
fn child_that_commits_until_it_is_killed() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let store = open(&child_dir());
        let mut editors = tokio::task::JoinSet::new();
        for number in 0..6 {
            let desk = Newsroom::open(&store, ["a", "b", "c"][number % 3]).await;
            editors.spawn(async move {
                loop {
                    let mut item = desk.publish(&"x".repeat(number * 3_000)).await;
                    println!("ack {} {}", desk.feed, position(&item));
                    for _ in 0..3 {
                        item = desk.update(&item, "Updated").await;
                        println!("ack {} {}", desk.feed, position(&item));
                    }
                }
            });
        }
        editors.join_next().await;
    });
}

#[tokio::test]
async fn what_a_killed_server_acknowledged_is_there_and_whole() {
    let place = SqlitePlace::new().await;
    let mut acknowledged: Vec<(FeedId, Position)> = Vec::new();
    for round in 0..6 {
        let test = "sqlite_file::child_that_commits_until_it_is_killed";
        let mut server = child(&mut Command::new(this_program()), test, &place);
        let lines = BufReader::new(server.stdout.take().expect("it is piped")).lines();
        let mut acks = 0;
        for line in lines {
            // The last line may be cut off by the kill; the ones before were written whole.
            let Ok(line) = line else { break };
            let words: Vec<_> = line.split(' ').collect();
            let ["ack", feed, position] = words[..] else { continue };
            let Ok(position) = position.parse() else { continue };
            acknowledged.push((feed.parse().expect("a feed id"), position));
            acks += 1;
            if acks == 20 + 37 * round {
                server.kill().expect("our own child can be killed");
            }
        }
        server.wait().expect("our own child can be waited for");
        assert!(acks >= 20 + 37 * round, "it was killed while it committed");
        let store = place.open().await.expect("opens after a crash, and the lock is free");
        for (feed, position) in &acknowledged {
            let found = store.position(feed, position.seq).await.expect("answers");
            assert_eq!(found, Some(*position), "acknowledged, so it is there");
        }
        for feed in ["a", "b", "c"] {
            assert_whole(&Newsroom::open(&store, feed).await).await;
        }
        let check: String =
            file(&place).query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("can be checked");
        assert_eq!(check, "ok");
        store.close().await;
    }
}

/// Commits until the disk is full, asks for room, and goes on.
#[test]
#[ignore = "a process of its own, started by the test below under a limit of its files' sizes"]
fn child_that_meets_a_full_disk() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let desk = Newsroom::open(&open(&child_dir()), "news").await;
        let mut follower = desk.store.follow().await.expect("follows");
        let story = "x".repeat(100_000);
        let mut kept = Vec::new();
        loop {
            let draft = desk.draft(&story);
            match desk.store.commit(desk.writing(&draft)).await {
                Ok(_) => kept.push(draft.id),
                Err(CommitError::Store(StoreError::Unavailable(why))) => break println!("full: {why}"),
                Err(other) => panic!("{other:?}"),
            }
            assert!(kept.len() < 1_000, "the limit is never reached");
        }
        assert!(!kept.is_empty());
        // It can still be read, and says that it cannot be written to.
        let before = desk.state().await;
        assert_eq!(before.head.seq, 1 + kept.len() as u64);
        let again = desk.store.commit(desk.writing(&desk.draft(&story))).await;
        assert!(matches!(again, Err(CommitError::Store(StoreError::Unavailable(_)))), "{again:?}");
        assert_eq!(desk.state().await, before);
        // The check of health writes next to nothing, so somebody else takes the room that it would find for a while yet.
        let other = rusqlite::Connection::open(child_dir().join(FILE)).expect("the file opens");
        other.pragma_update(None, "wal_autocheckpoint", 0).expect("it leaves the log as it is");
        while other.execute("UPDATE whole SET checks = checks + 1", []).is_ok() {}
        until("health is refused", async || match desk.store.health().await {
            Ok(_) => false,
            Err(StoreError::Unavailable(_)) => true,
            Err(other) => panic!("{other:?}"),
        })
        .await;
        let process = std::process::id().to_string();
        let lifted = Command::new("prlimit").args(["--pid", &process, "--fsize=unlimited"]).status();
        assert!(lifted.expect("prlimit is installed").success());
        // The same store goes on, without a restart.
        kept.push(desk.publish(&story).await.id);
        assert_eq!(desk.head().await.seq, before.head.seq + 1);
        assert_eq!(desk.store.health().await.expect("healthy"), Vec::<String>::new());
        assert_eq!(assert_whole(&desk).await.len(), kept.len());
        let mut told = 0;
        while told < kept.len() {
            match follower.next().await.expect("the store is there") {
                Followed::Commits(commits) => told += commits.len(),
                Followed::Doubt => panic!("nothing was lost"),
            }
        }
    });
}

#[tokio::test]
async fn a_disk_that_was_full_needs_no_restart() {
    let place = SqlitePlace::new().await;
    // A limit of 3 MiB on every file stands for the disk: writing beyond it fails, as on a full one, once the signal
    // is ignored. 6,144 blocks of 512 bytes in a POSIX shell; bash counts 1,024 unless it is asked to be one.
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -S -f 6144; exec \"$0\" \"$@\""]).arg(this_program());
    let child = child(&mut shell, "sqlite_file::child_that_meets_a_full_disk", &place);
    let output = child.wait_with_output().expect("our own child can be waited for");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("full: "), "it met the limit: {text}");
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_day() {
    let place = SqlitePlace::new().await;
    let desk = Newsroom::open(&place.open().await.expect("opens"), "news").await;
    for key in ["old", "young"] {
        let mut commit = desk.writing(&desk.draft("One"));
        commit.once = Some(once(key, 1));
        desk.commit(commit).await;
    }
    let day = i64::try_from(KEY_KEPT.as_millis()).expect("a day in milliseconds is a small number");
    let file = file(&place);
    for (key, older) in [("old", day), ("young", day - 60_000)] {
        let made_older = file
            .execute("UPDATE keys SET used = used - ? WHERE name = ?", (older, Once::name(EDITOR, key)))
            .expect("made older");
        assert_eq!(made_older, 1);
    }
    let recalled = async |key| desk.store.recall(&desk.feed, EDITOR, key).await.expect("answers").is_some();
    assert_eq!((recalled("old").await, recalled("young").await), (false, true));
    desk.publish("Any commit").await;
    let keys: u32 = file.query_row("SELECT count(*) FROM keys", [], |row| row.get(0)).expect("can be counted");
    assert_eq!(keys, 1, "what is forgotten is also dropped");
    let mut again = desk.writing(&desk.draft("Two"));
    again.once = Some(once("old", 2));
    desk.commit(again).await;
}

#[tokio::test]
async fn a_log_is_trimmed_as_it_grows() {
    let place = SqlitePlace::new().await;
    let desk = Newsroom::open(&place.open().await.expect("opens"), "news").await;
    desk.publish("Before").await;
    // As if a hundred thousand changes had come in between.
    let skipped = LOG_KEPT + 998;
    file(&place).execute("UPDATE feeds SET head = ?", [skipped.cast_signed()]).expect("the head is moved");
    desk.publish("One").await;
    assert_eq!(desk.state().await.floor, 1, "not yet worth it");
    desk.publish("Two").await;
    desk.publish("Three").await;
    let state = desk.state().await;
    assert_eq!((state.head.seq, state.floor), (skipped + 3, skipped + 4 - LOG_KEPT));
    let kept: u32 = file(&place).query_row("SELECT count(*) FROM log", [], |row| row.get(0)).expect("can be counted");
    assert_eq!(kept, 3);
}

#[tokio::test]
async fn a_follower_that_may_have_missed_something_is_in_doubt() {
    let place = SqlitePlace::new().await;
    let desk = Newsroom::open(&place.open().await.expect("opens"), "news").await;
    let mut follower = desk.store.follow().await.expect("follows");
    for _ in 0..5 {
        desk.publish("News").await;
    }
    desk.store.prune(&desk.feed, &keeping(2)).await.expect("trimmed");
    assert_eq!(follower.next().await.expect("answers"), Followed::Doubt);
    let item = desk.publish("More").await;
    let told = follower.next().await.expect("answers");
    assert_eq!(told, Followed::Commits(vec![(desk.feed.clone(), position(&item))]));
    // One that was told all is not in doubt when that is trimmed.
    desk.store.prune(&desk.feed, &keeping(1)).await.expect("trimmed");
    assert_eq!(follower.next().await.expect("answers"), Followed::Commits(vec![]));
}

#[tokio::test]
async fn a_scrub_that_an_old_reader_prevents_says_so() {
    let place = SqlitePlace::new().await;
    let desk = Newsroom::open(&place.open().await.expect("opens"), "news").await;
    desk.publish("Secret").await;
    let reader = file(&place);
    reader.execute_batch("BEGIN; SELECT * FROM items").expect("reads");
    desk.publish("Newer").await;
    let sentence = desk.store.scrub().await.expect("answers").expect("bytes remain");
    assert!(sentence.contains(&format!("{FILE}-wal")), "{sentence}");
    desk.publish("Commits go on").await;
    reader.execute_batch("COMMIT").expect("ends");
    assert_eq!(desk.store.scrub().await.expect("answers"), None);
}

/// Removes an item.
async fn remove(desk: &Newsroom, item: &Record) {
    let removed = desk.revision(item, Kind::ItemRemoved, |record| {
        record.status = Status::Removed;
        record.story = newswire::news::item::NO_STORY.to_owned();
    });
    desk.put(removed).await;
}

/// Removes a text while a reader of an old view keeps it in the log, says so, and waits for its end.
#[test]
#[ignore = "a process of its own, started and killed by the test below"]
fn child_that_removes_and_is_killed() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let desk = Newsroom::open(&open(&child_dir()), "news").await;
        let item = desk.publish("Geheimnis").await;
        desk.publish("Offenbar").await;
        let reader = rusqlite::Connection::open(child_dir().join(FILE)).expect("the file opens");
        reader.execute_batch("BEGIN; SELECT * FROM items").expect("reads");
        remove(&desk, &item).await;
        println!("removed");
        std::future::pending::<()>().await;
    });
}

#[tokio::test]
async fn a_text_removed_just_before_a_kill_leaves_the_files_after_the_start() {
    let place = SqlitePlace::new().await;
    let test = "sqlite_file::child_that_removes_and_is_killed";
    let mut server = child(&mut Command::new(this_program()), test, &place);
    let lines = BufReader::new(server.stdout.take().expect("it is piped")).lines();
    let removed = lines.map_while(Result::ok).any(|line| line.ends_with("removed"));
    server.kill().expect("our own child can be killed");
    server.wait().expect("our own child can be waited for");
    assert!(removed);
    assert!(holds(place.dir(), b"Geheimnis"), "it was killed before the text could leave");
    let store = place.open().await.expect("opens after a crash");
    until("the text has left the files", async || !holds(place.dir(), b"Geheimnis")).await;
    assert!(holds(place.dir(), b"Offenbar"));
    store.close().await;
}

#[tokio::test]
async fn a_text_removed_just_before_the_store_is_closed_has_left_the_files() {
    let place = SqlitePlace::new().await;
    let desk = Newsroom::open(&place.open().await.expect("opens"), "news").await;
    let item = desk.publish("Geheimnis").await;
    remove(&desk, &item).await;
    desk.store.close().await;
    assert!(!holds(place.dir(), b"Geheimnis"));
}

#[tokio::test]
async fn a_removed_text_that_an_old_reader_keeps_leaves_the_files_after_it() {
    let place = SqlitePlace::new().await;
    let desk = Newsroom::open(&place.open().await.expect("opens"), "news").await;
    let item = desk.publish("Geheimnis").await;
    let reader = file(&place);
    reader.execute_batch("BEGIN; SELECT * FROM items").expect("reads");
    remove(&desk, &item).await;
    assert!(desk.store.scrub().await.expect("answers").is_some());
    desk.publish("Commits go on").await;
    reader.execute_batch("COMMIT").expect("ends");
    until("the text has left the files", async || !holds(place.dir(), b"Geheimnis")).await;
}

#[tokio::test]
async fn asking_for_health_writes_once_in_a_second_and_wakes_no_follower() {
    let place = SqlitePlace::new().await;
    let desk = Newsroom::open(&place.open().await.expect("opens"), "news").await;
    let mut follower = desk.store.follow().await.expect("follows");
    // Nobody wakes it, so it waits for its whole second.
    let mut undisturbed = async || {
        let began = Instant::now();
        assert_eq!(follower.next().await.expect("answers"), Followed::Commits(vec![]));
        began.elapsed() > Duration::from_millis(900)
    };
    until("what was committed before is behind it", &mut undisturbed).await;
    let file = file(&place);
    let checks =
        || file.query_row("SELECT checks FROM whole", [], |row| row.get::<_, u32>(0)).expect("they are counted");
    let (began, before) = (Instant::now(), checks());
    for _ in 0..200 {
        assert_eq!(desk.store.health().await.expect("healthy"), Vec::<String>::new());
    }
    let (written, seconds) = (u64::from(checks() - before), began.elapsed().as_secs());
    assert!((1..=1 + seconds).contains(&written), "{written} in {seconds} s");
    assert!(undisturbed().await);
    until("it is looked at again after a second", async || {
        desk.store.health().await.expect("healthy");
        u64::from(checks() - before) > written
    })
    .await;
}

#[tokio::test]
async fn the_log_of_writes_does_not_grow_with_what_is_written() {
    let place = SqlitePlace::new().await;
    let desk = Newsroom::open(&place.open().await.expect("opens"), "news").await;
    let mut item = desk.publish("First").await;
    let story = "x".repeat(200_000);
    let log = place.dir().join(format!("{FILE}-wal"));
    let size = || std::fs::metadata(&log).expect("it is there").len();
    // Somebody reads all the time, each view before the last one ends, so that it never starts over by itself.
    let (views, over) = ([file(&place), file(&place)], Arc::new(AtomicBool::new(false)));
    let told = over.clone();
    let reading = std::thread::spawn(move || {
        let [old, new] = &views;
        while !told.load(Ordering::Relaxed) {
            new.execute_batch("BEGIN; SELECT n FROM log LIMIT 1").expect("reads");
            drop(old.execute_batch("COMMIT"));
            old.execute_batch("BEGIN; SELECT n FROM log LIMIT 1").expect("reads");
            new.execute_batch("COMMIT").expect("ends");
        }
    });
    for _ in 0..400 {
        item = desk.update(&item, &story).await;
    }
    over.store(true, Ordering::Relaxed);
    reading.join().expect("read");
    // 160 MB were written: with a version, each story is written twice.
    assert!(size() < 64 * 1024 * 1024, "{}", size());
}
