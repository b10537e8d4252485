//! The scripts of docs/ci.md and the step of the GitHub action, run as they stand there, by a shell that stops at the first failure.
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tenon_tests::home::{Home, provider};
use tenon_tests::model_server::{ModelServer, Reply, Script, TokenCounts};
use tenon_tests::running::{Finished, Running};

/// This is a table: the recipes that have a test below, by their headings, as often as there is a script.
const TESTED: &[&str] = &[
    "Review a diff",
    "Fix failing tests",
    "Propose a patch and write nothing",
    "JSON lines",
    "JSON lines",
    "Budgets",
    "Caching the state directory",
];

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Returns the scripts of the page with the headings they stand under, in order.
fn recipes() -> Vec<(String, String)> {
    let page = fs::read_to_string(project("docs/ci.md")).unwrap();
    let (mut found, mut heading, mut script) = (Vec::new(), String::new(), None::<String>);
    for line in page.lines() {
        match (&mut script, line) {
            (None, "```sh") => script = Some(String::new()),
            (None, _) => heading = line.strip_prefix("## ").map_or(heading, str::to_owned),
            (Some(whole), "```") => {
                found.push((heading.clone(), std::mem::take(whole)));
                script = None;
            }
            (Some(whole), _) => {
                whole.push_str(line);
                whole.push('\n');
            }
        }
    }
    found
}

fn recipe(heading: &str, nth: usize) -> String {
    recipes().into_iter().filter(|(each, _)| each == heading).nth(nth).unwrap().1
}

/// Makes a home with `tenon` on its `PATH` and a model that says this.
fn home(server: &ModelServer) -> Result<Home> {
    let home = Home::new()?;
    let programs = home.root().join("bin");
    fs::create_dir_all(&programs)?;
    symlink(tenon_tests::surroundings::binary()?, programs.join("tenon"))?;
    home.configure(&format!("model = \"fake/x\"\n{}", provider("openai-chat", server)))?;
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", programs.display());
    Ok(home.with("PATH", &path))
}

fn shell(home: &Home, script: &str) -> Result<Finished> {
    Running::start(home.command_of(Path::new("/bin/sh"), &["-euc", script]))?.finish()
}

/// Whether a program is there; a test that goes without says so.
fn has(home: &Home, program: &str) -> bool {
    let found = shell(home, &format!("command -v {program}")).is_ok_and(|finished| finished.code == Some(0));
    if !found {
        eprintln!("skipped: there is no {program}");
    }
    found
}

/// Makes the workspace a repository with two commits, the second one on a branch.
fn repository(home: &Home) {
    let script = "git init -q -b main . && git add -A && git commit -q -m one && git switch -q -c change &&
        echo two > a.txt && git commit -qam two";
    let who = "export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b\n";
    home.write("a.txt", "one\n").unwrap();
    shell(home, &format!("{who}{script}")).unwrap().expect(0).unwrap();
}

/// All that a request said to the model in its last message, as JSON.
fn asked(server: &ModelServer, nth: usize) -> String {
    server.requests()[nth].messages().last().unwrap()["content"].to_string()
}

#[test]
fn every_recipe_has_a_test() {
    let headings: Vec<String> = recipes().into_iter().map(|(heading, _)| heading).collect();
    assert_eq!(headings, TESTED);
}

#[test]
fn a_diff_is_reviewed() {
    let server = ModelServer::start(Script::new([Reply::text("a.txt:1: two is not one.")])).unwrap();
    let home = home(&server).unwrap();
    repository(&home);
    let script = format!("export BASE=main\n{}", recipe("Review a diff", 0));
    shell(&home, &script).unwrap().expect(0).unwrap();
    assert_eq!(home.read("review.md"), "a.txt:1: two is not one.\n");
    let asked = asked(&server, 0);
    assert!(asked.contains("-one\\n+two") && asked.contains("Review this diff"), "{asked}");
}

#[test]
fn tests_that_fail_are_fixed() {
    let read = Reply::call("read", &json!({"path": "a.txt"}));
    let edit = |old, new| Reply::call("edit", &json!({"path": "a.txt", "old": old, "new": new}));
    // What nobody can allow is refused, and the work goes on; the first attempt is not right yet.
    let call = json!({"command": "echo ran > ran", "needs": {"net": ["example.com"]}});
    let first = [read, edit("one", "three"), Reply::call("shell", &call)];
    let second = [Reply::text("Fixed."), edit("three", "two"), Reply::text("Now it is.")];
    let server = ModelServer::start(Script::new(first.into_iter().chain(second))).unwrap();
    let home = home(&server).unwrap();
    home.write("a.txt", "one\n").unwrap();
    home.write("test.sh", "#!/bin/sh\ngrep two a.txt || { echo 'expected two'; exit 1; }\n").unwrap();
    shell(&home, "chmod +x test.sh").unwrap().expect(0).unwrap();
    let finished = shell(&home, &recipe("Fix failing tests", 0)).unwrap().expect(0).unwrap();
    assert!(finished.stdout.contains("Fixed.\nNow it is.\ntwo\n"), "{finished:#?}");
    assert_eq!((home.read("a.txt").as_str(), home.read("ran").as_str()), ("two\n", ""));
    assert!(home.read("fix.patch").contains("-one\n+two\n"), "{}", home.read("fix.patch"));
    assert!(asked(&server, 0).contains("expected two"));
}

