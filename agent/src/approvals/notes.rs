//! What a person should know about a command beside its text: what its words come to, what it removes and overwrites, and what
//! cannot be seen in it. Not here: the decision (`policy`), which none of this changes.
//!
//! It reads the text as a shell would, as far as that is plain, and says where it is not.
mod lex;
mod targets;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::approvals::notes::lex::{Simple, Word, lex};
use crate::approvals::notes::targets::{Budget, Found, find};
use crate::approvals::shell;
use crate::base::deceptive::{is_invisible, steers};
use crate::workspace::text::escape;

/// How long the disk is asked, for all of a command: somebody waits for the question.
const TIME_MAX: Duration = Duration::from_millis(300);

/// Sub-commands that are told of; the rest is counted.
const PROGRAMS_MAX: usize = 12;

/// Names in one sentence; the rest is counted.
const NAMES_MAX: usize = 5;

/// Notes of one kind; a text that makes more of them is not read anyway.
const NOTES_MAX: usize = 12;

/// Characters of a line that a person still reads.
const LINE_MAX: usize = 300;

/// Programs that remove or empty what their words name.
const REMOVING: [&str; 6] = ["rm", "rmdir", "shred", "truncate", "unlink", "trash"];

/// Programs that run what comes after their options and assignments.
const WRAPPING: [&str; 14] = [
    "builtin", "command", "doas", "env", "exec", "ionice", "nice", "nohup", "setsid", "stdbuf", "sudo",
    "time", "timeout", "xargs",
];

/// Returns what to tell about a command, one line each. `path` is written as in `PATH`. Waits for the disk, not for long.
pub(crate) fn notes(command: &str, cwd: &Path, path: &str) -> Vec<String> {
    let mut budget = Budget::until(Instant::now() + TIME_MAX);
    let mut told = unseen(command);
    let commands = lex(command);
    told.extend(programs(&commands, cwd, path));
    let mut place = Some(cwd.to_owned());
    let mut effects = Vec::new();
    for simple in &commands {
        effects.extend(effects_of(simple, place.as_deref(), &mut budget));
        place = moved(simple, place);
        if effects.len() > NOTES_MAX {
            effects.truncate(NOTES_MAX);
            effects.push("and more of that kind".to_owned());
            break;
        }
    }
    told.extend(effects);
    told
}

/// Tells of characters that are not seen or change what is seen, and of lines that nobody reads to their end.
fn unseen(command: &str) -> Vec<String> {
    let is_odd = |c: &char| (steers(*c) && !matches!(c, '\n' | '\t')) || is_invisible(*c);
    let mut odd: Vec<char> = command.chars().filter(is_odd).collect();
    let count = odd.len();
    odd.sort_unstable();
    odd.dedup();
    let mut told = Vec::new();
    if count > 0 {
        let names: Vec<String> =
            odd.iter().take(NAMES_MAX).map(|c| format!("U+{:04X}", u32::from(*c))).collect();
        told.push(format!(
            "beware: {count} characters in it are not seen or change what is seen ({})",
            names.join(", ")
        ));
    }
    let longest = command.lines().map(|line| line.chars().count()).max().unwrap_or_default();
    if longest > LINE_MAX {
        told.push(format!("beware: a line of it is {longest} characters long; read it to its end"));
    }
    told
}

/// Tells which programs the words come to, where there are several or one runs another.
fn programs(commands: &[Simple], cwd: &Path, path: &str) -> Option<String> {
    let mut words: Vec<(&str, bool)> = Vec::new();
    for simple in commands {
        for (depth, start) in simple.programs(&WRAPPING).into_iter().enumerate() {
            let word = &simple.words[start];
            if !words.iter().any(|known| known.0 == word.text) {
                words.push((&word.text, depth > 0 || word.is_unsure));
            }
        }
    }
    if words.len() < 2 {
        return None;
    }
    let more = words.len().saturating_sub(PROGRAMS_MAX);
    let mut told: Vec<String> = words
        .iter()
        .take(PROGRAMS_MAX)
        .map(|(word, is_unsure)| resolved(word, *is_unsure, cwd, path))
        .collect();
    if more > 0 {
        told.push(format!("and {more} more"));
    }
    Some(format!("runs {}", told.join(", ")))
}

fn resolved(word: &str, is_unsure: bool, cwd: &Path, path: &str) -> String {
    let is_program = |place: &PathBuf| place.is_file();
    let found = if word.contains('/') {
        Some(cwd.join(word)).filter(is_program)
    } else {
        path.split(':')
            .filter(|folder| folder.starts_with('/'))
            .map(|folder| Path::new(folder).join(word))
            .find(is_program)
    };
    match found.and_then(|place| place.canonicalize().ok()) {
        Some(place) => escape(&place.to_string_lossy()).into_owned(),
        None if is_unsure => format!("{} (not known)", escape(word)),
        None => format!("{} (the shell's own, or not there)", escape(word)),
    }
}

/// Tells what one command removes and overwrites.
fn effects_of(simple: &Simple, place: Option<&Path>, budget: &mut Budget) -> Vec<String> {
    let mut told = Vec::new();
    if let Some(start) = simple.programs(&WRAPPING).last().copied() {
        let name = shell::program(&simple.words[start].text);
        let targets: Vec<&Word> = simple.words[start + 1..].iter().filter(|word| !word.is_option()).collect();
        if REMOVING.contains(&name) && !targets.is_empty() {
            told.push(format!("{name}: {}", removed(&targets, place, budget)));
        } else if name == "find"
            && simple.words.iter().any(|word| word.text == "-delete" || word.text.starts_with("-exec"))
        {
            told.push("find: what it removes or runs depends on what it finds".to_owned());
        } else if name == "git" && targets.first().is_some_and(|word| word.text == "clean") {
            told.push("git clean: it removes what git does not know".to_owned());
        }
        if simple.words[..start].iter().any(|word| shell::program(&word.text) == "xargs") {
            told.push("xargs: its words come from what the command before it prints".to_owned());
        }
    }
    for target in &simple.outputs {
        told.extend(overwritten(target, place));
    }
    told
}

fn removed(targets: &[&Word], place: Option<&Path>, budget: &mut Budget) -> String {
    let Some(place) = place else {
        return "what it is about cannot be told: the folder it runs in is not known".to_owned();
    };
    if targets.iter().any(|word| word.is_unsure) {
        return "what it is about cannot be told: its words hold more than plain text".to_owned();
    }
    let mut all = Found::default();
    for word in targets {
        find(place, word, budget, &mut all);
    }
    all.told(NAMES_MAX)
}

/// Tells of a file that a redirection empties.
fn overwritten(target: &Word, place: Option<&Path>) -> Option<String> {
    let name = escape(&target.text).into_owned();
    if target.is_unsure || target.is_pattern || place.is_none() {
        return Some(format!("overwrites {name}: whether that is there cannot be told"));
    }
    let found = place?.join(&target.text).metadata().ok().filter(std::fs::Metadata::is_file)?;
    (found.len() > 0).then(|| format!("overwrites {name} ({} bytes)", found.len()))
}

/// Returns the folder after a command; `None` where it cannot be told.
fn moved(simple: &Simple, place: Option<PathBuf>) -> Option<PathBuf> {
    let Some(first) = simple.words.first() else { return place };
    match (first.text.as_str(), simple.words.get(1)) {
        ("cd", Some(word)) if !word.is_unsure && !word.is_pattern && !word.is_option() => {
            Some(place?.join(&word.text)).filter(|place| place.is_dir())
        }
        ("cd" | "pushd" | "popd", _) => None,
        _ => place,
    }
}

#[cfg(test)]
mod tests;
