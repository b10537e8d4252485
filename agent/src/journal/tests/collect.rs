//! Deletion removes the blobs that no log needs any more, and no others, whatever comes between.
use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;
use tenon_protocol::event::all::Notice;
use tenon_protocol::ids::SessionId;

use super::open;
use crate::base::digest::Digest;
use crate::journal::{Batch, Collected, Draft, Journal, LogId};

fn session(name: &str) -> SessionId {
    SessionId::from(format!("s_{name}"))
}

fn log(name: &str) -> LogId {
    LogId::Session(session(name))
}

/// Commits an event that names these blobs, in a new log or an old one.
async fn name(journal: &Journal, of: &str, create: bool, digests: &[Digest]) {
    let words: Vec<String> = digests.iter().map(|digest| format!("b3:{digest}")).collect();
    let notice = Notice { kind: "test".to_owned(), message: words.join(" ") };
    let batch = Batch { create, ..Batch::of(log(of), vec![Draft::new(notice, "names blobs")]) };
    journal.append(batch).await.unwrap();
}

async fn delete(journal: &Journal, of: &str) {
    journal.delete_log(&session(of), Vec::new(), Vec::new()).await.unwrap();
}

fn file(directory: &TempDir, digest: Digest) -> PathBuf {
    let name = digest.to_string();
    directory.path().join("state/blobs").join(&name[..2]).join(&name[2..])
}

#[tokio::test]
async fn the_blobs_of_a_deleted_log_go_and_shared_ones_stay() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(&directory);
    let own = journal.blobs().of(log("a")).put(b"own").unwrap();
    let shared = journal.blobs().of(log("a")).put(b"shared").unwrap();
    name(&journal, "a", true, &[own, shared]).await;
    name(&journal, "b", true, &[shared]).await;
    assert_eq!(journal.blobs_of(&log("a")).await.unwrap().len(), 2);
    delete(&journal, "a").await;
    assert!(!file(&directory, own).exists());
    assert!(file(&directory, shared).exists());
    assert!(journal.verify(None).await.unwrap().broken.is_empty());
    journal.close().await;
    let journal = open(&directory);
    assert!(journal.verify(None).await.unwrap().broken.is_empty());
    delete(&journal, "b").await;
    assert!(!file(&directory, shared).exists());
    journal.close().await;
}

#[tokio::test]
async fn a_blob_of_a_batch_under_way_is_kept_until_its_log_names_it() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(&directory);
    name(&journal, "b", true, &[]).await;
    for committed in [true, false] {
        let digest = journal.blobs().of(log("a")).put(b"content").unwrap();
        name(&journal, "a", true, &[digest]).await;
        // The same content again, for somebody who has not committed it yet.
        assert_eq!(journal.blobs().of(log("b")).put(b"content").unwrap(), digest);
        delete(&journal, "a").await;
        assert!(file(&directory, digest).exists());
        assert_eq!(journal.collect(false).await.unwrap(), Collected::default());
        if committed {
            name(&journal, "b", false, &[digest]).await;
        }
        journal.blobs().let_go(&log("b"));
        journal.collect_left_behind().await.unwrap();
        assert_eq!(file(&directory, digest).exists(), committed);
        delete(&journal, "b").await;
        assert!(!file(&directory, digest).exists());
        name(&journal, "b", true, &[]).await;
    }
    journal.close().await;
}

#[tokio::test]
async fn what_could_not_be_removed_is_removed_at_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(&directory);
    let digest = journal.blobs().of(log("a")).put(b"content").unwrap();
    name(&journal, "a", true, &[digest]).await;
    // A directory of its name stands for a process that ends before it comes to the file.
    let file = file(&directory, digest);
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    delete(&journal, "a").await;
    assert!(file.exists());
    journal.close().await;
    fs::remove_dir(&file).unwrap();
    let journal = open(&directory);
    fs::write(&file, b"left").unwrap();
    journal.collect_left_behind().await.unwrap();
    assert!(!file.exists());
    journal.close().await;
}

#[tokio::test]
async fn what_no_log_ever_named_is_found_by_looking_at_all() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(&directory);
    let needed = journal.blobs().of(log("a")).put(b"needed").unwrap();
    let lost = journal.blobs().of(log("a")).put(b"lost").unwrap();
    name(&journal, "a", true, &[needed]).await;
    assert_eq!(journal.collect(false).await.unwrap().blobs, 0, "it may still be named");
    journal.blobs().let_go(&log("a"));
    assert_eq!(journal.collect(true).await.unwrap().blobs, 1);
    assert!(file(&directory, lost).exists(), "it was only counted");
    assert_eq!(journal.collect(false).await.unwrap().blobs, 1);
    assert!(!file(&directory, lost).exists() && file(&directory, needed).exists());
    journal.close().await;
}

#[tokio::test]
async fn references_of_an_older_schema_are_found() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(&directory);
    let digest = journal.blobs().of(log("a")).put(b"content").unwrap();
    name(&journal, "a", true, &[digest]).await;
    journal.close().await;
    let database = directory.path().join("state/journal.db");
    let connection = crate::journal::connection::open(&database, 64).unwrap();
    connection.execute_batch("DROP TABLE refs; DROP TABLE orphans; PRAGMA user_version = 1;").unwrap();
    drop(connection);
    let journal = open(&directory);
    assert_eq!(journal.blobs_of(&log("a")).await.unwrap(), [digest]);
    journal.close().await;
}

#[tokio::test]
async fn what_a_version_rests_on_stays_as_long_as_the_version() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(&directory);
    let text = |end: &str| {
        format!("{}{end}", "the same line\n".repeat(100).replace("same", &"s".repeat(50))).into_bytes()
    };
    let blobs = journal.blobs().of(log("a"));
    let (first, second) = blobs.put_versions(&text("1"), &text("2")).unwrap();
    name(&journal, "a", true, &[first, second]).await;
    // Somebody else has come to the same content by another way, and names nothing but that.
    assert_eq!(journal.blobs().of(log("b")).put(&text("2")).unwrap(), second);
    delete(&journal, "a").await;
    assert_eq!(journal.blobs().get(second).unwrap(), text("2"), "kept");
    name(&journal, "b", true, &[second]).await;
    journal.close().await;
    let journal = open(&directory);
    assert_eq!(journal.collect(false).await.unwrap(), Collected::default());
    assert_eq!(journal.blobs().get(second).unwrap(), text("2"), "named");
    delete(&journal, "b").await;
    assert!(!file(&directory, first).exists() && !file(&directory, second).exists());
    journal.close().await;
}
