//! The writer: takes what queued while its last commit ran and commits it together. No timer is involved. Not here: the
//! SQL (`write`), the thread (`executor`).
use std::collections::HashMap;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use rusqlite::Connection;
use tenon_protocol::event::Event;
use tenon_protocol::event::all::Notice;
use tenon_protocol::version::EVENT_BYTES_MAX;
use tokio::sync::{mpsc, oneshot};

use crate::base::clock::SharedClock;
use crate::journal::ballast::Ballast;
use crate::journal::batch::{Batch, Committed, Draft, ItemWrite};
use crate::journal::blobs::Blobs;
use crate::journal::chain::Link;
use crate::journal::checkpoint::{self, Checkpointer};
use crate::journal::collect;
use crate::journal::connection::uint;
use crate::journal::error::AppendError;
use crate::journal::executor::Work;
use crate::journal::head_file::{CommitHead, HeadFile};
use crate::journal::live::LiveLogs;
use crate::journal::log_id::LogId;
use crate::journal::plan::{self, Head, Placed};
use crate::journal::read;
use crate::journal::write::{self, Change, ItemPlace};

/// Commands that wait at most. There is about one a session, because an actor awaits its append; more wait in their
/// callers.
pub(in crate::journal) const QUEUE_LEN_MAX: usize = 256;

/// Commands of one transaction at most: what one fsync is shared by.
const GROUP_LEN_MAX: usize = 256;

/// Bytes of one transaction, about: a large one would hold up everybody's small ones.
const GROUP_BYTES_MAX: usize = 4 << 20;

/// Heads that are remembered; more are read again when they are needed.
const HEADS_MAX: usize = 256;

/// Where the outcome goes. Nobody may be waiting any more; the commit stands all the same.
pub(in crate::journal) type Reply<T> = oneshot::Sender<Result<T, AppendError>>;

/// What the writer is asked to do.
#[derive(Debug)]
pub(in crate::journal) enum Command {
    /// Commit a batch.
    Append(Batch, Reply<Committed<Vec<Event>>>),
    /// Delete a log; tell the machine's log and the lists.
    Delete { log: LogId, machine: Vec<Draft>, items: Vec<ItemWrite>, reply: Reply<()> },
    /// Set aside what follows the last good event, whose seq and link are given.
    Heal { log: LogId, good: (u64, Link), reply: Reply<()> },
    /// Remove blobs that a deletion left behind.
    Collect(Reply<()>),
    /// Commit what came before, close the database; dropping the sender tells that it is done.
    Stop(oneshot::Sender<()>),
}

/// Who waits for a planned command.
#[derive(Debug)]
enum Waiting {
    Append(Reply<Committed<Vec<Event>>>),
    Done(Reply<()>),
}

/// A command with its places assigned.
#[derive(Debug)]
struct Planned {
    changes: Vec<Change>,
    /// Which change holds the events that an append returns.
    own: Option<usize>,
    waiting: Waiting,
    bytes: usize,
}

/// The one writer. Dropping it closes its connection first and then tells whoever asked it to stop.
pub(in crate::journal) struct Writer {
    pub(in crate::journal) connection: Connection,
    pub(in crate::journal) queue: mpsc::Receiver<Command>,
    pub(in crate::journal) clock: SharedClock,
    pub(in crate::journal) live: Arc<LiveLogs>,
    pub(in crate::journal) ballast: Arc<Ballast>,
    pub(in crate::journal) blobs: Blobs,
    pub(in crate::journal) head_file: HeadFile,
    pub(in crate::journal) checkpointer: Checkpointer,
    pub(in crate::journal) last: CommitHead,
    pub(in crate::journal) next_log: i64,
    /// Heads as they will be once what is planned is committed; `None` is a deleted log.
    pub(in crate::journal) heads: HashMap<LogId, Option<Head>>,
    pub(in crate::journal) stopping: Option<oneshot::Sender<()>>,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("last", &self.last).finish_non_exhaustive()
    }
}

