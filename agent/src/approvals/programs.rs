//! Which programs a command's first words come to, links followed: a link named `tool` may be any program. Not here: starting
//! one, and the digest of what an approval allows.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::approvals::shell;

/// Words that are looked up; whoever writes more of them in one command is asked for other reasons.
const WORDS_MAX: usize = 64;

/// Programs by the word that names them, where that is another name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Programs(BTreeMap<String, String>);

impl Programs {
    /// Looks up the first words of all commands of the text, from the folder `cwd` and in the folders of `path`, which is
    /// written as in `PATH`. It waits for the disk.
    pub(crate) fn find(command: &str, cwd: &Path, path: &str) -> Self {
        let analysis = shell::analyse(command);
        let mut found = BTreeMap::new();
        let mut seen = std::collections::BTreeSet::new();
        for word in analysis.commands.iter().chain(&analysis.suspected).filter_map(|words| words.first()) {
            if seen.len() >= WORDS_MAX {
                break;
            }
            if seen.insert(word.clone())
                && let Some(real) = real(word, cwd, path)
                && shell::program(&real) != shell::program(word)
            {
                found.insert(word.clone(), real);
            }
        }
        Self(found)
    }

    /// Returns the program that a word comes to, where that has another name.
    pub(crate) fn behind(&self, word: &str) -> Option<&str> {
        self.0.get(word).map(String::as_str)
    }
}

fn real(word: &str, cwd: &Path, path: &str) -> Option<String> {
    let is_program = |place: &PathBuf| place.is_file();
    let place = if word.contains('/') {
        Some(cwd.join(word)).filter(is_program)
    } else {
        path.split(':').map(|folder| cwd.join(folder).join(word)).find(is_program)
    };
    Some(place?.canonicalize().ok()?.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_the_program_it_leads_to() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap();
        std::fs::write(root.join("real"), "").unwrap();
        std::os::unix::fs::symlink("real", root.join("tool")).unwrap();
        let programs = Programs::find("./tool a; tool b; real c; ./absent", &root, "/nowhere:.");
        let real = root.join("real").display().to_string();
        assert_eq!(
            (programs.behind("./tool"), programs.behind("tool")),
            (Some(real.as_str()), Some(real.as_str()))
        );
        assert_eq!((programs.behind("real"), programs.behind("./absent")), (None, None));
    }
}
