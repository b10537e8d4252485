//! What a client may do wrong, done to a real daemon over every framing: each mistake gets its typed answer, and another
//! client goes on. Not here: what needs a handler that misbehaves or a clock that is moved; that is in the agent's own tests,
//! which the table names.
//!
//! | row | held by |
//! | --- | --- |
//! | what the specification's table names, one by one | `ROWS`, `POSTS` and `every_row_of_the_specification_is_held` |
//! | dribbled bytes, split headers | `flow::dribbled_bytes_are_put_together` |
//! | two messages in one write | every row with two bodies in `ROWS` |
//! | a message of 16 MiB, and one byte more | `flow::a_message_of_sixteen_mebibytes_is_taken_and_no_larger_one` |
//! | a length that is claimed and never sent | `flow::a_claimed_length_costs_nothing` |
//! | 10,000 requests without reading an answer | `flow::ten_thousand_requests_without_reading_an_answer` |
//! | half a frame, then silence | `flow::half_a_message_and_silence_hold_nobody_up`, `flow::silence_is_ended` |
//! | 1,024 connections, and one more | `crowd::one_connection_more_than_there_may_be_is_told_so` |
//! | 128 that say nothing, and one more | `crowd::one_silent_connection_more_than_there_may_be_is_told_so` |
//! | `shutdown` and `exit` | `ROWS`; of the process: `flow::exit_ends_the_process_of_standard_streams_alone` |
//! | a handler that panics | `wire::connection::tests::edges`, `wire::http::tests` (`a_handler_that_panics_fails_alone`) |
//! | 256 in flight, 1 and 4 MiB waiting, ten minutes of taking nothing | `wire::connection::tests::flow` |
mod crowd;
mod flow;

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};
use tenon_tests::home::Home;
use tenon_tests::process::Process;
use tenon_tests::raw::{Raw, Way};
use tenon_tests::running::Running;
use tenon_tests::web::Site;

use Piece::{Bodies, Bytes};
use Then::{Ends, GoesOn};
use Way::{Headers, Lines, WebSocket};

/// What is sent.
enum Piece {
    /// Bodies in the framing, all in one write.
    Bodies(&'static [&'static [u8]]),
    /// Bytes as they are.
    Bytes(&'static [u8]),
}

/// What becomes of the connection.
#[derive(PartialEq)]
enum Then {
    /// The next request is answered, and nothing before it.
    GoesOn,
    /// It is closed.
    Ends,
}

/// A mistake and its answers: ids as they stand, and codes; 0 is a result.
struct Row {
    edge: &'static str,
    is_introduced: bool,
    ways: &'static [Way],
    sent: Piece,
    told: &'static [(&'static str, i64)],
    then: Then,
}

const SOCKET: &[Way] = &[Lines, Headers];
const ALL: &[Way] = &Way::ALL;

const fn row(
    edge: &'static str,
    ways: &'static [Way],
    sent: Piece,
    told: &'static [(&'static str, i64)],
    then: Then,
) -> Row {
    Row { edge, is_introduced: true, ways, sent, told, then }
}

const fn early(
    edge: &'static str,
    ways: &'static [Way],
    sent: Piece,
    told: &'static [(&'static str, i64)],
    then: Then,
) -> Row {
    Row { is_introduced: false, ..row(edge, ways, sent, told, then) }
}

const UNREADABLE: &str = "a body that is no JSON, not UTF-8, or nested deeper than 128";
const LENGTH: &str = "a missing, negative, doubled or too large `Content-Length`";
const LINE: &str = "a line over the limit";
const IDS: &str = "an id that is `null`, a fraction, structured or over 1 KiB; a batch";
const IN_FLIGHT: &str = "an id that still waits for its answer";
const EARLY: &str = "a request before `initialize`";
const IGNORED: &str = "an unknown notification, a response";
const NAME: &str = "the name of a notification, sent with an id";
const MEMBERS: &str = "unknown members anywhere";
const POSITIONAL: &str = "parameters by position, other than those of `agent/unobserve`";
const UNMARKED: &str = "a message without `\"jsonrpc\":\"2.0\"`";
const UNKNOWN: &str = "a method that does not exist";
const TWICE: &str = "a second `initialize`";
const SHUT: &str = "`shutdown`, `exit`";
const FIRST: &str = "first bytes of no framing";
const FRAMES: &str = "a binary frame, a broken frame";

