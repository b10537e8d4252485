//! The published vectors against our own agent, and against agents that are wrong. Not here: the vectors.
use std::fs;
use std::path::Path;

use anyhow::Result;
use tenon_tests::home::Home;
use tenon_tests::running::{Finished, Running};

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

/// Plays vectors against a client; `$TENON` in its command is the binary.
fn client(command: &str, more: &[&str]) -> Result<Finished> {
    let home = Home::new()?;
    let mut arguments = vec!["conformance", "--client", command];
    arguments.extend(more);
    home.tenon(&arguments)
}

/// Names vectors on a command line.
fn only(names: &[&'static str]) -> Vec<&'static str> {
    names.iter().flat_map(|name| ["--vector", name]).collect()
}

#[test]
fn the_client_in_python_conforms_as_far_as_it_goes() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/examples/clients/minimal.py");
    let command = format!("python3 '{}' . go", script.display());
    let home = Home::new().unwrap();
    if !Running::start(home.shell("command -v python3")).unwrap().finish().unwrap().stdout.contains("python3")
    {
        eprintln!("skipped: python3 not found");
        return;
    }
    // The others are for clients that come back when they lost their connection.
    let vectors = only(&["turn", "approval", "unknown", "superseded", "deltas", "refused"]);
    let done = client(&command, &vectors).unwrap().expect(0).unwrap();
    assert!(done.stdout.ends_with("6 passed, 0 failed\n"), "{done:#?}");
    // What it does not do is found.
    let done = client(&command, &["--vector", "reconnect", "--timeout", "3"]).unwrap().expect(1).unwrap();
    assert!(done.stdout.contains("the client does not connect"), "{done:#?}");
}

#[test]
fn the_client_in_rust_conforms() {
    let done = client(&format!("'{}' go", env!("CARGO_BIN_EXE_ask")), &[]).unwrap().expect(0).unwrap();
    assert!(done.stdout.ends_with(" passed, 0 failed\n"), "{done:#?}");
}

#[test]
fn our_own_command_line_conforms_as_a_client() {
    // It prints the last answer alone and declines what it is asked, which the others do not expect.
    let vectors = only(&["turn", "superseded", "deltas", "handover", "refused"]);
    let done = client("\"$TENON\" run --quiet --model any/model go", &vectors).unwrap();
    assert!(done.stdout.ends_with(" passed, 0 failed\n"), "{done:#?}");
    done.expect(0).unwrap();
}

#[test]
fn a_client_that_is_wrong_is_found_out() {
    let line = |json: &str| format!("printf '%s\\n' '{json}' | \"$TENON\" attach");
    let hello = r#"{"id":1,"method":"initialize","params":{"capabilities":{"experimental":{"agent":{"protocol":[1],"render":{"approval":{}}}}}}}"#;
    let wrong = [
        ("true".to_owned(), "the client does not connect"),
        (line(r#"{"id":1,"method":"agent/list","params":{"kind":"session"}}"#), "before initialize"),
        (line(r#"{"id":1,"result":null}"#), "nothing to answer"),
        (line(r#"{"id":1.5,"method":"initialize"}"#), "an id that is neither"),
        (line(hello), "agent/open: the client ended the connection"),
        (
            format!(
                "printf '%s\\n%s\\n' '{hello}' '{{\"id\":2,\"method\":\"agent/fly\"}}' | \"$TENON\" attach"
            ),
            "expected agent/open",
        ),
    ];
    for (command, reason) in wrong {
        // Only a client that never comes is waited for as long.
        let patience = if command == "true" { "3" } else { "50" };
        let done = client(&command, &["--vector", "turn", "--timeout", patience]).unwrap().expect(1).unwrap();
        assert!(done.stdout.contains(reason), "{command}: {done:#?}");
    }
    let neither = Home::new().unwrap().tenon(&["conformance"]).unwrap().expect(2).unwrap();
    assert!(neither.stderr.contains("--client"), "{neither:#?}");
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
