//! `tenon revert` as a person uses it, in workspaces of all kinds: files that are not its business keep their inode and time, and
//! git's own files every byte. Not here: what becomes of each file (the scenarios).
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::json;
use tenon_tests::home::Home;
use tenon_tests::model_server::{ModelServer, Reply, Script};

fn replies() -> Vec<Reply> {
    vec![
        Reply::call("read", &json!({"path": "a.txt"})),
        Reply::call("edit", &json!({"path": "a.txt", "old": "one", "new": "two"})),
        Reply::call("write", &json!({"path": "new/b.txt", "content": "b\n"})),
        Reply::text("Done."),
    ]
}

/// Runs the agent once in a home whose workspace is made by `make`.
fn worked(make: impl FnOnce(&Path)) -> (Home, ModelServer) {
    let server = ModelServer::start(Script::new(replies())).unwrap();
    let home = Home::with_model("openai-chat", &server).unwrap();
    home.write("a.txt", "one\n2\n3\n").unwrap();
    home.write("other.txt", "mine\n").unwrap();
    make(&home.workspace());
    home.tenon(&["run", "--profile", "full", "--model", "fake/x", "go"]).unwrap().expect(0).unwrap();
    assert_eq!((home.read("a.txt"), home.read("new/b.txt")), ("two\n2\n3\n".to_owned(), "b\n".to_owned()));
    (home, server)
}

#[expect(clippy::disallowed_methods, reason = "a repository is made by git")]
fn git(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    let who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always"];
    command.current_dir(folder).args(who).args(arguments);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Every file beneath a folder, with what tells whether it was touched.
fn stamps(folder: &Path) -> BTreeMap<String, (u64, i64, i64, Vec<u8>)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stat = fs::symlink_metadata(&path).unwrap();
        if stat.is_dir() {
            found.extend(stamps(&path));
        } else if stat.is_file() {
            let stamp = (stat.ino(), stat.mtime(), stat.mtime_nsec(), fs::read(&path).unwrap());
            found.insert(path.display().to_string(), stamp);
        }
    }
    found
}

#[test]
fn it_is_shown_done_and_undone() {
    let (home, _server) = worked(|_| {});
    let dry = home.tenon(&["revert", "--dry-run"]).unwrap().expect(0).unwrap();
    assert!(dry.stdout.contains("a.txt goes back\n@@ -1,1 +1,1 @@\n-two\n+one\n"), "{dry:#?}");
    assert!(dry.stdout.contains("new/b.txt is deleted\n"), "{dry:#?}");
    assert_eq!(home.read("a.txt"), "two\n2\n3\n");
    home.write("a.txt", "two\n2\nthree is mine\n").unwrap();
    let before = stamps(&home.workspace());
    let done = home.tenon(&["revert"]).unwrap().expect(0).unwrap();
    assert_eq!(home.read("a.txt"), "one\n2\nthree is mine\n");
    assert!(!home.workspace().join("new").exists(), "a folder that was made for it goes too");
    let undo = done.stdout.lines().find_map(|line| line.split("to have it again: tenon ").nth(1)).unwrap();
    let again = home.tenon(&["revert"]).unwrap().expect(0).unwrap();
    assert!(again.stdout.starts_with("nothing to take back"), "{again:#?}");
    home.write("other.txt", "mine, and more\n").unwrap();
    let other = stamps(&home.workspace());
    home.tenon(&undo.split(' ').collect::<Vec<_>>()).unwrap().expect(0).unwrap();
    assert_eq!(home.read("a.txt"), "two\n2\nthree is mine\n");
    assert_eq!(home.read("new/b.txt"), "b\n");
    let name = home.workspace().join("other.txt").display().to_string();
    let after = stamps(&home.workspace());
    assert_eq!(after[&name], other[&name], "not opened for writing, not replaced");
    assert_ne!(after[&name], before[&name]);
    let listed = home.tenon(&["revert", "--list", "--json"]).unwrap().expect(0).unwrap();
    assert_eq!(listed.json_lines().unwrap().len(), 4);
}

