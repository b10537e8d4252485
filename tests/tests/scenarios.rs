//! The scenario files, one test each. Not here: how they are played (`tenon_tests::scenario`).
use std::collections::BTreeSet;

use tenon_tests::scenario::{directory, play_file, play_text};

macro_rules! files {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            play_file(concat!(stringify!($name), ".md"));
        })*

        const FILES: &[&str] = &[$(concat!(stringify!($name), ".md"),)*];
    };
}

files! {
    approvals
    auth
    broken_answers
    calls
    carriers
    command_changes
    commands
    configuration
    context
    diff
    ephemeral
    failures
    fetch
    files
    forks
    jobs
    limits
    logs
    looking
    mentions
    network
    opening
    pending
    plan_commands
    plans
    pictures
    protocol
    recovery
    revert
    secrets
    storage
    slash_commands
    trees
    trust
    turns
}

#[test]
fn every_scenario_file_is_played() {
    let there: BTreeSet<String> = std::fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .filter(|name| name != "README.md")
        .collect();
    let played: BTreeSet<String> = FILES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(there, played);
}

/// What a scenario says is checked: each of these says something wrong.
#[test]
fn what_is_wrong_is_found() {
    const START: &str = "```model\ntext: hi\n```\n```client\nsession\nturn hello\n```\n";
    let cases = [
        ("```journal turn.ended\nturn.ended: turn ended: failed\n```\n", "+ turn.ended: turn ended: done"),
        ("```prompt\nuser: goodbye\n```\n", "+ user: hello"),
        ("```tree\na.txt: A\n```\n", "- a.txt: A"),
        ("```nowhere\nhello\n```\n", "`hello` stands in"),
        ("```client\n-> agent/list {\"kind\": \"session\"}\n```\n", "1 replies were not looked at"),
        (
            "```client\n-> agent/list {\"kind\": \"tool\"}\n<- {\"items\": []}\n```\n",
            "another answer was expected",
        ),
        ("```client\n-> agent/list {\"kind\": \"tool\"}\n<- error 1002\n```\n", "error 1002"),
        ("```client\nnever turn.started\n```\n", "there was a turn.started"),
        ("```model\ntext: more\n```\n", "the model was asked 1 times, and has 2 replies"),
    ];
    let scenarios: Vec<String> = cases.iter().map(|(block, _)| format!("## Case\n{START}{block}")).collect();
    let text = scenarios.concat();
    for ((block, expected), found) in cases.iter().zip(play_text(&text).unwrap()) {
        assert!(found.contains(expected), "{block}\n{found}");
    }
    assert_eq!(play_text(&format!("## Case\n{START}")).unwrap(), [String::new()]);
}
