//! Plans from the command line: made, looked at, taken by `git apply`, applied in part, thrown away. Not here: what stands in the
//! way of which hunk (the scenario `plans`).
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;
use tenon_tests::home::{Home, provider};
use tenon_tests::model_server::{ModelServer, Reply, Script};
use tenon_tests::running::{PATIENCE, Running};

const BEFORE: &str = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
const AFTER: &str = "one\n2\n3\n4\nfive\n6\n7\n8\nnine\n";

/// A workspace with a file, and a model that plans three hunks of it and a new file.
fn planned() -> (Home, ModelServer) {
    let replies = [
        Reply::call("read", &json!({"path": "src/a.txt"})),
        Reply::call("write", &json!({"path": "src/a.txt", "content": AFTER, "step": "spell"}))
            .and_call("write", &json!({"path": "b.txt", "content": "b\n", "step": "new"})),
        Reply::text("planned"),
        Reply::text("ok"),
    ];
    let server = ModelServer::start(Script::new(replies)).unwrap();
    let home = Home::with_model("openai-chat", &server).unwrap();
    home.write("src/a.txt", BEFORE).unwrap();
    (home, server)
}

#[test]
fn a_plan_into_a_pipe_is_a_patch_that_git_takes() {
    let (home, _server) = planned();
    let told =
        home.tenon(&["plan", "--model", "fake/x", "spell", "some", "numbers"]).unwrap().expect(0).unwrap();
    assert_eq!(home.read("src/a.txt"), BEFORE);
    assert!(told.stdout.starts_with("diff --git a/b.txt b/b.txt\n"), "{}", told.stdout);
    assert!(told.stderr.contains("planned") && told.stderr.contains("spell"), "{}", told.stderr);
    let again = home.tenon(&["diff", "--plan"]).unwrap().expect(0).unwrap();
    assert_eq!(again.stdout, told.stdout);
    // Another copy of the workspace, where git applies it.
    let copy = home.root().join("copy");
    fs::create_dir_all(copy.join("src")).unwrap();
    fs::write(copy.join("src/a.txt"), BEFORE).unwrap();
    let patch = home.root().join("plan.patch");
    fs::write(&patch, &told.stdout).unwrap();
    let script = format!("cd '{}' && git apply --whitespace=nowarn '{}'", copy.display(), patch.display());
    Running::start(home.shell(&script)).unwrap().finish().unwrap().expect(0).unwrap();
    assert_eq!(fs::read_to_string(copy.join("src/a.txt")).unwrap(), AFTER);
    assert_eq!(fs::read_to_string(copy.join("b.txt")).unwrap(), "b\n");
    home.tenon(&["apply"]).unwrap().expect(0).unwrap();
    assert_eq!((home.read("src/a.txt").as_str(), home.read("b.txt").as_str()), (AFTER, "b\n"));
}