#[test]
fn what_is_in_the_way_is_named_with_what_can_be_done() {
    let (home, _server) = worked(|_| {});
    home.write("a.txt", "two, and mine\n2\n3\n").unwrap();
    let refused = home.tenon(&["revert"]).unwrap().expect(1).unwrap();
    assert!(
        refused.stdout.contains("in the way: a.txt: line 1 was edited since by somebody else"),
        "{refused:#?}"
    );
    for hint in ["tenon revert turn:-1 --keep a.txt", "--overwrite a.txt", "--partial"] {
        assert!(refused.stderr.contains(hint), "{refused:#?}");
    }
    assert_eq!(home.read("new/b.txt"), "b\n", "all or nothing");
    let json = home.tenon(&["revert", "--json"]).unwrap().expect(1).unwrap().json_lines().unwrap();
    assert_eq!(json[0]["conflicts"][0]["kind"], "edited");
    let done = home.tenon(&["revert", "--overwrite", "a.txt"]).unwrap().expect(0).unwrap();
    assert_eq!(home.read("a.txt"), "one\n2\n3\n");
    let kept = done.stdout.lines().find_map(|line| line.split("tenon fetch ").nth(1)).unwrap();
    let kept = home.tenon(&["fetch", kept]).unwrap().expect(0).unwrap();
    assert_eq!(kept.stdout, "two, and mine\n2\n3\n");
    for (arguments, code) in [
        (&["revert", "yesterday"][..], 2),
        (&["revert", "turn:-9"], 1),
        (&["revert", "c_none"], 1),
        (&["revert", "--select", "none.txt"], 2),
        (&["revert", "--select", "../outside.txt"], 2),
        (&["revert", "--session", "s_none"], 4),
    ] {
        home.tenon(arguments).unwrap().expect(code).unwrap();
    }
}

/// Takes back in a workspace of that kind: git's files keep every byte, and git sees only what is meant.
fn leaves_git_alone(make: impl FnOnce(&Path), git_folder: &str) {
    let (home, _server) = worked(make);
    let git_folder = home.workspace().join(git_folder);
    let before = stamps(&git_folder);
    assert!(!before.is_empty());
    home.tenon(&["revert"]).unwrap().expect(0).unwrap();
    assert_eq!((home.read("a.txt"), home.read("new/b.txt")), ("one\n2\n3\n".to_owned(), String::new()));
    home.tenon(&["revert", "change:-1"]).unwrap().expect(0).unwrap();
    assert_eq!(home.read("new/b.txt"), "b\n");
    home.tenon(&["revert", "change:-1"]).unwrap().expect(0).unwrap();
    assert_eq!(stamps(&git_folder), before);
}

#[test]
fn a_repository_is_left_alone() {
    leaves_git_alone(
        |folder| {
            git(folder, &["init", "-q"]);
            git(folder, &["add", "-A"]);
            git(folder, &["commit", "-qm", "begin"]);
        },
        ".git",
    );
}

#[test]
fn a_repository_without_a_commit_is_left_alone() {
    leaves_git_alone(
        |folder| {
            git(folder, &["init", "-q"]);
            git(folder, &["add", "a.txt"]);
        },
        ".git",
    );
}

#[test]
fn a_folder_in_a_repository_is_left_alone() {
    leaves_git_alone(
        |folder| {
            let above = folder.parent().unwrap();
            fs::create_dir_all(folder.join(".tenon")).unwrap();
            git(above, &["init", "-q"]);
            git(above, &["add", "work/a.txt"]);
            git(above, &["commit", "-qm", "begin"]);
        },
        "../.git",
    );
}

#[test]
fn a_repository_with_a_submodule_is_left_alone() {
    leaves_git_alone(
        |folder| {
            let inner = folder.parent().unwrap().join("inner");
            fs::create_dir_all(&inner).unwrap();
            git(&inner, &["init", "-q"]);
            git(&inner, &["commit", "-qm", "begin", "--allow-empty"]);
            git(folder, &["init", "-q"]);
            git(folder, &["submodule", "--quiet", "add", "../inner", "sub"]);
            git(folder, &["commit", "-qm", "begin"]);
        },
        ".git",
    );
}
