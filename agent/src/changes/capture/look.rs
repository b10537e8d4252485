//! Looking at what a layer holds: what of it is a change, what is carried over, what is in somebody's way. Not here: doing
//! anything about it (`commit`).
use tenon_protocol::change::{Conflict, ConflictKind};

use crate::base::digest::Digest;
use crate::changes::apply::{Found, found};
use crate::changes::blobs::BlobStore;
use crate::changes::capture::{Bases, Captured, CapturedFile, Carried, uncovered};
use crate::changes::change::{EDITS_MAX, FileEdit, Version};
use crate::changes::diff::{Side, diff};
use crate::journal::BlobError;
use crate::workspace::error::FileError;
use crate::workspace::identity::{Kind, LINK_MODE, Stat};
use crate::workspace::ignored::{Ignored, is_heavy};
use crate::workspace::layer::Entry;
use crate::workspace::path::RelPath;
use crate::workspace::read::FILE_BYTES_MAX;
use crate::workspace::repository::{Part, part};
use crate::workspace::root::Root;

pub(super) const IGNORED: &str = "ignored by git's rules or a cache: it is written, and cannot be undone";
const GIT: &str = "git's own records: they are written, and are git's to undo";
pub(super) const LARGE: &str = "larger than 32 MiB: it is written, and cannot be undone";
pub(super) const SPECIAL: &str = "a FIFO, socket or device: it is made, and cannot be undone";
pub(super) const FOLDER: &str = "an empty folder: only folders with files in them are undone";
const HARD_LINK: &str = "one of several names of a file: each is a file of its own now";

/// Names in ignored folders that are looked at in search of protected ones; beyond it an ignored folder is taken as it is.
const GUARDED_MAX: usize = 20_000;

/// What is needed to look at a layer.
#[derive(Debug)]
pub(crate) struct Look<'a> {
    /// The workspace.
    pub(crate) root: &'a Root,
    /// The upper layer.
    pub(crate) layer: &'a Root,
    /// Where contents go.
    pub(crate) blobs: &'a dyn BlobStore,
    /// When the layer was made, by the clock of its file system: what changed in the workspace since is somebody else's.
    pub(crate) since_ns: i128,
    /// What files held before the command ran, as far as that was kept.
    pub(crate) bases: &'a Bases,
    /// How many bytes of contents the change may hold.
    pub(crate) budget_bytes: u64,
}

/// Why a layer could not be looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookError {
    /// A file could not be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A content could not be stored.
    #[error("a content could not be kept")]
    Blob(#[from] BlobError),
}

/// Finds out what a command did. `is_guarded` tells of paths that ignore files have no say over. Contents are stored; nothing
/// else is written.
///
/// # Errors
/// The disk fails, or is full.
pub(crate) fn look(look: &Look<'_>, is_guarded: &dyn Fn(&RelPath) -> bool) -> Result<Captured, LookError> {
    let ignored = Ignored::new(look.root);
    let mut looking =
        Looking { look, is_guarded, ignored, captured: Captured::default(), left_bytes: look.budget_bytes };
    looking.folder(&RelPath::root(), Beneath::Shown)?;
    let mut captured = looking.captured;
    captured.files.sort_by(|a, b| a.edit.path.cmp(&b.edit.path));
    Ok(captured)
}

/// Bytes and mode of a file or a link.
pub(crate) type Content = (Vec<u8>, u32);

/// Whether what lies beneath a folder of the layer is seen through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beneath {
    Shown,
    Hidden,
}

struct Looking<'a> {
    look: &'a Look<'a>,
    is_guarded: &'a dyn Fn(&RelPath) -> bool,
    ignored: Ignored<'a>,
    captured: Captured,
    left_bytes: u64,
}

