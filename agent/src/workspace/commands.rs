//! Commands and skills that are Markdown files: in folders of a trusted workspace, and the person's own. They are looked up when
//! they are wanted, and nothing in them is run. Not here: who is trusted, and what becomes of the text.
mod find;
mod text;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::workspace::commands::find::{Found, Wrong, found_in, read};
pub(crate) use crate::workspace::commands::text::{invoked, typed};
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;
use crate::workspace::stop::Stop;

/// The folders of a workspace, the first first. Some belong to other agents: a project has its commands already.
const FOLDERS: [(&str, Kind); 10] = [
    (".tenon/commands", Kind::Command),
    (".claude/commands", Kind::Command),
    (".agents/commands", Kind::Command),
    (".opencode/command", Kind::Command),
    (".opencode/commands", Kind::Command),
    (".tenon/skills", Kind::Skill),
    (".claude/skills", Kind::Skill),
    (".agents/skills", Kind::Skill),
    (".opencode/skill", Kind::Skill),
    (".opencode/skills", Kind::Skill),
];

/// The folders beside the person's configuration.
const OWN_FOLDERS: [(&str, Kind); 2] = [("commands", Kind::Command), ("skills", Kind::Skill)];

/// Commands that are listed, and skills.
const LISTED_MAX: usize = 500;

/// Files that are told to be none.
const SKIPPED_MAX: usize = 50;

/// Folders that are told, so that somebody can watch them.
const FOLDERS_MAX: usize = 200;

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A message that a person sends often.
    Command,
    /// How to do something, with files beside it.
    Skill,
}

/// Where a command or a skill comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The workspace.
    Workspace,
    /// The person's own configuration.
    User,
}

/// A command or a skill as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    /// What it is.
    pub(crate) kind: Kind,
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

/// A file that stands where commands or skills do, and is none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Skipped {
    /// What it would be.
    pub(crate) kind: Kind,
    /// The file, absolute.
    pub(crate) file: PathBuf,
    /// Why it is none.
    pub(crate) why: String,
    /// Whether it is the workspace's, and not the person's own.
    pub(crate) of_workspace: bool,
}

/// What a look has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Looked {
    /// The commands by their names, then the skills by theirs; of those with one name the first.
    pub(crate) listed: Vec<Listed>,
    /// What is none, and why.
    pub(crate) skipped: Vec<Skipped>,
    /// Where more may appear or change, absolute; some may not exist.
    pub(crate) folders: Vec<PathBuf>,
    /// It ended early: what is missing may be there all the same.
    pub(crate) is_cut: bool,
}

impl Looked {
    /// Returns those of a kind.
    pub(crate) fn of(&self, kind: Kind) -> impl Iterator<Item = &Listed> {
        self.listed.iter().filter(move |listed| listed.kind == kind)
    }
}

/// A folder in which commands or skills are.
#[derive(Debug)]
struct Place {
    root: Root,
    folder: RelPath,
    kind: Kind,
    from: Origin,
}

/// The folders in which commands and skills are.
#[derive(Debug)]
pub(crate) struct Commands {
    places: Vec<Place>,
    /// The person's own folders, whether or not they are there.
    own: Vec<PathBuf>,
}

impl Commands {
    /// Looks into a workspace that is trusted, and beside the person's file of configuration. What is absent has none.
    pub(crate) fn of(workspace: Option<&Root>, user_file: &Path) -> Self {
        let mut places = Vec::new();
        let from = Origin::Workspace;
        for (root, (folder, kind)) in workspace.into_iter().flat_map(|root| FOLDERS.map(|of| (root, of))) {
            let Ok(folder) = RelPath::parse(folder) else { continue };
            places.push(Place { root: root.clone(), folder, kind, from });
        }
        let beside = user_file.parent().filter(|folder| folder.is_absolute());
        let own =
            beside.into_iter().flat_map(|folder| OWN_FOLDERS.map(|(name, kind)| (folder.join(name), kind)));
        let own: Vec<(PathBuf, Kind)> = own.collect();
        for (folder, kind) in &own {
            if let Ok(root) = Root::open(folder) {
                places.push(Place { root, folder: RelPath::root(), kind: *kind, from: Origin::User });
            }
        }
        Self { places, own: own.into_iter().map(|(folder, _)| folder).collect() }
    }

