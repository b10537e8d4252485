//! Damage: what is lost is noticed, what is whole stays, and cursors into what was lost are refused.
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tempfile::TempDir;
use tenon_protocol::event::EventBody;

use super::{beginning, clock, drafts, log, open, replayed, tamper};
use crate::journal::{Batch, DATABASE, Journal, LogId, PageLimits, ReadError};

/// Makes a closed journal with one log of ten events, one commit each.
async fn closed(events: usize) -> (TempDir, LogId) {
    let directory = tempfile::tempdir().unwrap();
    let (journal, a) = (open(&directory), log("s_a"));
    journal.append(beginning(&a, events)).await.unwrap();
    journal.close().await;
    (directory, a)
}

/// Returns the statement that changes the events with this text in them.
fn changed(text: &str) -> String {
    format!(
        "UPDATE events SET bytes = CAST(replace(bytes, '\"{text}\"', '\"X\"') AS BLOB) \
         WHERE bytes LIKE '%\"{text}\"%'"
    )
}

#[tokio::test]
async fn a_changed_event_in_the_end_of_a_log_is_set_aside_with_what_follows() {
    let (directory, a) = closed(10).await;
    let journal = open(&directory);
    assert_eq!(journal.verify(None).await.unwrap().broken, Vec::<String>::new(), "nothing is wrong yet");
    journal.close().await;
    tamper(&directory, &changed("event 4"));
    let journal = open(&directory);
    let broken = journal.verify(Some(a.clone())).await.unwrap().broken;
    assert_eq!(broken, ["log s_a breaks behind event 4"]);
    assert_eq!(replayed(&journal, &a).await.len(), 4);
    assert_eq!(journal.ends(&a).await.unwrap().head.to_string(), "2.4");
    let old = journal.read_after(&a, "1.10".parse().unwrap(), PageLimits::MAX, None).await;
    assert!(matches!(old, Err(ReadError::CursorExpired { .. })));
    let notices = replayed(&journal, &LogId::All).await;
    assert!(matches!(&notices[0].0.body, EventBody::Notice(notice) if notice.kind == "journalDamaged"));
    let event = journal.append(Batch::of(a.clone(), drafts(1))).await.unwrap()[0].clone();
    assert_eq!((event.epoch, event.seq), (2, 5));
    assert_eq!(journal.verify(None).await.unwrap().broken, Vec::<String>::new(), "what is left is whole");
    journal.close().await;
    let journal = open(&directory);
    assert_eq!(journal.ends(&a).await.unwrap().head.to_string(), "2.5", "it is not set aside twice");
}

#[tokio::test]
async fn a_missing_event_is_noticed() {
    let (directory, a) = closed(10).await;
    tamper(&directory, "DELETE FROM events WHERE bytes LIKE '%event 9%'");
    let journal = open(&directory);
    assert_eq!(replayed(&journal, &a).await.len(), 9);
    assert_eq!(journal.ends(&a).await.unwrap().head.to_string(), "2.9");
}

#[tokio::test]
async fn an_old_change_is_told_by_verify_and_costs_no_newer_event() {
    let (directory, a) = closed(600).await;
    tamper(&directory, &changed("event 3"));
    let journal = open(&directory);
    assert_eq!(replayed(&journal, &a).await.len(), 600);
    assert_eq!(journal.ends(&a).await.unwrap().head.to_string(), "1.600");
    assert_eq!(journal.verify(None).await.unwrap().broken, ["log s_a breaks behind event 3"]);
}

#[tokio::test]
async fn a_hole_is_never_read_over() {
    let (directory, a) = closed(600).await;
    tamper(&directory, "DELETE FROM events WHERE bytes LIKE '%event 3\"%'");
    let journal = open(&directory);
    let page = journal.read_after(&a, "1.0".parse().unwrap(), PageLimits::MAX, None).await.unwrap();
    assert_eq!((page.events.len(), page.next.seq, page.more), (3, 3, true));
    let hole = journal.read_after(&a, page.next, PageLimits::MAX, None).await;
    assert!(matches!(hole, Err(ReadError::Unreadable { seq: 4, .. })));
}

#[tokio::test]
async fn a_changed_commit_raises_every_epoch_once() {
    let (directory, a) = closed(2).await;
    for epoch in ["1.2", "1.2"] {
        let journal = open(&directory);
        assert_eq!(journal.ends(&a).await.unwrap().head.to_string(), epoch, "a restart changes nothing");
        journal.close().await;
    }
    tamper(&directory, "UPDATE commits SET heads = zeroblob(length(heads)) WHERE number = 1");
    for _ in 0..2 {
        let journal = open(&directory);
        assert_eq!(journal.ends(&a).await.unwrap().head.to_string(), "2.2");
        assert_eq!(journal.ends(&LogId::All).await.unwrap().head.epoch, 2);
        assert_eq!(journal.verify(None).await.unwrap().broken, Vec::<String>::new());
        journal.close().await;
    }
}

