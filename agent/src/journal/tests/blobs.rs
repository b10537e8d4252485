//! Blobs: stored once, read back, and never handed out damaged.
use std::fs;

use crate::base::digest::Digest;
use crate::journal::blobs::BLOB_BYTES_MAX;
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
