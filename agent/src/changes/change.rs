//! A change: file edits that are applied or reverted as one, named by digest. Not here: doing it (`apply`).
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use tenon_protocol::change::{FileChange, FileOp};

use crate::base::digest::Digest;
use crate::changes::diff::Hunk;
use crate::workspace::confined_write::Expected;
use crate::workspace::identity::LINK_MODE;
use crate::workspace::path::RelPath;

/// The most edits of one change.
pub(crate) const EDITS_MAX: usize = 10_000;

/// One state of a regular file or a symbolic link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Version {
    /// Its contents; a blob of this digest exists, or will before anything is written.
    pub(crate) digest: Digest,
    /// Its permission bits, 0–07777; for a symbolic link [`LINK_MODE`], and its contents are its target.
    pub(crate) mode: u32,
}

impl Version {
    /// Tells whether this is a symbolic link.
    pub(crate) const fn is_link(self) -> bool {
        self.mode == LINK_MODE
    }

    /// Returns what a write finds where this is.
    pub(crate) const fn expected(self) -> Expected {
        if self.is_link() { Expected::Link(self.digest) } else { Expected::Contents(self.digest) }
    }
}

/// What an edit does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    /// A new file.
    Add,
    /// Other contents or another mode.
    Modify,
    /// The file goes.
    Delete,
    /// The file gets another name, and perhaps other contents.
    Move,
}

/// One file's part of a change.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct FileEdit {
    /// The file; after a move its new name.
    pub(crate) path: RelPath,
    /// The old name, if the file moves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<RelPath>,
    /// What must be there (under the old name, if the file moves); `None`: nothing.
    pub(crate) before: Option<Version>,
    /// What is there afterwards; `None`: nothing.
    pub(crate) after: Option<Version>,
}

impl FileEdit {
    /// Returns what this does.
    pub(crate) fn op(&self) -> Op {
        match (&self.from, self.before, self.after) {
            (Some(_), _, _) => Op::Move,
            (None, None, _) => Op::Add,
            (None, Some(_), None) => Op::Delete,
            (None, Some(_), Some(_)) => Op::Modify,
        }
    }

    /// Reads the edit back from what a log says of it; `None` where that names no edit.
    pub(crate) fn from_wire(file: &FileChange) -> Option<Self> {
        let encoded = file.path_encoded == Some(true);
        let version = |digest: Option<&String>, mode: Option<u32>| match digest {
            Some(digest) => Some(Some(Version { digest: digest.parse().ok()?, mode: mode? })),
            None => Some(None),
        };
        let from = file.from.as_ref().and_then(|from| RelPath::from_wire(from, encoded).ok());
        Some(Self {
            path: RelPath::from_wire(&file.path, encoded).ok()?,
            from,
            before: version(file.before.as_ref(), file.before_mode)?,
            after: version(file.after.as_ref(), file.after_mode)?,
        })
    }

    /// Returns the edit as clients see it, with the hunks it consists of.
    pub(crate) fn to_wire(&self, hunks: &[Hunk]) -> FileChange {
        let (path, encoded) = self.path.to_wire();
        let from = self.from.as_ref().map(RelPath::to_wire);
        // One marker for both names: if either needs it, both are encoded.
        let encode = encoded || from.as_ref().is_some_and(|(_, encoded)| *encoded);
        let text = |path: &RelPath, plain: &str| if encode { path.to_encoded() } else { plain.to_owned() };
        FileChange {
            op: match self.op() {
                Op::Add => FileOp::Add,
                Op::Modify => FileOp::Modify,
                Op::Delete => FileOp::Delete,
                Op::Move => FileOp::Move,
            },
            path: text(&self.path, &path),
            hunks: hunks.iter().map(Hunk::to_wire).collect(),
            from: self.from.as_ref().zip(from).map(|(path, (plain, _))| text(path, &plain)),
            before: self.before.map(|version| version.digest.to_string()),
            after: self.after.map(|version| version.digest.to_string()),
            before_mode: self.before.map(|version| version.mode),
            after_mode: self.after.map(|version| version.mode),
            path_encoded: encode.then_some(true),
            uncertain: None,
        }
    }
}

/// Why edits make no change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChangeError {
    /// Two edits name one path.
    #[error("`{0}` occurs twice in one change")]
    Twice(RelPath),
    /// An edit goes from nothing to nothing, or moves nothing.
    #[error("the edit of `{0}` does nothing that a file could undergo")]
    Impossible(RelPath),
    /// There are too many.
    #[error("a change has at most {EDITS_MAX} edits, this one has {0}")]
    TooMany(usize),
}

/// File edits that are applied or reverted as one. No path occurs twice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<FileEdit>", into = "Vec<FileEdit>")]
pub(crate) struct ChangeSet {
    edits: Vec<FileEdit>,
}

