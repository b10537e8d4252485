//! One TCP connection: its request passes the gate, and is a POST or becomes a WebSocket. Not here: accepting (`http`), and
//! what messages mean (`connection`).
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tenon_protocol::error::{ErrorKind, Retry, RpcError};
use tenon_protocol::handshake::{ClientHello, ClientInfo, Role};
use tenon_protocol::version::{MESSAGE_IN_BYTES_MAX, PROTOCOL};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;

use crate::router::lifecycle::Introduction;
use crate::wire::admission::Standing;
use crate::wire::carrier::frames::Frames;
use crate::wire::carrier::single::Single;
use crate::wire::codec::Framing;
use crate::wire::connection::{self, Setup};
use crate::wire::http::Visit;
use crate::wire::http::answer::{self, Answer};
use crate::wire::message::{self, Message};
use crate::wire::server::Server;

/// How long the head of a request may take.
const HEAD_MAX: Duration = Duration::from_secs(10);

/// How long its body may take.
const BODY_MAX: Duration = Duration::from_mins(1);

/// How long the rest of a refused request is read, so that its sender gets to see the answer.
const REST_MAX: Duration = Duration::from_secs(1);

/// How much of it.
const REST_BYTES_MAX: usize = 1024 * 1024;

/// Bytes of a request's head.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Headers of a request.
const HEADERS_MAX: usize = 64;

/// Steps of one request.
const STEPS_MAX: usize = 3;

/// What a request turned out to be, told to the task of its connection.
enum Step {
    /// It is there.
    Arrived,
    /// It has passed the gate.
    Known,
    /// It becomes a WebSocket.
    Upgrade(OnUpgrade, Standing),
}

/// How far the request of a connection has come.
struct Progress {
    is_there: bool,
    /// Its place among the strangers, until it has passed the gate.
    place: Option<OwnedSemaphorePermit>,
    upgrade: Option<(OnUpgrade, Standing)>,
}

impl Progress {
    fn take(&mut self, step: Step) {
        match step {
            Step::Arrived => self.is_there = true,
            Step::Known => drop(self.place.take()),
            Step::Upgrade(upgrade, standing) => self.upgrade = Some((upgrade, standing)),
        }
    }
}

/// Serves one TCP connection to its end.
pub(in crate::wire) async fn serve(server: Server, visit: Visit) {
    let Visit { stream, local, gate, place } = visit;
    let (steps, mut told) = mpsc::channel(STEPS_MAX);
    let service = service_fn(|request: Request<Incoming>| {
        let (server, steps, gate) = (server.clone(), steps.clone(), gate.clone());
        async move {
            // The receiver is there as long as this runs.
            drop(steps.try_send(Step::Arrived));
            let (parts, body) = request.into_parts();
            let answered = match gate.check(&parts, local) {
                Err(refusal) => Err((answer::refused(refusal), body)),
                Ok(()) => answered(&server, parts, body, &steps).await,
            };
            let answer = match answered {
                Ok(answer) => answer,
                Err((answer, body)) => {
                    discard(&server, body).await;
                    answer
                }
            };
            Ok::<_, std::convert::Infallible>(answer)
        }
    });
    let mut serving = pin!(
        hyper::server::conn::http1::Builder::new()
            .keep_alive(false)
            .max_buf_size(HEAD_BYTES_MAX)
            .max_headers(HEADERS_MAX)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
    );
    let mut progress = Progress { is_there: false, place: Some(place), upgrade: None };
    let mut late = server.clock().sleep(HEAD_MAX);
    loop {
        tokio::select! {
            biased;
            Some(step) = told.recv() => progress.take(step),
            served = &mut serving => {
                if let Err(error) = served {
                    tracing::debug!(%error, "an HTTP connection ended");
                }
                break;
            }
            // Nothing was asked: there is nothing to be answered.
            () = &mut late, if !progress.is_there => return,
            () = server.stopped(), if !progress.is_there => return,
        }
    }
    // What was told in its last moment.
    while let Ok(step) = told.try_recv() {
        progress.take(step);
    }
    let Progress { upgrade, place, .. } = progress;
    drop(place);
    if let Some((upgrade, standing)) = upgrade {
        match upgrade.await {
            Ok(upgraded) => {
                let carrier = Frames::new(TokioIo::new(upgraded)).await;
                connection::serve(carrier, server.setup(standing)).await;
            }
            Err(error) => tracing::debug!(%error, "an upgrade failed"),
        }
    }
}

/// An answer to a request whose body is still to be read off the wire.
type Unread = (Answer, Incoming);

