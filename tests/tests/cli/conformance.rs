//! The published vectors against our own agent, and against agents that are wrong. Not here: the vectors.
use std::fs;

use anyhow::Result;
use tenon_tests::home::Home;
use tenon_tests::running::Finished;

fn conformance(agent: &str, more: &[&str]) -> Result<Finished> {
    let home = Home::new()?;
    let mut arguments = vec!["conformance", "--agent", agent];
    arguments.extend(more);
    home.tenon(&arguments)
}

fn own(arguments: &str) -> String {
    format!("{} {arguments}", tenon_tests::surroundings::binary().unwrap().display())
}

#[test]
fn our_own_agent_conforms_on_its_standard_streams() {
    let done = conformance(&own("serve --stdio"), &[]).unwrap().expect(0).unwrap();
    assert!(done.stdout.contains("ok    turn (headers)\nok    turn (lines)\n"), "{done:#?}");
    assert!(done.stdout.ends_with(" passed, 0 failed\n"), "{done:#?}");
}

#[test]
fn our_own_agent_conforms_over_its_socket() {
    let done = conformance(&own("attach"), &["--vector", "turn", "--vector", "reconnect"]).unwrap();
    assert!(done.expect(0).unwrap().stdout.ends_with("4 passed, 0 failed\n"));
}

#[test]
fn an_agent_that_is_wrong_is_found_out() {
    let wrong = [
        ("echo '{\"id\":1,\"result\":{}}'; cat >/dev/null", "without \"jsonrpc\""),
        ("echo 'I am an agent'; cat >/dev/null", "no JSON"),
        ("head -n 1 >/dev/null", "closed the connection"),
        ("echo '{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"ask\"}'; cat >/dev/null", "and nothing else"),
    ];
    for (agent, reason) in wrong {
        let done = conformance(agent, &["--vector", "framing"]).unwrap().expect(1).unwrap();
        assert!(done.stdout.contains(reason), "{agent}: {done:#?}");
    }
}

#[test]
fn a_vector_that_does_not_hold_is_told_with_what_was_found() {
    let home = Home::new().unwrap();
    let hello = r#"{"call": {"method": "initialize", "params": {}, "result": {}}}"#;
    let vector = format!(r#"{{"about": "It takes anybody.", "steps": [{hello}]}}"#);
    home.write("vectors/wrong.json", &vector).unwrap();
    let agent = own("serve --stdio");
    let done = home.tenon(&["conformance", "--agent", &agent, "--vectors", "vectors", "--json"]).unwrap();
    let lines = done.expect(1).unwrap().json_lines().unwrap();
    assert_eq!(lines[0]["vector"], "wrong (headers)");
    assert!(lines[0]["reason"].as_str().unwrap().contains("unsupportedProtocol"), "{lines:?}");
    fs::write(home.workspace().join("vectors/wrong.json"), "{}").unwrap();
    home.tenon(&["conformance", "--agent", "true", "--vectors", "vectors"]).unwrap().expect(2).unwrap();
}
