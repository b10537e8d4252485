//! Whether a rule matches an action. Not here: what follows from it (`policy`).
//!
//! A rule that allows must cover the whole of an action, to the letter. A rule that asks or denies is read broadly: it
//! matches when it covers any part, in any spelling and order of options that means the same to most programs.
use crate::approvals::Action;
use crate::approvals::shell::{self, Analysis, Words};
use crate::config::rule::{Pattern, Rule};
use crate::workspace::path::RelPath;

/// Returns a rule that allows, where the rules together cover every part of the action.
pub(crate) fn allowing<'a>(rules: &[&'a Rule], action: &Action) -> Option<&'a Rule> {
    let all = |covers: &dyn Fn(&Rule, &str) -> bool, parts: Vec<String>| {
        let covering = |part: &String| rules.iter().copied().find(|rule| covers(rule, part));
        let found: Vec<Option<&Rule>> = parts.iter().map(covering).collect();
        if found.iter().all(Option::is_some) { found.into_iter().flatten().next() } else { None }
    };
    match action {
        Action::Read { paths } => all(
            &|rule, path| matches!(rule.pattern(), Pattern::Read(glob) if glob.matches(path)),
            paths.iter().map(text).collect(),
        ),
        Action::Write { paths } => all(
            &|rule, path| matches!(rule.pattern(), Pattern::Write(glob) if glob.matches(path)),
            paths.iter().map(text).collect(),
        ),
        Action::Network { hosts } => all(
            &|rule, host| matches!(rule.pattern(), Pattern::Network(wanted) if is_host(wanted, host)),
            hosts.clone(),
        ),
        Action::Command { command, .. } => {
            let analysis = shell::analyse(command);
            if analysis.unsure.is_some() {
                return None;
            }
            let covering = |words: &Words| {
                let covers = |rule: &&Rule| matches!(rule.pattern(), Pattern::Command(pattern) if covers(pattern, words));
                rules.iter().copied().find(covers)
            };
            // Each of its commands, or none.
            let found: Option<Vec<&Rule>> = analysis.commands.iter().map(covering).collect();
            found.and_then(|rules| rules.into_iter().next())
        }
    }
}

/// Returns a rule that restricts, where any rule covers any part of the action. `analysis` is that of the command, if
/// the action is one.
pub(crate) fn restricting<'a>(rules: &'a [Rule], action: &Action, analysis: &Analysis) -> Option<&'a Rule> {
    let any_path =
        |paths: &[RelPath], matches: &dyn Fn(&str) -> bool| paths.iter().any(|path| matches(&text(path)));
    rules.iter().find(|rule| match (rule.pattern(), action) {
        (Pattern::Read(glob), Action::Read { paths }) | (Pattern::Write(glob), Action::Write { paths }) => {
            any_path(paths, &|path| glob.matches_folded(path))
        }
        // A rule about every host beneath one means that one too: it is a name of the same people.
        (Pattern::Network(wanted), Action::Network { hosts }) => hosts
            .iter()
            .any(|host| is_host(wanted, host) || wanted.strip_prefix("*.").is_some_and(|top| top == host)),
        (Pattern::Command(pattern), Action::Command { .. }) => {
            analysis.commands.iter().chain(&analysis.suspected).any(|words| resembles(pattern, words))
        }
        (Pattern::Read(_) | Pattern::Write(_) | Pattern::Command(_) | Pattern::Network(_), _) => false,
    })
}

/// Whether a rule's host covers a host, to the letter: itself, every host beneath it, or every host.
fn is_host(wanted: &str, host: &str) -> bool {
    match wanted.strip_prefix("*.") {
        Some(top) => host.strip_suffix(top).is_some_and(|below| below.len() > 1 && below.ends_with('.')),
        None => wanted == "*" || wanted == host,
    }
}

/// The path as rules see it.
fn text(path: &RelPath) -> String {
    path.to_wire().0.into_owned()
}

/// Whether a pattern covers all of the words, each to the letter.
fn covers(pattern: &[String], words: &[String]) -> bool {
    match (pattern.split_last(), words.len()) {
        (Some((last, fixed)), count) if last == "*" && !fixed.is_empty() => {
            count >= fixed.len() && fixed.iter().zip(words).all(|(pattern, word)| wildcard(pattern, word))
        }
        (_, count) => count == pattern.len() && pattern.iter().zip(words).all(|(p, word)| wildcard(p, word)),
    }
}

/// Whether the words do what a restricting pattern means: the same program wherever it lies, the pattern's other words
/// in front, its options anywhere, short ones in any grouping. More words than the pattern has do not free it.
pub(super) fn resembles(pattern: &[String], words: &[String]) -> bool {
    let (Some((program, rest)), Some(first)) = (pattern.split_first(), words.first()) else { return false };
    let named = wildcard(program, first) || wildcard(program, shell::program(first));
    if !named {
        return false;
    }
    let is_option = |word: &&String| word.len() > 1 && word.starts_with('-');
    let given = || words.iter().skip(1).take_while(|word| *word != "--").filter(is_option);
    let wanted = rest.iter().filter(is_option);
    let plain: Vec<&String> = words.iter().skip(1).filter(|word| !is_option(word)).collect();
    let mut positions = rest.iter().filter(|word| !is_option(word)).peekable();
    let mut at = 0;
    while let Some(position) = positions.next() {
        let is_rest = position == "*" && positions.peek().is_none();
        if !is_rest && !plain.get(at).is_some_and(|word| wildcard(position, word)) {
            return false;
        }
        at += 1;
    }
    wanted.into_iter().all(|option| has_option(option, &given().collect::<Vec<_>>()))
}

/// Whether the options given hold the wanted one; short options may be grouped in any way.
fn has_option(wanted: &str, given: &[&String]) -> bool {
    if given.iter().any(|option| wildcard(wanted, option) || option.starts_with(&format!("{wanted}="))) {
        return true;
    }
    let letters =
        wanted.strip_prefix('-').filter(|letters| !letters.starts_with('-') && !letters.contains('*'));
    letters.is_some_and(|letters| {
        letters.chars().all(|letter| given.iter().any(|option| has_letter(option, letter)))
    })
}

/// Whether an option is the letter, alone, in a group, or in the long form that most programs use for it.
fn has_letter(option: &str, letter: char) -> bool {
    let long = match letter {
        'r' | 'R' => "recursive",
        'f' => "force",
        _ => "",
    };
    match option.strip_prefix("--") {
        // GNU programs take any unique beginning of a long option.
        Some(name) => !long.is_empty() && name.len() >= 2 && long.starts_with(name),
        None => option.contains(letter) || (letter == 'r' && option.contains('R')),
    }
}

/// Whether a word fits a pattern in which `*` is any text and `?` any character. Linear in space, bounded by the
/// product of the lengths in time; both are short.
pub(super) fn wildcard(pattern: &str, word: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let word: Vec<char> = word.chars().collect();
    let (mut p, mut w, mut star) = (0, 0, None);
    while w < word.len() {
        if pattern.get(p) == Some(&'*') {
            star = Some((p, w));
            p += 1;
        } else if pattern.get(p).is_some_and(|c| *c == '?' || *c == word[w]) {
            p += 1;
            w += 1;
        } else if let Some((at, from)) = star {
            star = Some((at, from + 1));
            p = at + 1;
            w = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests;
