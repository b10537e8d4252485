//! The narrow pattern that "always" offers. Not here: whether a grant may be offered at all (`Decision::grantable`).
use crate::approvals::Action;
use crate::approvals::shell;
use crate::config::rule::{Pattern, Rule};

/// Programs with subcommands of which any argument is about as harmless as none.
const WITH_SUBCOMMANDS: &[(&str, &[&str])] = &[
    ("cargo", &["build", "check", "clippy", "doc", "fmt", "metadata", "nextest", "test", "tree"]),
    ("deno", &["check", "fmt", "lint", "test"]),
    ("dotnet", &["build", "format", "test"]),
    ("git", &["blame", "diff", "log", "ls-files", "rev-parse", "shortlog", "show", "status"]),
    ("go", &["build", "doc", "fmt", "list", "test", "vet"]),
    ("npm", &["test"]),
    ("pnpm", &["test"]),
    ("yarn", &["test"]),
];

/// Returns the pattern that would allow the action and little more; `None` where there is none that a person could
/// judge: a command that is not plain, or several things at once.
pub(crate) fn propose_pattern(action: &Action) -> Option<String> {
    match action {
        Action::Read { paths } => one(paths).and_then(|path| path_pattern("read", &path.to_wire().0)),
        Action::Write { paths } => one(paths).and_then(|path| path_pattern("write", &path.to_wire().0)),
        Action::Network { hosts } => one(hosts).map(|host| format!("net:{host}")),
        Action::Command { command, .. } => command_pattern(command),
    }
    .filter(|pattern| Rule::parse(pattern).is_ok())
}

fn one<T>(items: &[T]) -> Option<&T> {
    match items {
        [item] => Some(item),
        _ => None,
    }
}

fn path_pattern(kind: &str, path: &str) -> Option<String> {
    if path.is_empty() || path.trim() != path {
        return None;
    }
    let escaped: String = path.chars().fold(String::new(), |mut escaped, c| {
        if matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '\\' | '!') {
            escaped.push('\\');
        }
        escaped.push(c);
        escaped
    });
    Some(format!("{kind}:{escaped}"))
}

fn command_pattern(command: &str) -> Option<String> {
    let analysis = shell::analyse(command);
    let words = analysis.commands.first().filter(|_| analysis.is_plain && analysis.unsure.is_none())?;
    // A word with white space cannot be written in a pattern, and one with a star would mean more than it says.
    if words
        .iter()
        .any(|word| word.is_empty() || word.contains(|c: char| c.is_whitespace() || "*?".contains(c)))
    {
        return None;
    }
    let known = |program: &str, subcommand: &str| {
        WITH_SUBCOMMANDS
            .iter()
            .any(|(name, subcommands)| *name == program && subcommands.contains(&subcommand))
    };
    let pattern = match words.as_slice() {
        [program, subcommand, _, ..] if known(program, subcommand) => format!("{program} {subcommand} *"),
        words => words.join(" "),
    };
    // A program called `read:x` must not turn into a rule about reading.
    let is_command = |text: &str| {
        matches!(Rule::parse(text).ok().map(|rule| rule.pattern().clone()), Some(Pattern::Command(words))
            if words.first().is_some_and(|first| text.starts_with(first.as_str())))
    };
    Some(if is_command(&pattern) { pattern } else { format!("shell:{pattern}") })
}

#[cfg(test)]
mod tests;
