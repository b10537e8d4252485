//! `kill -9` at every system call that changes the workspace while three files go back, and a disk that refuses in the middle:
//! the tree is all before or all after, the log agrees, nothing of ours is left. Not here: conflicts (the scenarios).
//!
//! The faults come from strace. Where there is none, or nothing may be traced, these tests say so and pass.
use serde_json::json;
use tenon_tests::home::Home;
use tenon_tests::model_server::{ModelServer, Reply, Script};

use crate::crash::cut::{Case, traces, tree};

/// A workspace in which the last change edits a file, deletes one and makes one; `None` where nothing can be traced.
fn case() -> Option<Case> {
    if !traces() {
        return None;
    }
    let write = |path: &str, text: &str| Reply::call("write", &json!({"path": path, "content": text}));
    let replies = [
        Reply::call("read", &json!({"path": "a.txt"})),
        Reply::call("edit", &json!({"path": "a.txt", "old": "one", "new": "two"})),
        write("new/b.txt", "b\n"),
        write("c.txt", "c\n"),
        Reply::text("Done."),
    ];
    let server = ModelServer::start(Script::new(replies)).unwrap();
    let home = Home::with_model("openai-chat", &server).unwrap();
    home.write("a.txt", "one\n").unwrap();
    home.write("not/ours.txt", "mine\n").unwrap();
    let before = tree(&home.workspace());
    let run = ["run", "--json", "--profile", "full", "--model", "fake/x", "go"];
    let lines = home.tenon(&run).unwrap().expect(0).unwrap().json_lines().unwrap();
    let session = lines[0]["data"]["sessionId"].as_str().unwrap().to_owned();
    let trees = [before, tree(&home.workspace())];
    home.tenon(&["revert", "--yes"]).unwrap().expect(0).unwrap();
    assert_eq!(tree(&home.workspace()), trees[0]);
    home.tenon(&["stop"]).unwrap().expect(0).unwrap();
    Some(Case { home, _server: server, trees, session })
}

#[test]
fn a_kill_at_every_call_leaves_all_before_or_all_after() {
    let Some(case) = case() else { return };
    // Each time what the time before did, or did not do, goes back.
    let act =
        |case: &Case| case.home.tenon(&["revert", "change:-1", "--yes", "--session", &case.session]).unwrap();
    case.kill_everywhere(|_| {}, act);
}

#[test]
fn a_disk_that_refuses_in_the_middle_leaves_all_as_it_was() {
    let Some(case) = case() else { return };
    let mut side = 0;
    for (fault, says) in [("error=ENOSPC", "No space left"), ("error=EACCES", "no permission for")] {
        let daemon = case.traced("renameat2", fault, 3);
        let arguments = ["revert", "change:-1", "--yes", "--session", &case.session];
        let refused = case.home.tenon(&arguments).unwrap().expect(1).unwrap();
        assert!(refused.stderr.contains(says), "{refused:#?}");
        assert_eq!(refused.stderr.matches("error:").count(), 1, "{refused:#?}");
        assert_eq!(tree(&case.home.workspace()), case.trees[side], "{fault}");
        case.home.tenon(&["stop"]).unwrap().expect(0).unwrap();
        daemon.kill().unwrap();
        assert_eq!(case.settled(fault), side);
        // What was refused is a change of no file: the one before it is the one to take back.
        case.home
            .tenon(&["revert", "change:-2", "--yes", "--session", &case.session])
            .unwrap()
            .expect(0)
            .unwrap();
        side = 1 - side;
        assert_eq!(tree(&case.home.workspace()), case.trees[side], "{fault}");
        case.home.tenon(&["stop"]).unwrap().expect(0).unwrap();
    }
}
