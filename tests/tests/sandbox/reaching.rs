//! Commands that may reach a host: what their proxy lets through at levels 2 and 3, and what does not lead around it. Not here:
//! the proxy by itself (unit tests of the agent), and what a command without a need reaches (`matrix`).
use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;

use serde_json::json;
use tenon_tests::conversation::exchanges;
use tenon_tests::home::{Home, provider};
use tenon_tests::model_server::{ModelServer, Reply, Script};
use tenon_tests::surroundings;

use super::cases::{By, REACHING};

/// Serves, as long as the test's process lives: `?` is answered with `!`, a request for a page with one, anything else with itself.
fn serve() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    port
}

fn answer(mut stream: TcpStream) {
    let mut bytes = vec![0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut bytes) {
        let answered = match &bytes[..count] {
            b"?" => stream.write_all(b"!"),
            page if page.starts_with(b"GET /page ") => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").ok();
                return;
            }
            other => stream.write_all(other),
        };
        if answered.is_err() {
            return;
        }
    }
    stream.shutdown(Shutdown::Write).ok();
}

/// A home in which commands may reach `localhost` without a question.
struct Place {
    home: Home,
    server: ModelServer,
    probe: PathBuf,
}

/// Prepares one at a level whose model runs one command with a need for `localhost`; of that a person named one port.
fn place(level: u8, port: u16, command: &str) -> Place {
    let call = json!({ "command": command, "needs": {"net": ["localhost"]} });
    let server =
        ModelServer::start(Script::new(vec![Reply::call("shell", &call), Reply::text("Done.")])).unwrap();
    let home = Home::new().unwrap();
    let configuration = format!(
        "sandbox.level = {level}\nrules.allow = [\"net:localhost\"]\nnetwork.private = [\"localhost:{port}\"]\n{}",
        provider("openai-chat", &server)
    );
    home.configure(&configuration).unwrap();
    let probe = surroundings::probe("sandbox", &home.workspace()).unwrap();
    home.tenon(&["trust"]).unwrap().expect(0).unwrap();
    Place { home, server, probe }
}

/// Runs a command at a level, in which `$PROBE` and `$PORT` stand for themselves; returns what the model is told. `None` where there
/// is no such level, or no proxy at it.
fn told(level: u8, command: &str) -> Option<String> {
    let port = serve();
    let head = format!("PROBE=./sandbox; PORT={port}; [ -z \"$HTTPS_PROXY\" ] && echo no-proxy; ");
    let Place { home, server, probe } = place(level, port, &format!("{head}{command}"));
    // Below level 2 no other profile runs a command without a question.
    let profile = if level == 1 { "full" } else { "auto" };
    let ran = home.tenon(&["run", "--profile", profile, "--model", "fake/x", "go"]).unwrap();
    let requests = server.requests();
    let last = requests.last().unwrap_or_else(|| panic!("nobody was asked: {ran:?}"));
    let told = exchanges(last).unwrap().pop().and_then(|exchange| exchange.result);
    let told = told.unwrap_or_else(|| panic!("no result: {ran:?}"));
    assert!(fs::exists(probe).unwrap());
    if told.contains("is demanded") || (told.contains("no-proxy") && level > 1) {
        eprintln!("skipped: level {level} ({})", told.trim());
        return None;
    }
    Some(told)
}

fn at_each(check: impl Fn(u8)) {
    [2, 3].into_iter().for_each(check);
}

#[test]
fn a_host_that_is_needed_is_reached_through_the_proxy() {
    at_each(|level| {
        let Some(told) =
            told(level, "$PROBE through localhost $PORT && echo tunnel; $PROBE plain localhost $PORT")
        else {
            return;
        };
        assert!(told.contains("tunnel\n") && told.contains("hello"), "level {level}: {told}");
        assert!(told.contains("[hosts reached: localhost]"), "level {level}: {told}");
    });
}

#[test]
fn another_host_is_refused_by_its_name() {
    at_each(|level| {
        let Some(told) =
            told(level, "$PROBE through other.example 443; $PROBE through 127.0.0.1 $PORT; true")
        else {
            return;
        };
        assert!(told.contains("403 other.example is not among the needs"), "level {level}: {told}");
        let hint = "not among its needs: 127.0.0.1, other.example. If it has to reach them, call it again with needs \
                    {\"net\": [\"127.0.0.1\", \"other.example\"]}";
        assert!(told.contains(hint), "level {level}: {told}");
    });
}

/// Serves datagrams as long as the test's process lives.
fn serve_datagrams() -> u16 {
    let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    let port = socket.local_addr().unwrap().port();
    std::thread::spawn(move || {
        while let Ok((_, from)) = socket.recv_from(&mut [0]) {
            socket.send_to(b"!", from).ok();
        }
    });
    port
}

/// Tries every case at a level; returns whether each was possible.
fn attempt(level: u8) -> Option<Vec<bool>> {
    let mut script = format!("NAMED=$PORT; TCP={}; UDP={}\n", serve(), serve_datagrams());
    for (number, case) in REACHING.iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = writeln!(script, "( {} ) >said 2>&1 && echo \"case {number} possible\"", case.command);
    }
    let told = told(level, &(script + "echo all tried"))?;
    assert!(told.contains("all tried\n"), "level {level}: {told}");
    Some((0..REACHING.len()).map(|number| told.contains(&format!("case {number} possible\n"))).collect())
}

#[test]
fn every_case_with_a_need_is_as_the_table_has_it() {
    let control = attempt(1).unwrap();
    for level in [1_u8, 2, 3] {
        let tried = if level == 1 { Some(control.clone()) } else { attempt(level) };
        for (number, possible) in tried.into_iter().flatten().enumerate() {
            let case = &REACHING[number];
            // Nothing is shown by refusing what nobody may do here.
            if case.by == By::Some && !control[number] {
                eprintln!("skipped: {} (not possible here without a sandbox either)", case.name);
                continue;
            }
            assert_eq!(possible, case.possible[usize::from(level - 1)], "level {level}: {}", case.name);
        }
    }
}

#[test]
fn a_need_opens_no_port_of_this_machine_that_nobody_named() {
    at_each(|level| {
        let other = serve();
        let Some(told) = told(
            level,
            &format!("$PROBE through localhost {other}; $PROBE through localhost $PORT && echo named"),
        ) else {
            return;
        };
        assert!(told.contains("named\n"), "level {level}: {told}");
        assert!(told.contains("[refused: localhost leads to this machine"), "level {level}: {told}");
    });
}

#[test]
fn a_tunnel_carries_more_than_buffers_hold() {
    at_each(|level| {
        let Some(told) = told(level, "$PROBE carry localhost $PORT 3000000 && echo whole") else { return };
        assert!(told.contains("whole\n"), "level {level}: {told}");
    });
}

#[test]
fn whoever_floods_the_proxy_hurts_nobody() {
    at_each(|level| {
        let Some(told) = told(level, "$PROBE flood; $PROBE through localhost $PORT && echo well") else {
            return;
        };
        assert!(told.contains("well\n"), "level {level}: {told}");
    });
}

#[test]
fn the_proxy_goes_with_its_command() {
    // At level 2 it is a port of the machine, which can be looked for.
    let Some(told) = told(2, "$PROBE through localhost $PORT && echo \"at $HTTPS_PROXY\"") else { return };
    let port = told.lines().find_map(|line| line.strip_prefix("at http://127.0.0.1:"));
    let port: u16 = port.and_then(|port| port.trim().parse().ok()).unwrap_or_else(|| panic!("{told}"));
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}
