//! A person's own commands from the command line.
use std::process::Stdio;

use serde_json::json;
use tenon_tests::home::Home;
use tenon_tests::running::{PATIENCE, Running};
use tenon_tests::waiting::rpc;

/// Returns a home whose workspace is trusted: elsewhere no command runs.
fn home() -> Home {
    let home = Home::new().unwrap();
    home.tenon(&["trust"]).unwrap().expect(0).unwrap();
    home
}

/// Opens a session in which the person's commands may run.
fn open(home: &Home) -> String {
    let params = json!({"workspace": home.workspace(), "settings": {"trust": "session"}});
    let opened = rpc(home, "agent/open", &params).unwrap();
    opened["session"]["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_command_is_shown_and_its_exit_code_is_the_commands() {
    let home = home();
    home.write("inner/a.txt", "").unwrap();
    let done = home.tenon(&["jobs", "run", "--cwd", "inner", "ls; exit 7"]).unwrap().expect(7).unwrap();
    assert_eq!(done.stdout, "a.txt\n");
    let done = home.tenon(&["jobs", "run", "echo", "a  b"]).unwrap().expect(0).unwrap();
    assert_eq!(done.stdout, "a  b\n");
    home.tenon(&["jobs", "run", "kill -9 $$"]).unwrap().expect(137).unwrap();
    let sessions = home.tenon(&["sessions", "--json"]).unwrap().expect(0).unwrap().json_lines().unwrap();
    assert_eq!(sessions.len(), 1, "the newest session of the workspace is used");
}

#[test]
fn output_of_megabytes_is_complete_for_who_reads_it() {
    let home = home();
    let done = home.tenon(&["jobs", "run", "seq 1 300000"]).unwrap().expect(0).unwrap();
    let lines = done.stdout.lines().map(|line| line.parse::<u32>().unwrap());
    assert!(lines.eq(1..=300_000), "{} bytes; {}", done.stdout.len(), done.stderr);
}

#[test]
fn whoever_stalls_while_a_job_prints_misses_nothing() {
    let home = home();
    let session = open(&home);
    let mut command = home.command(&["jobs", "run", "--session", &session, "seq 1 600000"]);
    let mut stalled = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    // Nobody reads its output until the job has ended: long after the pipe is full.
    let mut observed = home.start(&["observe", "--json", "--after", "start", "--session", &session]).unwrap();
    let ended = observed.event_of("job.ended").unwrap();
    let mut output = String::new();
    std::io::Read::read_to_string(&mut stalled.stdout.take().unwrap(), &mut output).unwrap();
    assert!(stalled.wait().unwrap().success());
    assert!(output.lines().map(|line| line.parse::<u32>().unwrap()).eq(1..=600_000), "{}", output.len());
    // The log names the whole of it, and anybody can have it later, or some of it.
    let reference = ended["data"]["ref"].as_str().unwrap();
    let fetched = home.tenon(&["fetch", reference]).unwrap().expect(0).unwrap();
    assert!(fetched.stdout == output.replace('\n', "\r\n"), "as the terminal got it");
    let some = home.tenon(&["fetch", reference, "--range", "3..9"]).unwrap().expect(0).unwrap();
    assert_eq!(some.stdout, "2\r\n3\r\n");
}

#[test]
fn what_cannot_be_fetched_is_said() {
    let home = home();
    let missing = format!("b3:{}", "0".repeat(64));
    for reference in [missing.as_str(), "/etc/passwd", "b3:../../etc/passwd", ""] {
        let refused = home.tenon(&["fetch", reference]).unwrap().expect(1).unwrap();
        assert!(refused.stderr.contains("nothing is kept under"), "{}", refused.stderr);
    }
    home.tenon(&["fetch", &missing, "--range", "9"]).unwrap().expect(2).unwrap();
}

#[test]
fn a_job_in_the_background_is_listed_written_to_attached_to_and_ended() {
    let home = home();
    let command = "echo ready; read line; echo got $line; touch up; sleep 4321";
    let started = home.tenon(&["jobs", "run", "--background", command]).unwrap().expect(0).unwrap();
    let job = started.stdout.trim();
    let listed = home.tenon(&["jobs", "--json"]).unwrap().expect(0).unwrap().json_lines().unwrap();
    assert_eq!((&listed[0]["id"], &listed[0]["background"]), (&json!(job), &json!(true)));
    home.tenon(&["jobs", "write", job, "hello"]).unwrap().expect(0).unwrap();
    let mut attached = home.start(&["jobs", "attach", job]).unwrap();
    let mut seen = Vec::new();
    while seen.last().is_none_or(|line| line != "got hello") {
        seen.push(attached.line().unwrap().expect("the job runs"));
    }
    assert!(seen.contains(&"ready".to_owned()), "{seen:?}");
    home.tenon(&["jobs", "kill", job]).unwrap().expect(0).unwrap();
    assert_ne!(attached.finish().unwrap().code, Some(0));
    let refused = home.tenon(&["jobs", "kill", job]).unwrap().expect(1).unwrap();
    assert!(refused.stderr.contains("does not run"), "{}", refused.stderr);
}

#[test]
fn standard_input_goes_in_where_it_is_asked_for() {
    let home = home();
    let mut command = home.command(&["jobs", "run", "--stdin", "stty -echo; echo on; cat; echo end"]);
    command.stdin(Stdio::piped());
    let mut running = Running::start(command).unwrap();
    assert_eq!(running.line().unwrap().unwrap(), "on");
    std::io::Write::write_all(running.stdin.as_mut().unwrap(), b"typed\n").unwrap();
    let done = running.finish().unwrap().expect(0).unwrap();
    assert_eq!(done.stdout, "typed\nend\n");
}

#[test]
fn a_daemon_stays_for_a_job_and_stop_ends_what_nobody_waits_for() {
    let home = home();
    home.configure("[daemon]\nlinger_s = 0\n").unwrap();
    home.tenon(&["stop"]).unwrap().expect(0).unwrap();
    home.tenon(&["jobs", "run", "--background", "touch up; sleep 4321"]).unwrap().expect(0).unwrap();
    let daemon = home.daemon().unwrap().expect("it stays");
    assert_eq!(home.tenon(&["jobs", "--json"]).unwrap().expect(0).unwrap().json_lines().unwrap().len(), 1);
    assert_eq!(home.daemon().unwrap().expect("the same one").pid, daemon.pid);
    home.tenon(&["stop"]).unwrap().expect(0).unwrap();
    assert!(daemon.ends_within(PATIENCE).unwrap());
    let log = home.tenon(&["log", "--json"]).unwrap().expect(0).unwrap().json_lines().unwrap();
    let ended = log.iter().find(|event| event["type"] == "job.ended").expect("its end is recorded");
    assert_eq!(ended["data"]["status"], "interrupted");
}

#[test]
fn a_job_keeps_its_output_bounded_when_nobody_reads_it() {
    let home = home();
    let session = open(&home);
    let command = "head -c 6000000 /dev/zero | tr '\\0' x; echo; echo last";
    rpc(&home, "agent/run", &json!({"sessionId": session, "command": command})).unwrap();
    let mut observed = home.start(&["observe", "--json", "--after", "start", "--session", &session]).unwrap();
    let ended = observed.event_of("job.ended").unwrap();
    let text = ended["data"]["content"][0]["text"].as_str().unwrap();
    assert_eq!(ended["data"]["bytes"], 6_000_000 + 2 + 6, "with carriage returns");
    assert!(text.len() < 60_000 && text.ends_with("last\n"), "{} bytes", text.len());
    let reference = ended["data"]["ref"].as_str().unwrap();
    let fetched = home.tenon(&["fetch", reference]).unwrap().expect(0).unwrap().stdout;
    assert!(fetched.len() == 6_000_008 && fetched.ends_with("x\r\nlast\r\n"), "{} bytes", fetched.len());
}
