//! Which files of a folder are commands or skills, and reading one. Not here: which folders, and what a text says.
use std::fs;
use std::path::PathBuf;

use ignore::WalkBuilder;

use crate::workspace::commands::{Kind, text};
use crate::workspace::error::FileError;
use crate::workspace::identity;
use crate::workspace::open::Links;
use crate::workspace::path::RelPath;
use crate::workspace::read::read_open;
use crate::workspace::root::Root;
use crate::workspace::stop::Stop;

/// What follows a command's name in the name of its file.
const ENDING: &str = ".md";

/// The file of a skill, in a folder of its name.
const SKILL_FILE: &str = "SKILL.md";

/// Bytes of a file: far more than anybody writes.
pub(super) const FILE_BYTES_MAX: u64 = 256 << 10;

/// Levels of folders.
const DEPTH_MAX: usize = 4;

/// Names that are looked at in one folder.
const NAMES_MAX: usize = 2_000;

/// What a folder holds.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The names with their files, in order.
    pub(super) files: Vec<(String, RelPath)>,
    /// The folder and those beneath it that matter, absolute; it may not exist.
    pub(super) folders: Vec<PathBuf>,
    /// Files that would be commands or skills, under a name that none can have.
    pub(super) unnamed: Vec<RelPath>,
}

/// Why there is no text.
#[derive(Debug)]
pub(super) enum Wrong {
    /// There is no such file.
    Absent,
    /// The file cannot be one, with the reason.
    Because(String),
}

/// Returns the file of a command or a skill in its folder; `None` where none can have that name.
pub(super) fn file_of(kind: Kind, name: &str) -> Option<String> {
    match kind {
        Kind::Command => Some(format!("{}{ENDING}", name.replace(':', "/"))),
        Kind::Skill => (!name.contains(':')).then(|| format!("{name}/{SKILL_FILE}")),
    }
}

/// Looks into a folder. What ignore files name counts too: many keep such folders to themselves. Linked files count where they
/// lead to something inside; linked folders beneath it are entered for a skill alone.
pub(super) fn found_in(root: &Root, folder: &RelPath, kind: Kind, stop: &Stop) -> Found {
    let mut found = Found { folders: vec![root.absolute(folder)], ..Found::default() };
    let Ok(canonical) = root.canonical(folder) else { return found };
    let is_folder =
        |path: &RelPath| matches!(root.stat(path), Ok(Some(found)) if found.kind == identity::Kind::Folder);
    if !is_folder(&canonical) {
        return found;
    }
    let start = root.absolute(&canonical);
    match kind {
        Kind::Command => commands(folder, &start, stop, &mut found),
        Kind::Skill => skills(root, folder, &start, stop, &mut found),
    }
    found
}

fn commands(folder: &RelPath, start: &std::path::Path, stop: &Stop, found: &mut Found) {
    let mut walk = WalkBuilder::new(start);
    walk.standard_filters(false).follow_links(false).max_depth(Some(DEPTH_MAX));
    walk.sort_by_file_name(std::ffi::OsStr::cmp);
    for entry in walk.build().skip(1).take(NAMES_MAX).take_while(|_| !stop.is_due()).flatten() {
        if entry.file_type().is_some_and(|of| of.is_dir()) {
            found.folders.push(entry.path().to_owned());
            continue;
        }
        let Some(relative) = entry.path().strip_prefix(start).ok().and_then(|path| path.to_str()) else {
            continue;
        };
        let Some(stem) = relative.strip_suffix(ENDING) else { continue };
        let Ok(path) = RelPath::parse(format!("{folder}/{relative}")) else { continue };
        // A colon stands for a slash, and in the name of a file it would stand for itself.
        let name = stem.replace('/', ":");
        if !stem.contains(':') && text::is_name(&name) {
            found.files.push((name, path));
        } else if !hidden(relative) {
            found.unnamed.push(path);
        }
    }
}

fn skills(root: &Root, folder: &RelPath, start: &std::path::Path, stop: &Stop, found: &mut Found) {
    let Ok(entries) = fs::read_dir(start) else { return };
    let names = entries.take(NAMES_MAX).take_while(|_| !stop.is_due()).flatten();
    let mut names: Vec<String> = names.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    for name in names {
        let Ok(path) = RelPath::parse(format!("{folder}/{name}/{SKILL_FILE}")) else { continue };
        if path.parent().is_some_and(|parent| root.canonical(&parent).is_ok()) {
            found.folders.push(start.join(&name));
        }
        if !name.contains(':') && text::is_name(&name) {
            found.files.push((name, path));
        } else if !hidden(&name) && matches!(root.stat(&path), Ok(Some(_))) {
            found.unnamed.push(path);
        }
    }
}

fn hidden(relative: &str) -> bool {
    relative.split('/').any(|name| name.starts_with('.'))
}

/// Returns the text of a file.
///
/// # Errors
/// There is none, or it can be no command and no skill: too long, no text, empty, or led to from outside.
pub(super) fn read(root: &Root, path: &RelPath) -> Result<String, Wrong> {
    let because = |why: &str| Wrong::Because(why.to_owned());
    let failed = |error: FileError| {
        if matches!(error, FileError::NotFound(_) | FileError::NotFolder(_)) {
            Wrong::Absent
        } else if matches!(error, FileError::Outside(_)) {
            because("it leads outside through a link")
        } else {
            Wrong::Because(error.to_string())
        }
    };
    let (fd, stat) = root.open_regular(path, Links::Follow).map_err(failed)?;
    if stat.identity.size_bytes > FILE_BYTES_MAX {
        return Err(Wrong::Because(format!(
            "it has {} bytes, and may have {FILE_BYTES_MAX}",
            stat.identity.size_bytes
        )));
    }
    let bytes = read_open(fd, stat, path).map_err(failed)?.bytes;
    let text = String::from_utf8(bytes).map_err(|_| because("it is no UTF-8"))?;
    if text::written(&text).body.is_empty() {
        return Err(because("it has no text"));
    }
    Ok(text)
}
