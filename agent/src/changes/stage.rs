//! The new contents of one file, worked out and not yet written: what a person approves and what is then written. Not here:
//! whether it may be written (`approvals`), and how the contents come about (`tools`).
use tenon_protocol::change::FileChange;

use crate::base::digest::Digest;
use crate::changes::apply::{Applied, ApplyError, apply};
use crate::changes::blobs::BlobStore;
use crate::changes::change::{ChangeError, ChangeSet, FileEdit, Version};
use crate::changes::diff::{FileDiff, Side, diff, lines};
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
        let before = before.map(|file| (Version { digest: file.digest, mode: file.mode }, file.bytes));
        Self::between(path, before, after)
    }

    fn between(
        path: RelPath,
        before: Option<(Version, Vec<u8>)>,
        after: Vec<u8>,
    ) -> Result<Option<Self>, ChangeError> {
        let old = before.as_ref().map(|(version, _)| *version);
        let mode = old.map_or(NEW_MODE, |old| old.mode);
        let new = Version { digest: Digest::of(&after), mode };
        if old == Some(new) {
            return Ok(None);
        }
        let edit = FileEdit { path, from: None, before: old, after: Some(new) };
        let change = ChangeSet::new(vec![edit.clone()])?;
        let before = before.map(|(_, bytes)| bytes);
        let diff =
            diff(before.as_deref().map(|bytes| Side { bytes, mode }), Some(Side { bytes: &after, mode }));
        Ok(Some(Self { edit, change, diff, before, after }))
    }

    /// Returns the edit made of some of its hunks alone, by their numbers; `None` where those change nothing. Its own hunks
    /// are numbered anew: it is another edit.
    ///
    /// # Errors
    /// None in practice: the path was one before.
    pub(crate) fn only(&self, chosen: &[u32]) -> Result<Option<Self>, ChangeError> {
        let index = |line: u32| usize::try_from(line).unwrap_or(usize::MAX);
        let (old, new) = (lines(self.before.as_deref().unwrap_or_default()), lines(&self.after));
        let (mut bytes, mut at) = (Vec::new(), 0);
        for hunk in self.diff.hunks.iter().filter(|hunk| chosen.contains(&hunk.number)) {
            let (before, after) = (&hunk.before, &hunk.after);
            bytes.extend(old.get(at..index(before.start)).unwrap_or_default().concat());
            bytes.extend(new.get(index(after.start)..index(after.end)).unwrap_or_default().concat());
            at = index(before.end);
        }
        bytes.extend(old.get(at..).unwrap_or_default().concat());
        Self::between(self.edit.path.clone(), self.edit.before.zip(self.before.clone()), bytes)
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

    #[test]
    fn some_hunks_alone_are_an_edit_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("f"), "a\nb\nc\nd\ne").unwrap();
        let root = Root::open(folder.path()).unwrap();
        let path = RelPath::parse("f").unwrap();
        let staged = |after: &str| {
            let before = root.read(&path).ok();
            Staged::new(path.clone(), before, after.as_bytes().to_vec()).unwrap().unwrap()
        };
        let check = |after: &str, chosen: &[u32]| {
            let only = staged(after).only(chosen).unwrap()?;
            assert_eq!(only.edit().before, staged(after).edit().before);
            Some(String::from_utf8(only.after().to_vec()).unwrap())
        };
        let after = "new\na\nB\nc\ne\nf\n";
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(check(after, &[1]), some("new\na\nb\nc\nd\ne"));
        assert_eq!(check(after, &[2]), some("a\nB\nc\nd\ne"));
        assert_eq!(check(after, &[3]), some("a\nb\nc\ne\nf\n"));
        assert_eq!(check(after, &[1, 3]), some("new\na\nb\nc\ne\nf\n"));
        assert_eq!(check(after, &[1, 2, 3]), some(after));
        assert_eq!(check(after, &[]), None);
    }
}
