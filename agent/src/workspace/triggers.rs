//! Files of a workspace that make some program run something: ours, every known agent's and editor's, and git's. They are only
//! read, to name them and to know them again. Not here: what follows from them (trust), and what they say.
mod git;

use std::collections::BTreeMap;
use std::fs;
use std::sync::LazyLock;

use ignore::WalkBuilder;
use serde::Deserialize;

use crate::base::digest::Digest;
use crate::workspace::identity::Kind;
use crate::workspace::open::Links;
use crate::workspace::path::RelPath;
use crate::workspace::read::read_open;
use crate::workspace::root::Root;
use crate::workspace::stop::Stop;

/// Files that are told and known again; of more there is one line that says so.
const TRIGGERS_MAX: usize = 500;

/// Bytes of a file whose content counts; of a longer one its length and its time do.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Levels beneath a folder whose files count.
const DEPTH_MAX: usize = 4;

/// Names that are looked at in one folder.
const NAMES_MAX: usize = 1_000;

/// The table, `agent/data/triggers.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    programs: Vec<Program>,
}

/// The files of one program, or of a few that are alike.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Program {
    name: String,
    files: Vec<String>,
}

/// Read once; a test reads it too, so that it is never empty.
static TABLE: LazyLock<Table> =
    LazyLock::new(|| toml::from_str(include_str!("../../data/triggers.toml")).unwrap_or_default());

/// One file that makes a program run something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trigger {
    /// What it would do, for a person: the program, or git's own keys.
    pub(crate) what: String,
    /// What its content is known by.
    pub(crate) digest: Digest,
}

/// The files there are, by their paths.
pub(crate) type Triggers = BTreeMap<String, Trigger>;

/// Looks for them. Nothing is followed out of the workspace, and a file that cannot be read counts as one that is there.
pub(crate) fn look(root: &Root, stop: &Stop) -> Triggers {
    let mut found = Triggers::new();
    for program in &TABLE.programs {
        for name in &program.files {
            let what = format!("{} may run what it says", program.name);
            if let Some(ending) = name.strip_prefix('*') {
                for name in names_in_root(root).iter().filter(|name| name.ends_with(ending)) {
                    take_file(root, name, &what, &mut found);
                }
            } else if let Some(folder) = name.strip_suffix('/') {
                take_folder(root, folder, &what, stop, &mut found);
            } else {
                take_file(root, name, &what, &mut found);
            }
        }
    }
    git::look(root, stop, &mut found);
    found
}

fn names_in_root(root: &Root) -> Vec<String> {
    let Ok(entries) = fs::read_dir(root.path()) else { return Vec::new() };
    let names = entries.take(NAMES_MAX).flatten().filter_map(|entry| entry.file_name().into_string().ok());
    names.collect()
}

/// Takes one file, if it is there.
fn take_file(root: &Root, name: &str, what: &str, found: &mut Triggers) {
    let Ok(path) = RelPath::parse(name) else { return };
    let Some(digest) = digest(root, &path) else { return };
    if found.len() < TRIGGERS_MAX {
        found.insert(path.to_wire().0.into_owned(), Trigger { what: what.to_owned(), digest });
    } else {
        let what = format!("more than {TRIGGERS_MAX} files are not looked at");
        found.insert("…".to_owned(), Trigger { what, digest: Digest::of(b"more") });
    }
}

/// Takes every file beneath a folder. A folder that is a link is one item: where it leads is what counts.
fn take_folder(root: &Root, folder: &str, what: &str, stop: &Stop, found: &mut Triggers) {
    let Ok(path) = RelPath::parse(folder) else { return };
    match root.stat(&path).ok().flatten().map(|stat| stat.kind) {
        None => return,
        Some(Kind::Folder) => {}
        Some(Kind::File | Kind::Link | Kind::Special) => return take_file(root, folder, what, found),
    }
    // The folder's name is resolved by then, and what is walked is only used by name.
    let Ok(start) = root.canonical(&path).map(|real| root.absolute(&real)) else { return };
    let mut walk = WalkBuilder::new(&start);
    walk.standard_filters(false).follow_links(false).max_depth(Some(DEPTH_MAX));
    walk.sort_by_file_name(std::ffi::OsStr::cmp);
    for entry in walk.build().skip(1).take(NAMES_MAX).take_while(|_| !stop.is_due()).flatten() {
        let is_folder = entry.file_type().is_some_and(|of| of.is_dir());
        let relative = entry.path().strip_prefix(&start).ok().and_then(|path| path.to_str());
        if let Some(relative) = relative.filter(|_| !is_folder) {
            take_file(root, &format!("{folder}/{relative}"), what, found);
        }
    }
}

