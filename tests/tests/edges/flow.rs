//! Bytes in every portion, messages of every size, and clients who go silent. Not here: single mistakes (`edges`).
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::Stdio;

use serde_json::{Value, json};
use tenon_tests::home::Home;
use tenon_tests::raw::{Raw, Way, hello};
use tenon_tests::running::{PATIENCE, Running};
use tenon_tests::surroundings::slow_tests;

use crate::edges::{Stage, memory_mb, told};

/// The limit of a message.
const MESSAGE_MAX: usize = 16 * 1024 * 1024;

/// Memory that the daemon may have taken, in MB, after everything here: several times what it needs, and far below what it
/// would be if it kept what it should not.
const MEMORY_MB_MAX: u64 = 160;

fn initialize() -> Value {
    json!({"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": hello()})
}

fn list(id: u64) -> String {
    json!({"jsonrpc": "2.0", "id": id, "method": "agent/list", "params": {"kind": "tool"}}).to_string()
}

#[test]
fn dribbled_bytes_are_put_together() {
    let mut stage = Stage::new();
    for way in Way::ALL {
        let mut client = Raw::dial(&stage.home, way).unwrap();
        let accented =
            json!({"jsonrpc": "2.0", "id": 1, "method": "agent/list", "params": {"kind": "tool", "é": "漢"}});
        let mut sent = way.framed(initialize().to_string().as_bytes());
        sent.extend(way.framed(accented.to_string().as_bytes()));
        for byte in sent {
            client.bytes(&[byte]).unwrap();
        }
        assert_eq!(client.message().unwrap().unwrap()["id"], "hello", "{way:?}");
        assert_eq!(told(&client.message().unwrap().unwrap()), ("1".to_owned(), 0), "{way:?}");
        stage.is_well();
    }
}

