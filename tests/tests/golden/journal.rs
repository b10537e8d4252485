//! The journal of every release under this build: its log is read as it was, and the question that was open is answered.
//! Not here: migrations, which the journal's own tests hold.
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use rustix::fs::{FlockOperation, flock};
use serde_json::Value;
use tenon_tests::golden::Words;
use tenon_tests::home::Home;
use tenon_tests::model_server::{Gate, ModelServer};
use tenon_tests::waiting;

use crate::golden::record::PLACE;
use crate::golden::{furnish, model, releases};

/// Puts the state directory of a release into a home.
fn install(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    fs::set_permissions(to, Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(from)? {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
        if path.is_dir() {
            install(&path, &to.join(name))?;
        } else {
            let copy = to.join(name);
            fs::copy(&path, &copy)?;
            fs::set_permissions(&copy, Permissions::from_mode(0o600))?;
        }
    }
    Ok(())
}

fn log(home: &Home, session: &str) -> Result<Vec<Value>> {
    home.tenon(&["log", "--json", "--session", session])?.expect(0)?.json_lines()
}

/// Checks a release in the place where it was recorded.
fn check(release: &Path) -> Result<()> {
    let lock = File::open(PLACE)?;
    // Other runs of these tests use the same place.
    flock(&lock, FlockOperation::LockExclusive)?;
    let home = Home::at(&Path::new(PLACE).join("home"))?;
    let gate = Gate::new();
    let server = ModelServer::start(model(&gate))?;
    furnish(&home, &server)?;
    home.write("b.txt", "two\n")?;
    install(&release.join("state"), &home.state_dir())?;
    let golden = fs::read_to_string(release.join("log.jsonl"))?;
    let golden: Vec<Value> = golden.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let session = golden[0]["session"].as_str().context("a log of no session")?;
    let read = log(&home, session)?;
    ensure!(read.len() >= golden.len(), "{} events of {}", read.len(), golden.len());
    for (golden, read) in golden.iter().zip(&read) {
        Words::new("/nowhere").check(golden, read).with_context(|| format!("{read}"))?;
    }
    home.tenon(&["log", "--verify"])?.expect(0)?;
    ensure!(home.read("c.txt").is_empty(), "nothing ran before it was allowed");
    let open = waiting::approval(&home)?;
    let request = open["requestId"].as_str().context("a request without an id")?;
    let mut observed = home.start(&["observe", "--json", "--after", "start", "--session", session])?;
    home.tenon(&["requests", "answer", request, "allow"])?.expect(0)?;
    while observed.event_of("turn.ended")?["data"]["stop"] != "done" || home.read("c.txt").is_empty() {}
    let proposed = golden.iter().rfind(|event| event["type"] == "tool.proposed").context("no call")?;
    let log = log(&home, session)?;
    let of_call = |kind: &str| {
        let settled = log.iter().filter(|event| event["type"] == kind);
        settled.filter(|event| event["data"]["callId"] == proposed["data"]["callId"]).count()
    };
    ensure!((of_call("tool.started"), of_call("tool.ended")) == (1, 1), "it runs once");
    ensure!(home.read("c.txt") == "two\n", "what was allowed was done");
    let root = home.root().to_owned();
    drop(home);
    Ok(fs::remove_dir_all(root)?)
}

#[test]
fn the_journal_of_every_release_is_read_and_goes_on() {
    if let Err(error) = fs::create_dir_all(PLACE) {
        println!("skipped: {PLACE}: {error}");
        return;
    }
    for release in releases() {
        check(&release).with_context(|| release.display().to_string()).unwrap();
    }
}
