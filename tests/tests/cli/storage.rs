//! `tenon sessions delete`, `prune` and `export`: what is in the state directory afterwards, and in the file. Not here: which
//! sessions a pruning chooses (the scenarios).
use std::path::Path;

use serde_json::{Value, json};
use tenon_tests::home::Home;
use tenon_tests::model_server::{ModelServer, Reply, Script};

fn blobs(home: &Home) -> usize {
    fn count(directory: &Path) -> usize {
        let Ok(entries) = std::fs::read_dir(directory) else { return 0 };
        entries
            .map(|entry| entry.unwrap().path())
            .map(|path| if path.is_dir() { count(&path) } else { 1 })
            .sum()
    }
    count(&home.state_dir().join("blobs"))
}

/// Runs a turn that overwrites a file, so that both its contents are stored.
fn work(home: &Home, number: usize) -> String {
    home.write("a.txt", &format!("old {number}\n")).unwrap();
    let arguments = ["run", "--json", "--model", "fake/x", "--profile", "full", "go"];
    let done = home.tenon(&arguments).unwrap().expect(0).unwrap();
    let opened = done.json_lines().unwrap().remove(0);
    opened["data"]["sessionId"].as_str().unwrap().to_owned()
}

fn server() -> ModelServer {
    let turn = |number: usize| {
        let write = json!({"path": "a.txt", "content": format!("new {number}\n")});
        [Reply::call("read", &json!({"path": "a.txt"})), Reply::call("write", &write), Reply::text("done")]
    };
    ModelServer::start(Script::new((0..2).flat_map(turn))).unwrap()
}

#[test]
fn contents_go_with_the_last_session_that_needs_them() {
    let server = server();
    let home = Home::with_model("openai-chat", &server).unwrap();
    let first = work(&home, 0);
    let of_one = blobs(&home);
    assert!(of_one > 2, "{of_one} contents");
    let second = work(&home, 1);
    assert!(blobs(&home) > of_one);
    home.tenon(&["sessions", "delete", &first]).unwrap().expect(0).unwrap();
    assert_eq!(blobs(&home), of_one, "what both need stays");
    let pruned = home.tenon(&["sessions", "prune", "--keep", "0", "--dry-run"]).unwrap().expect(0).unwrap();
    assert_eq!((pruned.stdout.trim(), blobs(&home)), (second.as_str(), of_one));
    home.tenon(&["sessions", "prune", "--keep", "0"]).unwrap().expect(0).unwrap();
    assert_eq!(blobs(&home), 0);
    home.tenon(&["log", "--verify"]).unwrap().expect(0).unwrap();
    home.tenon(&["stop"]).unwrap().expect(0).unwrap();
    home.tenon(&["log", "--verify"]).unwrap().expect(0).unwrap();
}

#[test]
fn an_export_is_read_without_an_agent() {
    let server = server();
    let home = Home::with_model("openai-chat", &server).unwrap();
    let session = work(&home, 0);
    let log = home.tenon(&["log", "--json", &session]).unwrap().expect(0).unwrap().json_lines().unwrap();
    home.tenon(&["sessions", "export", &session]).unwrap().expect(0).unwrap();
    home.tenon(&["sessions", "export", &session]).unwrap().expect(2).unwrap();
    home.tenon(&["stop"]).unwrap().expect(0).unwrap();
    let text = home.read(&format!("{session}.jsonl"));
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["type"], &lines[0]["session"]), (&json!("export"), &json!(session)));
    let events: Vec<&Value> = lines.iter().filter(|line| line["seq"].is_u64()).collect();
    assert_eq!(events.len(), log.len());
    assert!(events.iter().zip(&log).all(|(event, logged)| event["data"] == logged["data"]));
    let contents: Vec<&Value> = lines.iter().filter(|line| line["type"] == "blob").collect();
    assert!(["old 0\n", "new 0\n"].iter().all(|text| contents.iter().any(|blob| blob["text"] == *text)));
    let end = lines.last().unwrap();
    assert_eq!(
        (&end["type"], &end["events"], &end["blobs"]),
        (&json!("export.end"), &json!(events.len()), &json!(contents.len()))
    );
}
