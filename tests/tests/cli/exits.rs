//! The exit codes of `tenon run`, each shown once, with the sentence that comes with it.
use rustix::process::Signal;
use serde_json::json;
use tenon_tests::home::{Home, provider};
use tenon_tests::model_server::{Gate, ModelServer, Reply, Script};
use tenon_tests::running::{Finished, Running};
use tenon_tests::surroundings::slow_tests;

const WIRE: &str = "openai-chat";

fn run(home: &Home, arguments: &[&str]) -> Finished {
    home.tenon(&[&["run", "--quiet"], arguments].concat()).unwrap()
}

/// Checks the exit, that standard error holds one sentence and nothing else but hints, and returns the sentence.
fn failure(finished: Finished, code: i32) -> String {
    let finished = finished.expect(code).unwrap();
    let (hints, errors): (Vec<&str>, Vec<&str>) =
        finished.stderr.lines().partition(|line| line.starts_with("hint: "));
    assert!(hints.len() <= 2, "{finished:#?}");
    let [error] = errors[..] else { panic!("not one sentence: {finished:#?}") };
    error.strip_prefix("error: ").unwrap_or_else(|| panic!("no error: {finished:#?}")).to_owned()
}

#[test]
fn zero_when_it_is_done() {
    let server = ModelServer::start(Script::new([Reply::text("yes")])).unwrap();
    let home = Home::with_model(WIRE, &server).unwrap();
    let done = run(&home, &["--model", "fake/x", "is", "it?"]).expect(0).unwrap();
    assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("yes\n", ""));
}

#[test]
fn one_when_the_model_refuses() {
    let refusal = Reply { refusal: true, ..Reply::text("I will not.") };
    let server = ModelServer::start(Script::new([refusal])).unwrap();
    let home = Home::with_model(WIRE, &server).unwrap();
    assert_eq!(failure(run(&home, &["--model", "fake/x", "go"]), 1), "the model refused");
}

