//! The prompt: words of the command line with the files they mention, and text on standard input. Not here: sending it.
use std::io::Read as _;

use tenon_protocol::content::Content;

use crate::cli::failure::Failure;
use crate::cli::run::mentions;
use crate::cli::surroundings::Surroundings;

/// The most that is read from standard input, in bytes; content of a message is carried whole up to 1 MiB.
const STDIN_BYTES_MAX: u64 = 1024 * 1024;

/// Whose session a prompt is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// One of the workspace that the command works in.
    Own,
    /// One that somebody named: it may be of another workspace.
    Named,
}

/// Returns whether standard input is part of the prompt.
pub(crate) fn reads_stdin(words: &[String], stdin: bool) -> bool {
    stdin || matches!(words, [word] if word == "-")
}

/// Puts the prompt together; reads standard input only where it was asked for. Files are mentioned in the words alone: what comes
/// over standard input is nobody's wish.
///
/// # Errors
/// There is no prompt, no workspace, or standard input is no text or too long.
pub(crate) fn read(
    words: &[String],
    stdin: bool,
    surroundings: &Surroundings,
    whose: Whose,
) -> Result<Vec<Content>, Failure> {
    let added = if reads_stdin(words, stdin) { Some(read_stdin()?) } else { None };
    let prompt = join(words, added.as_deref());
    if prompt.is_empty() {
        return Err(Failure::usage("there is no prompt")
            .hint("give it as words, or as text on standard input: `tenon run -`"));
    }
    let (directory, workspace) = (&surroundings.directory, surroundings.workspace()?);
    let files = mentions::files(&words.join(" "), directory, &workspace, whose);
    Ok(std::iter::once(Content::text(prompt)).chain(files).collect())
}

fn read_stdin() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .take(STDIN_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .map_err(|error| Failure::usage(format!("standard input cannot be read: {error}")))?;
    if u64::try_from(text.len()).is_ok_and(|length| length > STDIN_BYTES_MAX) {
        return Err(Failure::usage("standard input is longer than 1 MiB")
            .hint("put it into a file and name the file in the prompt"));
    }
    Ok(text)
}

fn join(words: &[String], added: Option<&str>) -> String {
    let words = match (words, added) {
        ([word], Some(_)) if word == "-" => String::new(),
        _ => words.join(" "),
    };
    let parts = [words.trim(), added.unwrap_or_default().trim_end()];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.trim().is_empty()).collect();
    parts.join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &[&str], added: Option<&str>) -> String {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        join(&words, added)
    }

    #[test]
    fn words_are_joined_and_input_is_added() {
        assert_eq!(check(&["fix", "the", "test"], None), "fix the test");
        assert_eq!(check(&["explain"], Some("a\nb\n")), "explain\n\na\nb");
        assert_eq!(check(&["-"], Some("  indented\n")), "  indented");
        assert_eq!(check(&["-"], None), "-");
        assert_eq!(check(&[], Some("\n")), "");
    }
}
