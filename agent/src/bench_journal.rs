//! The benchmark of the journal: a program of its own, made of `journal` and `base` and nothing else. Not here: any part of
//! the library or the binary; `cargo xtask bench` runs it and reads its lines, `NAME NUMBER`.
//!
//! It lies beside the two modules, because a crate's root is where its modules are looked for; so it needs no wider
//! visibility than they have. Called with a directory, in which it makes and removes a state directory, and a number of
//! events.
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "half of what the two modules have is for the agent alone"
)]

mod base;
mod journal;

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tenon_protocol::cursor::Cursor;
use tenon_protocol::event::all::Notice;
use tenon_protocol::ids::SessionId;

use crate::base::clock::{SharedClock, SystemClock};
use crate::journal::{Batch, Draft, Journal, LogId, PageLimits};

/// Events of a batch, and batches that wait for the writer, while the journal is filled.
const BATCH_LEN: u64 = 512;
const WAITING: usize = 8;

/// Logs that the events lie in: most of them in the one that is read, the others between its pages.
const OTHER_LOGS: u64 = 16;

/// Commits that are timed one by one.
const COMMITS: u32 = 200;

/// Whatever went wrong ends the program, which prints it.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    // Cargo adds `--bench` of its own.
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let [directory, events] = arguments.as_slice() else {
        // `cargo test --benches` calls it without arguments: then there is nothing to do.
        return Ok(());
    };
    let state = Path::new(directory).join(format!("journal-{}", std::process::id()));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let measured = runtime.block_on(measure(&state, events.parse()?));
    // The failure that counts is the measurement's.
    drop(std::fs::remove_dir_all(&state));
    measured
}

async fn measure(state: &Path, events: u64) -> Result<()> {
    let clock: SharedClock = Arc::new(SystemClock);
    let log = LogId::Session(SessionId::from("s_read"));
    let started = Instant::now();
    let journal = Journal::open(state, Arc::clone(&clock))?;
    let written = fill(&journal, &log, events).await?;
    say("append_per_s", number(written) / started.elapsed().as_secs_f64());
    let started = Instant::now();
    for n in 0..COMMITS {
        journal.append(Batch::of(log.clone(), vec![draft(u64::from(n))])).await?;
    }
    say("commit_ms", started.elapsed().as_secs_f64() * 1e3 / f64::from(COMMITS));
    journal.close().await;
    say("size_mb", number(std::fs::metadata(state.join("journal.db"))?.len()) / 1e6);

    let started = Instant::now();
    let journal = Journal::open(state, clock)?;
    say("open_ms", started.elapsed().as_secs_f64() * 1e3);
    let started = Instant::now();
    let head = journal.ends(&log).await?.head;
    let behind = Cursor { seq: head.seq + 1, ..head };
    let page = journal.read_before(&log, behind, PageLimits::MAX, None).await?;
    say("last_page_ms", started.elapsed().as_secs_f64() * 1e3);
    if page.events.last().is_none_or(|event| event.seq() != head.seq) {
        return Err("the page is not the last one".into());
    }

    // The peak so far was the filling's.
    std::fs::write("/proc/self/clear_refs", "5")?;
    let before = peak_mb()?;
    let started = Instant::now();
    let mut seen = 0;
    journal.replay(&log, 0, |_, _| seen += 1).await?;
    say("replay_per_s", number(seen) / started.elapsed().as_secs_f64());
    say("replay_growth_mb", peak_mb()? - before);
    if seen != head.seq {
        return Err(format!("{seen} events were replayed of {}", head.seq).into());
    }
    journal.close().await;
    Ok(())
}

/// Fills the journal with `events` events: of seven batches six go to `log`, one to another.
async fn fill(journal: &Journal, log: &LogId, events: u64) -> Result<u64> {
    let mut created = std::collections::BTreeSet::new();
    let mut waiting = std::collections::VecDeque::new();
    let mut written = 0;
    for batch in 0..events.div_ceil(BATCH_LEN) {
        let other = LogId::Session(SessionId::from(format!("s_{}", batch % OTHER_LOGS)));
        let log = if batch % 7 == 6 { other } else { log.clone() };
        let drafts: Vec<Draft> = (0..BATCH_LEN.min(events - written)).map(|n| draft(written + n)).collect();
        written += number_of(&drafts);
        let create = created.insert(log.to_string());
        waiting.push_back(journal.append(Batch { create, ..Batch::of(log, drafts) }));
        if waiting.len() >= WAITING
            && let Some(first) = waiting.pop_front()
        {
            first.await?;
        }
    }
    for commit in waiting {
        commit.await?;
    }
    Ok(written)
}

/// An event of middling size, about 400 bytes as JSON, with a private part now and then.
fn draft(n: u64) -> Draft {
    let message = format!(
        "event {n} of a conversation, about as long as what a step of a turn leaves behind: a call with its \
                           arguments, or the first lines of its result"
    );
    let mut draft = Draft::new(Notice { kind: "bench".to_owned(), message: message.clone() }, message);
    draft.private = n.is_multiple_of(10).then(|| vec![b'x'; 300]);
    draft
}

fn number_of(drafts: &[Draft]) -> u64 {
    u64::try_from(drafts.len()).unwrap_or(u64::MAX)
}

/// Returns the most memory this process held since its peak was cleared, in MB.
fn peak_mb() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no peak of memory")?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(number(kib * 1024) / 1e6)
}

#[expect(clippy::cast_precision_loss, reason = "counts and sizes here are far below 2^52")]
fn number(count: u64) -> f64 {
    count as f64
}

#[expect(clippy::print_stdout, reason = "the lines are this program's output")]
fn say(name: &str, value: f64) {
    println!("{name} {value:.3}");
}
