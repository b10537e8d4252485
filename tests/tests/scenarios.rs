//! The scenario files, one test each. Not here: how they are played (`tenon_tests::scenario`).
use std::collections::BTreeSet;

use tenon_tests::scenario::{directory, play_file};

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
    broken_answers
    calls
    commands
    context
    failures
    files
    limits
    logs
    protocol
    recovery
    secrets
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
