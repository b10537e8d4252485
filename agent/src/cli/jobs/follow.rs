//! Showing a job while it runs: its output, the person's keys, the size of the window. Not here: the terminal's modes (`keys`).
use std::time::Duration;

use tenon_client::{Client, ClientError, Item, ObserveOptions, Subscription};
use tenon_protocol::content::plain_text;
use tenon_protocol::error::Retry;
use tenon_protocol::event::job::JobEnded;
use tenon_protocol::fetch::FetchRange;
use tenon_protocol::ids::JobId;
use tenon_protocol::job::{JobItem, JobOp, JobParams, JobResult, WHOLE_OUTPUT_BYTES_MAX};
use tenon_protocol::log::After;
use tenon_protocol::methods::Job;
use tenon_protocol::tool::CallStatus;
use tokio::signal::unix::{SignalKind, signal};

use crate::base::base64;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::fetch::Pages;
use crate::cli::jobs::keys::{Keys, size};
use crate::cli::jobs::order;
use crate::cli::jobs::screen::Screen;
use crate::cli::listing::{self, Wanted};
use crate::cli::run::signals::Signals;
use crate::cli::terminal::{Terminal, safe};

/// The events that are needed.
pub(super) const TYPES: &str = "job.*";

/// The key that leaves a job running: Ctrl-].
const LEAVE: u8 = 0x1d;

/// How long a job that reads nothing is left alone before it is written to again.
const WRITE_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// What becomes of the job when the person interrupts without a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    /// It is ended.
    Kill,
    /// It runs on.
    Keep,
}

/// Shows a job that runs already.
pub(super) async fn attach(
    client: &Client,
    terminal: Terminal,
    id: JobId,
    keys: Keys,
) -> Result<Exit, Failure> {
    let wanted = Wanted { kind: "job", session: None, filter: None };
    let jobs = listing::read(client, &wanted).await?;
    let job = jobs.iter().filter_map(|item| item.parse::<JobItem>().ok()).find(|item| item.id == id);
    let Some(job) = job else {
        return Err(
            Failure::failed(format!("job {id} does not run")).hint("`tenon jobs` lists those that do")
        );
    };
    let options =
        ObserveOptions { delta: Some(true), types: vec![TYPES.to_owned()], ..ObserveOptions::default() };
    let events = client.observe(job.session.as_str(), After::Now, options).await?;
    if let Some(size) = size(terminal) {
        let resize = JobParams { size: Some(size), ..order(id.clone(), JobOp::Resize) };
        client.call::<Job>(&resize).await?;
    }
    follow(client, terminal, (id, events), keys, Leaving::Keep).await
}

/// Shows a job to its end, or until the person leaves it.
pub(super) async fn follow(
    client: &Client,
    terminal: Terminal,
    (id, mut events): (JobId, Subscription),
    mut keys: Keys,
    leaving: Leaving,
) -> Result<Exit, Failure> {
    let mut signals = Signals::listen()?;
    let mut resized = signal(SignalKind::window_change())
        .map_err(|error| Failure::failed(format!("signals cannot be received: {error}")))?;
    let mut shown = Shown { client, id, screen: Screen::at(terminal, 0), terminal, is_interrupted: false };
    if leaving == Leaving::Keep {
        shown.catch_up(None).await?;
    }
    loop {
        // What was typed and what has come wait in their queues while another branch is served.
        tokio::select! {
            item = events.next() => if let Some(exit) = shown.take(item?).await? { return Ok(exit) },
            typed = keys.next() => {
                let end = typed.iter().position(|byte| keys.is_raw() && *byte == LEAVE);
                shown.write(&typed[..end.unwrap_or(typed.len())]).await?;
                if end.is_some() {
                    drop(keys);
                    terminal.note(&format!("\nit runs on: tenon jobs attach {}", shown.id));
                    return Ok(Exit::Done);
                }
            }
            _ = resized.recv() => if let Some(size) = size(terminal) {
                let resize = JobParams { size: Some(size), ..order(shown.id.clone(), JobOp::Resize) };
                shown.tell(resize).await?;
            },
            () = signals.next() => {
                if leaving == Leaving::Keep || shown.is_interrupted {
                    return Ok(Exit::Interrupted);
                }
                shown.is_interrupted = true;
                shown.tell(order(shown.id.clone(), JobOp::Kill)).await?;
            }
        }
    }
}

/// A job as it is shown.
struct Shown<'a> {
    client: &'a Client,
    id: JobId,
    screen: Screen,
    terminal: Terminal,
    is_interrupted: bool,
}

