//! The client for Neovim in the real Neovim, against the real daemon and the scripted model server. Not here: what is looked
//! at in Neovim (`clients/nvim/tests`).
use std::fs;

use anyhow::{Context as _, Result};
use serde_json::json;
use tenon_tests::home::Home;
use tenon_tests::model_server::{Gate, ModelServer, Reply, Script as Answers};
use tenon_tests::nvim::{Script, client, home};
use tenon_tests::surroundings::{binary, neovim};
use tenon_tests::terminal::Terminal;

/// The size that the core may have, in bytes, without comments and indentation.
const CORE_BYTES_MAX: usize = 12 * 1024;

/// What connects, keeps the place in a log, and sends: what Neovim has loaded before there is anything to draw.
const CORE: &[&str] = &[
    "plugin/tenon.lua",
    "lua/tenon/init.lua",
    "lua/tenon/rpc.lua",
    "lua/tenon/client.lua",
    "lua/tenon/session.lua",
];

/// Whether the workspace is trusted before the script begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    Given,
    AsIs,
}

fn play(name: &str, trust: Trust, answers: impl IntoIterator<Item = Reply>) -> Result<()> {
    let server = ModelServer::start(Answers::new(answers))?;
    let home = home(&server)?;
    if trust == Trust::Given {
        home.tenon(&["trust"])?.expect(0)?;
    }
    let Some(script) = Script::start(&home, name)? else {
        skipped();
        return Ok(());
    };
    script.finish()
}

fn skipped() {
    eprintln!("skipped: there is no Neovim (`cargo xtask test` brings it and sets TENON_NVIM)");
}

#[test]
fn a_conversation() {
    let read = || Reply::call("read", &json!({"path": "src/a.txt"}));
    let numbers = Reply { deltas: 4, ..Reply::text("They are numbers.") };
    let rest =
        [Reply::text("Of course."), read(), Reply::text("Three lines."), Reply::text("I have read it.")];
    play("conversation", Trust::AsIs, std::iter::once(numbers).chain(rest)).unwrap();
}

#[test]
fn edits_that_wait_for_a_person() {
    let loud = "one\nTWO\nthree\nfour\nfive\nsix\nseven\nEIGHT\nnine\n";
    let read = || Reply::call("read", &json!({"path": "a.txt"}));
    let edit = |old, new| Reply::call("edit", &json!({"path": "a.txt", "old": old, "new": new}));
    let write = |path, text| Reply::call("write", &json!({"path": path, "content": text}));
    let say = Reply::text;
    let shout = [say("I only read."), read(), write("a.txt", loud), say("Shouted.")];
    let whisper = [read(), edit("nine\n", "nine\nten\n"), say("Whispered.")];
    let rejected = [edit("ten\n", "eleven\n"), say("As you wish.")];
    let new = [write("new.lua", "local x = 1\nreturn x\n"), say("New.")];
    let command = [Reply::call("shell", &json!({"command": "echo hello"})), say("No command then.")];
    let all = shout.into_iter().chain(whisper).chain(rejected).chain(new).chain(command);
    play("hunks", Trust::AsIs, all).unwrap();
}

#[test]
fn files_that_are_not_saved() {
    let read = |path| Reply::call("read", &json!({"path": path}));
    let edit = |path| Reply::call("edit", &json!({"path": path, "old": "one", "new": "ONE"}));
    let change = |path| [read(path), edit(path)];
    let done = || Reply::text("Done.");
    // What was discarded is not what the model had read, so it reads again.
    let discarded = change("b.txt").into_iter().chain(change("b.txt"));
    let all = change("a.txt").into_iter().chain([done()]).chain(discarded).chain([done()]);
    let all = all.chain(change("c.txt")).chain([done()]).chain(change("d.txt")).chain([done()]);
    let all = all.chain([read("d.txt"), Reply::text("It is read.")]);
    play("unsaved", Trust::Given, all).unwrap();
}

#[test]
fn a_daemon_that_dies_and_two_that_watch() {
    let never = Gate::new();
    let cut = Reply::text("Once upon a time it never ended.").deltas(2).gate_after(1, &never);
    let say = Reply::text;
    let told = [cut, say("Once upon a time it ended well."), say("There is no other."), say("Both hear it.")];
    let asked = [Reply::call("shell", &json!({"command": "echo hello"})), say("I may not.")];
    play("lost", Trust::Given, told.into_iter().chain(asked)).unwrap();
}

#[test]
fn what_the_person_looks_at() {
    let words = ["First.", "Second.", "Third.", "Fourth.", "Fifth."];
    play("context", Trust::Given, words.map(Reply::text)).unwrap();
}

#[test]
fn what_does_not_fit() {
    let lines = |name: &str, count: usize| {
        let line = |n| format!("{name}, line {n}{}", ".".repeat(150));
        (1..=count).map(line).collect::<Vec<_>>().join("\n")
    };
    let first = Reply::call("read", &json!({"path": "a.txt"}));
    let many = (1..55).fold(first, |reply, _| reply.and_call("read", &json!({"path": "a.txt"})));
    let say = |text: String| Reply::text(text).deltas(2);
    let told = [Reply::text("The very first."), say(lines("saga", 6_700))];
    let rest = [Reply::text("All was read."), say(lines("tale", 450))];
    play("more", Trust::Given, told.into_iter().chain(vec![many; 2]).chain(rest)).unwrap();
}

