//! Every kind of error is reached by a test, or it is written here why none reaches it; and the page says of each kind what
//! the table says. Not here: whether an answer carries what the page promises of its kind (`tenon_tests::scenario`).
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use tenon_protocol::error::ErrorKind;
use tenon_tests::promised::promises;
use tenon_tests::scenario::directory;

/// Where a kind is reached that no scenario reaches.
enum Reached {
    /// By this function of this file, which names the code.
    By(&'static str, &'static str),
    /// Nowhere, and why.
    Nowhere(&'static str),
}

use Reached::{By, Nowhere};

/// The kinds that no scenario reaches: one that is reached must leave.
const ELSEWHERE: &[(ErrorKind, Reached)] = &[
    (ErrorKind::ParseError, By("tests/tests/edges.rs", "json_is_taken_to_a_depth_of_128_and_no_deeper")),
    (
        ErrorKind::Internal,
        By("agent/src/wire/connection/tests/edges.rs", "a_handler_that_panics_fails_alone"),
    ),
    (ErrorKind::AlreadyOwned, Nowhere("a second agent says so on its standard error; not sent")),
    (
        ErrorKind::TooManyConnections,
        By("tests/tests/edges/crowd.rs", "one_connection_more_than_there_may_be_is_told_so"),
    ),
    (
        ErrorKind::QueueFull,
        By("tests/tests/cli/queue.rs", "a_full_queue_takes_no_more_and_opens_one_at_a_time_in_order"),
    ),
    (
        ErrorKind::TooManyObservers,
        By("agent/src/wire/connection/tests/flow.rs", "a_connection_holds_so_many_subscriptions"),
    ),
    (ErrorKind::SandboxUnavailable, Nowhere("a job takes the level there is; none can be demanded yet")),
    (
        ErrorKind::StorageFull,
        Nowhere("no disk is filled for a test; the journal's own tests limit the database"),
    ),
    (
        ErrorKind::StorageBusy,
        Nowhere("needs somebody who holds the database for longer than the agent waits"),
    ),
];

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Returns the codes that the lines of a scenario file expect.
fn expected_codes(text: &str) -> BTreeSet<i32> {
    let code = |line: &str| {
        let line = line.trim();
        let act = line.strip_prefix('@').and_then(|rest| rest.split_once(' ')).map_or(line, |(_, act)| act);
        act.strip_prefix("<- error ")?.split_whitespace().next()?.parse().ok()
    };
    text.lines().filter_map(code).collect()
}

/// Tells what the table says wrongly, and which kinds neither a scenario nor the table reaches.
fn faults(reached: &BTreeSet<i32>, elsewhere: &[(ErrorKind, Reached)]) -> Vec<String> {
    let mut faults = Vec::new();
    for (kind, how) in elsewhere {
        let name = kind.name();
        if reached.contains(&kind.code()) {
            faults.push(format!("{name} is reached by a scenario and listed too"));
        }
        match how {
            Nowhere("") => faults.push(format!("{name} is reached nowhere, without a reason")),
            Nowhere(_) => {}
            By(file, function) => {
                let text = fs::read_to_string(repository().join(file)).unwrap_or_default();
                if !text.contains(&format!("fn {function}(")) || !text.contains(&kind.code().to_string()) {
                    faults.push(format!("{name}: {file} has no {function} that names {}", kind.code()));
                }
            }
        }
    }
    for kind in ErrorKind::ALL {
        let is_listed = elsewhere.iter().any(|(listed, _)| listed == kind);
        if !is_listed && !reached.contains(&kind.code()) {
            faults.push(format!("{} is reached by no scenario, and not listed", kind.name()));
        }
    }
    faults
}

fn codes_of_scenarios() -> BTreeSet<i32> {
    let files = fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|path| !path.ends_with("README.md"))
        .flat_map(|path| expected_codes(&fs::read_to_string(path).unwrap()))
        .collect()
}

#[test]
fn every_kind_of_error_is_reached() {
    let found = faults(&codes_of_scenarios(), ELSEWHERE);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_code_that_a_scenario_expects_is_of_a_kind() {
    let known: BTreeSet<i32> = ErrorKind::ALL.iter().map(|kind| kind.code()).collect();
    let strange: Vec<i32> = codes_of_scenarios().difference(&known).copied().collect();
    assert!(strange.is_empty(), "{strange:?}");
}

#[test]
fn a_kind_that_nothing_reaches_and_an_entry_that_is_not_true_are_found() {
    let text = "-> agent/list\n<- error 1002 {}\n@b <- error -32602\nof <- error 1101\n";
    let mut reached = expected_codes(text);
    assert_eq!(reached, [1002, -32602].into());
    reached.extend(ErrorKind::ALL.iter().map(|kind| kind.code()));
    assert!(faults(&reached, &[]).is_empty());
    reached.remove(&ErrorKind::QueueFull.code());
    assert_eq!(faults(&reached, &[]), ["queueFull is reached by no scenario, and not listed"]);
    let file = "tests/tests/cli/queue.rs";
    let listed = |function| faults(&reached, &[(ErrorKind::QueueFull, By(file, function))]);
    assert!(listed("a_full_queue_takes_no_more_and_opens_one_at_a_time_in_order").is_empty());
    assert_eq!(listed("no_such").len(), 1);
    let rotten = faults(&reached, &[(ErrorKind::QueueFull, Nowhere("")), (ErrorKind::Failed, Nowhere("x"))]);
    assert_eq!(rotten.len(), 2, "{rotten:?}");
}

#[test]
fn the_page_has_every_kind_under_its_code() {
    let page = fs::read_to_string(repository().join("spec/protocol.md")).unwrap();
    let (_, table) = page.split_once("<!-- errors: generated -->").unwrap();
    let (table, _) = table.split_once("<!-- errors: end -->").unwrap();
    let row = |line: &str| {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let code: i32 = cells.next()?.parse().ok()?;
        Some((code, cells.next()?.trim_matches('`').to_owned()))
    };
    let told: BTreeSet<(i32, String)> = table.lines().filter_map(row).collect();
    let all = ErrorKind::ALL.iter().map(|kind| (kind.code(), kind.name().to_owned()));
    assert_eq!(told, all.collect());
}

#[test]
fn the_examples_of_errors_carry_what_the_page_promises() {
    let text = fs::read_to_string(repository().join("spec/examples/errors.json")).unwrap();
    let examples: Vec<Value> = serde_json::from_str(&text).unwrap();
    let broken: Vec<String> = examples.iter().filter_map(|error| promises().unwrap().broken(error)).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    let known: BTreeSet<&str> = ErrorKind::ALL.iter().map(|kind| kind.name()).collect();
    assert!(promises().unwrap().0.iter().all(|promise| known.contains(promise.kind.as_str())));
}
