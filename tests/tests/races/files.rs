//! Two sessions and a person edit one file, in turn and at once: every line that anybody wrote is there in the end, and whoever
//! would have written over another one was told. Not here: how that is said (the scenarios).
use std::fs;

use serde_json::{Value, json};
use tenon_tests::home::Home;
use tenon_tests::model_server::{ModelServer, Reply, Script};
use tenon_tests::running::Running;

use crate::races::rounds;

/// Edits of both sessions together.
const EDITS: usize = 200;

/// The file.
const FILE: &str = "shared.txt";

/// What a model does that wants a line in the file: it edits at once, and reads when it is told that somebody was faster.
fn adds_its_line(messages: &[Value]) -> Reply {
    let asked = messages.iter().rposition(|message| message["role"] == "user").unwrap();
    let text = messages[asked]["content"].to_string();
    let line = text.split("add ").nth(1).unwrap().split('.').next().unwrap().to_owned();
    let edit = || Reply::call("edit", &json!({"path": FILE, "old": "end", "new": format!("{line}\nend")}));
    let Some(last) = messages[asked..].iter().rfind(|message| message["role"] == "tool") else {
        return edit();
    };
    let told = last["content"].to_string();
    if told.contains("wrote shared.txt") {
        Reply::text("It is there.")
    } else if told.contains("nothing was written") || told.contains("not read") {
        Reply::call("read", &json!({"path": FILE}))
    } else {
        edit()
    }
}

#[test]
fn two_sessions_and_a_person_edit_one_file() {
    let server = ModelServer::start(Script::function(|_, request| {
        adds_its_line(request.body["messages"].as_array().unwrap())
    }));
    let server = server.unwrap();
    let home = Home::with_model("openai-chat", &server).unwrap();
    home.write(FILE, "end\n").unwrap();
    let first = ["run", "--json", "--profile", "edit", "--model", "fake/x"];
    let session = |name: &str| {
        let prompt = format!("add {name}0.");
        let lines =
            home.tenon(&[&first[..], &[&prompt]].concat()).unwrap().expect(0).unwrap().json_lines().unwrap();
        lines[0]["data"]["sessionId"].as_str().unwrap().to_owned()
    };
    let sessions = [session("a"), session("b")];
    let rounds = rounds(EDITS) / 2;
    for round in 1..=rounds {
        // The person saves the file with a line of their own.
        let text = home.read(FILE);
        fs::write(home.workspace().join(FILE), format!("person{round}\n{text}")).unwrap();
        let ask = |name: &str, session: &str| {
            let prompt = format!("add {name}{round}.");
            Running::start(home.command(&["run", "--quiet", "--session", session, &prompt])).unwrap()
        };
        let asked = ask("a", &sessions[0]);
        if round % 2 == 0 {
            // Both at once.
            let other = ask("b", &sessions[1]);
            asked.finish().unwrap().expect(0).unwrap();
            other.finish().unwrap().expect(0).unwrap();
        } else {
            asked.finish().unwrap().expect(0).unwrap();
            ask("b", &sessions[1]).finish().unwrap().expect(0).unwrap();
        }
    }
    let text = home.read(FILE);
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    let mut wanted = vec!["end".to_owned()];
    for name in ["a", "b"] {
        wanted.extend((0..=rounds).map(|round| format!("{name}{round}")));
    }
    wanted.extend((1..=rounds).map(|round| format!("person{round}")));
    wanted.sort_unstable();
    assert_eq!(lines, wanted);
    // In every round each of them was told what the others had done, and shown it.
    let requests = server.requests();
    let told = requests.iter().filter(|request| {
        let text = request.last_text();
        text.contains("was changed by somebody else")
            && (text.contains("+person") || text.contains("at this moment"))
    });
    assert!(told.count() >= 2 * rounds);
}