const LIST: &[u8] = br#"{"jsonrpc":"2.0","id":7,"method":"agent/list","params":{"kind":"tool"}}"#;
const VERIFY: &[u8] = br#"{"jsonrpc":"2.0","id":7,"method":"agent/admin","params":{"op":"verify"}}"#;
const NONSENSE: &[u8] = b"{nonsense";
const LATIN1: &[u8] = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xe9\"}";
const EXIT: &[u8] = br#"{"jsonrpc":"2.0","method":"exit"}"#;
const NO_JSON: (&str, i64) = ("null", -32700);
const INVALID: (&str, i64) = ("null", -32600);

/// This is a table: a row for each mistake of the specification's table, for the framings in which it can be made.
const ROWS: &[Row] = &[
    row(UNREADABLE, ALL, Bodies(&[NONSENSE, LIST]), &[NO_JSON, ("7", 0)], GoesOn),
    row(UNREADABLE, ALL, Bodies(&[b"{\"id\":1", b"{]", LIST, b"[}"]), &[NO_JSON, NO_JSON, ("7", 0), NO_JSON], GoesOn),
    row(UNREADABLE, SOCKET, Bodies(&[LATIN1, LIST]), &[NO_JSON, ("7", 0)], GoesOn),
    row(UNREADABLE, &[WebSocket], Bodies(&[LATIN1]), &[NO_JSON], Ends),
    row(UNREADABLE, ALL, Bodies(&[NONSENSE, NONSENSE, NONSENSE]), &[NO_JSON, NO_JSON, NO_JSON], Ends),
    row(UNREADABLE, &[Headers, WebSocket], Bodies(&[b"\"text\"", b"42", LIST]), &[INVALID, INVALID, ("7", 0)], GoesOn),
    row(LENGTH, &[Headers], Bytes(b"Content-Type: text/plain\r\n\r\n"), &[NO_JSON], Ends),
    row(LENGTH, &[Headers], Bytes(b"Content-Length: -1\r\n\r\n{}"), &[NO_JSON], Ends),
    row(LENGTH, &[Headers], Bytes(b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"), &[NO_JSON], Ends),
    row(LENGTH, &[Headers], Bytes(b"Content-Length: 99999999999999999999\r\n\r\n{"), &[NO_JSON], Ends),
    row(LENGTH, &[Headers], Bytes(b"Content-Length: 16777217\r\n\r\n{"), &[NO_JSON], Ends),
    row(LENGTH, &[Headers], Bytes(b"Content-Length: two\r\n\r\n{}"), &[NO_JSON], Ends),
    row(LENGTH, &[Headers], Bytes(b"nonsense\r\n\r\n"), &[NO_JSON], Ends),
    row(LENGTH, &[Headers], Bytes(&[b'C'; 8 * 1024]), &[NO_JSON], Ends),
    row(IDS, ALL, Bodies(&[br#"{"jsonrpc":"2.0","id":null,"method":"agent/list"}"#]), &[INVALID], GoesOn),
    row(IDS, ALL, Bodies(&[br#"{"jsonrpc":"2.0","id":1.5,"method":"agent/list"}"#]), &[INVALID], GoesOn),
    row(IDS, ALL, Bodies(&[br#"{"jsonrpc":"2.0","id":[1],"method":"agent/list"}"#]), &[INVALID], GoesOn),
    row(IDS, ALL, Bodies(&[br#"{"jsonrpc":"2.0","id":{"a":1},"method":"agent/list"}"#]), &[INVALID], GoesOn),
    row(IDS, ALL, Bodies(&[b"[]", br#"[{"jsonrpc":"2.0","id":1,"method":"agent/list"}]"#]), &[INVALID, INVALID], GoesOn),
    row(IN_FLIGHT, ALL, Bodies(&[VERIFY, LIST]), &[("7", -32600), ("7", 0)], GoesOn),
    row(MEMBERS, ALL, Bodies(&[br#"{"jsonrpc":"2.0","id":"a","later":[],"method":"agent/list","params":{"kind":"tool","later":{}}}"#]), &[("\"a\"", 0)], GoesOn),
    row(POSITIONAL, ALL, Bodies(&[br#"{"jsonrpc":"2.0","id":7,"method":"agent/list","params":["tool"]}"#]), &[("7", -32602)], GoesOn),
    row(POSITIONAL, ALL, Bodies(&[br#"{"jsonrpc":"2.0","id":7,"method":"agent/unobserve","params":["x"]}"#]), &[("7", 0)], GoesOn),
    row(POSITIONAL, ALL, Bodies(&[br#"{"jsonrpc":"2.0","id":7,"method":"agent/unobserve","params":{"id":"x"}}"#]), &[("7", -32602)], GoesOn),
    row(UNMARKED, &[Lines], Bodies(&[br#"{"id":7,"method":"agent/list","params":{"kind":"tool"}}"#]), &[("7", 0)], GoesOn),
    row(UNMARKED, &[Headers, WebSocket], Bodies(&[br#"{"id":7,"method":"agent/list","params":{"kind":"tool"}}"#]), &[("7", -32600)], GoesOn),
    row(UNMARKED, ALL, Bodies(&[br#"{"jsonrpc":"1.0","id":7,"method":"agent/list"}"#]), &[("7", -32600)], GoesOn),
    row(IGNORED, ALL, Bodies(&[
        br#"{"jsonrpc":"2.0","id":99,"result":1}"#,
        br#"{"jsonrpc":"2.0","id":"x","error":{}}"#,
        br#"{"jsonrpc":"2.0","method":"textDocument/didOpen","params":{}}"#,
        br#"{"jsonrpc":"2.0","method":"agent/list","params":{"kind":"tool"}}"#,
        br#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":4}}"#,
        br#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":7}"#,
    ]), &[], GoesOn),
    row(NAME, ALL, Bodies(&[br#"{"jsonrpc":"2.0","id":7,"method":"$/cancelRequest","params":{"id":4}}"#, br#"{"jsonrpc":"2.0","id":8,"method":"initialized"}"#]), &[("7", 0), ("8", 0)], GoesOn),
    row(UNKNOWN, ALL, Bodies(&[br#"{"jsonrpc":"2.0","id":7,"method":"agent/later","params":{}}"#]), &[("7", -32601)], GoesOn),
    row(TWICE, ALL, Bodies(&[br#"{"jsonrpc":"2.0","id":7,"method":"initialize","params":{"capabilities":{"experimental":{"agent":{"protocol":[1]}}}}}"#]), &[("7", -32600)], GoesOn),
    row(SHUT, ALL, Bodies(&[br#"{"jsonrpc":"2.0","id":7,"method":"shutdown"}"#, br#"{"jsonrpc":"2.0","id":8,"method":"agent/list","params":{"kind":"tool"}}"#, EXIT]), &[("7", 0), ("8", -32600)], Ends),
    early(SHUT, ALL, Bodies(&[EXIT]), &[], Ends),
    early(EARLY, ALL, Bodies(&[LIST, br#"{"jsonrpc":"2.0","id":8,"method":"shutdown"}"#]), &[("7", -32002), ("8", -32002)], GoesOn),
    early(EARLY, ALL, Bodies(&[br#"{"jsonrpc":"2.0","method":"initialized"}"#, br#"{"jsonrpc":"2.0","method":"$/environment","params":{"variables":{"LANG":"C"}}}"#]), &[], GoesOn),
    early(FIRST, &[Lines], Bytes(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), &[], Ends),
    early(FIRST, &[Lines], Bytes(b"hello\n"), &[], Ends),
    early(FIRST, &[Lines], Bytes(b"\x16\x03\x01\x02\x00\x01"), &[], Ends),
    early(FIRST, &[Lines], Bytes(b"Conduct: 3\r\n\r\n{}\n"), &[], Ends),
    // A binary frame of two bytes; an unmasked one; one with reserved bits; the end of one that never began.
    row(FRAMES, &[WebSocket], Bytes(b"\x82\x82\x00\x00\x00\x00{}"), &[NO_JSON], GoesOn),
    row(FRAMES, &[WebSocket], Bytes(b"\x81\x02{}"), &[NO_JSON], Ends),
    row(FRAMES, &[WebSocket], Bytes(b"\xf1\x80\x00\x00\x00\x00"), &[NO_JSON], Ends),
    row(FRAMES, &[WebSocket], Bytes(b"\x80\x82\x00\x00\x00\x00{}"), &[NO_JSON], Ends),
];

/// This is a table: the same over POST, where a mistake is one body: the edge, the body, status, id and code.
const POSTS: &[(&str, &[u8], u16, &str, i64)] = &[
    (UNREADABLE, NONSENSE, 200, "null", -32700),
    (UNREADABLE, LATIN1, 200, "null", -32700),
    (UNREADABLE, b"", 200, "null", -32700),
    (IDS, br#"{"jsonrpc":"2.0","id":null,"method":"agent/list"}"#, 200, "null", -32600),
    (IDS, br#"{"jsonrpc":"2.0","id":1.5,"method":"agent/list"}"#, 200, "null", -32600),
    (IDS, br#"{"jsonrpc":"2.0","id":{},"method":"agent/list"}"#, 200, "null", -32600),
    (IDS, br#"[{"jsonrpc":"2.0","id":1,"method":"agent/list"}]"#, 200, "null", -32600),
    (POSITIONAL, br#"{"jsonrpc":"2.0","id":7,"method":"agent/list","params":["tool"]}"#, 200, "7", -32602),
    (UNMARKED, br#"{"id":7,"method":"agent/list","params":{"kind":"tool"}}"#, 200, "7", -32600),
    (UNKNOWN, br#"{"jsonrpc":"2.0","id":"x","method":"agent/later"}"#, 200, "\"x\"", -32601),
    (NAME, br#"{"jsonrpc":"2.0","id":7,"method":"initialized"}"#, 200, "7", 0),
    (IGNORED, br#"{"jsonrpc":"2.0","method":"textDocument/didOpen"}"#, 204, "", 0),
    (IGNORED, br#"{"jsonrpc":"2.0","id":1,"result":null}"#, 204, "", 0),
    (TWICE, br#"{"jsonrpc":"2.0","id":7,"method":"initialize","params":{}}"#, 200, "7", -32600),
    (
        "what needs a connection",
        br#"{"jsonrpc":"2.0","id":7,"method":"agent/observe","params":{"sessionId":"all","after":"now"}}"#,
        200,
        "7",
        -32600,
    ),
    (
        "what needs a connection",
        br#"{"jsonrpc":"2.0","id":7,"method":"agent/unobserve","params":["1"]}"#,
        200,
        "7",
        -32600,
    ),
    (
        MEMBERS,
        br#"{"jsonrpc":"2.0","id":7,"later":1,"method":"agent/list","params":{"kind":"tool","later":1}}"#,
        200,
        "7",
        0,
    ),
];

/// A daemon that serves everything, and a client of it to whom nothing happens.
pub(crate) struct Stage {
    pub(crate) home: Home,
    pub(crate) site: Site,
    pub(crate) witness: Raw,
    _serving: Running,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let home = Home::new().unwrap();
        let (serving, site) = Site::serve(&home, &[]).unwrap();
        let witness = Raw::connect(&home, Lines).unwrap();
        Self { home, site, witness, _serving: serving }
    }

    /// Checks that the witness is served as ever.
    pub(crate) fn is_well(&mut self) {
        self.witness.call("agent/list", &json!({"kind": "tool"})).unwrap();
    }

    pub(crate) fn daemon(&self) -> Process {
        self.home.daemon().unwrap().expect("the daemon is gone")
    }
}

/// Returns a row of a process's memory (`VmRSS`, `VmHWM`), in MB.
pub(crate) fn memory_mb(process: &Process, row: &str) -> u64 {
    let text = process.status(row).unwrap();
    text.trim_end_matches(" kB").parse::<u64>().unwrap() / 1_024
}

pub(crate) fn told(answer: &Value) -> (String, i64) {
    let is_result = answer.get("result").is_some();
    assert_ne!(is_result, answer.get("error").is_some(), "{answer}");
    let code = answer["error"]["code"].as_i64().unwrap_or(0);
    assert_eq!(code == 0, is_result, "{answer}");
    assert!(is_result || answer["error"]["data"]["kind"].is_string(), "a failure of no kind: {answer}");
    (answer["id"].to_string(), code)
}

/// How often two requests may miss each other: the first can have its answer before the second is read.
const MISSES_MAX: usize = 100;

fn play(stage: &Stage, row: &Row, way: Way) {
    let is_met = (0..MISSES_MAX).any(|_| try_row(stage, row, way));
    assert!(is_met, "{}, {way:?}: the first request never waits", row.edge);
}

/// Plays a row. Returns whether it came to the mistake: an id is used twice only while the first still waits.
fn try_row(stage: &Stage, row: &Row, way: Way) -> bool {
    let what = format!("{}, {way:?}", row.edge);
    let mut client =
        if row.is_introduced { Raw::connect(&stage.home, way) } else { Raw::dial(&stage.home, way) }.unwrap();
    let sent = match row.sent {
        Bytes(bytes) => bytes.to_vec(),
        Bodies(bodies) => bodies.iter().flat_map(|body| way.framed(body)).collect(),
    };
    client.bytes(&sent).unwrap();
    // Requests are answered when they can be: the order is no promise.
    let mut answers: Vec<(String, i64)> = row
        .told
        .iter()
        .map(|_| told(&client.message().unwrap().unwrap_or_else(|| panic!("{what}: closed"))))
        .collect();
    let mut expected: Vec<(String, i64)> =
        row.told.iter().map(|(id, code)| ((*id).to_owned(), *code)).collect();
    answers.sort();
    expected.sort();
    if row.edge == IN_FLIGHT && answers.iter().all(|(_, code)| *code == 0) {
        return false;
    }
    assert_eq!(answers, expected, "{what}");
    if row.then == Ends {
        assert_eq!(client.message().unwrap(), None, "{what}");
        return true;
    }
    client.body(r#"{"jsonrpc":"2.0","id":"next","method":"agent/list","params":{"kind":"tool"}}"#).unwrap();
    let next = client.message().unwrap().unwrap_or_else(|| panic!("{what}: closed"));
    let code = if row.is_introduced { 0 } else { -32002 };
    assert_eq!(told(&next), ("\"next\"".to_owned(), code), "{what}: {next}");
    true
}

#[test]
fn every_mistake_gets_its_answer_and_nobody_else_notices() {
    let mut stage = Stage::new();
    for row in ROWS {
        for way in row.ways {
            play(&stage, row, *way);
            stage.is_well();
        }
    }
}

#[test]
fn every_mistake_in_a_post_gets_its_answer() {
    let mut stage = Stage::new();
    for (edge, body, status, id, code) in POSTS {
        let headers = format!("{}Content-Length: {}\r\n", stage.site.headers(), body.len());
        let answer = stage.site.ask_bytes("POST / HTTP/1.1", &headers, body).unwrap();
        assert_eq!(answer.status, *status, "{edge}: {answer:?}");
        if *status == 204 {
            assert_eq!(answer.body, "", "{edge}");
        } else {
            assert_eq!(told(&answer.json().unwrap()), ((*id).to_owned(), *code), "{edge}: {answer:?}");
        }
        stage.is_well();
    }
}

#[test]
fn json_is_taken_to_a_depth_of_128_and_no_deeper() {
    let mut stage = Stage::new();
    let nested = |depth: usize| {
        let value = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        format!(r#"{{"jsonrpc":"2.0","id":7,"method":"agent/list","params":{{"kind":"tool","x":{value}}}}}"#)
    };
    for way in Way::ALL {
        let mut client = Raw::connect(&stage.home, way).unwrap();
        for (depth, expected) in [(126, "7 0"), (127, "null -32700"), (1_000_000, "null -32700"), (1, "7 0")]
        {
            client.body(nested(depth)).unwrap();
            let (id, code) = told(&client.message().unwrap().unwrap());
            assert_eq!(format!("{id} {code}"), expected, "{way:?}, {depth}");
        }
        stage.is_well();
    }
    let posted = |depth: usize| {
        let body = nested(depth);
        let headers = format!("{}Content-Length: {}\r\n", stage.site.headers(), body.len());
        told(&stage.site.ask("POST / HTTP/1.1", &headers, &body).unwrap().json().unwrap()).1
    };
    assert_eq!((posted(126), posted(127)), (0, -32700));
}

/// The rows are those of the page that authors of clients read.
#[test]
fn every_row_of_the_specification_is_held() {
    let spec = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../spec/protocol.md")).unwrap();
    let table = spec.split("| what a client may do wrong |").nth(1).expect("a table");
    let named: BTreeSet<&str> = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with("| "))
        .filter_map(|line| line.split(" | ").next()?.strip_prefix("| "))
        .collect();
    // A line over the limit is held where messages are large.
    let held: BTreeSet<&str> = ROWS.iter().map(|row| row.edge).chain([LINE]).collect();
    assert_eq!(named, held);
}
