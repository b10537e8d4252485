//! A workspace on whose daemon faults are laid with strace, and what the next daemon makes of it. Not here: which calls are hit
//! during what (`apply`, `revert`).
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;
use tenon_tests::home::Home;
use tenon_tests::model_server::ModelServer;
use tenon_tests::running::{Finished, Running};
use tenon_tests::surroundings::{binary, slow_tests};

/// Every call with which a file of the workspace is made, filled, replaced, renamed or removed. The journal uses some of them
/// too, which kills it there as well.
const CALLS: [&str; 6] = ["renameat2", "unlinkat", "fchmod", "mkdirat", "fsync", "openat"];

/// More calls of one kind no thread makes while three files are written.
const CALLS_MAX: usize = 200;

/// Every file by its name with its text, and every folder.
pub(super) type Tree = BTreeMap<String, String>;

pub(super) fn tree(folder: &Path) -> Tree {
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

/// Tells whether anything can be traced here, and says so where not.
#[expect(clippy::disallowed_methods, reason = "whether strace works is asked of strace")]
pub(super) fn traces() -> bool {
    let traces = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).output();
    let traces = traces.is_ok_and(|output| output.status.success());
    if !traces {
        println!("skipped: nothing can be traced here");
    }
    traces
}

/// A session with a change of three files: one is edited, one comes in a new folder, one comes or goes.
pub(super) struct Case {
    pub(super) home: Home,
    pub(super) _server: ModelServer,
    /// The tree on both sides of the change.
    pub(super) trees: [Tree; 2],
    pub(super) session: String,
}

impl Case {
    /// Starts the daemon so that a fault hits every thread's call of that number.
    pub(super) fn traced(&self, call: &str, fault: &str, number: usize) -> Running {
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
    pub(super) fn settled(&self, context: &str) -> usize {
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

    /// Kills the daemon at each call while `act` has it write: after every one the tree is all before or all after.
    /// `prepare` brings about what is written, before the daemon is traced.
    pub(super) fn kill_everywhere(
        mut self,
        mut prepare: impl FnMut(&mut Self),
        act: impl Fn(&Self) -> Finished,
    ) {
        // What opens and syncs is mostly the journal: of those only some.
        let (calls, step) = if slow_tests() { (&CALLS[..], 1) } else { (&CALLS[..2], 2) };
        let mut sides = [0, 0];
        for call in calls {
            for number in (1..CALLS_MAX).step_by(if matches!(*call, "openat" | "fsync") { 5 } else { step }) {
                let context = format!("killed at {call} {number}");
                prepare(&mut self);
                let daemon = self.traced(call, "signal=KILL", number);
                // Where the call is not reached the daemon is still there.
                let reached = act(&self).code != Some(0);
                if !reached {
                    self.home.tenon(&["stop"]).unwrap().expect(0).unwrap();
                }
                daemon.kill().unwrap();
                sides[self.settled(&context)] += 1;
                if !reached {
                    break;
                }
            }
        }
        assert!(sides.iter().sum::<usize>() > 3, "only {sides:?}");
    }
}