impl ChangeSet {
    /// Makes a change of some edits.
    ///
    /// # Errors
    /// A path occurs twice, an edit is impossible, or there are too many.
    pub(crate) fn new(edits: Vec<FileEdit>) -> Result<Self, ChangeError> {
        if edits.len() > EDITS_MAX {
            return Err(ChangeError::TooMany(edits.len()));
        }
        let mut seen = BTreeSet::new();
        for edit in &edits {
            let both = edit.before.is_some() && edit.after.is_some();
            if (edit.before.is_none() && edit.after.is_none()) || (edit.from.is_some() && !both) {
                return Err(ChangeError::Impossible(edit.path.clone()));
            }
            for path in std::iter::once(&edit.path).chain(&edit.from) {
                if path.is_root() {
                    return Err(ChangeError::Impossible(path.clone()));
                }
                if !seen.insert(path) {
                    return Err(ChangeError::Twice(path.clone()));
                }
            }
        }
        Ok(Self { edits })
    }

    /// Returns the edits, in the order they are applied.
    pub(crate) fn edits(&self) -> &[FileEdit] {
        &self.edits
    }

    /// Returns what happens name by name: a move is an addition, then a deletion.
    pub(super) fn steps(&self) -> Vec<Step<'_>> {
        let mut steps = Vec::with_capacity(self.edits.len());
        for edit in &self.edits {
            match &edit.from {
                None => steps.push(Step { path: &edit.path, before: edit.before, after: edit.after }),
                Some(from) => {
                    steps.push(Step { path: &edit.path, before: None, after: edit.after });
                    steps.push(Step { path: from, before: edit.before, after: None });
                }
            }
        }
        steps
    }

    /// Returns every digest that is named.
    pub(super) fn digests(&self) -> BTreeSet<Digest> {
        self.edits
            .iter()
            .flat_map(|edit| [edit.before, edit.after])
            .flatten()
            .map(|version| version.digest)
            .collect()
    }
}

impl TryFrom<Vec<FileEdit>> for ChangeSet {
    type Error = ChangeError;

    fn try_from(edits: Vec<FileEdit>) -> Result<Self, ChangeError> {
        Self::new(edits)
    }
}

impl From<ChangeSet> for Vec<FileEdit> {
    fn from(change: ChangeSet) -> Self {
        change.edits
    }
}

/// What happens to one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step<'a> {
    pub(super) path: &'a RelPath,
    pub(super) before: Option<Version>,
    pub(super) after: Option<Version>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(path: &str, from: Option<&str>, before: Option<&str>, after: Option<&str>) -> FileEdit {
        let version = |text: &str| Version { digest: Digest::of(text.as_bytes()), mode: 0o644 };
        FileEdit {
            path: RelPath::parse(path).unwrap(),
            from: from.map(|from| RelPath::parse(from).unwrap()),
            before: before.map(version),
            after: after.map(version),
        }
    }

    #[test]
    fn no_path_occurs_twice_and_nothing_impossible_is_a_change() {
        let check = |edits: Vec<FileEdit>| ChangeSet::new(edits).map(|change| change.steps().len());
        let add = edit("a", None, None, Some("1"));
        assert_eq!(check(vec![add.clone(), edit("c", Some("b"), Some("1"), Some("1"))]), Ok(3));
        assert!(matches!(check(vec![add.clone(), add.clone()]), Err(ChangeError::Twice(_))));
        assert!(matches!(
            check(vec![add, edit("b", Some("a"), Some("1"), Some("1"))]),
            Err(ChangeError::Twice(_))
        ));
        assert!(matches!(check(vec![edit("a", None, None, None)]), Err(ChangeError::Impossible(_))));
        assert!(matches!(
            check(vec![edit("a", Some("b"), None, Some("1"))]),
            Err(ChangeError::Impossible(_))
        ));
        assert!(matches!(check(vec![edit(".", None, None, Some("1"))]), Err(ChangeError::Impossible(_))));
    }

    #[test]
    fn a_change_comes_back_from_json_and_a_bad_one_does_not() {
        let change = ChangeSet::new(vec![edit("a", Some("b"), Some("1"), Some("2"))]).unwrap();
        let json = serde_json::to_string(&change).unwrap();
        assert_eq!(serde_json::from_str::<ChangeSet>(&json).unwrap(), change);
        let twice = json.replace(['[', ']'], "");
        assert!(serde_json::from_str::<ChangeSet>(&format!("[{twice},{twice}]")).is_err());
        assert_eq!(change.edits()[0].op(), Op::Move);
    }

    #[test]
    fn clients_see_both_names_in_one_encoding() {
        let mut moved = edit("50%", Some("b"), Some("1"), Some("1"));
        let wire = moved.to_wire(&[]);
        assert_eq!((wire.op, wire.path.as_str(), wire.from.as_deref()), (FileOp::Move, "50%", Some("b")));
        assert_eq!((wire.path_encoded, wire.after), (None, Some(Digest::of(b"1").to_string())));
        moved.from = RelPath::from_wire("%FF", true).ok();
        let wire = moved.to_wire(&[]);
        assert_eq!(
            (wire.path.as_str(), wire.from.as_deref(), wire.path_encoded),
            ("50%25", Some("%FF"), Some(true))
        );
    }
}