#[test]
fn what_is_selected_is_written_and_the_rest_stays() {
    let (home, _server) = planned();
    home.tenon(&["run", "--plan", "--quiet", "--model", "fake/x", "spell"]).unwrap().expect(0).unwrap();
    home.tenon(&["apply", "--select", "src/a.txt:4"]).unwrap().expect(2).unwrap();
    // Nobody has trusted the workspace: nothing of it is run.
    home.write("Makefile", "test:\n\ttrue\n").unwrap();
    let untrusted = home.tenon(&["apply", "--test"]).unwrap().expect(1).unwrap();
    assert!(untrusted.stderr.contains("not trusted"), "{}", untrusted.stderr);
    home.tenon(&["apply", "--select", "../a.txt"]).unwrap().expect(2).unwrap();
    home.tenon(&["apply", "--rev", "2"]).unwrap().expect(1).unwrap();
    let applied = home.tenon(&["apply", "--select", "src/a.txt:1,3"]).unwrap().expect(0).unwrap();
    assert_eq!(applied.stdout, "M src/a.txt  hunks 1, 3\n");
    assert_eq!(home.read("src/a.txt"), "one\n2\n3\n4\n5\n6\n7\n8\nnine\n");
    let left = home.tenon(&["diff", "--plan", "--stat"]).unwrap().expect(0).unwrap();
    assert_eq!(left.stdout, "A     +1     -0  b.txt\nM     +1     -1  src/a.txt\n");
    let listed = home.tenon(&["plan"]).unwrap().expect(0).unwrap();
    assert!(listed.stdout.contains("2 of 4 hunks applied"), "{}", listed.stdout);
    // Somebody edits the line of the hunk that is left.
    home.write("src/a.txt", "one\n2\n3\n4\n5!\n6\n7\n8\nnine\n").unwrap();
    let refused = home.tenon(&["apply"]).unwrap().expect(1).unwrap();
    assert!(
        refused.stderr.contains("conflict: src/a.txt: somebody edited line 5 since"),
        "{}",
        refused.stderr
    );
    let partial = home.tenon(&["apply", "--partial", "--json"]).unwrap().expect(1).unwrap();
    let answer = &partial.json_lines().unwrap()[0];
    assert_eq!(
        (&answer["applied"][0]["path"], &answer["conflicts"][0]["hunk"]),
        (&json!("b.txt"), &json!(2))
    );
    home.tenon(&["apply", "--drop"]).unwrap().expect(0).unwrap();
    home.tenon(&["apply"]).unwrap().expect(1).unwrap();
    assert_eq!(home.read("src/a.txt"), "one\n2\n3\n4\n5!\n6\n7\n8\nnine\n");
}

/// A workspace whose tests are a program of its own, under the name of one that everybody knows, and a model that plans a mistake
/// first and mends it when it is told what failed.
fn tested() -> (Home, ModelServer) {
    let write = |text: &str| Reply::call("write", &json!({"path": "price.txt", "content": text}));
    let server = ModelServer::start(Script::function(move |_, request| {
        let text = request.last_text();
        if text.contains("staged price.txt") {
            Reply::text("planned")
        } else if text.contains("price is not 6") {
            write("6\n")
        } else if text.contains("make it dearer") {
            Reply::call("read", &json!({"path": "price.txt"}))
        } else {
            write("7\n")
        }
    }));
    let server = server.unwrap();
    let home = Home::with_model("openai-chat", &server).unwrap();
    let tools = home.root().join("tools");
    fs::create_dir_all(&tools).unwrap();
    let program = "#!/bin/sh\n[ \"$1\" = test ] || exit 9\ntouch ran-here\nif [ \"$(cat price.txt)\" = 6 ]; then\n\
                   echo 'test result: ok. 1 passed; 0 failed'\nelse\n\
                   echo 'test price ... FAILED'\necho 'the price is not 6'\n\
                   echo 'test result: FAILED. 0 passed; 1 failed'\nexit 101\nfi\n";
    fs::write(tools.join("cargo"), program).unwrap();
    fs::set_permissions(tools.join("cargo"), fs::Permissions::from_mode(0o755)).unwrap();
    home.write("Cargo.toml", "[package]\nname = \"shop\"\n").unwrap();
    home.write("price.txt", "5\n").unwrap();
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", tools.display());
    (home.with("PATH", &path), server)
}