/// Returns what a file is known by: its content, or what else can be said of it; `None` where there is nothing.
fn digest(root: &Root, path: &RelPath) -> Option<Digest> {
    let stat = match root.stat(path) {
        Ok(None) => return None,
        Ok(Some(stat)) => stat,
        Err(error) => return Some(Digest::of(format!("closed: {error}").as_bytes())),
    };
    let described = || {
        let identity = root.stat(path).ok().flatten().map(|stat| stat.identity);
        Some(Digest::of(format!("{identity:?}").as_bytes()))
    };
    let target = fs::read_link(root.absolute(path)).ok();
    match root.open_regular(path, Links::Follow) {
        Ok((_, stat)) if stat.identity.size_bytes > FILE_BYTES_MAX => described(),
        Ok((fd, stat)) => {
            let content = read_open(fd, stat, path).ok()?;
            // Who may run it counts as well, and where a link leads.
            let mut bytes = content.bytes;
            bytes.extend_from_slice(format!("\0{}\0{target:?}", content.mode & 0o111).as_bytes());
            Some(Digest::of(&bytes))
        }
        Err(_) if stat.kind == Kind::Folder => None,
        Err(error) => Some(Digest::of(format!("{error}\0{target:?}").as_bytes())),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn found(root: &Root) -> Vec<String> {
        look(root, &Stop::after(Duration::from_mins(1))).into_keys().collect()
    }

    #[test]
    fn every_file_of_the_table_is_found_and_known_by_its_content() {
        assert!(TABLE.programs.len() > 20);
        for program in &TABLE.programs {
            for name in &program.files {
                let temp = tempfile::tempdir().unwrap();
                let root = Root::open(temp.path()).unwrap();
                assert!(found(&root).is_empty());
                let file = match name.strip_suffix('/') {
                    Some(folder) => format!("{folder}/deep/x"),
                    None => name.replace('*', "x"),
                };
                let path = temp.path().join(&file);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(&path, "one").unwrap();
                let stop = Stop::after(Duration::from_mins(1));
                let before = look(&root, &stop);
                assert_eq!(before.keys().collect::<Vec<_>>(), [&file], "{name}");
                assert!(before[&file].what.starts_with(&program.name));
                fs::write(&path, "two").unwrap();
                assert_ne!(look(&root, &stop), before, "{name}");
                fs::write(&path, "one").unwrap();
                assert_eq!(look(&root, &stop), before, "{name}");
            }
        }
    }

    #[test]
    fn links_and_special_files_are_named_and_not_opened() {
        let temp = tempfile::tempdir().unwrap();
        let root = Root::open(temp.path()).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", temp.path().join(".envrc")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, temp.path().join(".mcp.json"), rustix::fs::Mode::RUSR).unwrap();
        std::os::unix::fs::symlink("/etc", temp.path().join(".husky")).unwrap();
        assert_eq!(found(&root), [".envrc", ".husky", ".mcp.json"]);
    }

    #[test]
    fn a_thousand_files_are_bounded() {
        let temp = tempfile::tempdir().unwrap();
        let root = Root::open(temp.path()).unwrap();
        fs::create_dir(temp.path().join(".husky")).unwrap();
        for number in 0..TRIGGERS_MAX + 20 {
            fs::write(temp.path().join(format!(".husky/{number}")), "").unwrap();
        }
        assert_eq!(found(&root).len(), TRIGGERS_MAX + 1);
    }
}
