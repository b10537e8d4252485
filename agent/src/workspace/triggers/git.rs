//! What of a repository's own settings makes git run something: hooks, and keys of its configuration. It is read as text: no git
//! is asked. Not here: files that a person writes (`triggers`).
use crate::base::digest::Digest;
use crate::workspace::identity::Kind;
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;
use crate::workspace::stop::Stop;
use crate::workspace::triggers::{Trigger, Triggers, digest, take_file, take_folder};

/// Sections of which no key runs anything.
const HARMLESS_SECTIONS: &[&str] = &[
    "advice",
    "apply",
    "author",
    "branch",
    "color",
    "column",
    "commit",
    "committer",
    "extensions",
    "fetch",
    "gc",
    "index",
    "log",
    "pull",
    "push",
    "rebase",
    "receive",
    "rerere",
    "stash",
    "status",
    "tag",
    "user",
    "worktree",
];

/// Keys of other sections that run nothing.
const HARMLESS_KEYS: &[&str] = &[
    "core.autocrlf",
    "core.bare",
    "core.eol",
    "core.filemode",
    "core.ignorecase",
    "core.logallrefupdates",
    "core.precomposeunicode",
    "core.quotepath",
    "core.repositoryformatversion",
    "core.safecrlf",
    "core.sparsecheckout",
    "core.sparsecheckoutcone",
    "core.symlinks",
    "core.untrackedcache",
    "core.worktree",
    "init.defaultbranch",
    "lfs.repositoryformatversion",
    "merge.conflictstyle",
    "diff.algorithm",
    "remote.fetch",
    "remote.mirror",
    "remote.prune",
    "remote.pushurl",
    "remote.skipdefaultupdate",
    "remote.tagopt",
    "remote.url",
    "submodule.active",
    "submodule.url",
];

/// Names of keys in one line.
const NAMES_MAX: usize = 10;

/// Looks at `.git`, where it is a folder; where it is a file it names a repository elsewhere, and that counts itself.
pub(super) fn look(root: &Root, stop: &Stop, found: &mut Triggers) {
    let Ok(git) = RelPath::parse(".git") else { return };
    match root.stat(&git).ok().flatten().map(|stat| stat.kind) {
        None => return,
        Some(Kind::Folder) => {}
        Some(Kind::File | Kind::Link | Kind::Special) => {
            return take_file(root, ".git", "git works in a repository elsewhere", found);
        }
    }
    let mut hooks = Triggers::new();
    take_folder(root, ".git/hooks", "git runs it as a hook", stop, &mut hooks);
    found.extend(hooks.into_iter().filter(|(name, _)| !name.ends_with(".sample")));
    for name in [".git/config", ".git/config.worktree", ".git/info/attributes"] {
        let Ok(path) = RelPath::parse(name) else { continue };
        let Ok(Some(_)) = root.stat(&path) else { continue };
        let trigger = match root.read(&path) {
            Ok(read) => {
                let running = running(&String::from_utf8_lossy(&read.bytes));
                if running.is_empty() {
                    continue;
                }
                let names: Vec<&str> =
                    running.iter().map(|(name, _)| name.as_str()).take(NAMES_MAX).collect();
                let what = format!("git may run what it says of {}", names.join(", "));
                Trigger { what, digest: Digest::of(format!("{running:?}").as_bytes()) }
            }
            Err(_) => match digest(root, &path) {
                Some(digest) => Trigger { what: "git may run what it says".to_owned(), digest },
                None => continue,
            },
        };
        found.insert(name.to_owned(), trigger);
    }
}

/// Returns the keys, with all that stands behind each, that are not known to run nothing. A text that is no configuration is
/// read line by line all the same: what is not understood counts.
fn running(text: &str) -> Vec<(String, String)> {
    let mut section = String::new();
    let mut found: Vec<(String, String)> = Vec::new();
    let mut goes_on = false;
    for line in text.lines().map(str::trim) {
        if goes_on {
            if let Some((_, value)) = found.last_mut() {
                value.push_str(line);
            }
            goes_on = line.ends_with('\\');
            continue;
        }
        let mut line = line;
        if line.starts_with('[') {
            let (head, rest) = line.split_once(']').unwrap_or((line, ""));
            section = head.trim_start_matches('[').to_lowercase();
            line = rest.trim();
        }
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        let group = section.split(|c: char| c.is_whitespace() || c == '.').next().unwrap_or_default();
        let name = format!("{group}.{}", key.trim().to_lowercase());
        goes_on = line.ends_with('\\');
        // An address may name a program as its transport.
        let harmless = HARMLESS_SECTIONS.contains(&group) || HARMLESS_KEYS.contains(&name.as_str());
        if !harmless || value.contains("::") || goes_on {
            found.push((name, format!("{section}={}", value.trim())));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        running(text).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn keys_that_run_something_are_told_from_those_that_do_not() {
        let usual = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n[remote \"origin\"]\n\turl = \
                     git@example.org:a/b.git\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n[branch \"main\"]\n\tremote = \
                     origin\n\tmerge = refs/heads/main\n[user]\n\tname = Someone\n";
        assert_eq!(names(usual), Vec::<String>::new());
        for (text, name) in [
            ("[core]\n fsmonitor = x", "core.fsmonitor"),
            ("[core] hooksPath = x", "core.hookspath"),
            ("[CORE]\nPAGER=x", "core.pager"),
            ("[alias]\n x = !y", "alias.x"),
            ("[filter \"x\"]\n clean = y", "filter.clean"),
            ("[diff \"x\"]\n textconv = y", "diff.textconv"),
            ("[include]\n path = y", "include.path"),
            ("[remote \"o\"]\n url = ext::sh -c x", "remote.url"),
            ("[remote \"o\"]\n uploadpack = x", "remote.uploadpack"),
            ("[credential \"u\"]\n helper = !x", "credential.helper"),
            ("[user]\n name = a \\\n[core]\nfsmonitor = x", "user.name"),
            ("garbage", ".garbage"),
        ] {
            assert_eq!(names(text), [name], "{text}");
        }
    }
}
