//! What the words of a command name on the disk, counted. Not here: which words (`notes`).
//!
//! It is looked up by names, beneath the folder that the command starts in, with a bound of entries and of time; nothing is opened
//! but folders.
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use globset::{GlobBuilder, GlobMatcher};

use crate::approvals::notes::lex::Word;
use crate::workspace::text::escape;

/// Entries that are looked at for one command.
const ENTRIES_MAX: usize = 10_000;

/// How much may be looked at yet.
#[derive(Debug)]
pub(super) struct Budget {
    entries: usize,
    until: Instant,
}

impl Budget {
    pub(super) const fn until(until: Instant) -> Self {
        Self { entries: ENTRIES_MAX, until }
    }

    /// Takes one entry; `false` when there is nothing left.
    fn take(&mut self) -> bool {
        if self.entries == 0 || Instant::now() > self.until {
            self.entries = 0;
            return false;
        }
        self.entries -= 1;
        true
    }
}

/// What words name.
#[derive(Debug, Default)]
pub(super) struct Found {
    files: usize,
    folders: usize,
    /// Entries within these folders.
    within: usize,
    names: Vec<String>,
    /// Whether there is more than was counted.
    is_cut: bool,
}

impl Found {
    /// Says it in one line.
    pub(super) fn told(&self, names_max: usize) -> String {
        if self.files + self.folders == 0 && !self.is_cut {
            return "nothing of what it names is there".to_owned();
        }
        let plural = |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
        let mut parts = Vec::new();
        if self.files > 0 {
            parts.push(plural(self.files, "file"));
        }
        if self.folders > 0 {
            let within = if self.within > 0 {
                format!(" with {} in it", plural(self.within, "entry").replace("entrys", "entries"))
            } else {
                String::new()
            };
            parts.push(format!("{}{within}", plural(self.folders, "folder")));
        }
        let at_least = if self.is_cut { "at least " } else { "" };
        let mut names: Vec<String> = self.names.iter().take(names_max).cloned().collect();
        if self.names.len() > names_max {
            names.push("…".to_owned());
        }
        format!("{at_least}{}: {}", parts.join(" and "), names.join(", "))
    }

    fn add(&mut self, place: &Path, name: &str, budget: &mut Budget) {
        let Ok(found) = fs::symlink_metadata(place) else { return };
        if !budget.take() {
            self.is_cut = true;
            return;
        }
        if found.is_dir() {
            self.folders += 1;
            self.names.push(format!("{}/", escape(name.trim_end_matches('/'))));
            self.count(place, budget);
        } else {
            self.files += 1;
            self.names.push(escape(name).into_owned());
        }
    }

    fn count(&mut self, folder: &Path, budget: &mut Budget) {
        let mut open = vec![folder.to_owned()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                if !budget.take() {
                    self.is_cut = true;
                    return;
                }
                self.within += 1;
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    open.push(entry.path());
                }
            }
        }
    }
}

/// Adds what a word names.
pub(super) fn find(place: &Path, word: &Word, budget: &mut Budget, found: &mut Found) {
    if !word.is_pattern {
        found.add(&place.join(&word.text), &word.text, budget);
        return;
    }
    let start = if word.text.starts_with('/') { PathBuf::from("/") } else { place.to_owned() };
    let parts: Vec<&str> = word.text.split('/').filter(|part| !part.is_empty()).collect();
    let mut matched = vec![(start, String::new())];
    for part in parts {
        matched = matched
            .into_iter()
            .flat_map(|(folder, name)| within(&folder, &name, part, budget, found))
            .collect();
    }
    for (place, name) in matched {
        found.add(&place, &name, budget);
    }
}

/// Returns the entries of a folder that a part of a pattern matches, with the names that they have.
fn within(
    folder: &Path,
    name: &str,
    part: &str,
    budget: &mut Budget,
    found: &mut Found,
) -> Vec<(PathBuf, String)> {
    let joined = |entry: &str| if name.is_empty() { entry.to_owned() } else { format!("{name}/{entry}") };
    let Some(matcher) = matcher(part) else { return vec![(folder.join(part), joined(part))] };
    let mut matched = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if !budget.take() {
            found.is_cut = true;
            break;
        }
        let entry_name = entry.file_name();
        let shown = entry_name.to_string_lossy();
        // A shell passes over names that begin with a dot, unless the pattern does.
        let is_seen = !shown.starts_with('.') || part.starts_with('.');
        if is_seen && matcher.is_match(Path::new(&entry_name)) {
            matched.push((entry.path(), joined(&shown)));
        }
    }
    matched.sort();
    matched
}

/// Returns what a part of a pattern matches; `None` for a part that is a plain name.
fn matcher(part: &str) -> Option<GlobMatcher> {
    if !part.contains(['*', '?', '[']) {
        return None;
    }
    Some(GlobBuilder::new(part).literal_separator(true).build().ok()?.compile_matcher())
}
