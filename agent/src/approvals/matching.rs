//! Whether a rule matches an action. Not here: what follows from it (`policy`).
//!
//! A rule that allows must cover the whole of an action, to the letter. A rule that asks or denies is read broadly: it
//! matches when it covers any part, in any spelling and order of options that means the same to most programs.
use std::cell::LazyCell;
use std::collections::BTreeMap;

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
            if !rules.iter().any(|rule| matches!(rule.pattern(), Pattern::Command(_))) {
                return None;
            }
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
    let commands = LazyCell::new(|| Commands::of(analysis));
    rules.iter().find(|rule| match (rule.pattern(), action) {
        (Pattern::Read(glob), Action::Read { paths }) | (Pattern::Write(glob), Action::Write { paths }) => {
            any_path(paths, &|path| glob.matches_folded(path))
        }
        // A rule about every host beneath one means that one too: it is a name of the same people.
        (Pattern::Network(wanted), Action::Network { hosts }) => hosts
            .iter()
            .any(|host| is_host(wanted, host) || wanted.strip_prefix("*.").is_some_and(|top| top == host)),
        (Pattern::Command(pattern), Action::Command { .. }) => commands.any_resembles(pattern),
        (Pattern::Read(_) | Pattern::Write(_) | Pattern::Command(_) | Pattern::Network(_), _) => false,
    })
}

/// Commands by their first word: a text may name thousands, and a rule is about one program.
struct Commands<'a>(BTreeMap<&'a str, Vec<&'a Words>>);

impl<'a> Commands<'a> {
    fn of(analysis: &'a Analysis) -> Self {
        let mut commands: BTreeMap<&str, Vec<&Words>> = BTreeMap::new();
        for words in analysis.commands.iter().chain(&analysis.suspected) {
            if let Some(first) = words.first() {
                commands.entry(first).or_default().push(words);
            }
        }
        Self(commands)
    }

    fn any_resembles(&self, pattern: &[String]) -> bool {
        let Some(program) = pattern.first() else { return false };
        let mut named = self.0.iter().filter(|(first, _)| names(program, first));
        named.any(|(_, commands)| commands.iter().any(|words| resembles(pattern, words)))
    }
}

/// Whether a word is the program that a pattern begins with, wherever it lies.
fn names(program: &str, first: &str) -> bool {
    wildcard(program, first) || wildcard(program, shell::program(first))
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
    let (Some((program, rest)), Some((first, given))) = (pattern.split_first(), words.split_first()) else {
        return false;
    };
    if !names(program, first) {
        return false;
    }
    let is_option = |word: &&String| word.len() > 1 && word.starts_with('-');
    let mut plain = given.iter().filter(|word| !is_option(word));
    let mut positions = rest.iter().filter(|word| !is_option(word)).peekable();
    while let Some(position) = positions.next() {
        let is_rest = position == "*" && positions.peek().is_none();
        if !is_rest && !plain.next().is_some_and(|word| wildcard(position, word)) {
            return false;
        }
    }
    let options = || given.iter().take_while(|word| *word != "--").filter(is_option);
    rest.iter().filter(is_option).all(|option| has_option(option, &options().collect::<Vec<_>>()))
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

/// Whether a word fits a pattern in which `*` is any text and `?` any character. Bounded by the product of the lengths in time;
/// both are short.
pub(super) fn wildcard(pattern: &str, word: &str) -> bool {
    let (mut pattern, mut word) = (pattern.chars(), word.chars());
    // What stands behind the last `*`, and where in the word that was tried.
    let mut star = None;
    loop {
        let (behind, rest) = (pattern.clone(), word.clone());
        match (pattern.next(), word.next()) {
            (Some('*'), _) => {
                star = Some((pattern.clone(), rest.clone()));
                word = rest;
            }
            (None, None) => return true,
            (Some(c), Some(w)) if c == '?' || c == w => {}
            (_, None) => return behind.clone().all(|c| c == '*'),
            (_, Some(_)) => {
                let Some((again, from)) = &mut star else { return false };
                from.next();
                (pattern, word) = (again.clone(), from.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests;
