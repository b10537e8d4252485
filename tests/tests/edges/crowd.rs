//! More connections than there may be. Not here: what one of them does.
use std::time::{Duration, Instant};

use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::json;
use tenon_tests::raw::{Raw, Way};

use crate::edges::{Stage, memory_mb, told};

/// Connections at one time.
const CONNECTIONS_MAX: usize = 1_024;

/// Connections that have not introduced themselves.
const FRESH_MAX: usize = 128;

/// How long those may keep silent, but for a margin: a round that took longer is played again.
const SILENCE_MAX: Duration = Duration::from_secs(8);

/// Descriptors that this process needs for as many clients.
const DESCRIPTORS: u64 = 2_048;

/// Lets this process have that many descriptors. Returns whether it may.
fn has_descriptors() -> bool {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= DESCRIPTORS) {
        return true;
    }
    limit.current = Some(DESCRIPTORS);
    setrlimit(Resource::Nofile, limit).is_ok()
}

#[test]
fn one_connection_more_than_there_may_be_is_told_so() {
    if !has_descriptors() {
        println!("skipped: fewer than {DESCRIPTORS} descriptors are allowed here");
        return;
    }
    let mut stage = Stage::new();
    // The witness is the first.
    let mut clients: Vec<Raw> = (1..CONNECTIONS_MAX)
        .map(|number| {
            Raw::connect(&stage.home, if number % 2 == 0 { Way::Lines } else { Way::Headers }).unwrap()
        })
        .collect();
    for way in Way::ALL {
        let mut beyond = Raw::dial(&stage.home, way).unwrap();
        beyond.request("initialize", &tenon_tests::raw::hello()).unwrap();
        let answer = beyond.message().unwrap().expect("a word before it is closed");
        assert_eq!(told(&answer), ("1".to_owned(), 1008), "{way:?}: {answer}");
        assert_eq!(answer["error"]["data"]["retry"], "later", "{answer}");
        assert_eq!(beyond.message().unwrap(), None, "{way:?}");
    }
    let list = json!({"jsonrpc": "2.0", "id": 3, "method": "agent/list", "params": {"kind": "tool"}});
    let posted = stage.site.post(&list).unwrap();
    assert_eq!((posted.status, told(&posted.json().unwrap()).1), (503, 1008), "{posted:?}");
    for client in &mut clients {
        client.call("agent/list", &json!({"kind": "session"})).unwrap();
    }
    stage.is_well();
    let memory = memory_mb(&stage.daemon(), "VmRSS");
    assert!(memory < 160, "{memory} MB for {CONNECTIONS_MAX} connections");
    // A place comes back when the connection's task has noticed.
    drop(clients.pop());
    while stage.site.post(&list).unwrap().status == 503 {}
}

#[test]
fn one_silent_connection_more_than_there_may_be_is_told_so() {
    loop {
        // A new one each time: the connections of a round are gone with it.
        let mut stage = Stage::new();
        let started = Instant::now();
        let mut silent: Vec<Raw> =
            (0..FRESH_MAX).map(|_| Raw::dial(&stage.home, Way::Lines).unwrap()).collect();
        let mut beyond = Raw::dial(&stage.home, Way::Headers).unwrap();
        beyond.request("initialize", &tenon_tests::raw::hello()).unwrap();
        let (answer, end) = (beyond.message(), beyond.message());
        // One that introduces itself makes room for another.
        let introduced = silent[0].introduce();
        let admitted = Raw::connect(&stage.home, Way::Headers);
        stage.is_well();
        if started.elapsed() > SILENCE_MAX {
            continue;
        }
        let answer = answer.unwrap().expect("a word before it is closed");
        assert_eq!(told(&answer), ("1".to_owned(), 1008), "{answer}");
        assert_eq!(end.unwrap(), None);
        introduced.unwrap();
        admitted.unwrap();
        return;
    }
}
