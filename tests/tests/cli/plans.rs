//! Plans from the command line: made, looked at, taken by `git apply`, applied in part, thrown away. Not here: what stands in the
//! way of which hunk (the scenario `plans`).
use std::fs;

use serde_json::json;
use tenon_tests::home::Home;
use tenon_tests::model_server::{ModelServer, Reply, Script};
use tenon_tests::running::Running;

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
