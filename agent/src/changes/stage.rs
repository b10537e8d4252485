//! The new contents of one file, worked out and not yet written: what a person approves and what is then written. Not here:
//! whether it may be written (`approvals`), and how the contents come about (`tools`).
use tenon_protocol::change::FileChange;

use crate::base::digest::Digest;
use crate::changes::apply::{Applied, ApplyError, apply};
use crate::changes::blobs::BlobStore;
use crate::changes::change::{ChangeError, ChangeSet, FileEdit, Version};
use crate::changes::diff::{FileDiff, Side, diff};
use crate::changes::patch::{PatchFile, patch};
use crate::journal::BlobError;
use crate::workspace::path::RelPath;
use crate::workspace::read::FileRead;
use crate::workspace::root::Root;

/// Permission bits of a new file: what a person's own editor would give it under the usual umask.
const NEW_MODE: u32 = 0o644;

/// One file's edit with both contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Staged {
    edit: FileEdit,
    change: ChangeSet,
    diff: FileDiff,
    before: Option<Vec<u8>>,
    after: Vec<u8>,
}

impl Staged {
    /// Works out the edit that turns what was read into `after`. The mode stays as it is. Returns `None` if that would
    /// change nothing.
    ///
    /// # Errors
    /// The path is the root.
    pub(crate) fn new(
        path: RelPath,
        before: Option<FileRead>,
        after: Vec<u8>,
    ) -> Result<Option<Self>, ChangeError> {
        let old = before.as_ref().map(|file| Version { digest: file.digest, mode: file.mode });
        let mode = old.map_or(NEW_MODE, |old| old.mode);
        let new = Version { digest: Digest::of(&after), mode };
        if old == Some(new) {
            return Ok(None);
        }
        let edit = FileEdit { path, from: None, before: old, after: Some(new) };
        let change = ChangeSet::new(vec![edit.clone()])?;
        let before = before.map(|file| file.bytes);
        let diff =
            diff(before.as_deref().map(|bytes| Side { bytes, mode }), Some(Side { bytes: &after, mode }));
        Ok(Some(Self { edit, change, diff, before, after }))
    }

    /// Returns the edit, by digest.
    pub(crate) const fn edit(&self) -> &FileEdit {
        &self.edit
    }

    /// Returns the hunks and how many lines come and go.
    pub(crate) const fn diff(&self) -> &FileDiff {
        &self.diff
    }

    /// Returns the contents afterwards.
    pub(crate) fn after(&self) -> &[u8] {
        &self.after
    }

    /// Returns the edit as clients see it.
    pub(crate) fn to_wire(&self) -> FileChange {
        self.edit.to_wire(&self.diff.hunks)
    }

    /// Returns the patch, for people; control characters of the contents are still in it.
    pub(crate) fn patch(&self) -> String {
        let side = |bytes, version: Option<Version>| version.map(|Version { mode, .. }| Side { bytes, mode });
        patch(&[PatchFile {
            path: &self.edit.path,
            from: None,
            before: side(self.before.as_deref().unwrap_or_default(), self.edit.before),
            after: side(&self.after, self.edit.after),
            diff: &self.diff,
        }])
    }

    /// Stores both contents, so that the edit can be shown and made later by digest alone.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub(crate) fn store(&self, blobs: &dyn BlobStore) -> Result<(), BlobError> {
        match &self.before {
            Some(before) => {
                let earlier = blobs.put(before)?;
                blobs.put_after(&self.after, earlier).map(drop)
            }
            None => blobs.put(&self.after).map(drop),
        }
    }

    /// Stores both contents, so that the edit can be shown and undone by digest alone, and writes the file.
    ///
    /// # Errors
    /// As [`apply`].
    pub(crate) fn apply(&self, root: &Root, blobs: &dyn BlobStore) -> Result<Applied, ApplyError> {
        self.store(blobs)?;
        apply(root, &self.change, blobs)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tenon_protocol::change::FileOp;

    use super::*;
    use crate::changes::blobs::tests::Memory;

    #[test]
    fn what_was_staged_is_exactly_what_is_written() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("old"), "a\nb\n").unwrap();
        let (root, blobs) = (Root::open(folder.path()).unwrap(), Memory::default());
        let check = |path: &str, after: &str| {
            let path = RelPath::parse(path).unwrap();
            let before = root.read(&path).ok();
            let staged = Staged::new(path.clone(), before, after.as_bytes().to_vec()).unwrap()?;
            staged.apply(&root, &blobs).unwrap();
            assert_eq!(root.read(&path).unwrap().bytes, staged.after());
            let before = staged.edit().before.map(|before| blobs.get(before.digest).unwrap());
            assert_eq!(before, staged.before);
            Some((staged.to_wire().op, staged.diff().added, staged.diff().removed, staged.patch()))
        };
        let patch = "diff --git a/old b/old\n--- a/old\n+++ b/old\n@@ -1,2 +1,2 @@ hunk 1\n-a\n+x\n b\n";
        assert_eq!(check("old", "x\nb\n"), Some((FileOp::Modify, 1, 1, patch.to_owned())));
        assert_eq!(check("old", "x\nb\n"), None);
        assert_eq!(check("d/new", "n").map(|found| found.0), Some(FileOp::Add));
        assert!(Staged::new(RelPath::root(), None, Vec::new()).is_err());
    }
}
