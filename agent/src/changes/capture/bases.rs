//! What files held before a command ran, as far as it is kept: in memory, while it runs. Not here: which files those are (`tools`).
use std::collections::BTreeMap;

use crate::changes::capture::look::{Content, content};
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;

/// The largest file that is kept: what people and models edit is smaller.
pub(super) const FILE_BYTES_MAX: u64 = 1 << 20;

/// Files that are kept.
pub(super) const FILES_MAX: usize = 4_096;

/// Contents and modes of files before a command, by path.
#[derive(Debug, Default)]
pub(crate) struct Bases {
    files: BTreeMap<RelPath, Content>,
    left_bytes: u64,
}

impl Bases {
    /// Makes room for so many bytes.
    pub(crate) const fn with_room(bytes_max: u64) -> Self {
        Self { files: BTreeMap::new(), left_bytes: bytes_max }
    }

    /// Keeps what a file or a link holds now, if there is room for it. Blocks.
    pub(crate) fn keep(&mut self, root: &Root, path: &RelPath) {
        let Ok(Some(stat)) = root.stat(path) else { return };
        let size_bytes = stat.identity.size_bytes;
        let has_room = size_bytes <= FILE_BYTES_MAX.min(self.left_bytes) && self.files.len() < FILES_MAX;
        // What cannot be read is not kept: it is said to be unknown if it changes.
        if has_room && let Ok(content) = content(root, path) {
            self.left_bytes = self.left_bytes.saturating_sub(content.0.len() as u64);
            self.files.insert(path.clone(), content);
        }
    }

    /// Returns what a file held and its mode, if that was kept.
    pub(crate) fn get(&self, path: &RelPath) -> Option<&Content> {
        self.files.get(path)
    }
}