impl Looking<'_> {
    fn folder(&mut self, folder: &RelPath, beneath: Beneath) -> Result<(), LookError> {
        let entries = self.look.layer.entries(folder)?;
        if beneath == Beneath::Hidden {
            for hidden in self.look.root.entries(folder).unwrap_or_default() {
                if !entries.iter().any(|entry| entry.path == hidden.path) {
                    let gone = Entry { is_hidden: true, ..hidden };
                    self.name(gone, beneath)?;
                }
            }
        }
        for entry in entries {
            self.name(entry, beneath)?;
        }
        Ok(())
    }

    /// Tells what is not looked into, with the reason.
    fn passed_by(&self, path: &RelPath, is_folder: bool, is_new: bool) -> Option<&'static str> {
        match part(path) {
            Some(Part::Data) => return Some(GIT),
            // A new repository is one thing: a part of one would be none.
            Some(Part::Folder) if is_new => return Some(GIT),
            Some(Part::Folder | Part::Control) => return None,
            None => {}
        }
        let passed = self.ignored.is_ignored(path, is_folder) && !(self.is_guarded)(path);
        passed.then_some(IGNORED)
    }

    fn name(&mut self, entry: Entry, beneath: Beneath) -> Result<(), LookError> {
        let there = self.look.root.stat(&entry.path)?;
        let kind = if entry.is_hidden { there.map(|stat| stat.kind) } else { Some(entry.stat.kind) };
        let Some(kind) = kind else { return Ok(()) };
        if let Some(reason) = self.passed_by(&entry.path, kind == Kind::Folder, there.is_none()) {
            let is_whole = reason == GIT || is_heavy(&entry.path) || entry.is_hidden;
            if kind == Kind::Folder && !is_whole {
                self.guarded_within(&entry.path, &mut GUARDED_MAX.clone())?;
            }
            self.captured.carried.push(Carried { entry, reason, is_whole });
            return Ok(());
        }
        if entry.is_hidden {
            return match there {
                Some(stat) => self.gone(entry, stat),
                None => Ok(()),
            };
        }
        match kind {
            Kind::Folder => self.inner_folder(&entry, there, beneath),
            Kind::File if entry.stat.identity.size_bytes > FILE_BYTES_MAX => {
                self.captured.carried.push(Carried { entry, reason: LARGE, is_whole: true });
                Ok(())
            }
            Kind::File | Kind::Link => self.file(entry, there),
            Kind::Special => {
                self.captured.carried.push(Carried { entry, reason: SPECIAL, is_whole: true });
                Ok(())
            }
        }
    }

    /// Looks for protected names in an ignored folder: an ignore file is no way around the question about them.
    fn guarded_within(&mut self, folder: &RelPath, left: &mut usize) -> Result<(), LookError> {
        for entry in self.look.layer.entries(folder)? {
            if *left == 0 {
                return Ok(());
            }
            *left -= 1;
            if (self.is_guarded)(&entry.path) {
                self.name(entry, Beneath::Shown)?;
            } else if entry.stat.kind == Kind::Folder && !entry.is_hidden {
                self.guarded_within(&entry.path, left)?;
            }
        }
        Ok(())
    }

    fn inner_folder(
        &mut self,
        entry: &Entry,
        there: Option<Stat>,
        beneath: Beneath,
    ) -> Result<(), LookError> {
        let path = &entry.path;
        let (mut inner, mut made) = (beneath, false);
        match there {
            Some(stat) if stat.kind == Kind::Folder => {
                if stat.mode != entry.stat.mode {
                    self.captured.folders.push((path.clone(), entry.stat.mode));
                    let text = format!(
                        "permission bits of a folder: {:o} before, {:o} after",
                        stat.mode, entry.stat.mode
                    );
                    self.captured.uncovered.push(uncovered(path, &text));
                }
                if self.look.layer.is_opaque(path) {
                    inner = Beneath::Hidden;
                }
            }
            Some(stat) => {
                let gone = Entry { is_hidden: true, ..entry.clone() };
                self.gone(gone, stat)?;
                made = true;
            }
            None => made = true,
        }
        if made {
            self.captured.folders.push((path.clone(), entry.stat.mode));
        }
        let before = self.captured.files.len() + self.captured.carried.len() + self.captured.folders.len();
        self.folder(path, inner)?;
        let after = self.captured.files.len() + self.captured.carried.len() + self.captured.folders.len();
        if made && before == after {
            self.captured.uncovered.push(uncovered(path, FOLDER));
        }
        Ok(())
    }

    /// Takes in that a name is gone, and with a folder all that was in it.
    fn gone(&mut self, entry: Entry, there: Stat) -> Result<(), LookError> {
        match there.kind {
            Kind::Folder => {
                self.captured.removed.push(entry.path.clone());
                let within = self.look.root.entries(&entry.path)?;
                if within.is_empty() {
                    self.captured.uncovered.push(uncovered(&entry.path, FOLDER));
                }
                for inner in within {
                    self.name(Entry { is_hidden: true, ..inner }, Beneath::Hidden)?;
                }
                Ok(())
            }
            Kind::File if there.identity.size_bytes > FILE_BYTES_MAX => {
                self.captured.carried.push(Carried { entry, reason: LARGE, is_whole: true });
                Ok(())
            }
            Kind::File | Kind::Link => self.edit(&entry, Some(there), None),
            Kind::Special => {
                self.captured.carried.push(Carried { entry, reason: SPECIAL, is_whole: true });
                Ok(())
            }
        }
    }

    /// Takes in a file or link that lies in the layer.
    fn file(&mut self, entry: Entry, there: Option<Stat>) -> Result<(), LookError> {
        if there.is_some_and(|there| there.kind == Kind::File && there.identity.size_bytes > FILE_BYTES_MAX) {
            self.captured.carried.push(Carried { entry, reason: LARGE, is_whole: true });
            return Ok(());
        }
        let after = content(self.look.layer, &entry.path)?;
        if entry.links > 1 && entry.stat.kind == Kind::File {
            self.captured.uncovered.push(uncovered(&entry.path, HARD_LINK));
        }
        if let Some(stat) = there.filter(|stat| stat.kind == Kind::Folder) {
            self.gone(Entry { is_hidden: true, ..entry.clone() }, stat)?;
            return self.edit(&entry, None, Some(&after));
        }
        self.edit(&entry, there, Some(&after))
    }

    fn edit(&mut self, entry: &Entry, there: Option<Stat>, after: Option<&Content>) -> Result<(), LookError> {
        let path = &entry.path;
        let there = there.filter(|stat| matches!(stat.kind, Kind::File | Kind::Link));
        let before = match there {
            Some(_) => Some(content(self.look.root, path)?),
            None => None,
        };
        let before = before.as_ref();
        let (was, is) = (before.map(version), after.map(version));
        if was == is {
            let modified_ns = entry.stat.identity.modified_ns;
            if there.is_some_and(|stat| stat.identity.modified_ns != modified_ns) {
                self.captured.touched.push((path.clone(), modified_ns));
            }
            return Ok(());
        }
        let bytes = before.into_iter().chain(after).map(|(bytes, _)| bytes.len() as u64).sum();
        match self.left_bytes.checked_sub(bytes) {
            Some(left) if self.captured.files.len() < EDITS_MAX => self.left_bytes = left,
            Some(_) | None => {
                self.captured.over_budget.push(entry.clone());
                return Ok(());
            }
        }
        for (bytes, _) in before.into_iter().chain(after) {
            self.look.blobs.put(bytes)?;
        }
        let digest = |version: Option<Version>| version.map(|version| version.digest);
        let base = self.look.bases.get(path);
        // What somebody else wrote since the command began may or may not have been seen by it.
        let is_newer = there.is_some_and(|stat| stat.identity.changed_ns > self.look.since_ns);
        let is_moved = base.map_or(is_newer, |base| before != Some(base));
        if is_moved && digest(was) != digest(is) {
            let base = base.map(|(bytes, _)| self.look.blobs.put(bytes)).transpose()?;
            self.captured.conflicts.push(conflict(path, base, digest(is), digest(was)));
            return Ok(());
        }
        let modified_ns = after.map(|_| entry.stat.identity.modified_ns);
        self.captured.files.push(captured_file(path, before, after, modified_ns));
        Ok(())
    }
}

