//! How the bytes of what was removed leave the server's files: by writing the files anew.
//!
//! A removal makes a wish, which is kept in Redis: it outlives this process, and any node fulfils it. A rewrite costs
//! the server a fork and as much disk as it holds, so one begins at most every [`BETWEEN`]: the first wish after a
//! quiet time at once, later ones together when that time is over. A wish is taken back only when a rewrite that began
//! after it has ended well.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, timeout},
};

use super::{
    info::Info,
    keys::{SCRUB, SCRUBBED},
    link::{Link, Request},
    script::{self, Call},
};
use crate::store::StoreError;

/// The time between two rewrites.
const BETWEEN: Duration = Duration::from_secs(10 * 60);
/// How long the answer to a wish waits for the rewrite to end; a large one goes on behind it.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it is looked for wishes that other nodes or earlier runs made.
const ROUND: Duration = Duration::from_secs(10);
/// The first and the longest pause between two looks whether a rewrite has ended.
const LOOK: (Duration, Duration) = (Duration::from_millis(30), Duration::from_secs(1));

const LATER: &str = "The bytes of what was removed remain in the files of Redis until these are rewritten, which is \
                     under way or begins within ten minutes.";
const REPLICAS: &str = "The bytes of what was removed remain in the files of the replicas of Redis until those rewrite \
                        them.";

/// The wishes of this node, and what came of them.
#[derive(Debug)]
pub(super) struct Scrub {
    made: AtomicU64,
    bell: Notify,
    seen: watch::Sender<Seen>,
    /// The server's refusal, until a rewrite succeeds.
    refused: Mutex<Option<String>>,
}

/// What came of the newest wishes.
#[derive(Clone, Debug)]
struct Seen {
    /// How many wishes this node had made before.
    made: u64,
    /// Which bytes remain, in a sentence; none where none do.
    remain: Result<Option<String>, StoreError>,
}

/// A file of the server: how it is written anew, and where `INFO` tells how that went.
struct File {
    command: &'static str,
    status: &'static str,
}

const AOF: File = File { command: "BGREWRITEAOF", status: "aof_last_bgrewrite_status" };
const DUMP: File = File { command: "BGSAVE", status: "rdb_last_bgsave_status" };

impl Scrub {
    /// Nothing wished for yet.
    pub(super) fn new() -> Self {
        let seen = watch::Sender::new(Seen { made: 0, remain: Ok(None) });
        Self { made: AtomicU64::new(0), bell: Notify::new(), seen, refused: Mutex::default() }
    }

    /// Wishes for a rewrite. The answer says in a sentence which old bytes remain, if any.
    ///
    /// # Errors
    /// The server is away.
    pub(super) async fn wish(&self, link: &Link) -> Result<Option<String>, StoreError> {
        let _: u64 = link.ask(Request::One(redis::cmd("INCR").arg(SCRUB))).await?;
        let made = self.made.fetch_add(1, Ordering::SeqCst) + 1;
        self.bell.notify_one();
        let mut seen = self.seen.subscribe();
        let seen = timeout(PATIENCE, seen.wait_for(|seen| seen.made >= made)).await;
        match seen {
            Ok(Ok(seen)) => seen.remain.clone(),
            Ok(Err(_)) | Err(_) => Ok(Some(LATER.to_owned())),
        }
    }

    /// Fulfils wishes for as long as it is polled. It is woken by a wish of this node and by [`ROUND`].
    pub(super) async fn fulfil(&self, link: &Link) {
        loop {
            let _ = timeout(ROUND, self.bell.notified()).await;
            let made = self.made.load(Ordering::SeqCst);
            let remain = self.round(link).await;
            self.seen.send_replace(Seen { made, remain });
        }
    }

    /// Why old bytes remain, if the server refused to write its files anew.
    pub(super) fn refusal(&self) -> Option<String> {
        self.refused.lock().expect("nobody panics while holding a sentence").clone()
    }

    /// Rewrites if that is wished for and it is time.
    async fn round(&self, link: &Link) -> Result<Option<String>, StoreError> {
        let Some(wish) = link.ask::<Option<String>>(Request::One(redis::cmd("GET").arg(SCRUB))).await? else {
            return Ok(None);
        };
        let mut claim = redis::cmd("SET");
        claim.arg(SCRUBBED).arg(&wish).arg(&["NX", "EX"]).arg(BETWEEN.as_secs());
        if link.ask::<Option<String>>(Request::One(&claim)).await?.is_none() {
            return Ok(Some(self.refusal().unwrap_or_else(|| LATER.to_owned())));
        }
        let refused = match rewrite(link).await {
            Err(StoreError::Unavailable(words)) if words.contains("NOPERM") => Some(format!(
                "The bytes of what was removed remain in the files of Redis: whether it writes them anew cannot be \
                 told: {words}."
            )),
            refused => refused?,
        };
        self.refused.lock().expect("nobody panics while holding a sentence").clone_from(&refused);
        if refused.is_some() {
            return Ok(refused);
        }
        let call = Call::new(&script::SCRUBBED, &[SCRUB]).arg(wish);
        let _: u64 = link.ask(Request::Script(&call)).await?;
        Ok(Info::all(link).await?.counts("connected_slaves").then(|| REPLICAS.to_owned()))
    }
}

/// Writes the append-only file and, where the server is told to save one or does not say, the dump anew. None: they
/// are; else why not.
async fn rewrite(link: &Link) -> Result<Option<String>, StoreError> {
    if Info::all(link).await?.counts("aof_enabled")
        && let Some(why) = write(link, &AOF).await?
    {
        return Ok(Some(why));
    }
    if Info::settings(link, &["save"]).await?.text("save").is_none_or(|save| !save.is_empty()) {
        return write(link, &DUMP).await;
    }
    Ok(None)
}

/// Writes one file anew: after what the server is already writing, since that may have begun before the removal.
async fn write(link: &Link, file: &File) -> Result<Option<String>, StoreError> {
    let began = Instant::now();
    let remain = |why: &str| {
        let command = file.command;
        Ok(Some(format!("The bytes of what was removed remain in the files of Redis: {command} fails: {why}.")))
    };
    while began.elapsed() < BETWEEN {
        idle(link, began).await?;
        match link.ask::<String>(Request::One(&redis::cmd(file.command))).await {
            Ok(_) => {
                let info = idle(link, began).await?;
                return match info.text(file.status) {
                    Some("ok") => Ok(None),
                    status => remain(status.unwrap_or("its status is not told")),
                };
            }
            // Another began between the look and the command.
            Err(StoreError::Unavailable(words)) if words.contains("in progress") => {}
            Err(StoreError::Unavailable(words)) if words.starts_with("Redis: ") => return remain(&words),
            Err(error) => return Err(error),
        }
    }
    remain("the server is always writing another")
}

/// Waits until the server writes no file.
async fn idle(link: &Link, began: Instant) -> Result<Info, StoreError> {
    let mut pause = LOOK.0;
    loop {
        let info = Info::all(link).await?;
        let busy = ["aof_rewrite_in_progress", "aof_rewrite_scheduled", "rdb_bgsave_in_progress"];
        if began.elapsed() > BETWEEN || !busy.iter().any(|name| info.counts(name)) {
            return Ok(info);
        }
        sleep(pause).await;
        pause = LOOK.1.min(pause * 2);
    }
}
