//! Programs that run what their arguments say, and how that is told. Not here: their names, which are data
//! (`agent/data/programs.toml`), and what follows from it.
use std::collections::HashSet;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::approvals::shell::program;

/// The table of names; what each list is stands there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    wrappers: HashSet<String>,
    run_input: HashSet<String>,
    interpreters: HashSet<String>,
    always_text: HashSet<String>,
    keywords: HashSet<String>,
    options: Vec<String>,
    git_plain: Vec<String>,
}

/// `None` for a table that does not parse, which then makes everything doubtful; a test reads it.
static TABLE: LazyLock<Option<Table>> =
    LazyLock::new(|| toml::from_str(include_str!("../../../data/programs.toml")).ok());

/// Why it cannot be said what a command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Doubt {
    /// The reason, behind "it cannot be told …:".
    pub(super) why: &'static str,
    /// Whether what runs need not stand in the text at all.
    pub(super) hides_words: bool,
}

const RUNS_ANOTHER: Doubt = Doubt { why: "it runs another command", hides_words: false };
const RUNS_INPUT: Doubt = Doubt { why: "it runs what it reads", hides_words: true };
const RUNS_TEXT: Doubt = Doubt { why: "it runs a program given as text", hides_words: true };
const GRAMMAR: Doubt = Doubt { why: "it uses the shell's own grammar", hides_words: false };
const TAKES_PROGRAM: Doubt = Doubt { why: "one of its options names a program", hides_words: true };

/// Returns why it cannot be said what a command runs; `None` where its first word is the program and nothing else runs.
pub(super) fn doubt(words: &[String]) -> Option<Doubt> {
    let (first, arguments) = words.split_first()?;
    let named = program(first);
    let bare = named.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'));
    let name = if bare.is_empty() { named } else { bare };
    let Some(table) = TABLE.as_ref() else { return Some(RUNS_TEXT) };
    let is = |names: &HashSet<String>| names.contains(name) || names.contains(named);
    if is(&table.keywords) {
        return Some(GRAMMAR);
    }
    if is(&table.run_input) {
        return Some(RUNS_INPUT);
    }
    if is(&table.always_text) || (is(&table.interpreters) && is_given_text(arguments)) {
        return Some(RUNS_TEXT);
    }
    // The loader runs its first argument, under whatever version it has.
    if is(&table.wrappers) || named.starts_with("ld-linux") || named.starts_with("ld.so") {
        return Some(RUNS_ANOTHER);
    }
    let options = match name {
        "git" => git(arguments, &table.git_plain),
        "sed" | "gsed" => arguments.iter().any(|word| !is_plain_sed(word)),
        "tar" | "bsdtar" | "gtar" => short_option(arguments, &['I', 'F']),
        "man" => short_option(arguments, &['P', 'H']),
        "nc" | "ncat" | "netcat" => short_option(arguments, &['e', 'c']),
        "rsync" | "zip" | "scp" | "sftp" => short_option(arguments, &['e', 'T', 'o', 'S']),
        "npm" | "pnpm" | "yarn" => {
            arguments.iter().any(|word| ["exec", "x", "dlx", "explore"].contains(&word.as_str()))
        }
        _ => false,
    };
    let program_option = |word: &String| table.options.iter().any(|option| word.starts_with(option.as_str()));
    (options || arguments.iter().any(program_option)).then_some(TAKES_PROGRAM)
}

/// Whether an interpreter is given its program among its arguments, or on its standard input. A script run by its name
/// is as clear as any program.
fn is_given_text(arguments: &[String]) -> bool {
    const WORDS: &[&str] = &["eval", "repl", "exec", "x", "dlx", "-"];
    let is_program = |word: &String| match word.strip_prefix("--") {
        Some(long) => ["eval", "print", "exec", "command", "init"].iter().any(|flag| long.starts_with(flag)),
        None if word.starts_with('-') => word.contains(['c', 'e', 'E', 'p', 'r', 's', 'f']),
        None => word.contains(char::is_whitespace) || word.contains('=') || WORDS.contains(&word.as_str()),
    };
    let is_input = |word: &String| word.starts_with("/dev/") || word.starts_with("/proc/");
    arguments.is_empty() || arguments.iter().any(|word| is_program(word) || is_input(word))
}

