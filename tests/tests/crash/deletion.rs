//! `kill -9` of the daemon while it deletes a session: afterwards the session is there whole, or it and what only it needed are
//! gone; what others need is there in any case.
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tenon_tests::home::Home;
use tenon_tests::model_server::{ModelServer, Reply, Script};
use tenon_tests::raw::{Raw, Way};
use tenon_tests::running::PATIENCE;
use tenon_tests::surroundings::slow_tests;
use tenon_tests::waiting::rpc;

/// Contents that only the deleted session has.
const OWN: usize = 12;

fn blobs(home: &Home) -> usize {
    fn count(directory: &Path) -> usize {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        entries.map(|entry| if entry.path().is_dir() { count(&entry.path()) } else { 1 }).sum()
    }
    count(&home.state_dir().join("blobs"))
}

/// Writes what both sessions have, then what only this one has.
fn turn(name: &str, own: usize) -> [Reply; 2] {
    let write = |path: String, content: String| json!({"path": path, "content": content});
    let mut calls = Reply::call("write", &write(format!("{name}.txt"), "of both\n".to_owned()));
    for number in 0..own {
        let content = format!("{name} alone, {number}\n");
        calls = calls.and_call("write", &write(format!("{name}-{number}.txt"), content));
    }
    [calls, Reply::text("done")]
}

fn work(home: &Home) -> String {
    let arguments = ["run", "--json", "--model", "fake/x", "--profile", "full", "go"];
    let done = home.tenon(&arguments).unwrap().expect(0).unwrap();
    done.json_lines().unwrap().remove(0)["data"]["sessionId"].as_str().unwrap().to_owned()
}

/// Returns what an export holds of contents, which must all be there.
fn contents(home: &Home, session: &str) -> Result<usize> {
    let file = home.root().join(format!("{session}.jsonl"));
    if file.exists() {
        std::fs::remove_file(&file)?;
    }
    rpc(home, "agent/admin", &json!({"op": "export", "sessionId": session, "path": file}))?;
    let text = std::fs::read_to_string(&file)?;
    let lines = text.lines().map(serde_json::from_str::<Value>).collect::<Result<Vec<_>, _>>()?;
    let end = lines.last().context("an empty export")?;
    ensure!(end["type"] == "export.end", "the export is not whole: {end}");
    Ok(lines.iter().filter(|line| line["type"] == "blob").count())
}

/// Deletes a session and kills the daemon once so many of its contents are gone. Tells whether the session is.
fn killed_once(gone: usize) -> Result<bool> {
    let replies = turn("kept", 1).into_iter().chain(turn("deleted", OWN));
    let server = ModelServer::start(Script::new(replies))?;
    let home = Home::with_model("openai-chat", &server)?;
    let kept = work(&home);
    let of_kept = blobs(&home);
    let deleted = work(&home);
    let of_both = blobs(&home);
    ensure!(of_both >= of_kept + OWN, "{of_both} contents, {of_kept} before");
    let (in_kept, in_deleted) = (contents(&home, &kept)?, contents(&home, &deleted)?);
    let mut raw = Raw::connect(&home, Way::Lines)?;
    raw.request("agent/close", &json!({"sessionId": deleted, "how": "delete"}))?;
    let deadline = Instant::now() + PATIENCE;
    while blobs(&home) + gone > of_both {
        ensure!(Instant::now() < deadline, "nothing is removed");
    }
    home.kill_daemon()?;
    // It is archived first: a crash between the two leaves it so, with everything it has.
    let listed = rpc(&home, "agent/list", &json!({"kind": "session", "filter": {"archived": true}}))?;
    let is_there =
        listed["items"].as_array().is_some_and(|items| items.iter().any(|item| item["id"] == *deleted));
    ensure!(!is_there || gone == 0, "contents went before the session");
    if is_there {
        ensure!(contents(&home, &deleted)? == in_deleted, "the session lost contents");
    } else {
        let session = json!({"sessionId": deleted});
        ensure!(home.tenon(&["rpc", "agent/log", &session.to_string()])?.code != Some(0), "it has a log");
        while blobs(&home) > of_kept {
            ensure!(Instant::now() < deadline, "{} contents stay of {of_kept}", blobs(&home));
            std::thread::yield_now();
        }
    }
    ensure!(contents(&home, &kept)? == in_kept, "the other session lost contents");
    home.tenon(&["log", "--verify"])?.expect(0)?;
    ensure!(home.read("kept.txt") == "of both\n" && home.read("deleted.txt") == "of both\n", "files changed");
    Ok(!is_there)
}

#[test]
fn a_deletion_that_is_killed_happened_whole_or_not_at_all() {
    let places: Vec<usize> =
        if slow_tests() { (0..=OWN).chain([0; 8]).collect() } else { vec![0, 1, OWN / 2, OWN] };
    for gone in places {
        let deleted =
            killed_once(gone).unwrap_or_else(|error| panic!("killed once {gone} were gone: {error:#}"));
        assert!(deleted || gone == 0);
    }
}
