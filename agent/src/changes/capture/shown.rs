//! The patch of files that a command wrote and that are not in the workspace yet. Not here: the form of a patch (`patch`).
use crate::changes::blobs::BlobStore;
use crate::changes::capture::CapturedFile;
use crate::changes::change::Version;
use crate::changes::diff::{Side, diff};
use crate::changes::patch::{PatchFile, patch};

/// Returns the patch of some files, from the contents that were kept. A content that cannot be read is left out.
pub(crate) fn patch_of(files: &[&CapturedFile], blobs: &dyn BlobStore) -> String {
    let mut text = String::new();
    for file in files {
        let bytes = |version: Option<Version>| version.and_then(|version| blobs.get(version.digest).ok());
        let (before, after) = (bytes(file.edit.before), bytes(file.edit.after));
        let side =
            |bytes, version: Option<Version>| version.map(|version| Side { bytes, mode: version.mode });
        let old = before.as_deref().and_then(|bytes| side(bytes, file.edit.before));
        let new = after.as_deref().and_then(|bytes| side(bytes, file.edit.after));
        let found = diff(old, new);
        text.push_str(&patch(&[PatchFile {
            path: &file.edit.path,
            from: None,
            before: old,
            after: new,
            diff: &found,
        }]));
    }
    text
}