#[tokio::test]
async fn a_database_from_yesterday_is_noticed_and_a_head_from_yesterday_is_not_minded() {
    let (directory, a) = closed(3).await;
    let state = directory.path().join("state");
    let kept = tempfile::tempdir().unwrap();
    for name in [DATABASE, "head"] {
        fs::copy(state.join(name), kept.path().join(name)).unwrap();
    }
    let journal = open(&directory);
    journal.append(Batch::of(a.clone(), drafts(2))).await.unwrap();
    journal.close().await;

    fs::copy(kept.path().join("head"), state.join("head")).unwrap();
    let journal = open(&directory);
    assert_eq!(journal.ends(&a).await.unwrap().head.to_string(), "1.5");
    journal.append(Batch::of(a.clone(), drafts(1))).await.unwrap();
    journal.close().await;

    fs::copy(kept.path().join(DATABASE), state.join(DATABASE)).unwrap();
    for _ in 0..2 {
        let journal = open(&directory);
        assert_eq!(journal.ends(&a).await.unwrap().head.to_string(), "2.3");
        let lost = journal.read_after(&a, "1.5".parse().unwrap(), PageLimits::MAX, None).await;
        assert!(matches!(lost, Err(ReadError::CursorExpired { .. })));
        assert_eq!(journal.verify(None).await.unwrap().broken, Vec::<String>::new());
        journal.close().await;
    }
}

/// Copies the files of a journal as `kill -9` would leave them, and returns the copy.
fn copied(state: &Path, change: impl FnOnce(&Path)) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    let target = copy.path().join("state");
    fs::create_dir(&target).unwrap();
    for name in [DATABASE, "journal.db-wal", "head"] {
        fs::copy(state.join(name), target.join(name)).unwrap();
    }
    change(&target);
    copy
}

#[test]
fn a_torn_or_flipped_wal_leaves_a_prefix_and_never_a_silent_loss() {
    const EVENTS: u64 = 12;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let (journal, a) = (runtime.block_on(async { open(&directory) }), log("s_a"));
    let number = |event: u64| usize::try_from(event).unwrap();
    runtime.block_on(async {
        journal.append(beginning(&a, 1)).await.unwrap();
        for _ in 1..EVENTS {
            journal.append(Batch::of(a.clone(), drafts(1))).await.unwrap();
        }
    });
    let state = directory.path().join("state");
    let wal = fs::metadata(state.join("journal.db-wal")).unwrap().len();
    TestRunner::new(Config { cases: 48, ..Config::default() })
        .run(&(0..=wal, any::<bool>()), |(place, cut)| {
            let copy = copied(&state, |target| damage(&target.join("journal.db-wal"), place, cut));
            runtime.block_on(async {
                // Cut before the schema there is no head file's commit in it either, and everything is new.
                let journal = Journal::open(&copy.path().join("state"), clock()).unwrap();
                let Ok(ends) = journal.ends(&a).await else { return };
                let found = replayed(&journal, &a).await;
                assert_eq!(found.len(), number(ends.head.seq));
                assert_eq!(ends.head.epoch, if ends.head.seq < EVENTS { 2 } else { 1 }, "{ends:?}");
                assert_eq!(journal.verify(None).await.unwrap().broken, Vec::<String>::new());
                journal.close().await;
            });
            Ok(())
        })
        .unwrap();
}

#[test]
fn any_prefix_of_the_database_opens_or_says_why_not() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (directory, a) = runtime.block_on(closed(50));
    let state = directory.path().join("state");
    let size = fs::metadata(state.join(DATABASE)).unwrap().len();
    fs::write(state.join("journal.db-wal"), b"").unwrap();
    TestRunner::new(Config { cases: 32, ..Config::default() })
        .run(&(0..size, any::<bool>()), |(place, cut)| {
            let copy = copied(&state, |target| damage(&target.join(DATABASE), place, cut));
            runtime.block_on(async {
                // Whatever happens is a value: no panic, and no event that was not written.
                let Ok(journal) = Journal::open(&copy.path().join("state"), clock()) else { return };
                let mut seqs = Vec::new();
                drop(journal.replay(&a, 0, |event, _| seqs.push(event.seq)).await);
                assert!(seqs.iter().copied().eq(1..=u64::try_from(seqs.len()).unwrap()));
            });
            Ok(())
        })
        .unwrap();
}

/// Cuts the file at a place, or flips a bit there.
fn damage(file: &Path, place: u64, cut: bool) {
    let mut bytes = fs::read(file).unwrap();
    let place = usize::try_from(place).unwrap();
    if cut {
        bytes.truncate(place);
    } else if let Some(byte) = bytes.get_mut(place) {
        *byte ^= 0x10;
    }
    fs::write(file, bytes).unwrap();
}