#[test]
fn what_a_client_says_is_bounded() {
    let mut stage = Stage::new();
    let mut client = Raw::connect(&stage.home, Way::Lines).unwrap();
    let long = "x".repeat(15 << 20);
    let input = |text: &str| json!({"sessionId": "s_none", "input": [{"type": "text", "text": text}]});
    let image =
        json!({"sessionId": "s_none", "input": [{"type": "image", "mime": "image/png", "data": long}]});
    let pieces = vec![json!({"type": "text", "text": "x"}); 257];
    let workspace = stage.home.workspace();
    let cases = [
        ("agent/prompt", input(&long)),
        ("agent/prompt", input(&"\u{1}".repeat(1 << 20))),
        ("agent/prompt", image),
        ("agent/prompt", json!({"sessionId": "s_none", "input": pieces})),
        ("agent/open", json!({"workspace": workspace, "title": long})),
        ("agent/open", json!({"workspace": workspace, "settings": {"model": long}})),
        ("agent/open", json!({"workspace": long})),
        ("agent/answer", json!({"requestId": "r_none", "decision": "deny", "note": long})),
        ("agent/answer", json!({"requestId": "r_none", "decision": "answer", "form": {"a": long}})),
    ];
    for (method, params) in cases {
        client.request(method, &params).unwrap();
        let answer = client.answer().unwrap().unwrap();
        assert_eq!(told(&answer).1, -32602, "{method}: {answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains("may "), "{answer}");
        assert!(answer.to_string().len() < 1_000, "nothing of it comes back");
    }
    // The negative control: what is just within its bound is looked at further, and is no session's.
    client.request("agent/prompt", &input(&"x".repeat(3_000_000))).unwrap();
    assert_eq!(told(&client.answer().unwrap().unwrap()).1, 1101);
    stage.is_well();
}

/// Returns a request of exactly so many bytes, all but a few of them in a member that nobody knows.
fn request_of(bytes: usize) -> String {
    let mut text =
        String::from(r#"{"jsonrpc":"2.0","id":1,"method":"agent/list","params":{"kind":"tool"},"more":""#);
    text.push_str(&"x".repeat(bytes - text.len() - 2));
    text + "\"}"
}

#[test]
fn a_message_of_sixteen_mebibytes_is_taken_and_no_larger_one() {
    let mut stage = Stage::new();
    let (fits, over) = (request_of(MESSAGE_MAX), request_of(MESSAGE_MAX + 1));
    for way in Way::ALL {
        let mut client = Raw::connect(&stage.home, way).unwrap();
        client.body(&fits).unwrap();
        assert_eq!(told(&client.message().unwrap().unwrap()), ("1".to_owned(), 0), "{way:?}");
        // The agent may hang up before all of it is written.
        let written = client.body(&over);
        match client.message() {
            Ok(Some(answer)) => assert_eq!(told(&answer), ("null".to_owned(), -32700), "{way:?}"),
            Ok(None) | Err(_) => assert!(written.is_err(), "{way:?}: closed without a word"),
        }
        if way == Way::Lines {
            client.body(list(2)).unwrap();
            assert_eq!(
                told(&client.message().unwrap().unwrap()),
                ("2".to_owned(), 0),
                "a line is passed over"
            );
        }
        stage.is_well();
    }
    let headers = format!("{}Content-Length: {}\r\n", stage.site.headers(), fits.len());
    let posted = stage.site.ask("POST / HTTP/1.1", &headers, &fits).unwrap();
    assert_eq!(told(&posted.json().unwrap()), ("1".to_owned(), 0));
    let most = memory_mb(&stage.daemon(), "VmHWM");
    assert!(most < MEMORY_MB_MAX, "{most} MB");
}

#[test]
fn a_claimed_length_costs_nothing() {
    let mut stage = Stage::new();
    let before = memory_mb(&stage.daemon(), "VmRSS");
    let mut clients = Vec::new();
    for _ in 0..100 {
        let mut client = Raw::connect(&stage.home, Way::Headers).unwrap();
        client.bytes(format!("Content-Length: {MESSAGE_MAX}\r\n\r\n{{\"jsonrpc\"").as_bytes()).unwrap();
        clients.push(client);
    }
    stage.is_well();
    let grown = memory_mb(&stage.daemon(), "VmRSS").saturating_sub(before);
    assert!(grown < 64, "{grown} MB for 1.6 GB that nobody has sent");
}

#[test]
fn ten_thousand_requests_without_reading_an_answer() {
    // The short form is still more than fits between the two ends: an answer has some 3 KB.
    let (ways, count) = if slow_tests() { (&Way::ALL[..], 10_000) } else { (&Way::ALL[..1], 3_000) };
    let mut stage = Stage::new();
    for way in ways.iter().copied() {
        let mut client = Raw::connect(&stage.home, way).unwrap();
        let requests: Vec<u8> = (1..=count).flat_map(|id| way.framed(list(id).as_bytes())).collect();
        let mut writer = client.take_writer().unwrap();
        // It stands still once the daemon takes no more.
        let writing = std::thread::spawn(move || {
            writer.write_all(&requests).unwrap();
            writer
        });
        for _ in 0..100 {
            stage.is_well();
        }
        let most = memory_mb(&stage.daemon(), "VmHWM");
        assert!(most < MEMORY_MB_MAX, "{way:?}: {most} MB");
        let mut answered = vec![false; usize::try_from(count).unwrap()];
        for _ in 0..count {
            let answer = client.message().unwrap().expect("an answer to each");
            let id = usize::try_from(answer["id"].as_u64().unwrap()).unwrap();
            assert!(answer["result"].is_object(), "{answer}");
            assert!(!std::mem::replace(&mut answered[id - 1], true), "{id} was answered twice");
        }
        drop(writing.join().unwrap());
        stage.is_well();
    }
}

#[test]
fn a_log_that_nobody_reads_holds_nobody_up() {
    let home = Home::new().unwrap().with("TENON_LOG", "debug");
    let mut serving = home.command(&["serve"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut unread = BufReader::new(serving.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("listening") {
        line.clear();
        assert_ne!(unread.read_line(&mut line).unwrap(), 0, "it has ended");
    }
    let mut witness = Raw::connect(&home, Way::Lines).unwrap();
    // Each leaves a line of some hundred bytes: several times what a pipe holds.
    for _ in 0..3_000 {
        drop(Raw::dial(&home, Way::Lines).unwrap());
    }
    for _ in 0..10 {
        witness.call("agent/list", &json!({"kind": "tool"})).unwrap();
    }
    home.kill_daemon().unwrap();
    serving.wait().unwrap();
    let mut rest = String::new();
    unread.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("connection ended"), "{rest}");
}

#[test]
fn half_a_message_and_silence_hold_nobody_up() {
    let mut stage = Stage::new();
    for way in Way::ALL {
        let whole = way.framed(list(7).as_bytes());
        // Within the frame or the headers, and within the body.
        let mut halves: Vec<(Raw, &[u8])> = Vec::new();
        for cut in [1, 5, whole.len() - 3] {
            let mut client = Raw::connect(&stage.home, way).unwrap();
            let (first, rest) = whole.split_at(cut);
            client.bytes(first).unwrap();
            halves.push((client, rest));
        }
        for _ in 0..20 {
            stage.is_well();
        }
        for (mut client, rest) in halves {
            client.bytes(rest).unwrap();
            assert_eq!(told(&client.message().unwrap().unwrap()), ("7".to_owned(), 0), "{way:?}");
        }
    }
}

/// What is half said at the end of the stream is dropped, what was asked before it is answered; a last line needs no end.
#[test]
fn half_a_message_and_the_end_is_the_end() {
    let mut stage = Stage::new();
    for (way, missing, answers) in [(Way::Headers, 2, 1), (Way::Lines, 2, 1), (Way::Lines, 1, 2)] {
        let mut client = Raw::connect(&stage.home, way).unwrap();
        let (whole, half) = (way.framed(list(1).as_bytes()), way.framed(list(2).as_bytes()));
        client.bytes(&[&whole, &half[..half.len() - missing]].concat()).unwrap();
        client.hang_up();
        let mut results = 0;
        while let Some(answer) = client.message().unwrap() {
            results += usize::from(answer.get("result").is_some());
        }
        assert_eq!(results, answers, "{way:?}, all but {missing}");
        stage.is_well();
    }
}

/// It takes ten seconds of a real clock; with a clock of their own the agent's tests show it always.
#[test]
fn silence_is_ended() {
    if !slow_tests() {
        return;
    }
    let mut stage = Stage::new();
    let silent: Vec<Raw> = Way::ALL.map(|way| Raw::dial(&stage.home, way).unwrap()).into();
    let mut half = Raw::dial(&stage.home, Way::Headers).unwrap();
    half.bytes(b"Content-Length: 100\r\n\r\n{").unwrap();
    for mut client in silent.into_iter().chain([half]) {
        assert_eq!(client.message().unwrap(), None, "{:?}", client.way());
    }
    stage.is_well();
}

#[test]
fn exit_ends_the_process_of_standard_streams_alone() {
    let home = Home::new().unwrap();
    let mut command = home.command(&["serve", "--stdio"]);
    command.stdin(Stdio::piped());
    let mut serving = Running::start(command).unwrap();
    let daemon = serving.process().unwrap();
    writeln!(serving.stdin.as_mut().unwrap(), "{}", initialize()).unwrap();
    assert_eq!(serving.event().unwrap().unwrap()["id"], "hello");
    // The end of another connection is nothing to it.
    let mut other = Raw::connect(&home, Way::Headers).unwrap();
    other.body(r#"{"jsonrpc":"2.0","id":1,"method":"shutdown"}"#).unwrap();
    other.body(r#"{"jsonrpc":"2.0","method":"exit"}"#).unwrap();
    assert_eq!(told(&other.message().unwrap().unwrap()), ("1".to_owned(), 0));
    assert_eq!(other.message().unwrap(), None);
    writeln!(serving.stdin.as_mut().unwrap(), "{}", list(2)).unwrap();
    assert_eq!(serving.event().unwrap().unwrap()["id"], 2);
    writeln!(serving.stdin.as_mut().unwrap(), r#"{{"jsonrpc":"2.0","method":"exit"}}"#).unwrap();
    assert!(daemon.ends_within(PATIENCE).unwrap(), "its standard input is still open");
    serving.finish_with_open_stdin().unwrap().expect(0).unwrap();
}

/// The control of everything that counts bytes here: what is read is what was sent.
#[test]
fn the_raw_client_reads_what_stands_there() {
    let text = "{\"jsonrpc\":\"2.0\",\"id\":1}\n";
    let reader = BufReader::new(text.as_bytes());
    assert_eq!(reader.lines().count(), 1);
    let mut raw = Raw::over(Way::Lines, text.as_bytes(), Vec::new(), || ());
    assert_eq!(raw.message().unwrap().unwrap()["id"], 1);
    assert_eq!((raw.received_bytes, raw.message().unwrap()), (text.len(), None));
    assert!(Raw::over(Way::Lines, &b"{}\n"[..], Vec::new(), || ()).message().is_err(), "no mark");
    assert!(Raw::over(Way::Headers, &b"\r\n"[..], Vec::new(), || ()).message().is_err(), "no length");
}