#[test]
fn a_plan_is_tested_before_it_is_written() {
    let (home, _server) = tested();
    let goal = ["plan", "--test", "--profile", "review", "--model", "fake/x", "make it dearer"];
    let failed = home.tenon(&goal).unwrap().expect(1).unwrap();
    for told in ["the price is not 6", "0 passed, 1 failed): price", "nothing was written"] {
        assert!(failed.stderr.contains(told), "{told}: {}", failed.stderr);
    }
    assert!(failed.stdout.contains("+7"), "{}", failed.stdout);
    // Applying on that condition writes nothing either, and the workspace was never run in.
    let refused = home.tenon(&["apply", "--test"]).unwrap().expect(1).unwrap();
    assert!(refused.stderr.contains("does not pass its tests"), "{}", refused.stderr);
    assert_eq!(home.read("price.txt"), "5\n");
    // The model is told what failed, and the next revision passes.
    let revised = ["plan", "--test", "--revise", "last", "mend it"];
    let passed = home.tenon(&revised).unwrap().expect(0).unwrap();
    assert!(passed.stderr.contains("the tests passed (cargo test; 1 passed"), "{}", passed.stderr);
    let again = home.tenon(&["plan", "--test", "--json"]).unwrap().expect(0).unwrap();
    let report = &again.json_lines().unwrap()[0]["tests"];
    assert_eq!(
        (&report["ok"], &report["rev"], &report["harness"]),
        (&json!(true), &json!(2), &json!("cargo"))
    );
    assert_eq!(home.read("price.txt"), "5\n");
    let shown = home.tenon(&["apply", "--dry-run"]).unwrap().expect(0).unwrap();
    assert_eq!((shown.stdout.as_str(), home.read("price.txt").as_str()), ("M price.txt  hunks 1\n", "5\n"));
    home.tenon(&["apply", "--test"]).unwrap().expect(0).unwrap();
    assert_eq!(home.read("price.txt"), "6\n");
    assert!(!home.workspace().join("ran-here").exists(), "tests ran in the workspace itself");
    let log = home.tenon(&["log"]).unwrap().expect(0).unwrap();
    assert_eq!(
        log.stdout.matches("the tests failed (cargo test: exit code 101").count(),
        2,
        "{}",
        log.stdout
    );
    // Nothing of the copies is left.
    let calls = home.state_dir().join("run/calls");
    let left: Vec<_> = fs::read_dir(calls).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_cannot_be_tested_is_said_and_not_written() {
    let (home, server) = planned();
    let goal = ["plan", "--quiet", "--profile", "review", "--model", "fake/x", "spell"];
    home.tenon(&goal).unwrap().expect(0).unwrap();
    let unknown = home.tenon(&["apply", "--test"]).unwrap().expect(1).unwrap();
    assert!(unknown.stderr.contains("no tests are known here"), "{}", unknown.stderr);
    home.write("Makefile", "test:\n\ttrue\n").unwrap();
    // Where the edits cannot be laid over the workspace a copy is made, and that has bounds.
    let compared = format!("sandbox.capture = \"compared\"\n{}", provider("openai-chat", &server));
    home.configure(&compared).unwrap();
    home.write("huge", "").unwrap();
    fs::File::options().write(true).open(home.workspace().join("huge")).unwrap().set_len(1 << 30).unwrap();
    let large = home.tenon(&["apply", "--test"]).unwrap().expect(1).unwrap();
    assert!(large.stderr.contains("too large for a copy"), "{}", large.stderr);
    assert_eq!(home.read("src/a.txt"), BEFORE);
}

#[test]
fn an_interrupt_ends_the_tests_of_a_plan() {
    let (home, server) = planned();
    // The tests of this project tell by a file outside of it that they run.
    home.configure(&format!("sandbox.level = 1\n{}", provider("openai-chat", &server))).unwrap();
    let goal = ["plan", "--quiet", "--profile", "review", "--model", "fake/x", "spell"];
    home.tenon(&goal).unwrap().expect(0).unwrap();
    home.tenon(&["trust"]).unwrap().expect(0).unwrap();
    let up = home.root().join("up");
    home.write("Makefile", &format!("test:\n\ttouch '{}'\n\tsleep 4321\n", up.display())).unwrap();
    for command in [["plan", "--test"], ["apply", "--test"]] {
        let testing = home.start(&command).unwrap();
        let deadline = Instant::now() + PATIENCE;
        while !up.exists() {
            assert!(Instant::now() < deadline, "the tests do not run");
            sleep(Duration::from_millis(20));
        }
        testing.signal(Signal::INT).unwrap();
        let told = testing.finish().unwrap().expect(130).unwrap();
        assert!(
            told.stderr.contains("the tests were interrupted, and nothing was applied"),
            "{}",
            told.stderr
        );
        fs::remove_file(&up).unwrap();
    }
    // They are over: the plan can be applied, and nothing of them is left.
    home.tenon(&["apply"]).unwrap().expect(0).unwrap();
    assert_eq!(home.read("src/a.txt"), AFTER);
}
