//! Reading pages: limits, filters, both directions, memory and database alike.
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tenon_protocol::cursor::Cursor;

use super::{beginning, drafts, log, open, read_all, replayed};
use crate::journal::{Batch, Journal, LogId, PageLimits, ReadError, TypeFilter};

#[test]
fn any_limits_from_any_place_give_the_same_events() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let a = log("s_a");
    let journal = runtime.block_on(async {
        let journal = open(&directory);
        journal.append(beginning(&a, 40)).await.unwrap();
        journal
    });
    let whole = runtime.block_on(read_all(&journal, &a, PageLimits::MAX));
    let inputs = (1..50usize, 1..4_000usize, 1..50usize, 0..=40u64, any::<bool>());
    TestRunner::new(Config { cases: 64, ..Config::default() })
        .run(&inputs, |(events, bytes, scanned, start, unload)| {
            if unload {
                journal.unload(&a);
            }
            let limits = PageLimits { events, bytes, scanned };
            let found = runtime.block_on(async {
                let forwards = pages(&journal, &a, start, limits).await;
                (forwards, back(&journal, &a, start + 1, limits).await)
            });
            let start = usize::try_from(start).unwrap();
            let seqs = |part: &[(u64, String)]| part.iter().map(|(seq, _)| *seq).collect::<Vec<_>>();
            prop_assert_eq!(&found.0, &seqs(&whole[start..]));
            prop_assert_eq!(&found.1, &seqs(&whole[..start]));
            Ok(())
        })
        .unwrap();
}

async fn pages(journal: &Journal, log: &LogId, start: u64, limits: PageLimits) -> Vec<u64> {
    let mut cursor = Cursor { epoch: 1, seq: start };
    let mut found = Vec::new();
    loop {
        let page = journal.read_after(log, cursor, limits, None).await.unwrap();
        assert!(page.scanned <= limits.scanned && page.events.len() <= limits.events);
        found.extend(page.events.iter().map(crate::journal::Stored::seq));
        cursor = page.next;
        if !page.more {
            return found;
        }
    }
}

async fn back(journal: &Journal, log: &LogId, before: u64, limits: PageLimits) -> Vec<u64> {
    let mut cursor = Cursor { epoch: 1, seq: before };
    let mut found: Vec<u64> = Vec::new();
    loop {
        let page = journal.read_before(log, cursor, limits, None).await.unwrap();
        found.splice(0..0, page.events.iter().map(crate::journal::Stored::seq));
        cursor = page.next;
        if !page.more {
            return found;
        }
    }
}

#[tokio::test]
async fn memory_and_database_give_the_same_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, a) = (open(&directory), log("s_a"));
    journal.append(beginning(&a, 5)).await.unwrap();
    let live = read_all(&journal, &a, PageLimits::MAX).await;
    journal.unload(&a);
    assert_eq!(read_all(&journal, &a, PageLimits::MAX).await, live);
    let folded: Vec<_> = replayed(&journal, &a).await.into_iter().map(|(event, _)| event).collect();
    let written: Vec<_> = live.iter().map(|(_, json)| json.clone()).collect();
    let again: Vec<_> = folded.iter().map(|event| serde_json::to_string(event).unwrap()).collect();
    assert_eq!(again, written);
}

#[tokio::test]
async fn only_wanted_types_come_and_the_place_moves_on() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, a) = (open(&directory), log("s_a"));
    journal.append(beginning(&a, 3)).await.unwrap();
    for unloaded in [false, true] {
        if unloaded {
            journal.unload(&a);
        }
        for (pattern, count) in [("notice", 3), ("not*", 3), ("*", 3), ("notic", 0), ("turn.*", 0)] {
            let filter = TypeFilter::new(vec![pattern.to_owned()]);
            let start = Cursor { epoch: 1, seq: 0 };
            let page = journal.read_after(&a, start, PageLimits::MAX, Some(&filter)).await.unwrap();
            assert_eq!((page.events.len(), page.next.seq), (count, 3), "{pattern}");
        }
    }
}

#[tokio::test]
async fn a_cursor_that_the_log_does_not_hold_is_refused_with_its_ends() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, a) = (open(&directory), log("s_a"));
    journal.append(beginning(&a, 3)).await.unwrap();
    for unloaded in [false, true] {
        if unloaded {
            journal.unload(&a);
        }
        for cursor in ["1.4", "2.1", "0.1", "2.0"] {
            let result = journal.read_after(&a, cursor.parse().unwrap(), PageLimits::MAX, None).await;
            let Err(ReadError::CursorExpired { first, head }) = result else { panic!("{cursor} was taken") };
            assert_eq!((first.to_string(), head.to_string()), ("1.1".to_owned(), "1.3".to_owned()));
        }
        let page = journal.read_after(&a, "1.3".parse().unwrap(), PageLimits::MAX, None).await.unwrap();
        assert!(page.events.is_empty() && !page.more, "at the head there is nothing, and that is no error");
    }
}

#[tokio::test]
async fn the_ring_is_bounded_and_older_events_come_from_the_database() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, a) = (open(&directory), log("s_a"));
    journal.append(beginning(&a, 1_500)).await.unwrap();
    let start = Cursor { epoch: 1, seq: 0 };
    assert!(journal.live.after(&a, start, PageLimits::MAX, None).is_none());
    let late = Cursor { epoch: 1, seq: 1_490 };
    assert_eq!(journal.live.after(&a, late, PageLimits::MAX, None).unwrap().events.len(), 10);
    assert_eq!(read_all(&journal, &a, PageLimits::MAX).await.len(), 1_500);
    journal.append(Batch::of(a.clone(), drafts(1))).await.unwrap();
    assert_eq!(read_all(&journal, &a, PageLimits::MAX).await.len(), 1_501);
}
