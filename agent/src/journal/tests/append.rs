//! Appending: order, groups, refusals, fencing, a full disk.
use std::sync::Arc;

use futures_util::FutureExt;
use tenon_protocol::cursor::Cursor;
use tenon_protocol::ids::SessionId;

use super::{beginning, clock, draft, drafts, log, open, read_all, replayed, run_out, stepped};
use crate::base::task;
use crate::journal::executor::{Executor, Threads, Work};
use crate::journal::{AppendError, Batch, Draft, ItemKind, ItemWrite, Journal, LogId, PageLimits, ReadError};

#[tokio::test]
async fn events_get_their_places_and_come_back_as_they_were() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, a) = (open(&directory), log("s_a"));
    let mut batch = beginning(&a, 2);
    batch.drafts[1].private = Some(b"verbatim".to_vec());
    batch.machine = vec![draft("a session appeared")];
    let events = journal.append(batch).await.unwrap();
    assert_eq!(events.iter().map(|event| (event.epoch, event.seq)).collect::<Vec<_>>(), [(1, 1), (1, 2)]);
    assert_eq!(events[0].at, "2026-01-02T03:04:05.000Z");
    let found = replayed(&journal, &a).await;
    assert_eq!(found.iter().map(|(event, _)| event.clone()).collect::<Vec<_>>(), *events);
    assert_eq!(found[1].1.as_deref(), Some(&b"verbatim"[..]));
    assert_eq!(read_all(&journal, &LogId::All, PageLimits::MAX).await.len(), 1);
    let page = read_all(&journal, &a, PageLimits::MAX).await;
    assert!(page.iter().all(|(_, json)| !json.contains("verbatim")), "the private part is never on the wire");
    journal.close().await;
}

#[tokio::test]
async fn a_log_is_begun_once_and_must_have_been() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, a) = (open(&directory), log("s_a"));
    let missing = journal.append(Batch::of(a.clone(), drafts(1))).await;
    assert!(matches!(missing, Err(AppendError::NoLog(_))));
    journal.append(beginning(&a, 1)).await.unwrap();
    assert!(matches!(journal.append(beginning(&a, 1)).await, Err(AppendError::LogExists(_))));
    assert_eq!(replayed(&journal, &a).await.len(), 1, "what was refused left nothing");
}

#[test]
fn what_queued_is_one_commit_in_the_order_of_the_calls() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, mut work) = stepped(directory.path());
    let a = log("s_a");
    let first = journal.append(beginning(&a, 1));
    // Dropped before it was ever polled: queued all the same.
    drop(journal.append(Batch::of(a.clone(), drafts(1))));
    let third = journal.append(Batch::of(a.clone(), drafts(1)));
    assert!(work.step().is_continue());
    assert_eq!(third.now_or_never().unwrap().unwrap()[0].seq, 3);
    assert_eq!(first.now_or_never().unwrap().unwrap()[0].seq, 1);
    assert_eq!(commits(&directory), 1);
    drop(journal);
    run_out(&mut *work);
}

fn commits(directory: &tempfile::TempDir) -> i64 {
    let database = directory.path().join(super::DATABASE);
    let reader = crate::journal::connection::open_reader(&database).unwrap();
    reader.query_row("SELECT count(*) FROM commits", [], |row| row.get(0)).unwrap()
}

