//! Blobs: stored once, read back, and never handed out damaged.
use std::fs;

use crate::base::digest::Digest;
use crate::journal::blobs::{BLOB_BYTES_MAX, PATCHES_MAX};
use crate::journal::{BlobError, Blobs};

#[test]
fn contents_come_back_and_are_stored_once() {
    let directory = tempfile::tempdir().unwrap();
    let blobs = Blobs::new(directory.path());
    for content in [Vec::new(), b"x".to_vec(), b"abc".repeat(10_000), (0..=255).collect()] {
        let digest = blobs.put(&content).unwrap();
        assert_eq!(digest, Digest::of(&content));
        let name = digest.to_string();
        let file = directory.path().join("blobs").join(&name[..2]).join(&name[2..]);
        let written = fs::metadata(&file).unwrap().modified().unwrap();
        assert_eq!(blobs.put(&content).unwrap(), digest);
        assert_eq!(fs::metadata(&file).unwrap().modified().unwrap(), written);
        assert_eq!(blobs.get(digest).unwrap(), content);
        let in_directory = fs::read_dir(file.parent().unwrap()).unwrap().count();
        assert_eq!(in_directory, 1, "no temporary file is left");
        assert!(fs::metadata(&file).unwrap().len() <= u64::try_from(content.len()).unwrap() + 9);
    }
}

#[test]
fn what_is_missing_damaged_or_too_large_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let blobs = Blobs::new(directory.path());
    let missing = Digest::of(b"never stored");
    assert!(matches!(blobs.get(missing), Err(BlobError::NotFound(digest)) if digest == missing));
    let digest = blobs.put(b"content").unwrap();
    let name = digest.to_string();
    let file = directory.path().join("blobs").join(&name[..2]).join(&name[2..]);
    let whole = fs::read(&file).unwrap();
    for place in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[place] ^= 1;
        fs::write(&file, &bytes).unwrap();
        let found = blobs.get(digest);
        // A raw content does not need its length; a flip there changes nothing that is read.
        assert!(
            matches!(found, Err(BlobError::Damaged(_))) || found.is_ok_and(|content| content == b"content")
        );
        fs::write(&file, &whole[..place]).unwrap();
        assert!(matches!(blobs.get(digest), Err(BlobError::Damaged(_))));
    }
    assert!(matches!(blobs.put(&vec![0; BLOB_BYTES_MAX + 1]), Err(BlobError::TooLarge(_))));
}

/// Returns versions of a source file of 100 kB, each with another line.
fn versions(count: usize) -> Vec<Vec<u8>> {
    let mut lines: Vec<String> = (0..2_000_u64)
        .map(|line| format!("    let name_{line} = {};\n", line.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        .collect();
    let version = |edit: usize| {
        let place = edit.wrapping_mul(7_919) % lines.len();
        lines[place] = format!("    let edited_{edit} = Some(\"{place}\");\n");
        lines.concat().into_bytes()
    };
    (0..count).map(version).collect()
}

fn bytes_on_disk(directory: &std::path::Path) -> u64 {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    let size = |entry: fs::DirEntry| {
        let metadata = entry.metadata().unwrap();
        if metadata.is_dir() {
            bytes_on_disk(&entry.path())
        } else {
            std::os::unix::fs::MetadataExt::blocks(&metadata) * 512
        }
    };
    entries.map(size).sum()
}

#[test]
fn versions_of_a_file_cost_what_became_other() {
    let (patched, plain) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (blobs, control) = (Blobs::new(patched.path()), Blobs::new(plain.path()));
    let versions = versions(3 * PATCHES_MAX);
    let mut earlier = &versions[0];
    for version in &versions {
        control.put(version).unwrap();
        let digests = blobs.put_versions(earlier, version).unwrap();
        assert_eq!(digests, (Digest::of(earlier), Digest::of(version)));
        earlier = version;
    }
    for version in &versions {
        let digest = Digest::of(version);
        assert!(blobs.get(digest).unwrap() == *version);
        let piece = blobs.piece(digest, 5_000, 100).unwrap();
        assert_eq!((piece.total, &piece.bytes[..]), (version.len() as u64, &version[5_000..5_100]));
    }
    // The smallest file takes a block of 4 KiB.
    let (patched, plain) = (bytes_on_disk(patched.path()), bytes_on_disk(plain.path()));
    assert!(patched * 4 < plain, "{patched} of {plain} bytes");
}

#[test]
fn a_version_that_rests_on_something_damaged_is_damaged_and_is_mended_by_the_next_who_stores_it() {
    let directory = tempfile::tempdir().unwrap();
    let blobs = Blobs::new(directory.path());
    let versions = versions(2);
    let (earlier, later) = blobs.put_versions(&versions[0], &versions[1]).unwrap();
    let name = earlier.to_string();
    let file = directory.path().join("blobs").join(&name[..2]).join(&name[2..]);
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    assert!(matches!(blobs.get(later), Err(BlobError::Damaged(digest)) if digest == later));
    fs::remove_file(&file).unwrap();
    assert!(matches!(blobs.get(later), Err(BlobError::Damaged(digest)) if digest == later));
    assert!(matches!(blobs.get(earlier), Err(BlobError::NotFound(_))));
    assert_eq!(blobs.put_versions(&versions[0], &versions[1]).unwrap(), (earlier, later));
    assert!(blobs.get(earlier).unwrap() == versions[0] && blobs.get(later).unwrap() == versions[1], "mended");
}

#[test]
fn nothing_rests_on_what_is_damaged() {
    let directory = tempfile::tempdir().unwrap();
    let blobs = Blobs::new(directory.path());
    let versions = versions(2);
    let name = blobs.put(&versions[0]).unwrap().to_string();
    let file = directory.path().join("blobs").join(&name[..2]).join(&name[2..]);
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let (_, later) = blobs.put_versions(&versions[0], &versions[1]).unwrap();
    assert!(blobs.get(later).unwrap() == versions[1]);
}

#[test]
fn a_disk_that_refuses_leaves_no_file_behind() {
    let directory = tempfile::tempdir().unwrap();
    let blobs = Blobs::new(directory.path());
    let name = Digest::of(b"after").to_string();
    // A file is where the folder of the second blob should be.
    fs::create_dir(directory.path().join("blobs")).unwrap();
    fs::write(directory.path().join("blobs").join(&name[..2]), "").unwrap();
    assert!(matches!(blobs.put_versions(b"before", b"after"), Err(BlobError::Io(_))));
    let name = Digest::of(b"before").to_string();
    assert_eq!(fs::read_dir(directory.path().join("blobs").join(&name[..2])).unwrap().count(), 0);
}
