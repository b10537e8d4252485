//! One job: its process, its input, its output as it comes. Not here: what is recorded of it (`session`).
use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, pending};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tenon_protocol::error::{ErrorKind, Retry, RpcError};
use tenon_protocol::ids::JobId;
use tenon_protocol::job::JobResult;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::base::base64;
use crate::base::clock::{SharedClock, Sleep};
use crate::jobs::output::Output;
use crate::process::{Exit, Launch, ProcessError, Running, Spawn, Terminal, TerminalSize};

/// Orders that wait for a job, which takes them up at once.
const ORDERS_LEN_MAX: usize = 64;

/// Bytes that wait to be read by the command: what a person pastes.
const INPUT_BYTES_MAX: usize = 256 << 10;

/// Bytes of one piece of output; what a terminal gives at once.
const PIECE_BYTES_MAX: usize = 4 << 10;

/// How much is shown in how long a time while somebody watches: 4 MB/s. A command that prints more waits, as it would for
/// any terminal; so whoever keeps up misses nothing.
const PACE: (usize, Duration) = (128 << 10, Duration::from_millis(33));

/// Where a job's output goes as it comes.
pub(crate) trait Sink: fmt::Debug + Send + Sync {
    /// Takes some output, at most 4 KiB, and how much was before it; tells whether anybody watches.
    fn output(&self, job: &JobId, from: u64, bytes: &[u8]) -> bool;
}

/// What a job is started with.
#[derive(Debug)]
pub(crate) struct Start {
    /// The job.
    pub(crate) id: JobId,
    /// The command, with a terminal.
    pub(crate) launch: Launch,
    /// What starts it.
    pub(crate) spawner: Arc<dyn Spawn>,
    /// Time.
    pub(crate) clock: SharedClock,
    /// Where its output goes.
    pub(crate) sink: Arc<dyn Sink>,
    /// The file that its output is kept in while it runs.
    pub(crate) spill: PathBuf,
}

/// How a job ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// How its command did.
    pub(crate) end: Result<Exit, ProcessError>,
    /// Whether its end was asked for.
    pub(crate) is_killed: bool,
    /// What it printed.
    pub(crate) output: Output,
}

type Reply = oneshot::Sender<Result<JobResult, RpcError>>;

/// What a running job is told.
#[derive(Debug)]
enum Order {
    Write { bytes: Vec<u8>, reply: Reply },
    Resize { size: TerminalSize, reply: Reply },
    Page { seq: u64, from: Option<u64>, reply: Reply },
}

/// Reaches a job that runs.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    id: JobId,
    orders: mpsc::Sender<Order>,
    kill: CancellationToken,
}

impl Job {
    /// Returns a job and the future that is its life; dropping that kills what it runs.
    pub(crate) fn start(start: Start) -> (Self, impl Future<Output = Ended> + Send + use<>) {
        let (orders, waiting) = mpsc::channel(ORDERS_LEN_MAX);
        let job = Self { id: start.id.clone(), orders, kill: CancellationToken::new() };
        let life = live(start, waiting, job.kill.clone());
        (job, life)
    }

    /// Types bytes into its terminal.
    pub(crate) fn write(&self, bytes: Vec<u8>, reply: Reply) {
        self.order(Order::Write { bytes, reply });
    }

    /// Gives its terminal another size.
    pub(crate) fn resize(&self, size: TerminalSize, reply: Reply) {
        self.order(Order::Resize { size, reply });
    }

    /// Answers with its newest output, or with what it printed from a place on, beside the log's head.
    pub(crate) fn page(&self, seq: u64, from: Option<u64>, reply: Reply) {
        self.order(Order::Page { seq, from, reply });
    }

    /// Ends it and everything it started; may be called again.
    pub(crate) fn kill(&self) {
        self.kill.cancel();
    }

    fn order(&self, order: Order) {
        match self.orders.try_send(order) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(order)) => answer(order, Err(busy(&self.id))),
            Err(mpsc::error::TrySendError::Closed(order)) => answer(order, Err(job_not_found(&self.id))),
        }
    }
}

/// Returns what is told of a job that does not run.
pub(crate) fn job_not_found(id: &JobId) -> RpcError {
    RpcError::new(ErrorKind::JobNotFound, format!("job {id} does not run"))
        .retry(Retry::Never)
        .hint("`tenon jobs` lists those that do; what one printed is in the log of its session")
}

fn busy(id: &JobId) -> RpcError {
    RpcError::new(ErrorKind::Failed, format!("job {id} does not read what is written to it"))
        .retry(Retry::Later)
}

/// Whoever asked may be gone; that is its own business.
fn answer(order: Order, result: Result<JobResult, RpcError>) {
    let (Order::Write { reply, .. } | Order::Resize { reply, .. } | Order::Page { reply, .. }) = order;
    let _gone = reply.send(result);
}

