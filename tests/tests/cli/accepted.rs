//! The agent end to end on both formats: it reads, edits and answers, and the session outlives its daemon.
use tenon_tests::conversation::{self, Exchange};
use tenon_tests::home::Home;
use tenon_tests::model_server::{ModelServer, Reply};

use serde_json::json;

/// Reads, edits, answers.
fn fix(done: &[Exchange]) -> Reply {
    match done.len() {
        0 => Reply::text("Looking.").and_call("read", &json!({"path": "a.txt"})),
        1 => Reply::call("edit", &json!({"path": "a.txt", "old": "two", "new": "three"})),
        _ => Reply::text("It says three now.").deltas(3),
    }
}

/// What the session changed is printed as a patch for a pipe, as counts, and as JSON.
fn check_differences(home: &Home) {
    let diff = |arguments: &[&str]| {
        let words: Vec<&str> = ["diff"].iter().chain(arguments).copied().collect();
        home.tenon(&words).unwrap().expect(0).unwrap()
    };
    let patch = "diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -1,1 +1,1 @@ hunk 1\n-one two\n+one three\n";
    assert_eq!(diff(&["a.txt"]).stdout, patch);
    assert_eq!(diff(&["--stat"]).stdout, "M     +1     -1  a.txt\n");
    let other = diff(&["other"]);
    assert_eq!((other.stdout.as_str(), other.stderr.as_str()), ("", "nothing differs\n"));
    let json = diff(&["--json", "--to", "start"]).json_lines().unwrap();
    assert_eq!(json, [json!({"files": [], "patch": ""})]);
    home.tenon(&["diff", "--from", "c_none"]).unwrap().expect(1).unwrap();
}

fn reads_edits_and_answers(wire: &str) {
    let server = ModelServer::start(conversation::by_exchanges(fix)).unwrap();
    let home = Home::with_model(wire, &server).unwrap();
    home.write("a.txt", "one two\n").unwrap();
    let arguments = ["run", "--profile", "edit", "--model", "fake/x", "make it three"];
    let run = home.tenon(&arguments).unwrap().expect(0).unwrap();
    assert!(run.stdout.ends_with("It says three now.\n"), "{run:#?}");
    assert_eq!(home.read("a.txt"), "one three\n");
    let before = home.tenon(&["log", "--json"]).unwrap().expect(0).unwrap();
    for kind in [
        "session.created",
        "prompt.admitted",
        "turn.started",
        "context.set",
        "attempt.started",
        "tool.proposed",
        "tool.started",
        "tool.ended",
        "change.applied",
        "message.ended",
        "turn.ended",
    ] {
        assert!(before.stdout.contains(&format!("\"type\":\"{kind}\"")), "no {kind}: {}", before.stdout);
    }
    check_differences(&home);
    home.kill_daemon().unwrap();
    let after = home.tenon(&["log", "--json"]).unwrap().expect(0).unwrap();
    assert_eq!(after.stdout, before.stdout, "the log is the same after the daemon was killed");
    let sessions = home.tenon(&["sessions", "--json"]).unwrap().expect(0).unwrap().json_lines().unwrap();
    assert_eq!(sessions.len(), 1, "{sessions:?}");
    assert_eq!(sessions[0]["state"], "idle");
    let verified = home.tenon(&["log", "--verify"]).unwrap().expect(0).unwrap();
    assert!(verified.stderr.starts_with("verified: "), "{verified:#?}");
    let again = ["run", "--continue", "--profile", "edit", "--model", "fake/x", "and now?"];
    home.tenon(&again).unwrap().expect(0).unwrap();
    let requests = server.requests();
    conversation::check(requests.iter().map(AsRef::as_ref)).unwrap();
    assert_eq!(conversation::prompts(requests.last().unwrap()), ["make it three", "and now?"]);
}

#[test]
fn chat_completions_read_edit_and_answer() {
    reads_edits_and_answers("openai-chat");
}

#[test]
fn messages_read_edit_and_answer() {
    reads_edits_and_answers("anthropic-messages");
}
