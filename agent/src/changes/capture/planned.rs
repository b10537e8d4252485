//! What a command made of the staged files that it ran on, and of the workspace behind them: more to stage. Not here: finding out
//! what lies in its layer (`look`), and staging (the session).
use std::collections::BTreeSet;

use tenon_protocol::change::FileChange;

use crate::base::digest::Digest;
use crate::changes::blobs::BlobStore;
use crate::changes::capture::look::{Content, LookError, captured_file, there};
use crate::changes::capture::{Captured, CapturedFile};
use crate::changes::change::Version;
use crate::changes::overlay::{Overlay, Staged};
use crate::workspace::identity::Kind;
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;

/// Returns what is to be staged after a command that ran on a layer with the staged files in it: their new versions, and other
/// files that it changed. `refused` are left as they are staged, or as they are on the disk. Blocks.
///
/// # Errors
/// A file cannot be read, or a content not kept.
pub(crate) fn planned(
    root: &Root,
    layer: &Root,
    captured: &Captured,
    staged: &Overlay,
    refused: &BTreeSet<RelPath>,
    blobs: &dyn BlobStore,
) -> Result<Vec<FileChange>, LookError> {
    let is_new = |file: &&CapturedFile| {
        staged.get(&file.edit.path) == Staged::Nothing && !refused.contains(&file.edit.path)
    };
    let mut files: Vec<FileChange> =
        captured.files.iter().filter(is_new).map(|file| file.wire.clone()).collect();
    for (path, before) in staged.all().filter(|(path, _)| !refused.contains(*path)) {
        let after = seen(root, layer, path)?;
        let version = |(bytes, mode): &Content| Version { digest: Digest::of(bytes), mode: *mode };
        if after.as_ref().map(version) == before {
            continue;
        }
        if let Some((bytes, _)) = &after {
            blobs.put(bytes)?;
        }
        let was = before.map(|before| blobs.get(before.digest).map(|bytes| (bytes, before.mode)));
        files.push(captured_file(path, was.transpose()?.as_ref(), after.as_ref(), None).wire);
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// Returns what a command saw of a file in the end: what its layer holds, or what that does not hide. Folders and special files
/// are no content.
fn seen(root: &Root, layer: &Root, path: &RelPath) -> Result<Option<Content>, LookError> {
    let mut above = Vec::new();
    let mut at = path.parent();
    while let Some(folder) = at.filter(|folder| !folder.is_root()) {
        at = folder.parent();
        above.push(folder);
    }
    let mut is_hidden = false;
    for folder in above.iter().rev() {
        match layer.stat(folder)?.map(|stat| stat.kind) {
            // Nothing more of it is in the layer.
            None if is_hidden => return Ok(None),
            None => return Ok(there(root, path)?),
            Some(Kind::Folder) => is_hidden |= layer.is_opaque(folder),
            Some(Kind::File | Kind::Link | Kind::Special) => return Ok(None),
        }
    }
    let seen = if is_hidden || layer.stat(path)?.is_some() { there(layer, path) } else { there(root, path) };
    Ok(seen?)
}
