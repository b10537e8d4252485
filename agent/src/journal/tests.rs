//! Tests of the journal against real files: what they share. Not here: the cases.
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use tempfile::TempDir;
use tenon_protocol::cursor::Cursor;
use tenon_protocol::event::Event;
use tenon_protocol::event::all::Notice;

use crate::base::clock::{Clock, SharedClock, Sleep, Timestamp};
use crate::journal::executor::{Executor, Work};
use crate::journal::{Batch, DATABASE, Draft, Journal, LogId, PageLimits};

mod append;
mod blobs;
mod collect;
mod damage;
mod migrations;
mod paging;
mod processes;

/// A clock that stands still, and whose sleeps are over at once.
#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp(1_767_323_045_000)
    }

    fn sleep(&self, _: Duration) -> Sleep {
        Box::pin(std::future::ready(()))
    }
}

fn clock() -> SharedClock {
    Arc::new(Still)
}

/// Hands work to the test, which decides when it steps.
#[derive(Debug)]
struct Stepper(mpsc::Sender<Box<dyn Work>>);

impl Executor for Stepper {
    fn start(&self, _: &'static str, work: Box<dyn Work>) -> std::io::Result<()> {
        self.0.send(work).map_err(|_| std::io::Error::other("the test is over"))
    }
}

/// Opens a journal whose writer the test steps.
fn stepped(directory: &Path) -> (Journal, Box<dyn Work>) {
    let (sender, works) = mpsc::channel();
    let executor: Arc<dyn Executor + Send + Sync> = Arc::new(Stepper(sender));
    let journal = Journal::open_with(directory, clock(), &executor).unwrap();
    (journal, works.recv().unwrap())
}

fn open(directory: &TempDir) -> Journal {
    Journal::open(&directory.path().join("state"), clock()).unwrap()
}

fn log(name: &str) -> LogId {
    LogId::from_wire(name)
}

fn draft(text: &str) -> Draft {
    Draft::new(Notice { kind: "test".to_owned(), message: text.to_owned() }, text)
}

fn drafts(count: usize) -> Vec<Draft> {
    (0..count).map(|number| draft(&format!("event {number}"))).collect()
}

/// Returns a batch that begins a log with some events.
fn beginning(log: &LogId, count: usize) -> Batch {
    Batch { create: true, ..Batch::of(log.clone(), drafts(count)) }
}

/// Reads a log from the database, page by page.
async fn replayed(journal: &Journal, log: &LogId) -> Vec<(Event, Option<Vec<u8>>)> {
    let mut events = Vec::new();
    journal.replay(log, 0, |event, private| events.push((event, private))).await.unwrap();
    events
}

async fn read_all(journal: &Journal, log: &LogId, limits: PageLimits) -> Vec<(u64, String)> {
    let ends = journal.ends(log).await.unwrap();
    let mut cursor = Cursor { epoch: ends.head.epoch, seq: 0 };
    let mut events = Vec::new();
    loop {
        let page = journal.read_after(log, cursor, limits, None).await.unwrap();
        let text = |stored: &crate::journal::Stored| String::from_utf8(stored.bytes().to_vec()).unwrap();
        events.extend(page.events.iter().map(|stored| (stored.seq(), text(stored))));
        cursor = page.next;
        if !page.more {
            return events;
        }
    }
}

/// Changes the closed database behind the journal's back.
fn tamper(directory: &TempDir, sql: &str) {
    let database = directory.path().join("state").join(DATABASE);
    let connection = crate::journal::connection::open(&database, 64).unwrap();
    connection.execute_batch(sql).unwrap();
}

/// Steps until nothing is left to do; the journal must have been told to stop, or dropped.
fn run_out(work: &mut dyn Work) {
    while let ControlFlow::Continue(()) = work.step() {}
}
