//! Limits of a command: whoever takes too much is ended, with all that it started, and the agent answers. Not here: what a command
//! cannot do at all (`matrix`).
use serde_json::json;
use tenon_tests::home::{Home, provider};
use tenon_tests::model_server::{ModelServer, Reply, Script};
use tenon_tests::process::Process;

/// Runs a command under a configuration; returns what is said of it.
fn told(configuration: &str, command: &str) -> String {
    let home = Home::new().unwrap();
    home.configure(&format!("profile = \"full\"\n[sandbox]\n{configuration}\n")).unwrap();
    home.tenon(&["trust"]).unwrap().expect(0).unwrap();
    let ended = home.tenon(&["jobs", "run", command]).unwrap();
    // The agent is there, and knows how it ended.
    let list = home.tenon(&["jobs", "--json"]).unwrap().expect(0).unwrap();
    let log = home.tenon(&["log", "--json"]).unwrap().expect(0).unwrap();
    format!("{}{}{}{}", ended.stdout, ended.stderr, list.stdout, log.stdout)
}

fn levels() -> [u8; 3] {
    [1, 2, 3]
}

fn is_missing(told: &str, level: u8) -> bool {
    let is_missing = told.contains("is demanded");
    if is_missing {
        eprintln!("skipped: level {level}");
    }
    is_missing
}

#[test]
fn a_memory_hog_is_ended_and_the_agent_is_not() {
    for level in levels() {
        let hog = "x=$(head -c 400000000 /dev/zero | tr '\\0' x); sleep 600";
        let said = told(&format!("level = {level}\nmemory_mib = 64"), hog);
        assert!(is_missing(&said, level) || said.contains("sandbox.memory_mib"), "level {level}: {said}");
    }
}

#[test]
fn a_fork_bomb_is_ended_with_all_it_made() {
    for level in levels() {
        let marker = format!("87654.{level}{}", std::process::id());
        let bomb = format!("i=0; while [ $i -lt 60 ]; do sleep {marker} & i=$((i+1)); done; sleep {marker}");
        let said = told(&format!("level = {level}\nprocesses = 40"), &bomb);
        let is_ended = said.contains("sandbox.processes");
        assert!(is_missing(&said, level) || is_ended, "level {level}: {said}");
        assert!(Process::with_argument(&marker).unwrap().is_empty());
    }
}

#[test]
fn processor_time_is_bounded() {
    let said = told("level = 1\ncpu_s = 1", "while :; do :; done");
    assert!(said.contains("sandbox.cpu_s"), "{said}");
}

#[test]
fn a_command_that_prints_without_end_is_ended() {
    let endless = json!({"command": "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done"});
    let replies = [Reply::call("shell", &endless), Reply::text("Done.")];
    let server = ModelServer::start(Script::new(replies)).unwrap();
    let home = Home::new().unwrap();
    home.configure(&format!("sandbox.output_mib = 1\n{}", provider("openai-chat", &server))).unwrap();
    home.tenon(&["run", "--profile", "full", "--model", "fake/x", "go"]).unwrap().expect(0).unwrap();
    let log = home.tenon(&["log", "--json"]).unwrap().expect(0).unwrap();
    assert!(log.stdout.contains("[ended: it printed more than 1 MiB (sandbox.output_mib)]"), "{log:#?}");
}

#[test]
fn what_stays_within_its_limits_is_left_alone() {
    let said =
        told("level = 1\nmemory_mib = 512\nprocesses = 40\ncpu_s = 60", "sleep 1 & wait; echo all is well");
    assert!(said.contains("all is well") && !said.contains("it took more"), "{said}");
}

#[test]
fn what_a_command_leaves_behind_ends_with_it() {
    for level in levels() {
        let marker = format!("76543.{level}{}", std::process::id());
        let hidden = format!("trap \"\" TERM HUP INT; exec sleep {marker}");
        let command = format!("(setsid sh -c '{hidden}' </dev/null >/dev/null 2>&1 &); echo gone on; exit 3");
        let said = told(&format!("level = {level}"), &command);
        assert!(is_missing(&said, level) || said.contains("gone on"), "level {level}: {said}");
        assert!(Process::with_argument(&marker).unwrap().is_empty(), "level {level}");
    }
}
