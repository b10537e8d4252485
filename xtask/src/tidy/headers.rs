//! Every file says at its head what it is.
//!
//! Not here: the `Imports:` line (`layers`).

use super::Finding;
use super::source::SourceFile;

/// Finds files that do not open with `//!` and a sentence.
pub(crate) fn check(sources: &[SourceFile]) -> Vec<Finding> {
    let silent = sources.iter().filter(|file| file.header().next().is_none_or(str::is_empty));
    silent.map(|file| Finding::new(&file.path, 1, "opens without `//!` and what the file is")).collect()
}

/// Finds `mod.rs`: a module `foo` is `foo.rs` beside `foo/`.
pub(crate) fn check_layout(paths: &[String]) -> Vec<Finding> {
    let old = paths.iter().filter(|path| path.ends_with("/mod.rs"));
    old.map(|path| Finding::new(path, 0, "is a mod.rs; name it after its module, beside the folder"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_file_is_found() {
        let sources = [
            SourceFile::new("a.rs", "//! Says it.\n"),
            SourceFile::new("b.rs", "//!\n"),
            SourceFile::new("c.rs", "fn c() {}\n"),
        ];
        let found = check(&sources);
        assert_eq!(found.iter().map(|finding| finding.path.as_str()).collect::<Vec<_>>(), ["b.rs", "c.rs"]);
    }

    #[test]
    fn a_mod_file_is_found() {
        let paths = ["agent/src/wire/mod.rs".to_owned(), "agent/src/wire/mode.rs".to_owned()];
        assert_eq!(check_layout(&paths).len(), 1);
    }
}
