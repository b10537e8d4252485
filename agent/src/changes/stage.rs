//! The new contents of files, worked out and not yet written: what a person approves and what is then written. Not here:
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
    diff: FileDiff,
    before: Option<Vec<u8>>,
    after: Option<Vec<u8>>,
}

impl Staged {
    /// Works out the edit that turns what was read into `after`. The mode stays as it is. Returns `None` if that would
    /// change nothing.
    pub(crate) fn new(path: RelPath, before: Option<FileRead>, after: Vec<u8>) -> Option<Self> {
        let mode = before.as_ref().map_or(NEW_MODE, |file| file.mode);
        Self::between(path, before.map(known), Some((after, mode)))
    }

    /// Works out a file that is new, with the permission bits of another one.
    pub(crate) fn with_mode(path: RelPath, after: Vec<u8>, mode: u32) -> Option<Self> {
        Self::between(path, None, Some((after, mode)))
    }

    /// Works out that a file goes.
    pub(crate) fn deletion(path: RelPath, before: FileRead) -> Option<Self> {
        Self::between(path, Some(known(before)), None)
    }

    fn between(
        path: RelPath,
        before: Option<(Version, Vec<u8>)>,
        after: Option<(Vec<u8>, u32)>,
    ) -> Option<Self> {
        let old = before.as_ref().map(|(version, _)| *version);
        let new = after.as_ref().map(|(bytes, mode)| Version { digest: Digest::of(bytes), mode: *mode });
        if old == new {
            return None;
        }
        let edit = FileEdit { path, from: None, before: old, after: new };
        let diff = diff(
            before.as_ref().map(|(version, bytes)| Side { bytes, mode: version.mode }),
            after.as_ref().map(|(bytes, mode)| Side { bytes, mode: *mode }),
        );
        let (before, after) = (before.map(|(_, bytes)| bytes), after.map(|(bytes, _)| bytes));
        Some(Self { edit, diff, before, after })
    }

    /// Returns the edit made of some of its hunks alone, by their numbers; `None` where those change nothing. Its own hunks
    /// are numbered anew: it is another edit.
    pub(crate) fn only(&self, chosen: &[u32]) -> Option<Self> {
        let (Some(after), Some(version)) = (&self.after, self.edit.after) else {
            // A deletion is one hunk.
            return self.diff.hunks.iter().any(|hunk| chosen.contains(&hunk.number)).then(|| self.clone());
        };
        let index = |line: u32| usize::try_from(line).unwrap_or(usize::MAX);
        let (old, new) = (lines(self.before.as_deref().unwrap_or_default()), lines(after));
        let (mut bytes, mut at) = (Vec::new(), 0);
        for hunk in self.diff.hunks.iter().filter(|hunk| chosen.contains(&hunk.number)) {
            let (before, after) = (&hunk.before, &hunk.after);
            bytes.extend(old.get(at..index(before.start)).unwrap_or_default().concat());
            bytes.extend(new.get(index(after.start)..index(after.end)).unwrap_or_default().concat());
            at = index(before.end);
        }
        bytes.extend(old.get(at..).unwrap_or_default().concat());
        let before = self.edit.before.zip(self.before.clone());
        Self::between(self.edit.path.clone(), before, Some((bytes, version.mode)))
    }

    /// Returns the edit, by digest.
    pub(crate) const fn edit(&self) -> &FileEdit {
        &self.edit
    }

    /// Returns the hunks and how many lines come and go.
    pub(crate) const fn diff(&self) -> &FileDiff {
        &self.diff
    }

    /// Returns the contents afterwards; `None` of a file that goes.
    pub(crate) fn after(&self) -> Option<&[u8]> {
        self.after.as_deref()
    }

    /// Returns the edit as clients see it.
    pub(crate) fn to_wire(&self) -> FileChange {
        self.edit.to_wire(&self.diff.hunks)
    }

    fn patch(&self) -> String {
        let side = |bytes, version: Option<Version>| version.map(|Version { mode, .. }| Side { bytes, mode });
        patch(&[PatchFile {
            path: &self.edit.path,
            from: None,
            before: side(self.before.as_deref().unwrap_or_default(), self.edit.before),
            after: side(self.after.as_deref().unwrap_or_default(), self.edit.after),
            diff: &self.diff,
        }])
    }

