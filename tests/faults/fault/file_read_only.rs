//! SQLite's files read-only: sealed by the file system while the server has them open, or not to be written to when it
//! starts.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use tokio::time::Instant;

use super::{Fault, Fired, refused};
use crate::world::World;

fn files(world: &World) -> Vec<PathBuf> {
    let entries = fs::read_dir(world.data()).expect("the directory is there");
    entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_file()).collect()
}

/// Seals files, or lifts that, as only root can, and only on some file systems.
fn seal(files: &[PathBuf], how: &str) -> bool {
    Command::new("chattr").arg(how).args(files).output().is_ok_and(|ran| ran.status.success())
}

/// Whether files can be sealed here while they are open.
pub(crate) fn can_seal(dir: &Path) -> bool {
    let file = [dir.join("sealed")];
    let mut open = fs::File::create(&file[0]).expect("a file can be made");
    let sealed = seal(&file, "+i") && open.write_all(b"more").is_err();
    seal(&file, "-i") && sealed
}

pub(super) async fn sealed(world: &World) -> Fired {
    let files: Vec<_> = files(world).into_iter().filter(|file| !file.to_string_lossy().ends_with("-shm")).collect();
    let began = Instant::now();
    assert!(seal(&files, "+i"), "the files are sealed");
    let refused = std::panic::AssertUnwindSafe(refused(world, began));
    // Files that stay sealed could not be removed with the directory.
    let refusal = futures_util::FutureExt::catch_unwind(refused).await;
    assert!(seal(&files, "-i"), "the files are free again");
    let refusal = refusal.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    let proof = format!("{} files sealed; {refusal}", files.len());
    Fired { fault: Fault::FileSealed, proof, began, ended: Instant::now(), away: vec![], lost_at: None }
}

pub(super) async fn at_a_start(world: &World) -> Fired {
    let node = &world.nodes[0];
    let began = Instant::now();
    let gone = node.kill().await;
    let mode = |mode| {
        for file in files(world) {
            fs::set_permissions(file, fs::Permissions::from_mode(mode)).expect("our own files");
        }
    };
    mode(0o444);
    // Root writes to what nobody may write to, unless it gives that right up.
    let root = fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0);
    let before: &[&str] = if root { &["setpriv", "--bounding-set=-dac_override"] } else { &[] };
    let said = node.start_as(node.command(before)).await.expect_err("a server that cannot write does not start");
    assert!(said.contains("readonly") || said.contains("read-only") || said.contains("ermission"), "{said}");
    mode(0o644);
    node.supervised().await;
    let proof = format!("{gone}; started on files of mode 0444: {said}");
    Fired { fault: Fault::FileReadOnly, proof, began, ended: Instant::now(), away: vec![], lost_at: None }
}
