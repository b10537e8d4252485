//! Commands that are Markdown files: in folders of a trusted workspace, and the person's own. They are looked up when they are
//! wanted, and nothing in them is run. Not here: who is trusted, and what becomes of the text.
mod text;

use std::collections::BTreeMap;
use std::path::Path;

use ignore::WalkBuilder;

pub(crate) use crate::workspace::commands::text::{invoked, typed};
use crate::workspace::identity::Kind;
use crate::workspace::open::Links;
use crate::workspace::path::RelPath;
use crate::workspace::read::read_open;
use crate::workspace::root::Root;
use crate::workspace::stop::Stop;

/// The folders of a workspace, the first first. Some belong to other agents: a project has its commands already.
const FOLDERS: [&str; 5] =
    [".tenon/commands", ".claude/commands", ".agents/commands", ".opencode/command", ".opencode/commands"];

/// The folder beside the person's configuration.
const OWN_FOLDER: &str = "commands";

/// What follows a command's name in the name of its file.
const ENDING: &str = ".md";

/// Bytes of a file that is a command: far more than anybody writes.
const FILE_BYTES_MAX: u64 = 256 << 10;

/// Levels of folders.
const DEPTH_MAX: usize = 4;

/// Commands that are listed.
const COMMANDS_MAX: usize = 500;

/// Names that are looked at in one folder.
const NAMES_MAX: usize = 2_000;

/// Where a command comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The workspace.
    Workspace,
    /// The person's own configuration.
    User,
}

/// A command as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Its name, without the slash.
    pub(crate) name: String,
    /// What it is for: one line.
    pub(crate) description: Option<String>,
    /// What its arguments are: one line.
    pub(crate) hint: Option<String>,
    /// Its file: relative to the workspace, absolute for the person's own.
    pub(crate) file: String,
    /// Where it comes from.
    pub(crate) from: Origin,
}

/// The folders in which commands are.
#[derive(Debug)]
pub(crate) struct Commands {
    places: Vec<(Root, RelPath, Origin)>,
}

impl Commands {
    /// Looks into a workspace that is trusted, and beside the person's file of configuration. What is absent has none.
    pub(crate) fn of(workspace: Option<&Root>, user_file: &Path) -> Self {
        let mut places = Vec::new();
        if let Some(root) = workspace {
            let folders = FOLDERS.iter().filter_map(|folder| RelPath::parse(folder).ok());
            places.extend(folders.map(|folder| (root.clone(), folder, Origin::Workspace)));
        }
        let own = user_file.parent().and_then(|folder| Root::open(&folder.join(OWN_FOLDER)).ok());
        places.extend(own.map(|root| (root, RelPath::root(), Origin::User)));
        Self { places }
    }

    /// Returns what a message is to the model, if it begins with a command that there is.
    pub(crate) fn expand(&self, message: &str) -> Option<String> {
        let invocation = invoked(message)?;
        let file = format!("{}{ENDING}", invocation.name.replace(':', "/"));
        let text = self.places.iter().find_map(|(root, folder, _)| {
            let path = RelPath::parse(format!("{folder}/{file}")).ok()?;
            read(root, &path)
        })?;
        text::fill(text::written(&text).body, invocation.arguments)
    }

    /// Returns all commands by their names; of those with one name the first. Ends early where there are too many, or `stop`
    /// comes.
    pub(crate) fn list(&self, stop: &Stop) -> Vec<Listed> {
        let mut found = BTreeMap::new();
        for (root, folder, from) in &self.places {
            for (name, path) in names(root, folder, stop).unwrap_or_default() {
                if stop.is_due() || found.len() >= COMMANDS_MAX {
                    break;
                }
                if found.contains_key(&name) {
                    continue;
                }
                let Some(text) = read(root, &path) else { continue };
                let written = text::written(&text);
                let file = match from {
                    Origin::Workspace => path.to_string(),
                    Origin::User => root.absolute(&path).display().to_string(),
                };
                let (description, hint) = (written.description, written.hint);
                found.insert(name.clone(), Listed { name, description, hint, file, from: *from });
            }
        }
        found.into_values().collect()
    }
}

/// Returns the names of the commands in a folder with their files. What ignore files name counts too: many keep such folders
/// to themselves. Linked files are commands where they lead to something inside, linked folders beneath it are not entered.
fn names(root: &Root, folder: &RelPath, stop: &Stop) -> Option<Vec<(String, RelPath)>> {
    let canonical = root.canonical(folder).ok()?;
    if root.stat(&canonical).ok()??.kind != Kind::Folder {
        return None;
    }
    let start = root.absolute(&canonical);
    let mut walk = WalkBuilder::new(&start);
    walk.standard_filters(false).follow_links(false).max_depth(Some(DEPTH_MAX));
    walk.sort_by_file_name(std::ffi::OsStr::cmp);
    let entries = walk.build().skip(1).take(NAMES_MAX).take_while(|_| !stop.is_due());
    let named = entries.filter_map(|entry| {
        let entry = entry.ok()?;
        let relative = entry.path().strip_prefix(&start).ok()?.to_str()?;
        // A colon stands for a slash, and in the name of a file it would stand for itself.
        let stem = relative.strip_suffix(ENDING).filter(|stem| !stem.contains(':'))?;
        let name = stem.replace('/', ":");
        let path = RelPath::parse(format!("{folder}/{relative}")).ok()?;
        text::is_name(&name).then_some((name, path))
    });
    Some(named.collect())
}

/// Returns the text of a command's file; `None` where it is no command: too long, no text, empty, or led to from outside.
fn read(root: &Root, path: &RelPath) -> Option<String> {
    let (fd, stat) = root.open_regular(path, Links::Follow).ok()?;
    if stat.identity.size_bytes > FILE_BYTES_MAX {
        return None;
    }
    let text = String::from_utf8(read_open(fd, stat, path).ok()?.bytes).ok()?;
    (!text::written(&text).body.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests;