/// Makes the edit of a file from what it held before and after.
pub(super) fn captured_file(
    path: &RelPath,
    before: Option<&Content>,
    after: Option<&Content>,
    modified_ns: Option<i128>,
) -> CapturedFile {
    let edit =
        FileEdit { path: path.clone(), from: None, before: before.map(version), after: after.map(version) };
    let found = diff(before.map(side_of), after.map(side_of));
    CapturedFile { wire: edit.to_wire(&found.hunks), edit, modified_ns }
}

fn version((bytes, mode): &Content) -> Version {
    Version { digest: Digest::of(bytes), mode: *mode }
}

fn side_of((bytes, mode): &Content) -> Side<'_> {
    Side { bytes, mode: *mode }
}

/// Reads a file or a link whole, with its mode.
pub(super) fn content(root: &Root, path: &RelPath) -> Result<Content, FileError> {
    match root.stat(path)?.map(|stat| stat.kind) {
        Some(Kind::Link) => Ok((root.read_link(path)?, LINK_MODE)),
        _ => root.read(path).map(|file| (file.bytes, file.mode)),
    }
}

/// Reads what is there, with its mode; folders and special files are no content.
pub(crate) fn there(root: &Root, path: &RelPath) -> Result<Option<Content>, FileError> {
    match root.stat(path)?.map(|stat| stat.kind) {
        Some(Kind::File | Kind::Link) => content(root, path).map(Some),
        Some(Kind::Folder | Kind::Special) | None => Ok(None),
    }
}

/// Tells of a file that two have changed.
pub(super) fn conflict(
    path: &RelPath,
    base: Option<Digest>,
    ours: Option<Digest>,
    theirs: Option<Digest>,
) -> Conflict {
    let (name, encoded) = path.to_wire();
    let kind = match (ours, theirs) {
        (_, None) => ConflictKind::Deleted,
        (_, Some(_)) => ConflictKind::Edited,
    };
    let did = if ours.is_some() { "wrote" } else { "deleted" };
    let text = format!(
        "{path} was changed by somebody else while the command ran that {did} it; what is on the disk stays, and the command's text is kept"
    );
    let reference = |digest: Option<Digest>| digest.map(|digest| format!("b3:{digest}"));
    Conflict {
        path: name.into_owned(),
        kind,
        mergeable: false,
        text,
        hunk: None,
        base: reference(base),
        ours: reference(ours),
        theirs: reference(theirs),
        changes: None,
        path_encoded: encoded.then_some(true),
    }
}

/// Returns what is at a path now, as far as a conflict tells it.
pub(super) fn digest_at(root: &Root, path: &RelPath) -> Option<Digest> {
    match found(root, path).0 {
        Found::Contents(digest) | Found::Link(digest) => Some(digest),
        Found::Absent | Found::Other => None,
    }
}
