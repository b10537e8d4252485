//! `kill -9` of the daemon after every event of a turn, on both formats: the turn ends, each edit is there once, no command ran
//! twice, and the provider is never sent a history that it would refuse.
use serde_json::{Value, json};
use tenon_tests::conversation::{self, Exchange};
use tenon_tests::home::Home;
use tenon_tests::model_server::{ModelServer, Reply};
use tenon_tests::surroundings::slow_tests;

const BEFORE: &str = "begin\nend\n";
const AFTER: &str = "begin\nmiddle\nend\n";
const ANSWER: &str = "The line is there.";

/// A model that looks again before it repeats an edit whose outcome is unknown, and repeats no command.
fn careful(done: &[Exchange]) -> Reply {
    let last = |name: &str| done.iter().rposition(|exchange| exchange.name == name);
    let result = |at: usize| done[at].result.clone().unwrap_or_default();
    let look = || Reply::call("read", &json!({"path": "a.txt"}));
    let edit = || Reply::call("edit", &json!({"path": "a.txt", "old": "begin\n", "new": "begin\nmiddle\n"}));
    match (last("read"), last("edit"), last("shell")) {
        (None, ..) => look().and_call("list", &json!({"path": "."})),
        (Some(_), None, _) => edit(),
        (Some(read), Some(edited), None) => {
            let is_unknown = result(edited).contains("unknown");
            if is_unknown && read < edited {
                look()
            } else if is_unknown && !result(read).contains("middle") {
                edit()
            } else {
                Reply::text("Now the command.")
                    .deltas(2)
                    .and_call("shell", &json!({"command": "echo ran >> ran.txt"}))
            }
        }
        (.., Some(_)) => Reply::text(ANSWER).deltas(4),
    }
}

/// Plays the scenario, kills the daemon behind the event of that number, and returns how many lines there were; `None`
/// where the turn ended before.
fn killed_behind(wire: &str, number: usize) -> Option<usize> {
    let server = ModelServer::start(conversation::by_exchanges(careful)).unwrap();
    let home = Home::with_model(wire, &server).unwrap();
    home.write("a.txt", BEFORE).unwrap();
    let mut run = home.start(&["run", "--json", "--profile", "full", "--model", "fake/x", "go"]).unwrap();
    let mut lines: Vec<Value> = Vec::new();
    while lines.len() <= number {
        lines.push(run.event().unwrap()?);
        if lines.last().is_some_and(|line| line["type"] == "turn.ended") {
            return None;
        }
    }
    home.kill_daemon().unwrap();
    while let Some(line) = run.event().unwrap() {
        lines.push(line);
    }
    let context = format!("{wire}, killed behind {}: {}", number, lines[number]);
    let finished = run.finish().unwrap();
    assert_eq!(finished.code, Some(0), "{context}: {finished:#?}, {lines:#?}");
    check(&home, &server, &lines, &context);
    Some(lines.len())
}

fn check(home: &Home, server: &ModelServer, lines: &[Value], context: &str) {
    let ended = lines.last().unwrap();
    assert_eq!((&ended["type"], &ended["data"]["stop"]), (&json!("run.ended"), &json!("done")), "{context}");
    assert_eq!(ended["data"]["text"], ANSWER, "{context}");
    assert_eq!(home.read("a.txt"), AFTER, "{context}");
    let log = home.tenon(&["log", "--json"]).unwrap().expect(0).unwrap().json_lines().unwrap();
    let of = |kind: &str| log.iter().filter(|event| event["type"] == kind).collect::<Vec<_>>();
    assert_eq!((of("turn.started").len(), of("turn.ended").len()), (1, 1), "{context}");
    assert_eq!(of("prompt.admitted").len(), 1, "{context}");
    let settled: Unique = of("tool.ended").iter().map(|event| &event["data"]["callId"]).collect();
    assert_eq!(of("tool.ended").len(), settled.0, "a call is settled once: {context}");
    // A command that had not begun to run is settled as such; one that may have is unknown. Neither is run again.
    let ran = home.read("ran.txt").lines().count();
    let whole = of("tool.ended").iter().all(|event| event["data"]["status"] == "ok");
    assert!(ran == 1 || (ran == 0 && !whole), "ran {ran} times: {context}: {log:#?}");
    let seen: Vec<u64> = lines.iter().filter_map(|line| line["seq"].as_u64()).collect();
    let first = seen[0];
    assert!(
        seen.iter().copied().eq(first..first + u64::try_from(seen.len()).unwrap()),
        "{seen:?}: {context}"
    );
    let logged = log.iter().position(|event| event["seq"] == first).unwrap();
    let printed: Vec<&Value> =
        lines.iter().filter(|line| line["seq"].is_u64()).map(|line| &line["data"]).collect();
    let logged: Vec<&Value> = log[logged..].iter().take(printed.len()).map(|event| &event["data"]).collect();
    assert_eq!(printed, logged, "{context}");
    let requests = server.requests();
    conversation::check(requests.iter().map(AsRef::as_ref))
        .unwrap_or_else(|error| panic!("{context}: {error:#}"));
    home.tenon(&["log", "--verify"]).unwrap().expect(0).unwrap();
}

/// How many different values there were.
struct Unique(usize);

impl<'a> FromIterator<&'a Value> for Unique {
    fn from_iter<I: IntoIterator<Item = &'a Value>>(values: I) -> Self {
        Self(values.into_iter().map(Value::to_string).collect::<std::collections::BTreeSet<_>>().len())
    }
}

fn killed_everywhere(wire: &str) {
    let step = if slow_tests() { 1 } else { 17 };
    let mut kills = 0;
    for number in (0..).step_by(step) {
        match killed_behind(wire, number) {
            Some(_) => kills += 1,
            None => break,
        }
    }
    assert!(kills > 20 / step, "only {kills} places to kill at");
}

#[test]
fn chat_completions_survive_a_kill_behind_every_event() {
    killed_everywhere("openai-chat");
}

#[test]
fn messages_survive_a_kill_behind_every_event() {
    killed_everywhere("anthropic-messages");
}
