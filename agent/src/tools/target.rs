//! From the text of a path argument to a path of the workspace, and failures that say what was perhaps meant. Not here:
//! confinement (`workspace`).
use crate::tools::limits::HINT_TIMEOUT;
use crate::tools::prepared::ToolFailure;
use crate::workspace::error::FileError;
use crate::workspace::find::glob;
use crate::workspace::identity::Kind;
use crate::workspace::list::{LIST_ENTRIES_MAX, list};
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;
use crate::workspace::stop::Stop;

/// How alike two names must be, from 0 to 1, for one to be taken for the other mistyped: one wrong letter of three.
const ALIKE_MIN: f64 = 0.6;

/// How many names a hint gives.
const HINTS_MAX: usize = 3;

/// A path as it was named, and where it leads.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// The path as it was named.
    pub(super) path: RelPath,
    /// The same with every link resolved.
    pub(super) real: RelPath,
}

impl Target {
    /// Finds out where a path argument leads; what does not exist yet leads to itself. Blocks.
    pub(super) fn find(root: &Root, text: &str) -> Result<Self, ToolFailure> {
        if text.trim().is_empty() {
            return Err(ToolFailure::new("argument `path` is empty; use `.` for the workspace itself"));
        }
        let path = root.resolve(text).map_err(|error| ToolFailure::new(error.to_string()))?;
        let real = root.canonical(&path).map_err(|error| failure(root, &error))?;
        Ok(Self { path, real })
    }

    /// Returns the names that rules are asked about: a rule may know the link, or what lies behind it.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names = vec![wire(&self.real)];
        if self.path != self.real {
            names.push(wire(&self.path));
        }
        names
    }
}

/// Returns the path that the arguments of a call name, under any of its names.
pub(super) fn named(arguments: &serde_json::Value) -> Option<&str> {
    ["path", "file_path", "file"].iter().find_map(|name| arguments.get(name)?.as_str())
}

/// Returns a path as policy, clients and models know it: relative, `.` for the root. A tool's path came out of JSON, so it is
/// UTF-8 and never encoded.
pub(super) fn wire(path: &RelPath) -> String {
    if path.is_root() { ".".to_owned() } else { path.to_wire().0.into_owned() }
}

/// Tells a model why a file could not be had, and what to do instead. Blocks, for a moment.
pub(super) fn failure(root: &Root, error: &FileError) -> ToolFailure {
    let text = match error {
        FileError::NotFound(path) => match hints(root, path).as_slice() {
            [] => format!("{error}. Find it with glob or list"),
            names => format!("{error}. Did you mean {}?", names.join(" or ")),
        },
        FileError::Folder(path) => format!("{error}. Look into it with list {{\"path\": \"{path}\"}}"),
        FileError::Io { source, .. } => format!("{error}: {source}"),
        FileError::Path(_)
        | FileError::Outside(_)
        | FileError::NotFolder(_)
        | FileError::Special(_)
        | FileError::TooLarge { .. }
        | FileError::Link(_)
        | FileError::Denied(_)
        | FileError::Changed { .. }
        | FileError::Displaced { .. } => error.to_string(),
    };
    ToolFailure::new(text)
}

/// Returns names that may have been meant: alike ones in the same folder, then the same name anywhere.
fn hints(root: &Root, path: &RelPath) -> Vec<String> {
    let stop = Stop::after(HINT_TIMEOUT);
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Vec::new() };
    let mut found = path.parent().map(|folder| alike(root, &folder, name, &stop)).unwrap_or_default();
    // A name with signs of a glob would find something else.
    if !name.contains(['*', '?', '[', ']', '{', '}', '\\'])
        && let Ok(same) = glob(root, &RelPath::root(), name, &stop)
    {
        found.extend(same.paths);
    }
    let mut names: Vec<String> = Vec::new();
    for path in found {
        let name = format!("`{path}`");
        if names.len() < HINTS_MAX && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn alike(root: &Root, folder: &RelPath, name: &str, stop: &Stop) -> Vec<RelPath> {
    let Ok(listing) = list(root, folder, 1, LIST_ENTRIES_MAX, stop) else { return Vec::new() };
    let wanted = name.to_lowercase();
    let mut scored: Vec<(f64, RelPath)> = listing
        .entries
        .into_iter()
        .filter(|entry| entry.kind != Kind::Special)
        .filter_map(|entry| {
            let other = entry.path.file_name()?.to_str()?.to_lowercase();
            let score = strsim::normalized_damerau_levenshtein(&wanted, &other);
            (score >= ALIKE_MIN).then_some((score, entry.path))
        })
        .collect();
    scored.sort_by(|one, other| other.0.total_cmp(&one.0));
    scored.into_iter().map(|(_, path)| path).collect()
}
