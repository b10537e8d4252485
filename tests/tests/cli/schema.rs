//! `tenon schema`, as a script reads it: without an agent, and the same schema that the agent names. Not here: what the
//! schema says.
use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value;
use tenon_tests::home::Home;
use tenon_tests::running::Running;

fn print(home: &Home, arguments: &[&str]) -> Value {
    let words: Vec<&str> = ["schema"].iter().chain(arguments).copied().collect();
    serde_json::from_str(&home.tenon(&words).unwrap().expect(0).unwrap().stdout).unwrap()
}

#[test]
fn the_whole_schema_is_that_of_the_agent_and_asks_nobody() {
    let home = Home::new().unwrap();
    let whole = print(&home, &[]);
    assert!(home.daemon().unwrap().is_none(), "nothing was started");
    let digest = home.tenon(&["schema", "--digest"]).unwrap().expect(0).unwrap().stdout;
    assert_eq!(whole["schema"], digest.trim());
    assert_eq!(whole["protocol"], 1);
    let page = print(&home, &["agent/log"]);
    assert_eq!(page, whole["documents"]["methods"]["agent/log"]);
    let mut attached = home.command(&["attach"]);
    attached.stdin(Stdio::piped());
    let mut attached = Running::start(attached).unwrap();
    let hello = r#"{"id":1,"method":"initialize","params":{"capabilities":{"experimental":{"agent":{"protocol":[1]}}}}}"#;
    writeln!(attached.stdin.as_mut().unwrap(), "{hello}").unwrap();
    let greeted = attached.event().unwrap().unwrap();
    assert_eq!(greeted["result"]["capabilities"]["experimental"]["agent"]["schema"], whole["schema"]);
}

#[test]
fn one_thing_is_printed_by_its_name_and_a_wrong_name_is_helped() {
    let home = Home::new().unwrap();
    assert_eq!(print(&home, &["turn.ended"])["properties"]["type"]["const"], "turn.ended");
    assert_eq!(print(&home, &["1206"])["kind"], "alreadyResolved");
    let names = home.tenon(&["schema", "--list"]).unwrap().expect(0).unwrap().stdout;
    assert!(names.contains("\nagent/open\n") && names.contains("\nrequest.opened\n"), "{names}");
    let wrong = home.tenon(&["schema", "opened"]).unwrap().expect(2).unwrap().stderr;
    assert!(wrong.starts_with("error: the schema has no opened\nhint: it has: "), "{wrong}");
    home.tenon(&["schema", "--list", "--digest"]).unwrap().expect(2).unwrap();
}
