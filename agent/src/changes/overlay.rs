//! What is staged, file by file, as tools of a plan turn see it in front of the disk. Not here: how it got there (`session`), and
//! the tools.
use std::collections::BTreeMap;

use crate::changes::change::Version;
use crate::workspace::path::RelPath;

/// The newest staged version of each file that a plan edits; `None` for one that it deletes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Overlay(BTreeMap<RelPath, Option<Version>>);

/// What is staged for a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Staged {
    /// Nothing: the disk counts.
    Nothing,
    /// The file goes.
    Gone,
    /// The file is this.
    There(Version),
}

impl Overlay {
    /// Returns what is staged for a file.
    pub(crate) fn get(&self, path: &RelPath) -> Staged {
        match self.0.get(path) {
            None => Staged::Nothing,
            Some(None) => Staged::Gone,
            Some(Some(version)) => Staged::There(*version),
        }
    }

    /// Returns everything that is staged, in the order of paths.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&RelPath, Option<Version>)> {
        self.0.iter().map(|(path, version)| (path, *version))
    }

    /// Returns the staged files beneath a folder, or the file of this name, in order.
    pub(crate) fn beneath<'a>(
        &'a self,
        folder: &'a RelPath,
    ) -> impl Iterator<Item = (&'a RelPath, Option<Version>)> {
        let within = |path: &RelPath| path.as_path().starts_with(folder.as_path());
        self.0.iter().filter(move |(path, _)| within(path)).map(|(path, version)| (path, *version))
    }

    /// Tells whether a file that is staged, and does not go, lies at or beneath a path.
    pub(crate) fn has_beneath(&self, path: &RelPath) -> bool {
        self.beneath(path).any(|(_, version)| version.is_some())
    }
}

impl FromIterator<(RelPath, Option<Version>)> for Overlay {
    fn from_iter<T: IntoIterator<Item = (RelPath, Option<Version>)>>(files: T) -> Self {
        Self(files.into_iter().collect())
    }
}
