//! How the bytes of what was removed leave the server's files: by writing the files anew.
//!
//! The script that removes makes the wish for it, in its feed's partition: so none is ever missing, it outlives the
//! node that removed, and any node fulfils it. A rewrite costs the server a fork and as much disk as it holds, so one
//! begins at most every [`BETWEEN`], under a claim: the first wish after a quiet time within [`ROUND`], later ones
//! together when that time is over. A wish is taken back only when a rewrite that began after it has ended well; a
//! claim under which nothing came to an end is given back.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use redis::Pipeline;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, timeout},
};
use uuid::Uuid;

use super::{
    info::Info,
    keys::{Partition, REFUSED, SCRUBBED},
    link::{Link, Request},
    script::{self, Call},
};
use crate::store::StoreError;

/// The time between two rewrites.
const BETWEEN: Duration = Duration::from_secs(10 * 60);
/// How long somebody who asks waits for the rewrite to end; a large one goes on behind the answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it is looked for wishes.
const ROUND: Duration = Duration::from_secs(5);
/// The first and the longest pause between two looks whether a rewrite has ended.
const LOOK: (Duration, Duration) = (Duration::from_millis(30), Duration::from_secs(1));

const LATER: &str = "The bytes of what was removed remain in the files of Redis until these are rewritten, which is \
                     under way or begins within ten minutes.";
const REPLICAS: &str = "The bytes of what was removed remain in the files of the replicas of Redis until those rewrite \
                        them.";

/// Who asks on this node, and what came of the newest round.
#[derive(Debug)]
pub(super) struct Scrub {
    asked: AtomicU64,
    bell: Notify,
    seen: watch::Sender<Seen>,
}

/// What came of a round.
#[derive(Clone, Debug)]
struct Seen {
    /// How many had asked before it began.
    asked: u64,
    /// Why bytes remain, in a sentence; none where all wishes are fulfilled.
    remain: Result<Option<String>, StoreError>,
}

/// A wish: its key, and what stands there.
type Wish = (String, String);

/// A file of the server: how it is written anew, and where `INFO` tells how that went.
struct File {
    command: &'static str,
    status: &'static str,
}

const AOF: File = File { command: "BGREWRITEAOF", status: "aof_last_bgrewrite_status" };
const DUMP: File = File { command: "BGSAVE", status: "rdb_last_bgsave_status" };

impl Scrub {
    /// Nobody has asked yet.
    pub(super) fn new() -> Self {
        let seen = watch::Sender::new(Seen { asked: 0, remain: Ok(None) });
        Self { asked: AtomicU64::new(0), bell: Notify::new(), seen }
    }

    /// Has the wishes looked at now. The answer says in a sentence which old bytes remain, if any.
    ///
    /// # Errors
    /// The server is away.
    pub(super) async fn hurry(&self, link: &Link) -> Result<Option<String>, StoreError> {
        if !wishes(link).await?.is_empty() {
            let asked = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
            self.bell.notify_one();
            let mut seen = self.seen.subscribe();
            let seen = timeout(PATIENCE, seen.wait_for(|seen| seen.asked >= asked)).await;
            let Ok(Ok(seen)) = seen else { return Ok(Some(LATER.to_owned())) };
            if let Some(remain) = seen.remain.clone()? {
                return Ok(Some(remain));
            }
        }
        Ok(Info::all_allowed(link).await?.counts("connected_slaves").then(|| REPLICAS.to_owned()))
    }

    /// Fulfils wishes for as long as it is polled. It is woken by who asks on this node and by [`ROUND`].
    pub(super) async fn fulfil(&self, link: &Link) {
        let mut owed = None;
        loop {
            let _ = timeout(ROUND, self.bell.notified()).await;
            let asked = self.asked.load(Ordering::SeqCst);
            let remain = round(link, &mut owed).await;
            self.seen.send_replace(Seen { asked, remain });
        }
    }
}

