//! The server's sockets: accepts, reads requests, and does to each connection what the script says. Not here: answers.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::model_server::Seen;
use crate::model_server::frames::{Action, Format, actions};
use crate::model_server::http::{RecordedRequest, STREAM_END, STREAM_HEAD, chunk, read_request, whole};
use crate::model_server::reply::{Fault, Reply};
use crate::model_server::script::Script;

/// What the connections share.
struct Shared {
    script: Script,
    /// The key for the list of models; without one there is no such list.
    key: Option<String>,
    seen: Arc<watch::Sender<Seen>>,
    /// How many connections there were.
    connections: AtomicUsize,
    /// When the last answer had been sent.
    answered: watch::Sender<Option<Instant>>,
}

/// What becomes of a connection after an answer.
#[derive(PartialEq, Eq)]
enum After {
    Keep,
    Close,
    /// The other side is gone.
    Lost,
}

/// Serves until `stopped` hears that its sender is gone.
pub(crate) async fn serve(
    listener: std::net::TcpListener,
    (script, key): (Script, Option<String>),
    seen: Arc<watch::Sender<Seen>>,
    mut stopped: watch::Receiver<()>,
) -> Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let shared = Arc::new(Shared {
        script,
        key,
        seen,
        connections: AtomicUsize::new(0),
        answered: watch::Sender::new(None),
    });
    // Dropping the set ends every connection.
    let mut connections = JoinSet::new();
    loop {
        // `accept` and `join_next` lose nothing when dropped; `changed` only ever fails, which is the end.
        tokio::select! {
            accepted = listener.accept() => {
                let shared = Arc::clone(&shared);
                connections.spawn(connection(accepted?.0, shared));
            }
            Some(_ended) = connections.join_next() => {}
            _ = stopped.changed() => return Ok(()),
        }
    }
}

/// Serves one connection. What goes wrong on it is the other side's doing or the script's; either way it just ends.
async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let number = shared.connections.fetch_add(1, Ordering::Relaxed);
    let mut stream = BufReader::new(stream);
    while let Ok(Some(mut request)) = read_request(&mut stream).await {
        request.connection = number;
        match answer(&mut stream, request, &shared).await {
            After::Keep => {}
            After::Close => {
                let mut rest = Vec::new();
                // The other side closes when it has noticed; what it still says, nobody reads.
                if stream.get_mut().shutdown().await.is_ok() && stream.read_to_end(&mut rest).await.is_ok() {
                    shared.seen.send_modify(|seen| seen.closed += 1);
                }
                return;
            }
            After::Lost => {
                shared.seen.send_modify(|seen| seen.disconnects += 1);
                return;
            }
        }
    }
}

async fn answer(stream: &mut BufReader<TcpStream>, mut request: RecordedRequest, shared: &Shared) -> After {
    if let Some(key) = shared.key.as_ref().filter(|_| request.method == "GET" && request.path == "/v1/models")
    {
        return send(stream, &models(&request, key)).await;
    }
    let Some(format) = Format::at(&request.path).filter(|_| request.method == "POST") else {
        let error = json!({"error": {"message": format!("no such path: {}", request.path)}});
        return send(stream, &whole(404, &[], &error)).await;
    };
    request.previous_answered = *shared.answered.borrow();
    let number = shared.seen.borrow().requests.len();
    let reply = shared.script.reply(number, &request);
    shared.seen.send_modify(|seen| seen.requests.push(Arc::new(request)));
    if let Some(gate) = &reply.gate {
        let mut byte = [0];
        // Whoever loses is dropped: a gate keeps no state of those who wait, and what is read here is the end.
        tokio::select! {
            () = gate.pass() => {}
            _ = stream.read(&mut byte) => return After::Lost,
        }
    }
    let after = match (reply.status, &reply.fault) {
        (200, Some(Fault::ErrorBody { message })) => {
            send(stream, &whole(200, &[], &json!({"error": {"message": message}}))).await
        }
        (200, _) => stream_reply(stream, &reply, format, number).await,
        _ => send(stream, &refusal(&reply, format)).await,
    };
    shared.answered.send_replace(Some(Instant::now()));
    if reply.close && after == After::Keep { After::Close } else { after }
}

/// Shows the models, of which there are none, to whoever brings the key in either wire's header.
fn models(request: &RecordedRequest, key: &str) -> Vec<u8> {
    let brought = request.header("x-api-key").or(request.header("authorization")).unwrap_or_default();
    if brought.strip_prefix("Bearer ").unwrap_or(brought) == key {
        return whole(200, &[], &json!({"data": []}));
    }
    let message = format!("the key {brought} is not known");
    whole(401, &[], &json!({"error": {"message": message, "type": "authentication_error"}}))
}

fn refusal(reply: &Reply, format: Format) -> Vec<u8> {
    let error = json!({"message": reply.message, "type": reply.code, "code": reply.code});
    let body: Value = match format {
        Format::Chat => json!({"error": error}),
        Format::Messages => json!({"type": "error", "error": error}),
    };
    let headers: Vec<(&str, &str)> =
        reply.retry_after.iter().map(|value| ("retry-after", value.as_str())).collect();
    whole(reply.status, &headers, &body)
}

async fn stream_reply(
    stream: &mut BufReader<TcpStream>,
    reply: &Reply,
    format: Format,
    number: usize,
) -> After {
    // The head goes out with the first piece, and the end with the last one, as one segment: what costs no time here
    // measures none there.
    let mut pending = STREAM_HEAD.to_vec();
    for action in actions(reply, format, number) {
        if let Action::Send(bytes) = &action {
            pending.extend(chunk(bytes));
            if reply.chunk_bytes.is_none() {
                continue;
            }
        }
        if matches!(action, Action::End) {
            pending.extend_from_slice(STREAM_END);
        }
        if send(stream, &std::mem::take(&mut pending)).await != After::Keep {
            return After::Lost;
        }
        match action {
            Action::Send(_) => tokio::task::yield_now().await,
            Action::Wait(gate) => gate.pass().await,
            Action::Pause(milliseconds) => tokio::time::sleep(Duration::from_millis(milliseconds)).await,
            Action::Flood(bytes) => {
                let bytes = chunk(&bytes);
                while send(stream, &bytes).await == After::Keep {}
                return After::Lost;
            }
            Action::Stall => {
                // Nobody sends a second request on a connection whose answer is not there yet: this waits for its end.
                let mut byte = [0];
                return if stream.read(&mut byte).await.is_ok() { After::Lost } else { After::Close };
            }
            Action::Cut => return After::Close,
            Action::Reset => return reset(stream.get_ref()),
            Action::End => return After::Keep,
        }
    }
    After::Close
}

/// Makes the close that follows a reset.
fn reset(stream: &TcpStream) -> After {
    let set = rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO));
    debug_assert!(set.is_ok(), "{set:?}");
    After::Close
}

async fn send(stream: &mut BufReader<TcpStream>, bytes: &[u8]) -> After {
    match stream.get_mut().write_all(bytes).await {
        Ok(()) => After::Keep,
        Err(_) => After::Lost,
    }
}
