//! `kill -9` at every system call that changes the workspace while a plan of three files is applied, or a patch of three written,
//! and a disk that refuses in the middle: the tree is all before or all after, the log agrees, nothing of ours is left. Not here:
//! what stands in the way of a plan (the scenarios).
//!
//! The faults come from strace. Where there is none, or nothing may be traced, these tests say so and pass.
use std::fs;

use serde_json::json;
use tenon_tests::home::Home;
use tenon_tests::model_server::{ModelServer, Reply, Script};

use crate::crash::cut::{Case, Tree, traces, tree};

/// What makes of the tree before the one after.
const PATCH: &str = "*** Begin Patch\n*** Update File: a.txt\n-one\n+two\n*** Add File: new/b.txt\n+b\n\
                     *** Delete File: c.txt\n*** End Patch\n";

/// A workspace, and a model that reads it and patches three files, whenever it is asked.
fn case() -> Option<Case> {
    if !traces() {
        return None;
    }
    let server = ModelServer::start(Script::function(|_, request| {
        let roles = request.body["messages"].as_array().into_iter().flatten().rev();
        let answered = roles.take_while(|message| message["role"] != "user");
        match answered.filter(|message| message["role"] == "tool").count() {
            0 => Reply::call("read", &json!({"path": "a.txt"})).and_call("read", &json!({"path": "c.txt"})),
            2 => Reply::call("patch", &json!({"patch": PATCH})),
            _ => Reply::text("Done."),
        }
    }));
    let server = server.unwrap();
    let home = Home::with_model("openai-chat", &server).unwrap();
    let case = Case { home, _server: server, trees: [Tree::new(), Tree::new()], session: String::new() };
    restore(&case);
    let before = tree(&case.home.workspace());
    let mut after = before.clone();
    after.remove("c.txt");
    for (name, text) in [("a.txt", "two\n"), ("new/", ""), ("new/b.txt", "b\n")] {
        after.insert(name.to_owned(), text.to_owned());
    }
    Some(Case { trees: [before, after], ..case })
}

/// A person makes everything as it was.
fn restore(case: &Case) {
    let new = case.home.workspace().join("new");
    if new.exists() {
        fs::remove_dir_all(new).unwrap();
    }
    for (name, text) in [("a.txt", "one\n"), ("c.txt", "c\n"), ("not/ours.txt", "mine\n")] {
        case.home.write(name, text).unwrap();
    }
}

/// Plans the three files in a session of its own.
fn plan(case: &mut Case) {
    restore(case);
    let run = ["plan", "--new", "--json", "--model", "fake/x", "go"];
    let lines = case.home.tenon(&run).unwrap().expect(0).unwrap().json_lines().unwrap();
    lines[0]["data"]["sessionId"].as_str().unwrap().clone_into(&mut case.session);
    assert_eq!(tree(&case.home.workspace()), case.trees[0]);
    case.home.tenon(&["stop"]).unwrap().expect(0).unwrap();
}

#[test]
fn a_kill_at_every_call_of_an_apply_leaves_all_before_or_all_after() {
    let Some(case) = case() else { return };
    case.kill_everywhere(plan, |case| case.home.tenon(&["apply", "--session", &case.session]).unwrap());
}

#[test]
fn a_disk_that_refuses_in_the_middle_of_an_apply_leaves_all_as_it_was() {
    let Some(mut case) = case() else { return };
    for (fault, says) in [("error=ENOSPC", "No space left"), ("error=EACCES", "no permission for")] {
        plan(&mut case);
        let daemon = case.traced("renameat2", fault, 3);
        let arguments = ["apply", "--session", &case.session];
        let refused = case.home.tenon(&arguments).unwrap().expect(1).unwrap();
        assert!(refused.stderr.contains(says), "{refused:#?}");
        assert_eq!(refused.stderr.matches("error:").count(), 1, "{refused:#?}");
        assert_eq!(tree(&case.home.workspace()), case.trees[0], "{fault}");
        case.home.tenon(&["stop"]).unwrap().expect(0).unwrap();
        daemon.kill().unwrap();
        assert_eq!(case.settled(fault), 0);
        // It is as open as before.
        case.home.tenon(&arguments).unwrap().expect(0).unwrap();
        assert_eq!(tree(&case.home.workspace()), case.trees[1], "{fault}");
        case.home.tenon(&["stop"]).unwrap().expect(0).unwrap();
    }
}