    /// Returns what a message is to the model, if it begins with a command or a skill that there is. A command goes before a
    /// skill of its name.
    pub(crate) fn expand(&self, message: &str) -> Option<String> {
        let invocation = invoked(message)?;
        [Kind::Command, Kind::Skill].into_iter().find_map(|kind| {
            let file = find::file_of(kind, invocation.name)?;
            let (place, path, text) =
                self.places.iter().filter(|place| place.kind == kind).find_map(|place| {
                    let path = RelPath::parse(format!("{}/{file}", place.folder)).ok()?;
                    let text = read(&place.root, &path).ok()?;
                    Some((place, path, text))
                })?;
            let filled = text::fill(text::written(&text).body, invocation.arguments)?;
            Some(match kind {
                Kind::Command => filled,
                Kind::Skill => format!("{}\n\n{filled}", place.beside(&path, invocation.name)),
            })
        })
    }

    /// Returns all commands and skills, and what is none. Ends early where there are too many, or `stop` comes.
    pub(crate) fn look(&self, stop: &Stop) -> Looked {
        let mut looked = Looked { folders: self.own.clone(), ..Looked::default() };
        let mut found: BTreeMap<(Kind, String), Listed> = BTreeMap::new();
        for place in &self.places {
            let Found { files, folders, unnamed } = found_in(&place.root, &place.folder, place.kind, stop);
            looked.folders.extend(folders);
            let why = "its name cannot be typed behind a slash".to_owned();
            looked.skipped.extend(unnamed.into_iter().map(|file| place.skipped(&file, why.clone())));
            for (name, path) in files {
                let of_kind = found.keys().filter(|(kind, _)| *kind == place.kind).count();
                if stop.is_due() || of_kind >= LISTED_MAX {
                    break;
                }
                if found.contains_key(&(place.kind, name.clone())) {
                    continue;
                }
                match read(&place.root, &path) {
                    Ok(text) => {
                        let listed = place.listed(name.clone(), &path, &text);
                        found.insert((place.kind, name), listed);
                    }
                    Err(Wrong::Absent) => {}
                    Err(Wrong::Because(why)) => looked.skipped.push(place.skipped(&path, why)),
                }
            }
        }
        looked.is_cut = stop.is_due();
        looked.listed = found.into_values().collect();
        looked.skipped.sort();
        looked.skipped.truncate(SKIPPED_MAX);
        looked.folders.truncate(FOLDERS_MAX);
        looked
    }
}

impl Place {
    fn listed(&self, name: String, path: &RelPath, text: &str) -> Listed {
        let written = text::written(text);
        let file = match self.from {
            Origin::Workspace => path.to_string(),
            Origin::User => self.root.absolute(path).display().to_string(),
        };
        let (description, hint) = (written.description, written.hint);
        Listed { kind: self.kind, name, description, hint, file, from: self.from }
    }

    fn skipped(&self, path: &RelPath, why: String) -> Skipped {
        let of_workspace = self.from == Origin::Workspace;
        Skipped { kind: self.kind, file: self.root.absolute(path), why, of_workspace }
    }

    /// Says where the files beside a skill are: its text names them as they lie beside it.
    fn beside(&self, path: &RelPath, name: &str) -> String {
        let folder = path.parent().unwrap_or_else(RelPath::root);
        let folder = match self.from {
            Origin::Workspace => folder.to_string(),
            Origin::User => self.root.absolute(&folder).display().to_string(),
        };
        format!("Use the skill {name}, which follows. Files that it names lie in {folder}.")
    }
}

#[cfg(test)]
mod tests;
