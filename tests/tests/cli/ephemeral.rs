//! `tenon run --ephemeral`: nothing that was said is on the disk afterwards. Not here: the life of such a session (the
//! scenarios).
use std::path::Path;

use tenon_tests::home::Home;
use tenon_tests::model_server::{ModelServer, Reply, Script};

/// Returns every file beneath a directory that holds these bytes.
fn holding(directory: &Path, marker: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, marker));
        } else if let Ok(bytes) = std::fs::read(&path)
            && bytes.windows(marker.len()).any(|window| window == marker.as_bytes())
        {
            found.push(path.display().to_string());
        }
    }
    found
}

fn run(ephemeral: bool) -> (Home, ModelServer) {
    let server = ModelServer::start(Script::always(Reply::text("an answer-of-the-model"))).unwrap();
    let home = Home::with_model("openai-chat", &server).unwrap();
    let mut arguments = vec!["run", "--model", "fake/x", "a word-of-the-person"];
    arguments.extend(ephemeral.then_some("--ephemeral"));
    let done = home.tenon(&arguments).unwrap().expect(0).unwrap();
    assert!(done.stdout.contains("an answer-of-the-model"));
    home.tenon(&["stop"]).unwrap().expect(0).unwrap();
    (home, server)
}

#[test]
fn nothing_of_an_ephemeral_run_is_on_the_disk() {
    let (home, _server) = run(true);
    for marker in ["word-of-the-person", "answer-of-the-model"] {
        assert_eq!(holding(&home.state_dir(), marker), Vec::<String>::new());
    }
    let listed = home.tenon(&["sessions", "--all", "--json"]).unwrap().expect(0).unwrap();
    assert_eq!(listed.stdout, "");
}

#[test]
fn what_an_ordinary_run_leaves_is_found() {
    let (home, _server) = run(false);
    assert!(!holding(&home.state_dir(), "word-of-the-person").is_empty());
}
