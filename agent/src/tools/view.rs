//! Files as tools see them: those on the disk, and in front of them, in a plan turn, what is staged. Not here: staging
//! (`writing`).
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use crate::changes::blobs::BlobStore;
use crate::changes::change::Version;
use crate::changes::overlay::{Overlay, Staged};
use crate::tools::ToolContext;
use crate::workspace::error::FileError;
use crate::workspace::find::{Found, GlobError, glob, matches};
use crate::workspace::grep::{GrepError, GrepOptions, GrepReport, grep, grep_contents};
use crate::workspace::identity::{Identity, Kind};
use crate::workspace::list::{Entry, Listing, list};
use crate::workspace::path::RelPath;
use crate::workspace::read::FileRead;
use crate::workspace::root::Root;
use crate::workspace::stop::Stop;

/// The workspace of a call. Every method blocks.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) root: Arc<Root>,
    staged: Option<Arc<Overlay>>,
    blobs: Arc<dyn BlobStore>,
}

impl View {
    /// Makes the view of a call.
    pub(super) fn of(context: &ToolContext) -> Self {
        let (root, blobs) = (Arc::clone(&context.root), Arc::clone(&context.blobs));
        Self { root, staged: context.staged.clone(), blobs }
    }

    /// Reads a file whole.
    pub(super) fn read(&self, path: &RelPath) -> Result<FileRead, FileError> {
        match self.staged.as_ref().map_or(Staged::Nothing, |staged| staged.get(path)) {
            Staged::Nothing => self.root.read(path),
            Staged::Gone => Err(FileError::NotFound(path.clone())),
            Staged::There(version) if version.is_link() => Err(FileError::Link(path.clone())),
            Staged::There(version) => self.stored(path, version),
        }
    }

    /// Tells whether a file is staged: what an editor holds of it is then beside the point.
    pub(super) fn is_plan(&self) -> bool {
        self.staged.is_some()
    }

    fn stored(&self, path: &RelPath, version: Version) -> Result<FileRead, FileError> {
        let bytes = self.blobs.get(version.digest).map_err(|error| FileError::Io {
            path: path.clone(),
            action: "read what is staged for",
            source: io::Error::other(error),
        })?;
        let size_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        // It is no file yet, and has no identity but its digest.
        let identity = Identity { device: 0, inode: 0, size_bytes, modified_ns: 0, changed_ns: 0 };
        Ok(FileRead { bytes, digest: version.digest, mode: version.mode, identity })
    }

    /// Finds files by name, as [`glob`].
    pub(super) fn glob(&self, folder: &RelPath, pattern: &str, stop: &Stop) -> Result<Found, GlobError> {
        let found = glob(&self.root, folder, pattern, stop);
        let Some(staged) = &self.staged else { return found };
        let mut found = match found {
            Err(GlobError::File(FileError::NotFound(_))) if self.has(folder) => {
                Found { paths: Vec::new(), truncated: false, stopped: false }
            }
            found => found?,
        };
        let mut paths: BTreeSet<RelPath> = std::mem::take(&mut found.paths).into_iter().collect();
        for (path, version) in staged.beneath(folder) {
            match version {
                None => drop(paths.remove(path)),
                Some(_) if matches(folder, pattern, path)? => drop(paths.insert(path.clone())),
                Some(_) => {}
            }
        }
        found.paths = paths.into_iter().collect();
        Ok(found)
    }

    /// Searches contents, as [`grep`].
    pub(super) fn grep(
        &self,
        pattern: &str,
        options: &GrepOptions,
        stop: &Stop,
    ) -> Result<GrepReport, GrepError> {
        let report = grep(&self.root, pattern, options, stop);
        let Some(staged) = &self.staged else { return report };
        let mut report = match report {
            Err(GrepError::File(FileError::NotFound(_))) if self.has(&options.path) => {
                GrepReport { matches: Vec::new(), truncated: false, stopped: false }
            }
            report => report?,
        };
        report.matches.retain(|found| staged.get(&found.path) == Staged::Nothing);
        let files = staged.beneath(&options.path).filter_map(|(path, version)| {
            let version = version.filter(|version| !version.is_link())?;
            let bytes = self.blobs.get(version.digest).ok()?;
            Some((path.clone(), bytes))
        });
        let files: Vec<(RelPath, Vec<u8>)> = files.collect();
        report.matches.extend(grep_contents(pattern, options, &files)?);
        report.matches.sort();
        if options.matches_max > 0 && report.matches.len() > options.matches_max {
            report.matches.truncate(options.matches_max);
            report.truncated = true;
        }
        Ok(report)
    }

    /// Lists a folder, as [`list`].
    pub(super) fn list(
        &self,
        folder: &RelPath,
        depth: usize,
        entries_max: usize,
        stop: &Stop,
    ) -> Result<Listing, FileError> {
        let listing = list(&self.root, folder, depth, entries_max, stop);
        let Some(staged) = &self.staged else { return listing };
        let mut listing = match listing {
            Err(FileError::NotFound(_)) if self.has(folder) => {
                Listing { entries: Vec::new(), truncated: false, stopped: false }
            }
            listing => listing?,
        };
        let above = folder.names().count();
        for (path, version) in staged.beneath(folder) {
            listing.entries.retain(|entry| entry.path != *path);
            let Some(version) = version else { continue };
            let bytes = self.blobs.get(version.digest).map_or(0, |bytes| bytes.len());
            let size_bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
            let kind = if version.is_link() { Kind::Link } else { Kind::File };
            let mut next = (Some(path.clone()), kind, size_bytes);
            // The file, and every folder on the way that there is not yet.
            while let (Some(path), kind, size_bytes) = next {
                let own = path.names().count().saturating_sub(above);
                if own == 0 || listing.entries.iter().any(|entry| entry.path == path) {
                    break;
                }
                next = (path.parent(), Kind::Folder, 0);
                if own <= depth {
                    listing.entries.push(Entry { path, kind, depth: own, size_bytes });
                }
            }
        }
        listing.entries.sort_by(|a, b| a.path.names().cmp(b.path.names()));
        if listing.entries.len() > entries_max {
            listing.entries.truncate(entries_max);
            listing.truncated = true;
        }
        Ok(listing)
    }

    /// Tells whether something that is staged lies at or beneath a path.
    fn has(&self, path: &RelPath) -> bool {
        self.staged.as_ref().is_some_and(|staged| staged.has_beneath(path))
    }
}
