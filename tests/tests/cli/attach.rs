//! `tenon attach` in both framings, and what its death costs: nothing.
use std::io::{Read as _, Write as _};
use std::process::Stdio;

use serde_json::{Value, json};
use tenon_tests::builds;
use tenon_tests::home::Home;
use tenon_tests::model_server::{Gate, ModelServer, Reply, Script};

use tenon_tests::running::Running;
use tenon_tests::surroundings::slow_tests;

fn attach(home: &Home) -> Running {
    let mut command = home.command(&["attach"]);
    command.stdin(Stdio::piped());
    Running::start(command).unwrap()
}

fn send(running: &mut Running, message: &Value) {
    let stdin = running.stdin.as_mut().unwrap();
    writeln!(stdin, "{message}").unwrap();
    stdin.flush().unwrap();
}

/// What a client says first, and where its answer holds the version.
fn hello() -> Value {
    json!({"capabilities": {"experimental": {"agent": {"protocol": [1]}}}})
}

const VERSION: &str = "/capabilities/experimental/agent/protocol";

fn request(running: &mut Running, id: u64, method: &str, params: &Value) -> Value {
    send(running, &json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
    loop {
        let message = running.event().unwrap().expect("an answer");
        if message["id"] == id {
            return message["result"].clone();
        }
    }
}

#[test]
fn lines_are_answered_in_lines() {
    let home = Home::new().unwrap();
    let mut attached = attach(&home);
    let greeted = request(&mut attached, 1, "initialize", &hello());
    assert_eq!(greeted.pointer(VERSION), Some(&json!(1)), "{greeted}");
    let listed = request(&mut attached, 2, "agent/list", &json!({"kind": "session"}));
    assert_eq!(listed["items"], json!([]));
    attached.finish().unwrap().expect(0).unwrap();
}

#[test]
fn headers_are_answered_with_headers() {
    let home = Home::new().unwrap();
    let framed = |message: Value| {
        let text = message.to_string();
        format!("Content-Length: {}\r\n\r\n{text}", text.len())
    };
    let greeting = framed(json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello()}));
    let list =
        framed(json!({"jsonrpc": "2.0", "id": 2, "method": "agent/list", "params": {"kind": "session"}}));
    let mut command = home.command(&["attach"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{greeting}{list}").as_bytes()).unwrap();
    let mut answer = String::new();
    child.stdout.take().unwrap().read_to_string(&mut answer).unwrap();
    assert!(child.wait().unwrap().success());
    let mut answers = Vec::new();
    let mut rest = answer.as_str();
    while let Some((head, tail)) = rest.split_once("\r\n\r\n") {
        let length: usize =
            head.to_lowercase().split_once("content-length:").unwrap().1.trim().parse().unwrap();
        answers.push(serde_json::from_str::<Value>(&tail[..length]).unwrap());
        rest = &tail[length..];
    }
    assert_eq!(rest, "", "nothing between the messages");
    let of =
        |id: u64| answers.iter().find(|answer| answer["id"] == id).unwrap_or_else(|| panic!("{answers:?}"));
    assert_eq!(of(1)["result"].pointer(VERSION), Some(&json!(1)));
    assert_eq!(of(2)["result"]["items"], json!([]));
}

#[test]
fn a_message_of_a_killed_attach_is_not_lost() {
    let gate = Gate::new();
    let server = ModelServer::start(Script::new([Reply::text("finished").gate(&gate)])).unwrap();
    let home = Home::with_model("openai-chat", &server).unwrap();
    let mut attached = attach(&home);
    request(&mut attached, 1, "initialize", &hello());
    let workspace = format!("file://{}", home.workspace().display());
    let opened = request(
        &mut attached,
        2,
        "agent/open",
        &json!({"workspace": workspace, "settings": {"model": "fake/x"}}),
    );
    let session = opened["session"]["id"].as_str().unwrap().to_owned();
    let input = json!([{"type": "text", "text": "go"}]);
    let params = json!({"sessionId": session, "input": input, "key": "k1"});
    let admitted = request(&mut attached, 3, "agent/prompt", &params);
    assert_eq!(admitted["outcome"], "started", "{admitted}");
    attached.kill().unwrap();
    gate.open();
    let mut again = attach(&home);
    request(&mut again, 1, "initialize", &hello());
    // The same message under the same key is the same turn, never a second one.
    let duplicate = request(&mut again, 2, "agent/prompt", &params);
    assert_eq!(duplicate["turnId"], admitted["turnId"], "{duplicate}");
    again.finish().unwrap().expect(0).unwrap();
    let mut observed = home.start(&["observe", "--json", "--after", "start", "--session", &session]).unwrap();
    assert_eq!(observed.event_of("turn.ended").unwrap()["data"]["stop"], "done");
    assert_eq!(server.requests().len(), 1);
}

/// Returns the sentence on standard error, and checks the exit.
fn ended(attached: Running, code: i32) -> String {
    let finished = attached.finish_with_open_stdin().unwrap().expect(code).unwrap();
    finished.stderr
}

#[test]
fn an_agent_that_left_before_the_first_word_is_replaced() {
    let home = Home::new().unwrap();
    let mut attached = attach(&home);
    // It starts one or takes this one, and either is gone then.
    home.tenon(&["sessions"]).unwrap().expect(0).unwrap();
    home.tenon(&["stop"]).unwrap().expect(0).unwrap();
    let greeted = request(&mut attached, 1, "initialize", &hello());
    assert_eq!(greeted.pointer(VERSION), Some(&json!(1)), "{greeted}");
    attached.finish().unwrap().expect(0).unwrap();
}

#[test]
fn one_that_leaves_while_it_is_connected_to_is_replaced() {
    let home = Home::new().unwrap();
    for round in 0..if slow_tests() { 50 } else { 5 } {
        home.tenon(&["sessions"]).unwrap().expect(0).unwrap();
        let stop = home.start(&["stop"]).unwrap();
        let mut attached = attach(&home);
        send(&mut attached, &json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello()}));
        let greeted = attached.event().unwrap().expect("an answer");
        assert_eq!(greeted["result"].pointer(VERSION), Some(&json!(1)), "round {round}: {greeted}");
        stop.finish().unwrap().expect(0).unwrap();
        drop(attached);
    }
}

#[test]
fn how_it_ends_tells_what_became_of_the_agent() {
    let home = Home::new().unwrap();
    let greeted = || {
        let mut attached = attach(&home);
        request(&mut attached, 1, "initialize", &hello());
        attached
    };
    let mut attached = greeted();
    send(&mut attached, &json!({"jsonrpc": "2.0", "method": "exit"}));
    assert_eq!(ended(attached, 0), "", "it was asked for");

    let attached = greeted();
    home.kill_daemon().unwrap();
    let told = ended(attached, 75);
    assert!(
        told.contains("error: the agent died or made way") && told.contains("start `tenon attach` again"),
        "{told}"
    );

    let attached = greeted();
    let build = builds::newer(&home, 1).unwrap();
    Running::start(home.command_of(&build, &["sessions"])).unwrap().finish().unwrap().expect(0).unwrap();
    ended(attached, 75);

    let attached = greeted();
    home.tenon(&["stop"]).unwrap().expect(0).unwrap();
    let told = ended(attached, 1);
    assert!(told.starts_with("error: the agent was stopped\n"), "{told}");
}
