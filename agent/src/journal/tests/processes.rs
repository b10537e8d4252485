//! Several processes on one state directory, and the modes they leave: the test binary runs itself.
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::fs::Mode;

use super::{beginning, clock, drafts, log};
use crate::base::ids::{SystemEntropy, unique};
use crate::journal::{AppendError, Batch, Journal};

/// What a child is told by.
const DIRECTORY: &str = "TENON_TEST_STATE_DIR";
const UMASK: &str = "TENON_TEST_UMASK";

#[expect(clippy::disallowed_methods, reason = "the test is about processes")]
fn start(directory: &Path, umask: u32) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["journal::tests::processes::child", "--exact", "--nocapture"])
        .env(DIRECTORY, directory)
        .env(UMASK, umask.to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// What each process does; nothing when it is run as one of the tests.
#[expect(clippy::disallowed_methods, reason = "this is how the parent tells it")]
#[test]
fn child() {
    let Some(directory) = std::env::var_os(DIRECTORY).map(PathBuf::from) else { return };
    let umask: u32 = std::env::var(UMASK).unwrap().parse().unwrap();
    rustix::process::umask(Mode::from_raw_mode(umask));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let journal = Journal::open(&directory, clock()).unwrap();
        let own = log(&format!("s_{}", unique(&SystemEntropy)));
        match journal.append(beginning(&own, 1)).await {
            Ok(_) => {
                // Whoever opened later fences the rest of us, at any moment.
                drop(journal.append(Batch::of(own, drafts(3))).await);
            }
            Err(AppendError::Fenced) => {}
            Err(error) => panic!("{error}"),
        }
        journal.blobs().put(b"content").unwrap();
        journal.close().await;
    });
}

#[tokio::test]
async fn six_processes_open_an_empty_directory_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("new").join("state");
    let children: Vec<_> = (0..6).map(|_| start(&state, 0o022)).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let journal = Journal::open(&state, clock()).unwrap();
    let verified = journal.verify(None).await.unwrap();
    assert_eq!(verified.broken, Vec::<String>::new());
    assert!(verified.logs >= 2, "at least the last one to open could write");
    journal.close().await;
}

#[test]
fn nothing_is_open_to_others_under_any_umask() {
    for umask in [0o000, 0o022, 0o777] {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("state");
        assert!(start(&state, umask).wait().unwrap().success(), "umask {umask:o}");
        let mut seen = 0;
        check_modes(&state, &mut seen);
        assert!(seen >= 5, "state, journal.db, head, blobs and a blob at least");
    }
}

fn check_modes(path: &Path, seen: &mut usize) {
    let found = fs::symlink_metadata(path).unwrap();
    assert_eq!(found.permissions().mode() & 0o077, 0, "{}", path.display());
    *seen += 1;
    if found.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            check_modes(&entry.unwrap().path(), seen);
        }
    }
}
