//! Standard output as a pipe: lines of JSON, a reader that leaves, a capture by a shell.
use serde_json::{Value, json};
use tenon_tests::home::Home;
use tenon_tests::model_server::{ModelServer, Reply, Script};
use tenon_tests::running::Running;

const WIRE: &str = "anthropic-messages";

/// Returns the places of the events among `lines`.
fn places(lines: &[Value]) -> Vec<u64> {
    lines.iter().filter_map(|line| line["seq"].as_u64()).collect()
}

#[test]
fn lines_begin_and_end_with_our_own_and_hold_every_event_between() {
    let read = Reply::text("Looking.").and_call("read", &json!({"path": "a.txt"}));
    let server = ModelServer::start(Script::new([read, Reply::text("It is short.")])).unwrap();
    let home = Home::with_model(WIRE, &server).unwrap();
    home.write("a.txt", "text\n").unwrap();
    let run = home.tenon(&["run", "--json", "--model", "fake/x", "go"]).unwrap().expect(0).unwrap();
    let lines = run.json_lines().unwrap();
    let (first, last) = (&lines[0], &lines[lines.len() - 1]);
    assert_eq!((&first["type"], &first["data"]["protocol"]), (&json!("run.opened"), &json!(1)));
    assert!(first["data"]["sessionId"].is_string() && first["data"]["cursor"].is_string(), "{first}");
    assert_eq!(last["type"], "run.ended");
    assert_eq!((&last["data"]["exit"], &last["data"]["stop"]), (&json!(0), &json!("done")));
    assert_eq!(last["data"]["text"], "It is short.");
    assert!(last["data"]["usage"]["inputTokens"].as_u64().is_some_and(|count| count > 0), "{last}");
    let cursor = first["data"]["cursor"].as_str().unwrap();
    let log = home.tenon(&["log", "--json", "--after", cursor]).unwrap().expect(0).unwrap();
    let (printed, logged) = (places(&lines), places(&log.json_lines().unwrap()));
    assert!(!printed.is_empty() && logged.starts_with(&printed), "{printed:?} and {logged:?}");
    assert_eq!(run.stderr, "", "nothing but lines");
}

#[test]
fn a_reader_that_leaves_ends_it_quietly() {
    let answer = "a line of the answer\n".repeat(20_000);
    let server = ModelServer::start(Script::always(Reply::text(answer).deltas(50))).unwrap();
    let home = Home::with_model(WIRE, &server).unwrap();
    for command in
        ["run -q --model fake/x go", "run --json --model fake/x go", "log", "log --json", "sessions"]
    {
        let script = format!("{{ \"$0\" {command}; echo \"exit $?\" >&2; }} | head -n 1");
        let finished = Running::start(home.shell(&script)).unwrap().finish().unwrap();
        assert_eq!(finished.stdout.lines().count(), 1, "{command}: {finished:#?}");
        assert_eq!(finished.stderr, "exit 0\n", "{command}");
    }
}

#[test]
fn a_shell_that_captures_the_output_sees_its_end() {
    let server = ModelServer::start(Script::new([Reply::text("the answer")])).unwrap();
    let home = Home::with_model(WIRE, &server).unwrap();
    assert!(home.daemon().unwrap().is_none());
    let script = "out=$(\"$0\" run --quiet --model fake/x go 2>&1 </dev/null); echo \"[$out]\"";
    let finished = Running::start(home.shell(script)).unwrap().finish().unwrap();
    assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), ("[the answer]\n", ""));
    assert!(home.daemon().unwrap().is_some(), "it was started, and it stays");
}