#[test]
fn one_refused_batch_spoils_no_other_of_its_group() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, mut work) = stepped(directory.path());
    let good = journal.append(beginning(&log("s_a"), 1));
    let bad = journal.append(Batch::of(log("s_missing"), drafts(1)));
    let also_good = journal.append(Batch::of(log("s_a"), drafts(1)));
    assert!(work.step().is_continue());
    assert!(good.now_or_never().unwrap().is_ok());
    assert!(matches!(bad.now_or_never().unwrap(), Err(AppendError::NoLog(_))));
    assert_eq!(also_good.now_or_never().unwrap().unwrap()[0].seq, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_appenders_leave_no_gap() {
    const APPENDERS: usize = 8;
    const EACH: usize = 25;
    let directory = tempfile::tempdir().unwrap();
    let (journal, shared) = (open(&directory), log("s_shared"));
    journal.append(beginning(&shared, 0)).await.unwrap();
    let tasks: Vec<_> = (0..APPENDERS)
        .map(|_| {
            let (journal, shared) = (journal.clone(), shared.clone());
            task::spawn(async move {
                for _ in 0..EACH {
                    let mut batch = Batch::of(shared.clone(), drafts(1));
                    batch.machine = drafts(1);
                    journal.append(batch).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    journal.unload(&shared);
    for log in [shared, LogId::All] {
        let seqs: Vec<_> =
            read_all(&journal, &log, PageLimits::MAX).await.into_iter().map(|(seq, _)| seq).collect();
        assert_eq!(seqs, (1..=200).collect::<Vec<_>>());
    }
    let verified = journal.verify(None).await.unwrap();
    assert_eq!((verified.logs, verified.events, verified.broken), (2, 400, Vec::<String>::new()));
}

#[tokio::test]
async fn a_former_owner_never_writes_again() {
    let directory = tempfile::tempdir().unwrap();
    let (former, a) = (open(&directory), log("s_a"));
    former.append(beginning(&a, 1)).await.unwrap();
    let owner = open(&directory);
    for _ in 0..2 {
        let refused = former.append(Batch::of(a.clone(), drafts(1))).await;
        assert!(matches!(refused, Err(AppendError::Fenced)));
    }
    assert_eq!(owner.append(Batch::of(a.clone(), drafts(1))).await.unwrap()[0].seq, 2);
    assert!(matches!(former.append(Batch::of(a.clone(), drafts(1))).await, Err(AppendError::Fenced)));
    assert_eq!(owner.verify(None).await.unwrap().broken, Vec::<String>::new());
}

#[tokio::test]
async fn items_are_listed_newest_write_first_and_paged() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(&directory);
    let put = |id: &str, group: &str, json: Option<&str>| ItemWrite {
        kind: ItemKind::Session,
        id: id.to_owned(),
        group: group.to_owned(),
        json: json.map(str::to_owned),
    };
    let write = async |items: Vec<ItemWrite>, machine: Vec<Draft>| {
        journal.append(Batch { items, ..Batch::of(LogId::All, machine) }).await.unwrap();
    };
    write(vec![put("a", "x", Some("1")), put("b", "y", Some("2")), put("c", "x", Some("3"))], drafts(1))
        .await;
    write(vec![put("a", "x", Some("4")), put("b", "y", None)], drafts(1)).await;
    let page = journal.items(ItemKind::Session, None, None, 1).await.unwrap();
    assert_eq!((page.items[0].json.as_str(), page.rev), ("4", 2));
    let next = page.next.map(|rank| rank.to_string().parse().unwrap());
    let page = journal.items(ItemKind::Session, None, next, 10).await.unwrap();
    assert_eq!(page.items.iter().map(|item| item.id.as_str()).collect::<Vec<_>>(), ["c"]);
    assert_eq!(page.next, None);
    // What is told to nobody moves nothing, or a reader of pages would miss it.
    write(vec![put("c", "x", Some("5"))], Vec::new()).await;
    let page = journal.items(ItemKind::Session, None, None, 10).await.unwrap();
    assert_eq!(page.items.iter().map(|item| item.json.as_str()).collect::<Vec<_>>(), ["4", "5"]);
    write(vec![put("c", "x", Some("3"))], Vec::new()).await;
    assert_eq!(journal.items(ItemKind::Session, Some("x"), None, 10).await.unwrap().items.len(), 2);
    assert_eq!(journal.item(ItemKind::Session, "c").await.unwrap().as_deref(), Some("3"));
    assert_eq!(journal.item(ItemKind::Request, "c").await.unwrap(), None);
}

#[tokio::test]
async fn a_deleted_log_is_gone_and_the_commits_still_verify() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, a) = (open(&directory), log("s_a"));
    journal.append(beginning(&a, 3)).await.unwrap();
    let mut watch = journal.watch(&a);
    journal.delete_log(&SessionId::from("s_a"), drafts(1), Vec::new()).await.unwrap();
    assert!(watch.changed().await.is_err(), "whoever watches is told");
    assert!(matches!(journal.ends(&a).await, Err(ReadError::NoLog(_))));
    journal.append(beginning(&a, 1)).await.unwrap();
    assert_eq!(journal.ends(&a).await.unwrap().head, Cursor { epoch: 1, seq: 1 });
    let verified = journal.verify(None).await.unwrap();
    assert_eq!((verified.events, verified.commits, verified.broken), (2, 3, Vec::new()));
}

#[test]
fn a_full_disk_is_told_reads_go_on_and_it_ends_without_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let executor: Arc<dyn Executor + Send + Sync> = Arc::new(Threads);
    let (journal, mut writer) = Journal::assemble(directory.path(), clock(), &executor).unwrap();
    journal.ballast.fill();
    assert!(!journal.is_full());
    let a = log("s_a");
    let written = journal.append(beginning(&a, 1));
    assert!(writer.step().is_continue());
    assert!(written.now_or_never().unwrap().is_ok());
    let pages: i64 = writer.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    let limit = |writer: &crate::journal::writer::Writer, pages: i64| {
        writer.connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap();
    };
    limit(&writer, pages);
    let refused = journal.append(Batch::of(a.clone(), vec![draft(&"x".repeat(100_000))]));
    assert!(writer.step().is_continue());
    assert!(matches!(refused.now_or_never().unwrap(), Err(AppendError::StorageFull)));
    assert!(!directory.path().join("ballast").exists(), "the reserve was given up");
    let page = journal.read_after(&a, Cursor { epoch: 1, seq: 0 }, PageLimits::MAX, None);
    assert_eq!(page.now_or_never().unwrap().unwrap().events.len(), 1);
    limit(&writer, pages + 1_000);
    assert!(!journal.is_full(), "there is room again, so the reserve is too");
    let written = journal.append(Batch::of(a, vec![draft(&"x".repeat(100_000))]));
    assert!(writer.step().is_continue());
    assert_eq!(written.now_or_never().unwrap().unwrap()[0].seq, 2);
}
