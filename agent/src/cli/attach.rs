//! `tenon attach`: standard input and output ↔ the agent's socket, byte for byte. Not here: reading any of it, but for the
//! first bytes, which tell the framing that our own first message has to have.
//!
//! Two threads and no runtime: this is what an editor waits for at every start. It holds no state, so killing it loses
//! nothing.
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::surroundings::{Starting, Surroundings};
use crate::config::environment::Variables;

/// Bytes copied at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// How long the last answers may take after standard input has ended: the agent closes the connection when it has sent
/// them, and a client that asks and leaves wants them.
const LAST_ANSWERS_TIMEOUT: Duration = Duration::from_secs(2);

/// The arguments of `tenon attach`.
#[derive(Args, Debug)]
pub(crate) struct AttachArgs {}

/// Which side has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Client,
    Agent,
}

/// How messages are told apart on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Headers,
    Lines,
}

/// Runs the command; it ends when either side closes.
pub(crate) fn run(_: &AttachArgs) -> Result<Exit, Failure> {
    let surroundings = Surroundings::read(None)?;
    let agent = surroundings.endpoint(Starting::OnDemand)?.open()?;
    let lost = |error: io::Error| Failure::failed(format!("the connection to the agent was lost: {error}"));
    let (mut to_agent, from_agent) = (agent.try_clone().map_err(lost)?, agent.try_clone().map_err(lost)?);
    let (ended, ends) = mpsc::channel();
    let variables = surroundings.for_agent();
    let client_ended = ended.clone();
    thread("to-agent", move || {
        // Either end may be the one that closed; the agent's is told by the other thread.
        if to_the_agent(io::stdin().lock(), &mut to_agent, &variables).is_ok() {
            to_agent.shutdown(Shutdown::Write).ok();
            client_ended.send(Side::Client).ok();
        }
    })?;
    thread("from-agent", move || {
        copy(from_agent, io::stdout().lock()).ok();
        ended.send(Side::Agent).ok();
    })?;
    if ends.recv() == Ok(Side::Client) {
        ends.recv_timeout(LAST_ANSWERS_TIMEOUT).ok();
    }
    Ok(Exit::Done)
}

fn thread(name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    let made = std::thread::Builder::new().name(name.to_owned()).spawn(body);
    made.map(drop).map_err(|error| Failure::failed(format!("a thread cannot be started: {error}")))
}

/// Waits for the client's first bytes, sends the environment in their framing, then everything.
fn to_the_agent(mut client: impl Read, agent: &mut UnixStream, variables: &Variables) -> io::Result<()> {
    let mut first = Vec::new();
    let mut chunk = [0; 256];
    let framing = loop {
        match client.read(&mut chunk)? {
            0 => return Ok(()),
            count => first.extend_from_slice(&chunk[..count]),
        }
        if let Some(framing) = framing(&first) {
            break framing;
        }
    };
    agent.write_all(&environment(framing, variables))?;
    agent.write_all(&first)?;
    copy(client, agent)
}

/// Tells the framing from the first bytes as the agent does; `None` while there is only white space. What is neither is
/// left to the agent to refuse.
fn framing(first: &[u8]) -> Option<Framing> {
    let first = first.trim_ascii_start();
    let is_header = first.first()?.eq_ignore_ascii_case(&b'c');
    Some(if is_header { Framing::Headers } else { Framing::Lines })
}

fn environment(framing: Framing, variables: &Variables) -> Vec<u8> {
    let message =
        json!({"jsonrpc": "2.0", "method": "$/environment", "params": {"variables": variables}}).to_string();
    match framing {
        Framing::Headers => format!("Content-Length: {}\r\n\r\n{message}", message.len()).into_bytes(),
        Framing::Lines => format!("{message}\n").into_bytes(),
    }
}

/// Copies and flushes each chunk: whoever reads waits for it.
fn copy(mut from: impl Read, mut to: impl Write) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match from.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(count) => to.write_all(&chunk[..count]).and_then(|()| to.flush())?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_framing_is_told_from_the_first_visible_byte() {
        assert_eq!(framing(b""), None);
        assert_eq!(framing(b" \r\n\t"), None);
        assert_eq!(framing(b"\n{"), Some(Framing::Lines));
        assert_eq!(framing(b"content-length: 2"), Some(Framing::Headers));
        assert_eq!(framing(b"C"), Some(Framing::Headers));
    }

    #[test]
    fn the_environment_goes_first_and_the_bytes_follow_as_they_are() {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        let variables = Variables::from([("LANG".to_owned(), "C".to_owned())]);
        // Two reads: the first brings white space alone.
        let client = (&b" "[..]).chain(&b"Content-Length: 2\r\n\r\n{}"[..]);
        to_the_agent(client, &mut ours, &variables).unwrap();
        drop(ours);
        let mut sent = String::new();
        theirs.read_to_string(&mut sent).unwrap();
        let message = r#"{"jsonrpc":"2.0","method":"$/environment","params":{"variables":{"LANG":"C"}}}"#;
        let expected =
            format!("Content-Length: {}\r\n\r\n{message} Content-Length: 2\r\n\r\n{{}}", message.len());
        assert_eq!(sent, expected);
    }
}