    /// Stores both contents, so that the edit can be shown and made later by digest alone.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub(crate) fn store(&self, blobs: &dyn BlobStore) -> Result<(), BlobError> {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => blobs.put_versions(before, after),
            (Some(only), None) | (None, Some(only)) => blobs.put(only).map(drop),
            (None, None) => Ok(()),
        }
    }
}

/// Edits that are written as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StagedSet {
    files: Vec<Staged>,
    change: ChangeSet,
}

impl StagedSet {
    /// Makes one of them all.
    ///
    /// # Errors
    /// A file is named twice, or is the root, or there are too many.
    pub(crate) fn new(files: Vec<Staged>) -> Result<Self, ChangeError> {
        let change = ChangeSet::new(files.iter().map(|file| file.edit.clone()).collect())?;
        Ok(Self { files, change })
    }

    /// Returns the edits.
    pub(crate) fn files(&self) -> &[Staged] {
        &self.files
    }

    /// Returns the patch, for people; control characters of the contents are still in it.
    pub(crate) fn patch(&self) -> String {
        self.files.iter().map(Staged::patch).collect()
    }

    /// Stores all contents, so that the edits can be shown and undone by digest alone, and writes the files: all or none.
    ///
    /// # Errors
    /// As [`apply`].
    pub(crate) fn apply(&self, root: &Root, blobs: &dyn BlobStore) -> Result<Applied, ApplyError> {
        for file in &self.files {
            file.store(blobs)?;
        }
        apply(root, &self.change, blobs)
    }
}

fn known(file: FileRead) -> (Version, Vec<u8>) {
    (Version { digest: file.digest, mode: file.mode }, file.bytes)
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
            let staged = Staged::new(path.clone(), before, after.as_bytes().to_vec())?;
            StagedSet::new(vec![staged.clone()]).unwrap().apply(&root, &blobs).unwrap();
            assert_eq!(Some(root.read(&path).unwrap().bytes.as_slice()), staged.after());
            let before = staged.edit().before.map(|before| blobs.get(before.digest).unwrap());
            assert_eq!(before, staged.before);
            Some((staged.to_wire().op, staged.diff().added, staged.diff().removed, staged.patch()))
        };
        let patch = "diff --git a/old b/old\n--- a/old\n+++ b/old\n@@ -1,2 +1,2 @@ hunk 1\n-a\n+x\n b\n";
        assert_eq!(check("old", "x\nb\n"), Some((FileOp::Modify, 1, 1, patch.to_owned())));
        assert_eq!(check("old", "x\nb\n"), None);
        assert_eq!(check("d/new", "n").map(|found| found.0), Some(FileOp::Add));
        let root = Staged::new(RelPath::root(), None, Vec::new()).unwrap();
        assert!(StagedSet::new(vec![root]).is_err());
    }

    #[test]
    fn some_hunks_alone_are_an_edit_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("f"), "a\nb\nc\nd\ne").unwrap();
        let root = Root::open(folder.path()).unwrap();
        let path = RelPath::parse("f").unwrap();
        let staged = |after: &str| {
            let before = root.read(&path).ok();
            Staged::new(path.clone(), before, after.as_bytes().to_vec()).unwrap()
        };
        let check = |after: &str, chosen: &[u32]| {
            let only = staged(after).only(chosen)?;
            assert_eq!(only.edit().before, staged(after).edit().before);
            Some(String::from_utf8(only.after().unwrap().to_vec()).unwrap())
        };
        let after = "new\na\nB\nc\ne\nf\n";
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(check(after, &[1]), some("new\na\nb\nc\nd\ne"));
        assert_eq!(check(after, &[2]), some("a\nB\nc\nd\ne"));
        assert_eq!(check(after, &[3]), some("a\nb\nc\ne\nf\n"));
        assert_eq!(check(after, &[1, 3]), some("new\na\nb\nc\ne\nf\n"));
        assert_eq!(check(after, &[1, 2, 3]), some(after));
        assert_eq!(check(after, &[]), None);
        let gone = Staged::deletion(path.clone(), root.read(&path).unwrap()).unwrap();
        assert_eq!((gone.only(&[0]).as_ref(), gone.only(&[1])), (Some(&gone), None));
    }
}