#[test]
fn two_when_the_arguments_are_wrong() {
    let server = ModelServer::start(Script::new([])).unwrap();
    let home = Home::with_model(WIRE, &server).unwrap();
    let usage = |arguments: &[&str]| run(&home, arguments).expect(2).unwrap().stderr;
    assert!(usage(&["--no-such-flag", "go"]).contains("--no-such-flag"));
    assert!(usage(&["--timeout", "soon", "go"]).contains("soon"));
    assert!(usage(&["--session", "s_1", "--continue", "go"]).contains("--continue"));
    assert!(usage(&[]).contains("there is no prompt"));
    assert!(usage(&["--model", "fake/x", "--profile", "nobody", "go"]).contains("nobody"));
    assert!(usage(&["--model", "nowhere/x", "go"]).contains("nowhere"));
    assert!(usage(&["--model", "fake/x", "--cwd", "/nowhere", "go"]).contains("/nowhere"));
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn two_when_the_configuration_is_wrong() {
    let home = Home::new().unwrap();
    home.configure("profile = \"review\"\n\n[limits]\nsteps = \"many\"\n").unwrap();
    let sentence = failure(run(&home, &["go"]), 2);
    let place = format!("{}:4", home.config_file().display());
    assert!(sentence.contains(&place) && sentence.contains("limits.steps"), "{sentence}");
}

#[test]
fn one_and_the_way_out_without_any_configuration() {
    let home = Home::new().unwrap();
    let sentence = failure(run(&home, &["go"]), 1);
    for word in ["ANTHROPIC_API_KEY", "base_url", "tenon demo"] {
        assert!(sentence.contains(word), "no {word}: {sentence}");
    }
}

#[test]
fn three_at_the_limit_of_steps() {
    let server = ModelServer::start(Script::always(Reply::call("list", &json!({"path": "."})))).unwrap();
    let home = Home::with_model(WIRE, &server).unwrap();
    let sentence = failure(run(&home, &["--model", "fake/x", "--max-steps", "2", "go"]), 3);
    assert_eq!(sentence, "stopped at the limit of steps");
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn three_when_the_time_is_over() {
    if !slow_tests() {
        return;
    }
    let gate = Gate::new();
    let server = ModelServer::start(Script::always(Reply::text("late").gate(&gate))).unwrap();
    let home = Home::with_model(WIRE, &server).unwrap();
    // The turn has to have started, or there would be nothing to interrupt: on a busy machine that takes longer.
    for time in ["1s", "5s", "20s"] {
        let finished = run(&home, &["--model", "fake/x", "--timeout", time, "go"]);
        assert_eq!(failure(finished, 3), "the time of --timeout is over");
        let log = home.tenon(&["log"]).unwrap().stdout;
        if log.contains("turn.ended") {
            return;
        }
    }
    panic!("the turn was not interrupted");
}

#[test]
fn four_without_the_session() {
    let server = ModelServer::start(Script::new([])).unwrap();
    let home = Home::with_model(WIRE, &server).unwrap();
    let sentence = failure(run(&home, &["--model", "fake/x", "--session", "s_none", "go"]), 4);
    assert!(sentence.contains("s_none"), "{sentence}");
    let sentence = failure(run(&home, &["--model", "fake/x", "--continue", "go"]), 4);
    assert!(sentence.contains("no session"), "{sentence}");
}

#[test]
fn five_when_nobody_could_be_asked() {
    let edit = Reply::call("write", &json!({"path": "new.txt", "content": "new"}));
    let server = ModelServer::start(Script::new([edit, Reply::text("As you wish.")])).unwrap();
    let home = Home::with_model(WIRE, &server).unwrap();
    let arguments = ["--model", "fake/x", "--profile", "review", "go"];
    assert!(failure(run(&home, &arguments), 5).contains("nobody could be asked"));
    assert_eq!(home.read("new.txt"), "", "nobody allowed it");
    let told = server.requests().last().unwrap().raw.clone();
    assert!(told.contains("nobody to ask"), "the model is told why: {told}");
}

#[test]
fn five_when_the_workspace_is_not_trusted() {
    let edit = Reply::call("write", &json!({"path": "new.txt", "content": "new"}));
    let server = ModelServer::start(Script::new([edit, Reply::text("I may not.")])).unwrap();
    let home = Home::with_model(WIRE, &server).unwrap();
    home.configure(&format!("profile = \"edit\"\n{}", provider(WIRE, &server))).unwrap();
    let finished = run(&home, &["--model", "fake/x", "go"]).expect(5).unwrap();
    assert!(finished.stderr.contains("tenon trust"), "{finished:#?}");
    assert_eq!(home.read("new.txt"), "");
}

#[test]
fn zero_again_once_the_workspace_is_trusted() {
    let edit = Reply::call("write", &json!({"path": "new.txt", "content": "new"}));
    let server = ModelServer::start(Script::new([edit, Reply::text("Done.")])).unwrap();
    let home = Home::with_model(WIRE, &server).unwrap();
    home.configure(&format!("profile = \"edit\"\n{}", provider(WIRE, &server))).unwrap();
    home.tenon(&["trust"]).unwrap().expect(0).unwrap();
    run(&home, &["--model", "fake/x", "go"]).expect(0).unwrap();
    assert_eq!(home.read("new.txt"), "new");
}

#[test]
fn one_hundred_and_thirty_when_it_is_interrupted() {
    let gate = Gate::new();
    let server =
        ModelServer::start(Script::always(Reply::text("a b").deltas(2).gate_after(1, &gate))).unwrap();
    let home = Home::with_model(WIRE, &server).unwrap();
    let mut lines = home.start(&["run", "--json", "--model", "fake/x", "go"]).unwrap();
    lines.event_of("message.started").unwrap();
    lines.signal(Signal::INT).unwrap();
    assert_eq!(lines.event_of("turn.ended").unwrap()["data"]["stop"], "interrupted");
    let last = lines.event_of("run.ended").unwrap();
    assert_eq!((&last["data"]["exit"], &last["data"]["stop"]), (&json!(130), &json!("interrupted")));
    assert_eq!(failure(lines.finish().unwrap(), 130), "interrupted");

    // For people it says what a second one does.
    let text = home.start(&["run", "--continue", "--model", "fake/x", "go"]).unwrap();
    server.block_for_requests(2).unwrap();
    text.signal(Signal::INT).unwrap();
    let text = text.finish().unwrap().expect(130).unwrap();
    assert!(text.stderr.contains("interrupted"), "{text:#?}");
}

#[test]
fn an_open_input_is_never_waited_for() {
    let server = ModelServer::start(Script::new([Reply::text("done")])).unwrap();
    let home = Home::with_model(WIRE, &server).unwrap();
    let mut command = home.command(&["run", "--model", "fake/x", "go"]);
    command.stdin(std::process::Stdio::piped());
    let done = Running::start(command).unwrap().finish_with_open_stdin().unwrap().expect(0).unwrap();
    assert_eq!(done.stdout, "done\n");
}

#[test]
fn input_is_read_where_it_is_asked_for() {
    let server = ModelServer::start(Script::echo()).unwrap();
    let home = Home::with_model(WIRE, &server).unwrap();
    let mut command = home.shell("echo from a pipe | \"$0\" run --model fake/x --stdin say:");
    command.stdin(std::process::Stdio::null());
    let done = Running::start(command).unwrap().finish().unwrap().expect(0).unwrap();
    assert_eq!(done.stdout, "say:\n\nfrom a pipe\n");
}
