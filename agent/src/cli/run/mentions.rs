//! Files that a prompt mentions go along with it as files. Not here: how a mention is written (`base::mention`).
//!
//! A name is looked for where the command works, then in the workspace. What names nothing there stays what it is: text. A session
//! that is named may be of another workspace: there files go by their whole path, and the agent says if they are not its own.
use std::path::Path;

use tenon_protocol::content::Content;

use crate::base::mention;
use crate::cli::run::prompt::Whose;

/// Files that go along with one prompt: more would leave no room for anything else.
const FILES_MAX: usize = 64;

/// Returns the files that a text mentions, each once: relative to the workspace, or by their whole path.
pub(super) fn files(text: &str, directory: &Path, workspace: &Path, whose: Whose) -> Vec<Content> {
    let mut files = Vec::new();
    for mention in mention::find(text) {
        let found = [directory, workspace].iter().find_map(|from| {
            let path = from.join(&mention.path);
            match whose {
                Whose::Own => within(workspace, &path),
                Whose::Named => whole(&path),
            }
        });
        if let Some(path) = found {
            let file = Content::File { path, range: None };
            if !files.contains(&file) && files.len() < FILES_MAX {
                files.push(file);
            }
        }
    }
    files
}

/// Returns the name of what is there relative to the workspace, if it has one.
fn within(workspace: &Path, path: &Path) -> Option<String> {
    let real = path.canonicalize().ok()?;
    let name = real.strip_prefix(workspace.canonicalize().ok()?).ok()?;
    name.to_str().filter(|name| !name.is_empty()).map(str::to_owned)
}

/// Returns the real path of what is there.
fn whole(path: &Path) -> Option<String> {
    path.canonicalize().ok()?.to_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_there_goes_along_and_the_rest_is_text() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("work");
        fs::create_dir_all(root.join("src/deep")).unwrap();
        for name in ["a.rs", "src/a.rs", "src/my notes", "../outside"] {
            fs::write(root.join(name), "").unwrap();
        }
        let check = |text: &str| {
            let files = serde_json::to_value(files(text, &root.join("src"), &root, Whose::Own)).unwrap();
            let names =
                files.as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap().to_owned());
            names.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(check("see @a.rs, @src/a.rs and @deep/."), "src/a.rs src/deep");
        assert_eq!(check("@\"my notes\" @../a.rs"), "src/my notes a.rs");
        let named = files("@a.rs", &root, &root, Whose::Named);
        let whole = root.canonicalize().unwrap().join("a.rs").display().to_string();
        assert_eq!(named, [Content::File { path: whole, range: None }]);
        assert_eq!(check("@none @../../outside @/etc/passwd me@a.rs @../"), "");
    }
}
