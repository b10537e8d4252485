//! `tenon attach`: standard input and output ↔ the agent's socket, byte for byte. Not here: reading any of it, but for the
//! handshake (`opening`), in front of which our own first message has to stand.
//!
//! Two threads and no runtime: this is what an editor waits for at every start. It holds no state, so killing it loses
//! nothing. An agent that leaves before the handshake is answered is replaced by the next one and nobody notices; later
//! than that the client itself has to begin again, and the exit code says so ([ADR 19]).
//!
//! [ADR 19]: ../../../docs/adr/0019-attach-ends-with-its-agent.md
pub(crate) mod opening;

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use tenon_client::{Ending, Endpoint, peer_of};

use crate::cli::attach::opening::{Answer, Framing, Opening};
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, FailureKind};
use crate::cli::surroundings::{Starting, Surroundings};
use crate::config::environment::Variables;

/// Bytes copied at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// How long the last answers may take after standard input has ended: the agent closes the connection when it has sent
/// them, and a client that asks and leaves wants them.
const LAST_ANSWERS_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the answer to a handshake is looked at; an agent answers within milliseconds, one on a busy machine within seconds.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);

/// Agents that may leave during the handshake before it is given up: one leaves once.
const HANDSHAKE_TRIES_MAX: u32 = 4;

/// The arguments of `tenon attach`.
#[derive(Args, Debug)]
#[command(
    after_help = "Ends with 0 when standard input ends or the agent closes the connection,\nwith 75 when the agent died or made way for a newer one: start it again and observe behind your last cursor,\nwith 1 when the agent was stopped: start it again when it is wanted."
)]
pub(crate) struct AttachArgs {}

/// Which side has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Client,
    Agent,
}

/// Which end of a copy broke.
#[derive(Debug, PartialEq, Eq)]
enum Broken {
    Reading,
    Writing,
}

/// Runs the command; it ends when either side closes.
pub(crate) fn run(_: &AttachArgs) -> Result<Exit, Failure> {
    let surroundings = Surroundings::read(None)?;
    let endpoint = surroundings.endpoint(Starting::OnDemand)?;
    // Before the first word: it is there when that comes.
    let agent = endpoint.open()?;
    let Ok(opening) = Opening::read(&mut io::stdin().lock()) else { return Ok(Exit::Done) };
    let (agent, answer) = greet(&endpoint, agent, &opening, &surroundings.for_agent())?;
    let mut stdout = io::stdout().lock();
    if stdout.write_all(&answer).and_then(|()| stdout.flush()).is_err() {
        return Ok(Exit::Done);
    }
    drop(stdout);
    let peer = peer_of(&agent);
    match bridge(&agent)? {
        Side::Client => Ok(Exit::Done),
        Side::Agent => match endpoint.ending(peer)? {
            Ending::Connection => Ok(Exit::Done),
            Ending::Left => Err(Failure::failed("the agent was stopped")
                .hint("start `tenon attach` again when it is wanted: sessions go on where they were")),
            Ending::Replaced => {
                Err(Failure::new(FailureKind::Replaced, "the agent died or made way for a newer one")
                    .hint("start `tenon attach` again, and observe behind your last cursor: nothing is lost"))
            }
        },
    }
}

/// Sends the environment and the opening, and waits for the answer if a handshake was asked for. An agent that leaves
/// before it answers is replaced by the next one. Returns the connection, and what the agent said.
fn greet(
    endpoint: &Endpoint,
    mut agent: UnixStream,
    opening: &Opening,
    variables: &Variables,
) -> Result<(UnixStream, Vec<u8>), Failure> {
    let Some(framing) = opening.framing else { return Ok((agent, Vec::new())) };
    let environment = environment(framing, variables);
    for _ in 0..HANDSHAKE_TRIES_MAX {
        // An agent that is gone is found by reading.
        agent.write_all(&environment).and_then(|()| agent.write_all(&opening.bytes)).ok();
        if !opening.asks {
            return Ok((agent, Vec::new()));
        }
        agent.set_read_timeout(Some(HANDSHAKE_TIMEOUT)).map_err(|error| lost(&error))?;
        if let Answer::Given(bytes) = Answer::read(framing, &agent) {
            agent.set_read_timeout(None).map_err(|error| lost(&error))?;
            return Ok((agent, bytes));
        }
        // It closes the connection when it has left, and the next one can be started then.
        copy(&agent, io::sink()).ok();
        agent = endpoint.open()?;
    }
    Err(Failure::failed("the agent left while it was connected to, several times")
        .hint("`tenon doctor` tells what is known about it"))
}