/// Whether git is told to run something: configuration in its options, a subcommand that is not plain, or a transport
/// that is a program.
fn git(arguments: &[String], plain: &[String]) -> bool {
    let mut rest = arguments.iter().map(String::as_str);
    let subcommand = loop {
        match rest.next() {
            // Where it works, and how it prints, runs nothing.
            Some("-C" | "--git-dir" | "--work-tree" | "--namespace") => drop(rest.next()),
            Some("--no-pager" | "-P" | "--bare" | "--literal-pathspecs" | "--no-optional-locks") => {}
            Some(word) if word.starts_with("--git-dir=") || word.starts_with("--work-tree=") => {}
            Some(word) if word.starts_with('-') => return !matches!(word, "--version" | "--help"),
            Some(word) => break word,
            None => return false,
        }
    };
    let runs = |word: &str| {
        word.contains("::")
            || word.starts_with("-O")
            || (subcommand != "commit" && subcommand != "merge" && word.starts_with("-x"))
    };
    !plain.iter().any(|one| one == subcommand) || rest.any(runs)
}

fn short_option(arguments: &[String], letters: &[char]) -> bool {
    arguments.iter().any(|word| word.starts_with('-') && !word.starts_with("--") && word.contains(letters))
}

/// Whether a word of sed's is an option, a file, or a script that only prints, deletes and replaces: sed has a command
/// that runs programs, and a flag of replacing that does.
fn is_plain_sed(word: &str) -> bool {
    if let Some(options) = word.strip_prefix('-') {
        return options.chars().all(|c| "nErisuz-".contains(c)) || options.starts_with("i.");
    }
    let mut signs = word.chars();
    if let (Some('s'), Some(delimiter)) = (signs.next(), signs.next())
        && !delimiter.is_alphanumeric()
    {
        let parts: Vec<&str> = word[1 + delimiter.len_utf8()..].split(delimiter).collect();
        return matches!(parts.as_slice(), [_, _, flags] if flags.chars().all(|c| c.is_ascii_digit() || "gpiI".contains(c)));
    }
    // `3p`, `1,10d`, `$d`; and names of files, in which neither a sign nor a blank begins a command.
    let is_script = word.chars().all(|c| c.is_ascii_digit() || "$,pdq=".contains(c));
    let is_name = word.contains(['.', '/', '_', '-'])
        && word.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '.')
        && !word.starts_with(|c: char| c.is_ascii_digit() || c == 'e')
        && word.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
    is_script || is_name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(text: &str) -> Option<Doubt> {
        doubt(&text.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn programs_that_run_others_are_told_from_those_that_do_not() {
        let table = TABLE.as_ref().unwrap();
        for name in
            table.wrappers.iter().chain(&table.run_input).chain(&table.always_text).chain(&table.keywords)
        {
            assert!(why(&format!("{name} x")).is_some(), "{name}");
        }
        for text in [
            "find . -name *.rs",
            "git -C a log -5",
            "git commit -m x",
            "git",
            "sed -n 1,5p src/a.rs",
            "sed -i s/a/b/g src/a.rs",
            "tar -xzf a.tgz",
            "python3 -m pytest tests",
            "make test",
            "npm test",
            "cargo test --workspace",
        ] {
            assert_eq!(why(text), None, "{text}");
        }
        for text in [
            "find . -exec x",
            "git -c a=b log",
            "git bisect run x",
            "git clone ext::x",
            "git grep -Ox y",
            "sed 1e a.rs",
            "sed s/a/b/e a",
            "sed -f x",
            "tar -I x -cf a b",
            "python3 -c x",
            "python3",
            "make -f -",
            "npm exec x",
            "/lib64/ld-linux-x86-64.so.2 x",
            "python3.11 -c x",
        ] {
            assert!(why(text).is_some(), "{text}");
        }
    }
}
