//! What an operator should know of the Redis server, a sentence each.

use super::{
    info::Info,
    keys::HEALTH,
    link::{Link, Request},
    scrub,
};
use crate::{news::Moment, store::StoreError};

/// How long the trace of a check stays, in seconds.
const TRACE: u64 = 60;

/// [`super::Store::health`]. Where the server does not tell its settings, what `INFO` tells has to do.
pub(super) async fn health(link: &Link, now: Moment, replicas: u32) -> Result<Vec<String>, StoreError> {
    let mut write = redis::cmd("SET");
    write.arg(HEALTH).arg(now.millis()).arg("EX").arg(TRACE);
    let () = link.ask(Request::One(&write)).await?;

    let info = Info::all_allowed(link).await?;
    let settings = Info::settings(link, &["appendfsync", "maxmemory-policy"]).await?;
    let sentences =
        [version(&info), aof(&info), fsync(&info, &settings), eviction(&info, &settings), too_few(&info, replicas)];
    let mut sentences: Vec<String> = sentences.into_iter().flatten().collect();
    sentences.extend(scrub::refusal(link).await?);
    sentences.extend(link.servers().sentence());
    Ok(sentences)
}

/// [`super::Store::facts`]: what the server tells of itself, as far as it does.
pub(super) async fn facts(link: &Link) -> Result<Vec<(&'static str, String)>, StoreError> {
    let info = Info::all_allowed(link).await?;
    let settings = Info::settings(link, &["appendfsync", "maxmemory-policy"]).await?;
    let told = |info: &Info, name: &str| info.text(name).unwrap_or("not told").to_owned();
    let aof = if info.counts("aof_enabled") { "on" } else { "off" };
    let mut facts = vec![
        ("version", told(&info, "redis_version")),
        ("role", told(&info, "role")),
        ("replicas", told(&info, "connected_slaves")),
        ("append-only file", aof.to_owned()),
        ("appendfsync", told(&settings, "appendfsync")),
        ("maxmemory-policy", told(&settings, "maxmemory-policy")),
        ("memory", told(&info, "used_memory_human")),
        ("schema", super::SCHEMA.to_string()),
    ];
    facts.extend(link.servers().facts());
    Ok(facts)
}

fn version(info: &Info) -> Option<String> {
    let version = info.text("redis_version");
    let Some(version) = version else {
        return Some(
            "Redis does not allow INFO to this user: whether it keeps what it commits cannot be told, and a returning \
             reader is not believed that the store went back in time."
                .to_owned(),
        );
    };
    let major: u32 = version.split('.').next()?.parse().ok()?;
    (major < 7).then(|| format!("Redis is version {version}, and newswire needs 7 or newer."))
}

fn aof(info: &Info) -> Option<String> {
    (info.text("aof_enabled") == Some("0")).then(|| {
        "Redis keeps no append-only file: what was committed since its last dump is lost when it stops (set \
         appendonly yes)."
            .to_owned()
    })
}

fn fsync(info: &Info, settings: &Info) -> Option<String> {
    // `everysec`, the default, is what most should have, and a standing complaint about it would hide the others. What
    // it costs: while the disk is slow, changes wait in the server itself for up to two seconds, so that its crash, and
    // not only a power loss, undoes what was committed. Followers and readers are told of that as of any cut.
    (info.counts("aof_enabled") && settings.text("appendfsync") == Some("no")).then(|| {
        "Redis leaves it to the operating system when its append-only file reaches the disk: a power loss can undo half \
         a minute (set appendfsync everysec or always)."
            .to_owned()
    })
}

fn too_few(info: &Info, wanted: u32) -> Option<String> {
    let there: u32 = info.text("connected_slaves")?.parse().ok()?;
    (there < wanted).then(|| {
        format!(
            "Redis has {there} of the {wanted} replicas that must receive a change (--ack-replicas): every publish is \
             refused until they are there."
        )
    })
}

fn eviction(info: &Info, settings: &Info) -> Option<String> {
    let policy = settings.text("maxmemory-policy").or_else(|| info.text("maxmemory_policy"))?;
    (policy != "noeviction").then(|| {
        format!("Redis throws keys away when its memory is full (maxmemory-policy {policy}): set it to noeviction.")
    })
}