async fn live(start: Start, mut orders: mpsc::Receiver<Order>, kill: CancellationToken) -> Ended {
    let Start { id, launch, spawner, clock, sink, spill } = start;
    let output = Output::new(spill);
    let starting = spawner.run(launch);
    let started = tokio::select! {
        started = starting => started,
        // Dropped, it kills what it may have started.
        () = kill.cancelled() => Err(ProcessError::Lost),
    };
    let is_killed = kill.is_cancelled();
    let ended = match started {
        Ok(running) => {
            let terminal = running.terminal();
            let show = Show { id: id.clone(), clock, sink, shown: 0, pause: None };
            let life = Life { running, terminal, input: Input::default(), output, show };
            life.live(&mut orders, &kill).await
        }
        Err(error) => Ended { end: Err(error), is_killed, output },
    };
    orders.close();
    while let Some(order) = orders.recv().await {
        answer(order, Err(job_not_found(&id)));
    }
    ended
}

/// A job whose command runs.
struct Life {
    running: Running,
    terminal: Option<Terminal>,
    input: Input,
    output: Output,
    show: Show,
}

impl Life {
    async fn live(mut self, orders: &mut mpsc::Receiver<Order>, kill: &CancellationToken) -> Ended {
        let mut is_killed = false;
        loop {
            // Every branch is cancel safe: no output, order or input is lost when another wins.
            tokio::select! {
                chunk = self.running.next(), if self.show.pause.is_none() => match chunk {
                    Some(chunk) => {
                        let from = self.output.total();
                        self.output.push(&chunk.bytes).await;
                        self.show.show(from, &chunk.bytes);
                    }
                    None => break,
                },
                () = alarm(&mut self.show.pause) => self.show.pause = None,
                Some(order) = orders.recv() => self.obey(order).await,
                () = kill.cancelled(), if !is_killed => {
                    is_killed = true;
                    self.running.kill();
                }
                written = write(self.terminal.as_ref(), self.input.next()) => self.input.written(&written),
            }
        }
        Ended { end: self.running.wait().await, is_killed, output: self.output }
    }

    async fn obey(&mut self, order: Order) {
        let result = match (&order, &self.terminal) {
            (Order::Write { bytes, .. }, Some(_)) => {
                if self.input.push(bytes) {
                    Ok(JobResult::default())
                } else {
                    Err(busy(&self.show.id))
                }
            }
            (Order::Resize { size, .. }, Some(terminal)) => terminal
                .resize(*size)
                .map(|()| JobResult::default())
                .map_err(|error| RpcError::new(ErrorKind::Failed, format!("the size stays: {error}"))),
            (Order::Write { .. } | Order::Resize { .. }, None) => {
                Err(RpcError::new(ErrorKind::Failed, "the job has no terminal"))
            }
            (Order::Page { seq, from, .. }, _) => {
                let (from, bytes) = self.output.page(*from).await;
                let data = Some(base64::encode(&bytes));
                Ok(JobResult { seq: Some(*seq), from: Some(from), data })
            }
        };
        answer(order, result);
    }
}

/// Shows output as it comes, at its pace.
struct Show {
    id: JobId,
    clock: SharedClock,
    sink: Arc<dyn Sink>,
    /// Bytes since the last pause.
    shown: usize,
    pause: Option<Sleep>,
}

impl Show {
    fn show(&mut self, from: u64, bytes: &[u8]) {
        let mut from = from;
        let mut is_watched = false;
        for piece in bytes.chunks(PIECE_BYTES_MAX) {
            is_watched = self.sink.output(&self.id, from, piece);
            from += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        }
        self.shown += bytes.len();
        if is_watched && self.shown >= PACE.0 {
            self.shown = 0;
            self.pause = Some(self.clock.sleep(PACE.1));
        }
    }
}

/// What was written to a job and not read yet.
#[derive(Debug, Default)]
struct Input(VecDeque<u8>);

impl Input {
    /// Takes bytes, all or none; tells whether there was room.
    fn push(&mut self, bytes: &[u8]) -> bool {
        let fits = self.0.len() + bytes.len() <= INPUT_BYTES_MAX;
        if fits {
            self.0.extend(bytes);
        }
        fits
    }

    fn next(&self) -> &[u8] {
        self.0.as_slices().0
    }

    fn written(&mut self, written: &io::Result<usize>) {
        match written {
            Ok(count) => drop(self.0.drain(..*count)),
            // Nobody has the terminal open any more.
            Err(_) => self.0.clear(),
        }
    }
}

async fn write(terminal: Option<&Terminal>, bytes: &[u8]) -> io::Result<usize> {
    match terminal {
        Some(terminal) if !bytes.is_empty() => terminal.write(bytes).await,
        Some(_) | None => pending().await,
    }
}

async fn alarm(sleep: &mut Option<Sleep>) {
    match sleep {
        Some(sleep) => sleep.await,
        None => pending().await,
    }
}