#[test]
fn a_patch_is_proposed() {
    let read = Reply::call("read", &json!({"path": "a.txt"}));
    let edit = Reply::call("edit", &json!({"path": "a.txt", "old": "one", "new": "two"}));
    let server = ModelServer::start(Script::new([read, edit, Reply::text("Planned.")])).unwrap();
    let home = home(&server).unwrap();
    home.write("a.txt", "one\n").unwrap();
    shell(&home, &recipe("Propose a patch and write nothing", 0)).unwrap().expect(0).unwrap();
    assert!(home.read("plan.patch").contains("-one\n+two\n"), "{}", home.read("plan.patch"));
    assert_eq!(home.read("a.txt"), "one\n");
}

#[test]
fn lines_are_read_by_programs() {
    for (nth, program) in ["jq", "python3"].into_iter().enumerate() {
        let list = Reply::call("list", &json!({"path": "."}));
        let server = ModelServer::start(Script::new([list, Reply::text("It is\nsmall.")])).unwrap();
        let home = home(&server).unwrap();
        if !has(&home, program) {
            continue;
        }
        let finished = shell(&home, &recipe("JSON lines", nth)).unwrap().expect(0).unwrap();
        assert_eq!(home.read("answer.md"), "It is\nsmall.\n");
        if program == "jq" {
            assert_eq!(home.read("calls.txt"), "list .\n");
            let ended: Value = serde_json::from_str(&finished.stdout).unwrap();
            assert_eq!((&ended["exit"], &ended["stop"]), (&json!(0), &json!("done")));
        }
    }
}

#[test]
fn a_budget_that_is_used_up_is_another_message() {
    let list = || Reply::call("list", &json!({"path": "."}));
    let server = ModelServer::start(Script::new([list(), list(), Reply::text("Enough.")])).unwrap();
    let home = home(&server).unwrap();
    shell(&home, &recipe("Budgets", 0)).unwrap().expect(0).unwrap();
    assert_eq!(home.read("summary.md"), "Enough.\n");
    // What fails otherwise is a failure.
    let broken = ModelServer::start(Script::always(Reply::status(400, "no such model"))).unwrap();
    let other = self::home(&broken).unwrap();
    shell(&other, &recipe("Budgets", 0)).unwrap().expect(1).unwrap();
}

#[test]
fn a_session_goes_on_from_a_state_directory_that_was_kept() {
    let server = ModelServer::start(Script::new([Reply::text("Hello."), Reply::text("Nothing.")])).unwrap();
    let home = home(&server).unwrap();
    let script = recipe("Caching the state directory", 0);
    shell(&home, &script).unwrap().expect(0).unwrap();
    let state = home.root().join("home/.cache/tenon");
    assert!(state.join("journal.db").is_file() && !home.state_dir().exists());
    // As a cache does: it is another directory by then, of the same name.
    let saved = home.root().join("saved");
    fs::rename(&state, &saved).unwrap();
    shell(&home, &format!("cp -R '{}' '{}'", saved.display(), state.display())).unwrap().expect(0).unwrap();
    shell(&home, &script).unwrap().expect(0).unwrap();
    assert_eq!(home.read("news.md"), "Nothing.\n");
    let second = &server.requests()[1].body;
    assert!(second["messages"].to_string().contains("Hello."), "{second}");
}

/// Runs the step of the action with these inputs, and returns it with what it said to the workflow.
fn action(home: &Home, inputs: &[(&str, &str)]) -> Result<(Finished, String)> {
    let temp = home.root().join("runner");
    fs::create_dir_all(&temp)?;
    let (output, summary) = (temp.join("output"), temp.join("summary"));
    let script = project("clients/github-action/run.sh").display().to_string();
    let mut command = home.command_of(Path::new("/bin/sh"), &["-c", "exec bash \"$0\"", &script]);
    command.env("RUNNER_TEMP", &temp).env("GITHUB_OUTPUT", &output).env("GITHUB_STEP_SUMMARY", &summary);
    command.envs(inputs.iter().map(|(name, value)| (format!("TENON_ACTION_{name}"), value)));
    let finished = Running::start(command)?.finish()?;
    Ok((finished, fs::read_to_string(output).unwrap_or_default()))
}

/// Returns an output of one line.
fn output(outputs: &str, name: &str) -> String {
    let prefix = format!("{name}=");
    let line = outputs.lines().find_map(|line| line.strip_prefix(&prefix));
    line.context("no such output").unwrap().to_owned()
}