#[test]
fn plans_and_going_back() {
    play("plans", Trust::Given, []).unwrap();
}

#[test]
fn a_plan_from_its_goal_to_the_disk() {
    let edit =
        |old, new, step| Reply::call("edit", &json!({"path": "a.txt", "old": old, "new": new, "step": step}));
    let steps = json!([{"id": "a", "title": "the first", "status": "active"}, {"id": "b", "title": "the rest", "status": "pending"}]);
    let list = Reply::call("plan", &json!({"steps": steps}));
    let read = Reply::call("read", &json!({"path": "a.txt"}));
    let first = [list, read, edit("one", "ONE", "a"), edit("five", "FIVE", "b"), edit("nine", "NINE", "b")];
    play("walk", Trust::Given, first.into_iter().chain([Reply::text("It is planned.")])).unwrap();
}

/// A person at a keyboard: asks about lines, takes one hunk of the edit and leaves the other, takes that back, sees the daemon
/// die and come back in the middle of an answer, quits, and finds all of it in another Neovim.
#[test]
fn a_person_in_a_terminal() {
    let text = "def mean(values):\n    return sum(values) / len(values)\n\n\ndef last(values):\n    return values[0]\n";
    let guarded = text.replace("    return sum", "    if not values:\n        return 0\n    return sum");
    let both = guarded.replace("[0]", "[-1]");
    let read = Reply::call("read", &json!({"path": "stats.py"}));
    let story = Reply { pause_ms: 20, ..Reply::text("Two things are wrong here.").deltas(4) };
    let story = story.and_call("write", &json!({"path": "stats.py", "content": both}));
    let never = Gate::new();
    let cut = Reply::text("Once upon a time it never ended.").deltas(2).gate_after(1, &never);
    let rest = [Reply::text("Half of it, then."), cut, Reply::text("Once upon a time it ended well.")];
    let server = ModelServer::start(Answers::new([read, story].into_iter().chain(rest))).unwrap();
    let home = home(&server).unwrap();
    home.write("stats.py", text).unwrap();
    home.tenon(&["trust"]).unwrap().expect(0).unwrap();
    let Some(neovim) = neovim() else {
        return skipped();
    };
    let set = format!("set rtp^={} laststatus=3", client().display());
    let own = format!("let g:tenon = {{'cmd': '{}'}}", binary().unwrap().display());
    let command = format!("'{}' --clean -n --cmd '{set}' --cmd \"{own}\" stats.py", neovim.display());
    let Some(terminal) = Terminal::start(&home, &command).unwrap() else {
        eprintln!("skipped: there is no tmux");
        return;
    };
    terminal.shows("def mean").unwrap();
    terminal.enters(":1,2Tenon ask what is wrong here?").unwrap();
    terminal.shows("hunk 2: do accepts, dr rejects").unwrap();
    terminal.shows("Two things are wrong here.").unwrap();
    terminal.enters(":Tenon review").unwrap();
    terminal.types("do").unwrap();
    terminal.shows("hunk 1: accepted").unwrap();
    terminal.types("dr").unwrap();
    terminal.shows("Half of it, then.").unwrap();
    assert_eq!(home.read("stats.py"), guarded);
    terminal
        .until("the buffer as the file is", |screen| {
            screen.contains("if not values:") && !screen.contains("hunk")
        })
        .unwrap();
    terminal.enters(":Tenon! revert").unwrap();
    terminal.shows("went back: stats.py").unwrap();
    terminal.until("the buffer as it was", |screen| !screen.contains("if not values:")).unwrap();
    assert_eq!(home.read("stats.py"), text);
    terminal.enters(":Tenon ask tell me a story").unwrap();
    terminal.shows("Once upon").unwrap();
    home.kill_daemon().unwrap();
    terminal.shows("the connection was lost; connected again").unwrap();
    terminal.shows("Once upon a time it ended well.").unwrap();
    terminal.enters(":qa!").unwrap();
    drop(terminal);
    let Some(other) = Terminal::start(&home, &command).unwrap() else { return };
    other.shows("def mean").unwrap();
    other.enters(":Tenon").unwrap();
    let screen = other.shows("Once upon a time it ended well.").unwrap();
    assert!(screen.contains("Half of it, then."), "{screen}");
    other.enters(":qa!").unwrap();
}

#[test]
fn programs_that_are_not_the_agent() {
    play("missing", Trust::AsIs, []).unwrap();
}

#[test]
fn the_protocol_layer_conforms() {
    let Some(neovim) = neovim() else {
        return skipped();
    };
    let script = client().join("tests/client.lua");
    let command = format!("'{}' --headless --clean -n -l '{}'", neovim.display(), script.display());
    let done = Home::new().unwrap().tenon(&["conformance", "--client", &command]).unwrap().expect(0).unwrap();
    assert!(done.stdout.ends_with(" passed, 0 failed\n"), "{done:#?}");
}

#[test]
fn the_core_is_small() {
    let size: usize = CORE.iter().map(|file| code_bytes(file).unwrap()).sum();
    assert!(size <= CORE_BYTES_MAX, "the core has {size} bytes");
}

/// Returns the bytes of a file without comments on lines of their own, indentation and empty lines.
fn code_bytes(file: &str) -> Result<usize> {
    let text = fs::read_to_string(client().join(file)).with_context(|| file.to_owned())?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("--"));
    Ok(lines.map(|line| line.len() + 1).sum())
}