impl Shown<'_> {
    /// Takes something of the subscription; returns how it ends, once it has.
    async fn take(&mut self, item: Item) -> Result<Option<Exit>, Failure> {
        match item {
            Item::Delta(delta) if delta.d == self.id.as_str() => {
                // What is missing in front of it comes first; if the job has ended meanwhile, with its end.
                if self.screen.missing(delta.from) == 0 || self.catch_up(Some(delta.from)).await? {
                    self.show(delta.from, &base64::decode(&delta.t).unwrap_or_default())?;
                }
                Ok(None)
            }
            Item::Event(event) if event.kind == "job.ended" => {
                match event.data.parse::<JobEnded>().ok().filter(|ended| ended.job_id == self.id) {
                    Some(ended) => self.end(&ended).await.map(Some),
                    None => Ok(None),
                }
            }
            Item::Reset(reset) => {
                let jobs = reset.opened.map(|opened| opened.snapshot.jobs).unwrap_or_default();
                if jobs.iter().filter_map(|item| item.parse::<JobItem>().ok()).any(|item| item.id == self.id)
                {
                    return Ok(None);
                }
                let lost = format!("events were lost at the agent, the end of job {} among them", self.id);
                Err(Failure::failed(lost))
            }
            Item::Delta(_) | Item::Event(_) | Item::Local(_) => Ok(None),
        }
    }

    /// Shows what was printed up to a place and was not shown, or the newest of it; tells whether the job still runs.
    async fn catch_up(&mut self, to: Option<u64>) -> Result<bool, Failure> {
        loop {
            let from = to.map(|_| self.screen.place());
            let order = JobParams { from, ..order(self.id.clone(), JobOp::Foreground) };
            let Some(JobResult { from: Some(from), data: Some(data), .. }) = self.tell(order).await? else {
                return Ok(false);
            };
            self.show(from, &base64::decode(&data).unwrap_or_default())?;
            if data.is_empty() || to.is_none_or(|to| self.screen.missing(to) == 0) {
                return Ok(true);
            }
        }
    }

    fn show(&mut self, from: u64, bytes: &[u8]) -> Result<(), Failure> {
        let missing = self.screen.missing(from);
        if missing > 0 {
            self.terminal.note(&format!("[{missing} bytes of output are not shown]\r"));
        }
        self.screen.show(from, bytes)
    }

    /// Tells the job something; nothing where it has just ended, which its last event says.
    async fn tell(&self, params: JobParams) -> Result<Option<JobResult>, Failure> {
        match self.client.call::<Job>(&params).await {
            Ok(result) => Ok(Some(result)),
            Err(ClientError::Rpc(error)) if error.is(tenon_protocol::error::ErrorKind::JobNotFound) => {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn write(&self, bytes: &[u8]) -> Result<(), Failure> {
        if bytes.is_empty() {
            return Ok(());
        }
        let data = Some(base64::encode(bytes));
        let params = JobParams { data, ..order(self.id.clone(), JobOp::Write) };
        loop {
            match self.client.call::<Job>(&params).await {
                Err(ClientError::Rpc(error))
                    if error.data.as_ref().and_then(|data| data.retry) == Some(Retry::Later) =>
                {
                    tokio::time::sleep(WRITE_AGAIN_AFTER).await;
                }
                Err(ClientError::Rpc(error)) if error.is(tenon_protocol::error::ErrorKind::JobNotFound) => {
                    return Ok(());
                }
                result => return Ok(result.map(drop)?),
            }
        }
    }

    /// Shows what of the output has not come yet, and how the job ended where that is not seen from its output.
    async fn end(&mut self, ended: &JobEnded) -> Result<Exit, Failure> {
        let mut is_shown = ended.bytes > 0;
        if self.screen.missing(ended.bytes) > 0 {
            is_shown = self.rest(ended).await?;
        }
        let text = plain_text(&ended.content);
        let sentence = if is_shown { text.lines().last().unwrap_or_default() } else { text.trim_end() };
        if !sentence.is_empty() && (!is_shown || ended.status == CallStatus::Unknown) {
            self.terminal.note(&safe(sentence));
        }
        if let Some(change) = ended.change_id.as_ref().filter(|_| self.terminal.output) {
            let all = format!("tenon diff --from {change} --to {change}");
            self.terminal.note(&self.terminal.faint(&format!("files were changed meanwhile: {all}")));
        }
        let code = match (ended.exit, ended.signal) {
            _ if self.is_interrupted => return Ok(Exit::Interrupted),
            (Some(code), _) => code,
            (None, Some(signal)) => 128 + signal,
            (None, None) => 1,
        };
        Ok(u8::try_from(code & 0xff).map_or(Exit::Failed, Exit::Command))
    }

    /// Shows the rest of the output out of what was kept of it; tells whether it was kept.
    async fn rest(&mut self, ended: &JobEnded) -> Result<bool, Failure> {
        let Some(reference) = &ended.reference else { return Ok(false) };
        let place = self.screen.place();
        let mut pages = Pages::new(self.client, reference, FetchRange { start: place, end: None });
        if place > WHOLE_OUTPUT_BYTES_MAX {
            // Only the end is kept of what is behind that; the kept output ends as the whole does.
            let missing = self.screen.missing(ended.bytes);
            pages = Pages::of_the_end(self.client, reference, missing, WHOLE_OUTPUT_BYTES_MAX).await?;
        }
        while let Some(page) = pages.next().await? {
            self.screen.show(self.screen.place(), &page)?;
        }
        Ok(true)
    }
}
