//! An edit of one file worked out and not yet made: what a person approves and what is then written. Not here: whether it
//! may be made (`approvals`), and making it (`apply`).
use crate::base::digest::Digest;
use crate::changes::blobs::BlobStore;
use crate::changes::change::{FileEdit, Version};
use crate::changes::diff::{FileDiff, Side, diff};
use crate::changes::patch::{PatchFile, patch};
use crate::journal::BlobError;
use crate::workspace::path::RelPath;
use crate::workspace::read::FileRead;

/// Permission bits of a file that the agent creates.
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
    /// Works out the edit that turns what was read into `after`; `None` means no file. The mode stays as it is. Returns
    /// `None` if that would change nothing.
    pub(crate) fn new(path: RelPath, before: Option<FileRead>, after: Option<Vec<u8>>) -> Option<Self> {
        let old = before.as_ref().map(|file| Version { digest: file.digest, mode: file.mode });
        let mode = old.map_or(NEW_MODE, |old| old.mode);
        let new = after.as_ref().map(|bytes| Version { digest: Digest::of(bytes), mode });
        if old == new {
            return None;
        }
        let before = before.map(|file| file.bytes);
        let diff = diff(side(before.as_deref(), old), side(after.as_deref(), new));
        Some(Self { edit: FileEdit { path, from: None, before: old, after: new }, diff, before, after })
    }

    /// Returns the edit, by digest.
    pub(crate) fn edit(&self) -> &FileEdit {
        &self.edit
    }

    /// Returns the hunks and how many lines come and go.
    pub(crate) fn diff(&self) -> &FileDiff {
        &self.diff
    }

    /// Returns the contents afterwards; `None` if the file goes.
    pub(crate) fn after(&self) -> Option<&[u8]> {
        self.after.as_deref()
    }

    /// Returns the patch, for people; control characters of the contents are still in it.
    pub(crate) fn patch(&self) -> String {
        patch(&[PatchFile {
            path: &self.edit.path,
            from: None,
            before: side(self.before.as_deref(), self.edit.before),
            after: side(self.after.as_deref(), self.edit.after),
            diff: &self.diff,
        }])
    }

    /// Stores both contents, so that the edit can be applied, shown and undone by digest alone.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) fn store(&self, blobs: &dyn BlobStore) -> Result<(), BlobError> {
        [&self.before, &self.after].into_iter().flatten().try_for_each(|bytes| blobs.put(bytes).map(|_| ()))
    }
}

fn side(bytes: Option<&[u8]>, version: Option<Version>) -> Option<Side<'_>> {
    bytes.zip(version).map(|(bytes, version)| Side { bytes, mode: version.mode })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::changes::apply::apply;
    use crate::changes::blobs::tests::Memory;
    use crate::changes::change::{ChangeSet, Op};
    use crate::workspace::root::Root;

    #[test]
    fn what_was_staged_is_exactly_what_is_written() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("old"), "a\nb\n").unwrap();
        let root = Root::open(folder.path()).unwrap();
        let blobs = Memory::default();
        let check = |name: &str, after: Option<&str>| {
            let path = RelPath::parse(name).unwrap();
            let staged =
                Staged::new(path.clone(), root.read(&path).ok(), after.map(|text| text.as_bytes().to_vec()))?;
            staged.store(&blobs).unwrap();
            let change = ChangeSet::new(vec![staged.edit().clone()]).unwrap();
            apply(&root, &change, &blobs).unwrap();
            assert_eq!(fs::read(folder.path().join(name)).ok().as_deref(), staged.after());
            Some((staged.edit().op(), staged.diff().added, staged.diff().removed, staged.patch()))
        };
        let patch = "diff --git a/old b/old\n--- a/old\n+++ b/old\n@@ -1,2 +1,2 @@ hunk 1\n-a\n+x\n b\n";
        assert_eq!(check("old", Some("x\nb\n")), Some((Op::Modify, 1, 1, patch.to_owned())));
        assert_eq!(check("old", Some("x\nb\n")), None);
        assert_eq!(check("d/new", Some("n")).map(|found| found.0), Some(Op::Add));
        assert_eq!(check("old", None).map(|found| (found.0, found.2)), Some((Op::Delete, 2)));
        assert_eq!(check("old", None), None);
    }

    #[test]
    fn a_change_with_other_contents_has_another_digest() {
        let path = RelPath::parse("f").unwrap();
        let check = |text: &str| {
            let staged = Staged::new(path.clone(), None, Some(text.as_bytes().to_vec())).unwrap();
            ChangeSet::new(vec![staged.edit().clone()]).unwrap().digest()
        };
        assert_eq!(check("1"), check("1"));
        assert_ne!(check("1"), check("2"));
    }
}
