//! The Lua scripts, a file each, and how one is called.
//!
//! A script is sent once and then called by its hash; a server that does not know it (it was restarted, or its scripts
//! were flushed) says so without having run anything, and gets it again.

use std::sync::LazyLock;

use redis::{Cmd, ToRedisArgs, ToSingleRedisArg};

/// Whether a script writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    /// It reads; the server would refuse a write.
    Read,
    /// It writes.
    Write,
}

/// One script.
#[derive(Debug)]
pub(super) struct Script {
    code: &'static str,
    hash: String,
    does: Does,
}

impl Script {
    fn new(code: &'static str, does: Does) -> Self {
        Self { code, hash: redis::Script::new(code).get_hash().to_owned(), does }
    }

    /// Its text.
    pub(super) fn code(&self) -> &'static str {
        self.code
    }
}

macro_rules! scripts {
    ($($(#[$doc:meta])* $name:ident = $does:ident $($file:literal)+;)+) => {$(
        $(#[$doc])*
        pub(super) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(concat!($(include_str!(concat!("lua/", $file)), "\n"),+), Does::$does));
    )+};
}

scripts! {
    /// Commits a change of an item.
    COMMIT_ITEM = Write "append.lua" "once.lua" "commit_item.lua";
    /// Commits a change of a feed's document.
    COMMIT_FEED = Write "append.lua" "once.lua" "commit_feed.lua";
    /// Creates a feed.
    CREATE_FEED = Write "append.lua" "once.lua" "create_feed.lua";
    /// Tells that the store went back in time.
    CUT = Write "append.lua" "cut.lua";
    /// Gives up a part of what a feed no longer keeps.
    PRUNE = Write "prune.lua";
    /// Loads a version of an item.
    LOAD_VERSION = Write "load_version.lua";
    /// Deletes a feed.
    DELETE_FEED = Write "append.lua" "once.lua" "delete_feed.lua";
    /// Keeps a token.
    CREATE_TOKEN = Write "create_token.lua";
    /// Revokes a token.
    REVOKE_TOKEN = Write "revoke_token.lua";
    /// Takes back a wish for a rewrite of the files, or a claim to one.
    TAKE_BACK = Write "take_back.lua";
    /// What changed after a position.
    CHANGED = Read "view.lua" "filter.lua" "changed.lua";
    /// The log after a position.
    LOG = Read "view.lua" "log.lua";
    /// A page of items.
    PAGE = Read "view.lua" "filter.lua" "page.lua";
    /// An item's versions.
    VERSIONS = Read "versions.lua";
}

/// A call of a script: keys first, then arguments.
#[derive(Clone)]
pub(super) struct Call {
    script: &'static Script,
    command: Cmd,
}

impl Call {
    /// Of this script, with these keys.
    pub(super) fn new<K: ToRedisArgs>(script: &'static LazyLock<Script>, keys: &[K]) -> Self {
        let script: &'static Script = script;
        let mut command = redis::cmd(match script.does {
            Does::Read => "EVALSHA_RO",
            Does::Write => "EVALSHA",
        });
        command.arg(&script.hash).arg(keys.len()).arg(keys);
        Self { script, command }
    }

    /// With one more argument.
    pub(super) fn arg(mut self, arg: impl ToSingleRedisArg) -> Self {
        self.command.arg(arg);
        self
    }

    /// The command that calls it.
    pub(super) fn command(&self) -> &Cmd {
        &self.command
    }

    /// The command that loads it.
    pub(super) fn load(&self) -> Cmd {
        let mut load = redis::cmd("SCRIPT");
        load.arg("LOAD").arg(self.script.code());
        load
    }
}
