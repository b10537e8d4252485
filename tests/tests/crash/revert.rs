//! `kill -9` at every system call that changes the workspace while three files go back, and a disk that refuses in the middle:
//! the tree is all before or all after, the log agrees, nothing of ours is left. Not here: conflicts (the scenarios).
//!
//! The faults come from strace. Where there is none, or nothing may be traced, these tests say so and pass.
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;
use tenon_tests::home::Home;
use tenon_tests::model_server::{ModelServer, Reply, Script};
use tenon_tests::running::Running;
use tenon_tests::surroundings::{binary, slow_tests};

/// Every call with which a file of the workspace is made, filled, replaced, renamed or removed. The journal uses some of them
/// too, which kills it there as well.
const CALLS: [&str; 6] = ["renameat2", "unlinkat", "fchmod", "mkdirat", "fsync", "openat"];

/// More calls of one kind no thread makes while three files go back.
const CALLS_MAX: usize = 200;

type Tree = BTreeMap<String, String>;

fn tree(folder: &Path) -> Tree {
    let mut found = Tree::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            found.insert(format!("{name}/"), String::new());
            let below = tree(&path).into_iter().map(|(below, text)| (format!("{name}/{below}"), text));
            found.extend(below);
        } else {
            found.insert(name, fs::read_to_string(path).unwrap());
        }
    }
    found
}

/// A workspace in which the last change edits a file, deletes one and makes one; `None` where nothing can be traced.
struct Case {
    home: Home,
    _server: ModelServer,
    /// The tree on both sides of the change.
    trees: [Tree; 2],
    session: String,
}

impl Case {
    #[expect(clippy::disallowed_methods, reason = "whether strace works is asked of strace")]
    fn new() -> Option<Self> {
        let traces = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).output();
        if !traces.is_ok_and(|output| output.status.success()) {
            println!("skipped: nothing can be traced here");
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
        Some(Self { home, _server: server, trees, session })
    }

    /// Starts the daemon so that a fault hits every thread's call of that number.
    fn traced(&self, call: &str, fault: &str, number: usize) -> Running {
        let calls = format!("trace={call}");
        let inject = format!("inject={call}:{fault}:when={number}");
        let binary = binary().unwrap();
        let arguments = ["-f", "-qq", "-o", "/dev/null", "-e", &calls, "-e", &inject];
        let mut command = self.home.command_of(Path::new("strace"), &arguments);
        command.arg(binary).arg("serve");
        let mut daemon = Running::start(command).unwrap();
        // It may be hit before it listens.
        while let Some(line) = daemon.error_line().unwrap() {
            if line.contains("listening") {
                break;
            }
        }
        daemon
    }

    /// Looks at what the next daemon makes of it, and returns on which side of the change the tree is.
    fn settled(&self, context: &str) -> usize {
        let open = json!({"sessionId": self.session}).to_string();
        self.home.tenon(&["rpc", "agent/open", &open]).unwrap().expect(0).unwrap();
        let now = tree(&self.home.workspace());
        let side = self.trees.iter().position(|tree| *tree == now);
        let side = side.unwrap_or_else(|| panic!("{context}: neither before nor after: {now:#?}"));
        // The log says the same as the disk.
        let diff = self.home.tenon(&["diff", "--from", "head", "--session", &self.session]).unwrap();
        let diff = diff.expect(0).unwrap();
        assert_eq!(diff.stdout, "", "{context}");
        self.home.tenon(&["log", "--verify"]).unwrap().expect(0).unwrap();
        self.home.tenon(&["stop"]).unwrap().expect(0).unwrap();
        side
    }
}

#[test]
fn a_kill_at_every_call_leaves_all_before_or_all_after() {
    let Some(case) = Case::new() else { return };
    // What opens and syncs is mostly the journal: of those only some.
    let (calls, step) = if slow_tests() { (&CALLS[..], 1) } else { (&CALLS[..2], 2) };
    let mut sides = [0, 0];
    for call in calls {
        for number in (1..CALLS_MAX).step_by(if matches!(*call, "openat" | "fsync") { 5 } else { step }) {
            let context = format!("killed at {call} {number}");
            let daemon = case.traced(call, "signal=KILL", number);
            let revert =
                case.home.tenon(&["revert", "change:-1", "--yes", "--session", &case.session]).unwrap();
            // Where the call is not reached the daemon is still there.
            let reached = revert.code != Some(0);
            if !reached {
                case.home.tenon(&["stop"]).unwrap().expect(0).unwrap();
            }
            daemon.kill().unwrap();
            sides[case.settled(&context)] += 1;
            if !reached {
                break;
            }
        }
    }
    assert!(sides.iter().sum::<usize>() > 3, "only {sides:?}");
}

#[test]
fn a_disk_that_refuses_in_the_middle_leaves_all_as_it_was() {
    let Some(case) = Case::new() else { return };
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