#[test]
fn the_action_hands_back_the_answer_and_the_patch() {
    let tokens = TokenCounts { input: 10, output: 5, cached: 0 };
    let told = Reply { usage: Some(tokens), ..Reply::text("Done.\nanswer=none\nEND") };
    let read = Reply::call("read", &json!({"path": "a.txt"}));
    let edit = Reply::call("edit", &json!({"path": "a.txt", "old": "two", "new": "three"}));
    let server = ModelServer::start(Script::new([read, edit, told])).unwrap();
    let home = home(&server).unwrap();
    if !has(&home, "bash") || !has(&home, "python3") {
        return;
    }
    repository(&home);
    home.write("notes", "mind the gap\n").unwrap();
    let inputs = [
        ("PROMPT", "--json is what I ask about"),
        ("PROFILE", "edit"),
        ("BASE", "main"),
        ("STDIN_FILE", "notes"),
        ("MAX_STEPS", "5"),
        ("MAX_COST", "0.50"),
    ];
    let (finished, outputs) = action(&home, &inputs).unwrap();
    let finished = finished.expect(0).unwrap();
    assert_eq!(finished.stdout, "Done.\nanswer=none\nEND");
    let end = outputs.lines().next().unwrap().strip_prefix("answer<<").unwrap();
    assert!(outputs.contains(&format!("\nDone.\nanswer=none\nEND\n{end}\n")), "{outputs}");
    assert_eq!(output(&outputs, "exit"), "0");
    let patch = fs::read_to_string(output(&outputs, "patch")).unwrap();
    assert!(patch.contains("-two\n+three\n"), "{patch}");
    assert!(fs::read_to_string(output(&outputs, "events")).unwrap().contains(&output(&outputs, "session")));
    let asked = asked(&server, 0);
    assert!(
        ["-one\\n+two", "mind the gap", "--json is what"].iter().all(|part| asked.contains(part)),
        "{asked}"
    );
}

#[test]
fn the_action_goes_on_with_a_session() {
    let server = ModelServer::start(Script::new([Reply::text("First."), Reply::text("Second.")])).unwrap();
    let home = home(&server).unwrap();
    if !has(&home, "bash") || !has(&home, "python3") {
        return;
    }
    let inputs = [("PROMPT", "go"), ("CONTINUE", "true")];
    let sessions = [1, 2].map(|_| {
        let (finished, outputs) = action(&home, &inputs).unwrap();
        finished.expect(0).unwrap();
        assert!(home.daemon().unwrap().is_none(), "what is cached is at rest");
        outputs.lines().rev().find_map(|line| line.strip_prefix("session=").map(str::to_owned)).unwrap()
    });
    assert_eq!(sessions[0], sessions[1]);
    assert!(server.requests()[1].body["messages"].to_string().contains("First."));
}

#[test]
fn the_action_fails_where_it_is_told_to() {
    let server = ModelServer::start(Script::always(Reply::call("list", &json!({"path": "."})))).unwrap();
    let home = home(&server).unwrap();
    if !has(&home, "bash") || !has(&home, "python3") {
        return;
    }
    let limited = [("PROMPT", "go"), ("MAX_STEPS", "2")];
    let (finished, outputs) = action(&home, &limited).unwrap();
    finished.expect(0).unwrap();
    assert_eq!(output(&outputs, "exit"), "3");
    let (finished, _) = action(&home, &[limited[0], limited[1], ("FAIL_ON", "1 3")]).unwrap();
    assert!(finished.expect(3).unwrap().stdout.contains("::error::tenon ended with 3"));
    let (finished, _) = action(&home, &[("PROMPT", "go"), ("TENON", "no-such-program")]).unwrap();
    assert!(finished.expect(2).unwrap().stdout.contains("no-such-program is not there"));
}

#[test]
fn the_action_passes_on_every_input() {
    let described = fs::read_to_string(project("clients/github-action/action.yml")).unwrap();
    let script = fs::read_to_string(project("clients/github-action/run.sh")).unwrap();
    let (inputs, rest) = described.split_once("outputs:\n").unwrap();
    let named = |text: &str| -> BTreeSet<String> {
        let keys = text.lines().filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'));
        keys.filter(|key| !key.starts_with(' ')).map(str::to_owned).collect()
    };
    for input in named(inputs) {
        let variable = format!("TENON_ACTION_{}", input.to_uppercase().replace('-', "_"));
        assert!(rest.contains(&format!("{variable}: ${{{{ inputs.{input} }}}}")), "{input} is not passed on");
        assert!(script.contains(&variable), "{variable} is not used");
    }
    let (outputs, _) = rest.split_once("runs:\n").unwrap();
    for name in named(outputs) {
        assert!(outputs.contains(&format!("steps.run.outputs.{name} ")), "{name}");
        assert!(script.contains(&format!("{name}=")) || script.contains(&format!("{name}<<")), "{name}");
    }
}
