//! What lies in a workspace and is left uncovered by the layer of a command, so that the command writes there itself. Not
//! here: the layer (`process`), and what becomes of what lies in it (`changes`).
//!
//! Large ignored folders: a build would copy them piece by piece, to have them carried back. What is mounted there: a layer
//! shows what lies beneath it. FIFOs and sockets: beneath a layer each would be one of its own, and nobody at the other end.
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use crate::workspace::identity::Kind;
use crate::workspace::ignored::Ignored;
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;

/// Folders that are large where they are and that builds write to. Others that are ignored are small, and some tools remove
/// them as a whole, which nobody can do with a folder that is left uncovered.
const LARGE: [&str; 5] = ["target", "node_modules", ".venv", ".tox", ".gradle"];

/// Words in a command that speak of removing or renaming such a folder as a whole. It is covered then: slower, and it works.
const REMOVERS: [&str; 6] = ["clean", "rm ", "mv ", "rimraf", "distclean", "npm ci"];

/// Folders of the root in which large ones are looked for: the packages of a project.
const PACKAGES_MAX: usize = 64;

/// What is left uncovered at most; each is a mount.
const THROUGH_MAX: usize = 64;

/// How deep, and at how many names, it is looked whether something was written in such a folder. Builds and installations
/// leave a trace near the top; the whole of one may have a million names.
const TRACE: (usize, usize) = (3, 4_096);

/// Returns what is left uncovered for a command, relative to the root; none lies in another.
pub(crate) fn through(root: &Root, command: &str) -> Vec<RelPath> {
    let entries = root.entries(&RelPath::root()).unwrap_or_default();
    let is_special = |kind: Kind| kind == Kind::Special;
    let mut found: Vec<RelPath> =
        entries.iter().filter(|entry| is_special(entry.stat.kind)).map(|entry| entry.path.clone()).collect();
    let ignored = Ignored::new(root);
    let removes = REMOVERS.iter().any(|word| command.contains(word));
    let wanted = LARGE.into_iter().filter(|name| !removes && !command.contains(name));
    let wanted: Vec<&str> = wanted.collect();
    let mut offer = |folder: &RelPath| {
        for name in &wanted {
            let Ok(path) = folder.join(name) else { continue };
            let is_folder =
                root.stat(&path).is_ok_and(|stat| stat.is_some_and(|stat| stat.kind == Kind::Folder));
            if is_folder && ignored.is_ignored(&path, true) {
                found.push(path);
            }
        }
    };
    offer(&RelPath::root());
    let packages = entries.iter().filter(|entry| entry.stat.kind == Kind::Folder);
    let packages = packages.filter(|entry| !ignored.is_ignored(&entry.path, true));
    for package in packages.take(PACKAGES_MAX) {
        offer(&package.path);
    }
    found.extend(mounted(root));
    found.sort();
    let mut outer: Vec<RelPath> = Vec::new();
    for path in found {
        if !outer.iter().any(|outer| path.as_path().starts_with(outer.as_path())) {
            outer.push(path);
        }
    }
    outer.truncate(THROUGH_MAX);
    outer
}

/// Returns where other file systems are mounted beneath the root.
fn mounted(root: &Root) -> Vec<RelPath> {
    let table = fs::read("/proc/self/mountinfo").unwrap_or_default();
    let lines = table.split(|byte| *byte == b'\n');
    let places = lines.filter_map(|line| line.split(|byte| *byte == b' ').nth(4)).map(unescape);
    let own = root.path().as_os_str().as_bytes();
    places
        .filter_map(|place| {
            let rest = place.strip_prefix(own)?.strip_prefix(b"/")?;
            RelPath::parse(std::ffi::OsStr::from_bytes(rest)).ok().filter(|path| !path.is_root())
        })
        .collect()
}

/// Blanks and backslashes stand as `\` and three octal digits.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        let digits = tail
            .get(..3)
            .filter(|digits| *first == b'\\' && digits.iter().all(|digit| (b'0'..b'8').contains(digit)));
        if let Some(digits) = digits {
            out.push(digits.iter().fold(0_u8, |byte, digit| (byte << 3) | (digit - b'0')));
            rest = &tail[3..];
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    out
}

/// Tells whether something was written in a folder since a time, in nanoseconds since the Unix epoch, as far as it shows near
/// the top.
pub(crate) fn is_written_since(root: &Root, folder: &RelPath, since_ns: i128) -> bool {
    let mut left = TRACE.1;
    traces(root, folder, since_ns, TRACE.0, &mut left)
}

fn traces(root: &Root, path: &RelPath, since_ns: i128, depth: usize, left: &mut usize) -> bool {
    let Ok(Some(stat)) = root.stat(path) else { return false };
    if stat.identity.changed_ns > since_ns {
        return true;
    }
    if stat.kind != Kind::Folder || depth == 0 {
        return false;
    }
    for entry in root.entries(path).unwrap_or_default() {
        if *left == 0 {
            return false;
        }
        *left -= 1;
        let is_newer = entry.stat.identity.changed_ns > since_ns;
        if is_newer
            || (entry.stat.kind == Kind::Folder && traces(root, &entry.path, since_ns, depth - 1, left))
        {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_ignored_folders_are_left_uncovered_unless_they_are_to_be_removed() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["target/debug", "app/node_modules/x", "build", "src", "other/target"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        fs::write(folder.path().join(".gitignore"), "/target\nbuild\n").unwrap();
        let root = Root::open(folder.path()).unwrap();
        let check = |command: &str| -> Vec<String> {
            through(&root, command).iter().map(ToString::to_string).collect()
        };
        assert_eq!(check("cargo build"), ["app/node_modules", "target"]);
        assert_eq!(check("ls target"), ["app/node_modules"]);
        assert_eq!(check("make clean"), Vec::<String>::new());
    }

    #[test]
    fn a_write_near_the_top_leaves_a_trace() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("target/debug/deps")).unwrap();
        let root = Root::open(folder.path()).unwrap();
        let path = RelPath::parse("target").unwrap();
        let now =
            root.stat(&RelPath::parse("target/debug/deps").unwrap()).unwrap().unwrap().identity.changed_ns;
        assert!(!is_written_since(&root, &path, now));
        assert!(is_written_since(&root, &path, now - 1_000_000_000));
    }

    #[test]
    fn places_in_the_table_of_mounts_are_unescaped() {
        assert_eq!(unescape(br"/a\040b\134c\x"), br"/a b\c\x");
    }
}
