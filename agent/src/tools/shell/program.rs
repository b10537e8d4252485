//! Which program a command would start, for people and for the digest. Not here: starting it.
use std::path::{Path, PathBuf};

use rustix::fs::Access;

use crate::process::Launch;

/// Returns the program that the first word of a command names, as an absolute path, or the shell's where that cannot be told:
/// the word is a part of the shell's language, a builtin, or nothing.
pub(super) fn program(command: &str, launch: &Launch) -> String {
    let shell = launch.argv.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
    let found = first_word(command).and_then(|word| look_up(word, launch));
    found.map_or(shell, |path| path.to_string_lossy().into_owned())
}

/// Returns the first word, if the shell would do nothing with it.
fn first_word(command: &str) -> Option<&str> {
    let word = command.split_whitespace().next()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./+".contains(&byte);
    word.bytes().all(is_plain).then_some(word)
}

fn look_up(word: &str, launch: &Launch) -> Option<PathBuf> {
    if word.contains('/') {
        return Some(launch.cwd.join(word)).filter(|path| is_program(path));
    }
    let path = launch.env.get("PATH")?;
    path.split(':').map(|folder| Path::new(folder).join(word)).find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    use super::*;
    use crate::process::Bounds;

    #[test]
    fn the_first_word_is_found_on_the_path_of_the_command() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for (name, mode) in [("runs", 0o755), ("does-not", 0o644)] {
            std::fs::write(at(name), "").unwrap();
            std::fs::set_permissions(at(name), std::fs::Permissions::from_mode(mode)).unwrap();
        }
        std::fs::create_dir(at("folder")).unwrap();
        let launch = Launch {
            argv: vec!["/bin/sh".into()],
            cwd: folder.path().to_owned(),
            env: BTreeMap::from([("PATH".to_owned(), format!("/nowhere:{}", folder.path().display()))]),
            timeout: Duration::ZERO,
            output_bytes_max: 0,
            record_path: None,
            layer: None,
            beside: Vec::new(),
            terminal: None,
            helper: None,
            way_out: None,
            bounds: Bounds::default(),
        };
        let check = |command: &str, expected: Option<&str>| {
            let expected = expected.map_or("/bin/sh".to_owned(), |name| at(name).display().to_string());
            assert_eq!(program(command, &launch), expected, "{command}");
        };
        check("runs -l", Some("runs"));
        check("../nowhere/x", None);
        check("./runs", Some("./runs"));
        check("cd x && runs", None);
        check("A=b runs", None);
        check("$x", None);
        check("does-not", None);
        check("./does-not", None);
        check("./folder", None);
    }
}