impl Work for Writer {
    fn step(&mut self) -> ControlFlow<()> {
        let Some(first) = self.queue.blocking_recv() else { return ControlFlow::Break(()) };
        let group = self.take_group(first);
        if !group.is_empty() {
            self.commit(group);
        }
        if self.stopping.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl Writer {
    /// Plans the first command and all that queued behind it.
    fn take_group(&mut self, first: Command) -> Vec<Planned> {
        let at = self.clock.now().to_rfc3339();
        let mut group = Vec::new();
        let mut bytes = 0;
        let mut next = Some(first);
        while let Some(command) = next {
            if let Some(planned) = self.plan(command, &at) {
                bytes += planned.bytes;
                group.push(planned);
            }
            let full = group.len() >= GROUP_LEN_MAX || bytes >= GROUP_BYTES_MAX || self.stopping.is_some();
            next = if full { None } else { self.queue.try_recv().ok() };
        }
        group
    }

    /// Plans a command; one that cannot be is answered at once and leaves no trace.
    fn plan(&mut self, command: Command, at: &str) -> Option<Planned> {
        match command {
            Command::Append(batch, reply) => match self.plan_batch(batch, at) {
                Ok((changes, own)) => Some(Planned::new(changes, own, Waiting::Append(reply))),
                Err(error) => refuse(reply, error),
            },
            Command::Delete { log, machine, items, reply } => match self.plan_delete(log, machine, items, at)
            {
                Ok(changes) => Some(Planned::new(changes, None, Waiting::Done(reply))),
                Err(error) => refuse(reply, error),
            },
            Command::Heal { log, good, reply } => match self.plan_heal(log, good, at) {
                Ok(changes) => Some(Planned::new(changes, None, Waiting::Done(reply))),
                Err(error) => refuse(reply, error),
            },
            Command::Collect(reply) => {
                self.collect();
                drop(reply.send(Ok(())));
                None
            }
            Command::Stop(done) => {
                self.stopping = Some(done);
                None
            }
        }
    }

    fn plan_batch(&mut self, batch: Batch, at: &str) -> Result<(Vec<Change>, Option<usize>), AppendError> {
        let Batch { log, create, drafts, mut machine, items } = batch;
        let mut changes = Vec::with_capacity(items.len() + 3);
        let mut head = match (self.head(&log)?, create) {
            (Some(head), false) => head,
            (Some(_), true) => return Err(AppendError::LogExists(log)),
            (None, false) => return Err(AppendError::NoLog(log)),
            (None, true) => {
                let head = Head::origin(self.next_log, &log);
                changes.push(Change::Create(log.clone(), head));
                head
            }
        };
        let mut drafts = drafts;
        if log == LogId::All {
            drafts.append(&mut machine);
        }
        let told = !machine.is_empty() || (log == LogId::All && !drafts.is_empty());
        let items = placed(items, if told { ItemPlace::First } else { ItemPlace::Kept });
        let events = self.place(&log, &mut head, drafts, at)?;
        let own = (!events.is_empty()).then_some(changes.len());
        if own.is_some() {
            changes.push(Change::Append(log.clone(), events, head));
        }
        self.plan_machine(&mut changes, machine, items, at)?;
        self.next_log = self.next_log.max(head.log + 1);
        self.heads.insert(log, Some(head));
        Ok((changes, own))
    }

    fn plan_delete(
        &mut self,
        log: LogId,
        machine: Vec<Draft>,
        items: Vec<ItemWrite>,
        at: &str,
    ) -> Result<Vec<Change>, AppendError> {
        let head = self.head(&log)?.ok_or_else(|| AppendError::NoLog(log.clone()))?;
        let mut changes = vec![Change::Delete(log.clone(), head.log)];
        self.plan_machine(&mut changes, machine, placed(items, ItemPlace::First), at)?;
        self.heads.insert(log, None);
        Ok(changes)
    }

    fn plan_heal(&mut self, log: LogId, good: (u64, Link), at: &str) -> Result<Vec<Change>, AppendError> {
        let mut head = self.head(&log)?.ok_or_else(|| AppendError::NoLog(log.clone()))?;
        let lost = head.seq.saturating_sub(good.0);
        (head.seq, head.hash) = good;
        head.epoch += 1;
        let mut changes = vec![Change::SetAside(log.clone(), head)];
        let message = format!("the end of log {log} was damaged: {lost} events were set aside");
        if log == LogId::All {
            let events = self.place(&log, &mut head, vec![notice(message)], at)?;
            changes.push(Change::Append(log.clone(), events, head));
        } else {
            self.plan_machine(&mut changes, vec![notice(message)], Vec::new(), at)?;
        }
        self.heads.insert(log, Some(head));
        Ok(changes)
    }

    /// Adds events of the machine's log and list items. The last thing that can fail in a plan.
    fn plan_machine(
        &mut self,
        changes: &mut Vec<Change>,
        drafts: Vec<Draft>,
        items: Vec<Change>,
        at: &str,
    ) -> Result<(), AppendError> {
        if !drafts.is_empty() {
            let log = LogId::All;
            let mut head = self.head(&log)?.ok_or_else(|| AppendError::NoLog(log.clone()))?;
            let events = self.place(&log, &mut head, drafts, at)?;
            changes.push(Change::Append(log.clone(), events, head));
            self.heads.insert(log, Some(head));
        }
        changes.extend(items);
        Ok(())
    }

    /// Returns where a log ends once everything planned is committed.
    fn head(&mut self, log: &LogId) -> Result<Option<Head>, AppendError> {
        if let Some(head) = self.heads.get(log) {
            return Ok(*head);
        }
        let head = read::find(&self.connection, log)?.map(Head::from);
        if head.is_some() {
            self.heads.insert(log.clone(), head);
        }
        Ok(head)
    }

    /// Commits a group, shows it, and answers. On a full disk the reserve is given up and the group tried once more.
    fn commit(&mut self, group: Vec<Planned>) {
        let mut outcome = self.write(&group);
        if matches!(outcome, Err(AppendError::StorageFull)) && self.ballast.release() {
            outcome = self.write(&group);
        }
        match outcome {
            Ok(last) => {
                self.last = last;
                self.head_file.write(&last);
                let bytes = group.iter().map(|planned| planned.bytes).sum();
                let deletes = |change: &Change| matches!(change, Change::Delete(..));
                let deletes = group.iter().any(|planned| planned.changes.iter().any(deletes));
                for planned in &group {
                    self.let_go(planned);
                }
                if deletes {
                    self.collect();
                    checkpoint::scrub(&self.connection);
                }
                for planned in group {
                    self.finish(planned);
                }
                self.checkpointer.committed(bytes);
            }
            Err(error) => {
                tracing::warn!(%error, "a commit failed");
                self.forget();
                for planned in group {
                    planned.waiting.fail(error.clone());
                }
            }
        }
        if self.heads.len() > HEADS_MAX {
            self.heads.clear();
        }
    }

    /// Places drafts. One that no message could hold is refused here, before it is in the log: whoever reads logs relies on it.
    fn place(
        &self,
        log: &LogId,
        head: &mut Head,
        drafts: Vec<Draft>,
        at: &str,
    ) -> Result<Vec<Placed>, AppendError> {
        let mut events = plan::place(log, head, drafts, at)
            .map_err(|error| AppendError::Unserialisable(log.clone(), Arc::new(error)))?;
        if let Some(large) = events.iter().find(|placed| placed.bytes.len() > EVENT_BYTES_MAX) {
            let (kind, bytes) = (large.event.body.type_name(), large.bytes.len());
            return Err(AppendError::TooLarge { log: log.clone(), kind, bytes });
        }
        for placed in &mut events {
            self.blobs.complete(&mut placed.refs);
        }
        Ok(events)
    }

    /// What the log names now needs to be kept no more.
    fn let_go(&self, planned: &Planned) {
        for change in &planned.changes {
            match change {
                Change::Append(log, events, _) => {
                    self.blobs.named(log, events.iter().flat_map(|placed| &placed.refs));
                }
                Change::Delete(log, _) => self.blobs.let_go(log),
                Change::Create(..) | Change::SetAside(..) | Change::Item(..) => {}
            }
        }
    }

    /// Removes the blobs that nobody needs any more.
    fn collect(&self) {
        if let Err(error) = collect::orphans(&self.connection, self.last.term, &self.blobs) {
            tracing::warn!(%error, "blobs that nobody needs are removed at the next deletion or start");
        }
    }

    fn write(&self, group: &[Planned]) -> Result<CommitHead, AppendError> {
        let changes = group.iter().flat_map(|planned| &planned.changes);
        write::commit(&self.connection, &self.last, changes)
    }

    /// Shows what a command committed to readers, then tells its caller.
    fn finish(&self, planned: Planned) {
        let mut own = Vec::new();
        for (index, change) in planned.changes.into_iter().enumerate() {
            match change {
                Change::Append(log, events, head) => {
                    self.live.publish(&log, head.ends(), events.iter().map(Placed::stored));
                    if planned.own == Some(index) {
                        own = events.into_iter().map(|placed| placed.event).collect();
                    }
                }
                Change::Delete(log, _) => self.live.remove(&log),
                Change::SetAside(log, _) => self.live.reset(&log),
                Change::Create(..) | Change::Item(..) => {}
            }
        }
        match planned.waiting {
            Waiting::Append(reply) => drop(reply.send(Ok(Committed::new(own)))),
            Waiting::Done(reply) => drop(reply.send(Ok(()))),
        }
    }

    /// Forgets what was planned and not committed; the database tells the truth.
    fn forget(&mut self) {
        self.heads.clear();
        let next = self.connection.query_row("SELECT next_log FROM meta", [], |row| row.get::<_, i64>(0));
        match next {
            Ok(next) => self.next_log = next,
            // A number that is too high leaves a gap in the logs' numbers, which means nothing.
            Err(error) => {
                tracing::warn!(%error, next = uint(self.next_log), "the next log's number is unknown");
            }
        }
    }
}

impl Planned {
    fn new(changes: Vec<Change>, own: Option<usize>, waiting: Waiting) -> Self {
        let bytes = changes.iter().map(size).sum();
        Self { changes, own, waiting, bytes }
    }
}

impl Waiting {
    fn fail(self, error: AppendError) {
        match self {
            Self::Append(reply) => drop(reply.send(Err(error))),
            Self::Done(reply) => drop(reply.send(Err(error))),
        }
    }
}

/// Returns about how many bytes a change writes.
fn size(change: &Change) -> usize {
    match change {
        Change::Append(_, events, _) => {
            events.iter().map(|placed| placed.bytes.len() + placed.private.as_ref().map_or(0, Vec::len)).sum()
        }
        Change::Item(item, _) => item.json.as_ref().map_or(0, String::len),
        Change::Create(..) | Change::Delete(..) | Change::SetAside(..) => 0,
    }
}

fn placed(items: Vec<ItemWrite>, place: ItemPlace) -> Vec<Change> {
    items.into_iter().map(|item| Change::Item(item, place)).collect()
}

fn refuse<T>(reply: Reply<T>, error: AppendError) -> Option<Planned> {
    drop(reply.send(Err(error)));
    None
}

/// Returns a notice that some of the journal was lost.
pub(in crate::journal) fn notice(message: String) -> Draft {
    Draft::new(Notice { kind: "journalDamaged".to_owned(), message: message.clone() }, message)
}