/// Answers a request that passed the gate.
async fn answered(
    server: &Server,
    parts: Parts,
    body: Incoming,
    steps: &mpsc::Sender<Step>,
) -> Result<Answer, Unread> {
    drop(steps.try_send(Step::Known));
    if parts.uri.path() != "/" {
        return Err((answer::unknown(StatusCode::NOT_FOUND, "there is nothing at this address"), body));
    }
    if parts.method == Method::POST {
        return post(server, body).await;
    }
    if parts.method != Method::GET {
        return Err((answer::unknown(StatusCode::METHOD_NOT_ALLOWED, "this method is not served"), body));
    }
    let mut request = Request::from_parts(parts, body);
    let response = create_response_with_body(&request, Full::<Bytes>::default);
    let Ok(response) = response else {
        let message = "a GET has to ask for a WebSocket of version 13";
        return Err((answer::unknown(StatusCode::UPGRADE_REQUIRED, message), request.into_body()));
    };
    let Some(standing) = server.admit_known() else {
        return Err((crowded(), request.into_body()));
    };
    drop(steps.try_send(Step::Upgrade(hyper::upgrade::on(&mut request), standing)));
    Ok(response)
}

/// Answers a POST: a connection of its own with one message, introduced already.
async fn post(server: &Server, body: Incoming) -> Result<Answer, Unread> {
    if body.size_hint().lower() > MESSAGE_IN_BYTES_MAX as u64 {
        return Err((too_large(), body));
    }
    let message = tokio::select! {
        collected = Limited::new(body, MESSAGE_IN_BYTES_MAX).collect() => match collected {
            Ok(collected) => collected.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Ok(too_large()),
            Err(error) => return Ok(unreadable(StatusCode::BAD_REQUEST, format!("the body cannot be read: {error}"))),
        },
        () = server.clock().sleep(BODY_MAX) => {
            return Ok(unreadable(StatusCode::REQUEST_TIMEOUT, "the body did not come within a minute".to_owned()));
        }
    };
    let wants_answer = match message::parse(&message, Framing::Frames) {
        Ok(Message::Request { id, method, .. }) if is_of_connections(&method) => {
            let told = RpcError::new(
                ErrorKind::InvalidRequest,
                format!("{method} needs a connection that stays, and a POST is none"),
            );
            let told = told
                .hint("use a WebSocket, the socket or `tenon attach`; agent/log reads a log page by page");
            return Ok(answer::error(StatusCode::OK, Some(&id), told));
        }
        Ok(Message::Request { .. } | Message::Invalid { .. }) | Err(_) => true,
        Ok(Message::Notification { .. } | Message::Response) => false,
    };
    let Some(mut standing) = server.admit_known() else { return Ok(crowded()) };
    let status = match standing {
        Standing::Served { .. } => StatusCode::OK,
        Standing::Refused { .. } => StatusCode::SERVICE_UNAVAILABLE,
    };
    // It is introduced by being let in.
    standing.settle();
    let Setup { mut peer, standing, clock, stop } = server.setup(standing);
    if let Err(error) = peer.initialize(introduction(peer.id())) {
        return Ok(answer::error(StatusCode::SERVICE_UNAVAILABLE, None, error));
    }
    let mut reply = None;
    let carrier = Single::new(message, wants_answer, &mut reply);
    connection::serve(carrier, Setup { peer, standing, clock, stop }).await;
    Ok(reply.map_or_else(answer::nothing, |reply| answer::answer(status, reply)))
}

/// Tells whether a method concerns the connection it comes on.
fn is_of_connections(method: &str) -> bool {
    matches!(method, "agent/observe" | "agent/unobserve")
}

/// What a POST says of itself without a word.
fn introduction(id: u64) -> Introduction {
    let client = ClientInfo { id: format!("http-{id}"), kind: "http".to_owned(), version: None };
    let hello = ClientHello {
        protocol: vec![PROTOCOL],
        client: Some(client),
        role: Some(Role::Controller),
        render: None,
        events: None,
        experimental: None,
    };
    Introduction { hello, name: None }
}

fn crowded() -> Answer {
    let told = RpcError::new(ErrorKind::TooManyConnections, "too many connections").retry(Retry::Later);
    answer::error(StatusCode::SERVICE_UNAVAILABLE, None, told)
}

fn too_large() -> Answer {
    unreadable(StatusCode::PAYLOAD_TOO_LARGE, "the message is longer than 16 MiB".to_owned())
}

fn unreadable(status: StatusCode, reason: String) -> Answer {
    answer::error(status, None, RpcError::new(ErrorKind::ParseError, reason))
}

/// Reads some of a body nobody wants: a connection that is closed with bytes unread takes its answer along.
async fn discard(server: &Server, body: Incoming) {
    let reading = async {
        let mut body = pin!(Limited::new(body, REST_BYTES_MAX));
        while let Some(Ok(_)) = body.frame().await {}
    };
    tokio::select! {
        () = reading => {}
        () = server.clock().sleep(REST_MAX) => {}
    }
}