/// Carries bytes both ways until one side ends; the last answers are carried when that is the client.
fn bridge(agent: &UnixStream) -> Result<Side, Failure> {
    let (mut to_agent, from_agent) =
        (agent.try_clone().map_err(|error| lost(&error))?, agent.try_clone().map_err(|error| lost(&error))?);
    let (ended, ends) = mpsc::channel();
    let client_ended = ended.clone();
    thread("to-agent", move || {
        // Where it is the agent's end that broke the other thread tells.
        if copy(io::stdin().lock(), &mut to_agent) != Err(Broken::Writing) {
            // Said first: the agent may leave as soon as it hears of it, and then it was still the client that ended.
            client_ended.send(Side::Client).ok();
            to_agent.shutdown(Shutdown::Write).ok();
        }
    })?;
    thread("from-agent", move || {
        let side = match copy(from_agent, io::stdout().lock()) {
            Ok(()) | Err(Broken::Reading) => Side::Agent,
            Err(Broken::Writing) => Side::Client,
        };
        ended.send(side).ok();
    })?;
    let side = ends.recv().unwrap_or(Side::Client);
    if side == Side::Client {
        ends.recv_timeout(LAST_ANSWERS_TIMEOUT).ok();
    }
    Ok(side)
}

fn lost(error: &io::Error) -> Failure {
    Failure::failed(format!("the connection to the agent was lost: {error}"))
}

fn thread(name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    let made = std::thread::Builder::new().name(name.to_owned()).spawn(body);
    made.map(drop).map_err(|error| Failure::failed(format!("a thread cannot be started: {error}")))
}

fn environment(framing: Framing, variables: &Variables) -> Vec<u8> {
    framing.frame(&json!({"jsonrpc": "2.0", "method": "$/environment", "params": {"variables": variables}}))
}

/// Copies and flushes each chunk: whoever reads waits for it.
fn copy(mut from: impl Read, mut to: impl Write) -> Result<(), Broken> {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match from.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                let written = to.write_all(&chunk[..count]).and_then(|()| to.flush());
                written.map_err(|_| Broken::Writing)?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Err(Broken::Reading),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    const HELLO: &str = "{\"id\":1,\"method\":\"initialize\"}\n";

    /// Plays agents that end the connection after what they say, one after the other; returns what was said to each.
    fn agents(listener: UnixListener, answers: &'static [&str]) -> std::thread::JoinHandle<Vec<String>> {
        std::thread::spawn(move || {
            let mut heard = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut said = [0; 4096];
                let mut all = Vec::new();
                while !all.ends_with(HELLO.as_bytes()) {
                    let count = stream.read(&mut said).unwrap();
                    all.extend_from_slice(&said[..count]);
                }
                stream.write_all(answer.as_bytes()).unwrap();
                heard.push(String::from_utf8(all).unwrap());
            }
            heard
        })
    }

    fn greeted(answers: &'static [&str]) -> (Result<Vec<u8>, Failure>, Vec<String>) {
        let temp = tempfile::tempdir().unwrap();
        let endpoint = Endpoint { state_dir: temp.path().to_owned(), start: None };
        std::fs::create_dir(temp.path().join("run")).unwrap();
        let played = agents(UnixListener::bind(endpoint.socket()).unwrap(), answers);
        let variables = Variables::from([("LANG".to_owned(), "C".to_owned())]);
        let opening = Opening::read(&mut HELLO.as_bytes()).unwrap();
        let outcome = greet(&endpoint, endpoint.open().unwrap(), &opening, &variables);
        (outcome.map(|(_, answer)| answer), played.join().unwrap())
    }

    #[test]
    fn the_environment_goes_first_and_the_bytes_follow_as_they_are() {
        let answer = "{\"id\":1,\"result\":{}}\n";
        let (outcome, heard) = greeted(&["{\"id\":1,\"result\":{}}\n"]);
        assert_eq!(outcome.ok().unwrap(), answer.as_bytes());
        let message = r#"{"jsonrpc":"2.0","method":"$/environment","params":{"variables":{"LANG":"C"}}}"#;
        assert_eq!(heard, [format!("{message}\n{HELLO}")]);
        let headers = environment(Framing::Headers, &Variables::from([("LANG".to_owned(), "C".to_owned())]));
        assert_eq!(headers, format!("Content-Length: {}\r\n\r\n{message}", message.len()).into_bytes());
    }

    #[test]
    fn an_agent_that_leaves_during_the_handshake_is_replaced() {
        let (outcome, heard) =
            greeted(&["", "{\"id\":1,\"error\":{\"code\":1006,\"message\":\"leaving\"}}\n", "{\"id\":1}\n"]);
        assert_eq!(outcome.ok().unwrap(), b"{\"id\":1}\n");
        assert!(heard.len() == 3 && heard[0] == heard[2], "{heard:?}");
    }
}