/// The server's refusal to write its files anew, whichever node met it, as long as somebody wishes for that.
///
/// # Errors
/// The server is away.
pub(super) async fn refusal(link: &Link) -> Result<Option<String>, StoreError> {
    let refused: Option<String> = link.ask(Request::One(redis::cmd("GET").arg(REFUSED))).await?;
    if refused.is_none() || wishes(link).await?.is_empty() {
        return Ok(None);
    }
    Ok(refused)
}

/// The wishes of all partitions.
async fn wishes(link: &Link) -> Result<Vec<Wish>, StoreError> {
    let keys: Vec<String> = Partition::all().map(Partition::scrub).collect();
    let mut ask = Pipeline::new();
    for key in &keys {
        ask.cmd("GET").arg(key);
    }
    let wishes: Vec<Option<String>> = link.ask(Request::Many(&ask)).await?;
    Ok(keys.into_iter().zip(wishes).filter_map(|(key, wish)| Some((key, wish?))).collect())
}

/// Rewrites if that is wished for and it is time. `owed` is a claim of an earlier round that could not be given back.
async fn round(link: &Link, owed: &mut Option<String>) -> Result<Option<String>, StoreError> {
    give_back(link, owed).await?;
    let wishes = wishes(link).await?;
    if wishes.is_empty() {
        return Ok(None);
    }
    let claim = Uuid::now_v7().to_string();
    let remain = rewrite_as(link, &claim, &wishes).await;
    if remain.is_err() {
        // The claim may stand, also where no answer said so; whoever comes next shall not have to wait for its end.
        *owed = Some(claim);
        // If the server is still away, the next round does it.
        let _ = give_back(link, owed).await;
    }
    remain
}

/// Gives a claim back that led to nothing.
async fn give_back(link: &Link, owed: &mut Option<String>) -> Result<(), StoreError> {
    if let Some(claim) = owed.as_deref() {
        take_back(link, SCRUBBED, claim).await?;
        *owed = None;
    }
    Ok(())
}

/// Removes what stands at this key, if it is still this.
async fn take_back(link: &Link, key: &str, value: &str) -> Result<(), StoreError> {
    let call = Call::new(&script::TAKE_BACK, &[key]).arg(value);
    let _: u64 = link.ask(Request::Script(&call)).await?;
    Ok(())
}

/// Rewrites under this claim, unless somebody else has one. These wishes were made before.
async fn rewrite_as(link: &Link, claim: &str, wishes: &[Wish]) -> Result<Option<String>, StoreError> {
    let mut set = redis::cmd("SET");
    set.arg(SCRUBBED).arg(claim).arg(&["NX", "EX"]).arg(BETWEEN.as_secs());
    if link.ask::<Option<String>>(Request::One(&set)).await?.is_none() {
        return Ok(Some(refusal(link).await?.unwrap_or_else(|| LATER.to_owned())));
    }
    let refused = match rewrite(link).await {
        Err(StoreError::Unavailable(words)) if words.contains("NOPERM") => Some(format!(
            "The bytes of what was removed remain in the files of Redis: whether it writes them anew cannot be told: \
             {words}."
        )),
        refused => refused?,
    };
    if let Some(words) = &refused {
        let () = link.ask(Request::One(redis::cmd("SET").arg(REFUSED).arg(words))).await?;
        return Ok(refused);
    }
    for (key, wish) in wishes {
        take_back(link, key, wish).await?;
    }
    let _: u64 = link.ask(Request::One(redis::cmd("DEL").arg(REFUSED))).await?;
    Ok(None)
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
        let before = idle(link, began).await?;
        match link.ask::<String>(Request::One(&redis::cmd(file.command))).await {
            Ok(_) => {
                let info = idle(link, began).await?;
                // A server that was started meanwhile knows nothing of it, and says that all went well.
                if info.text("run_id") != before.text("run_id") {
                    continue;
                }
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
