//! What a shell command's text seems to run, told conservatively. Not here: what follows from it (`policy`).
//!
//! Only plain words, quotes, the separators between commands, and redirections that write nowhere are understood.
//! Everything else that means something to a shell makes the analysis unsure; the command is then also taken apart
//! crudely, so that a denial still sees whatever might run. Unsure is never a way to be allowed. Time and space are
//! linear in the text, and nothing recurses but `sh -c` inside `sh -c`, up to a bound.
mod programs;
mod scan;

use crate::approvals::Programs;
use crate::approvals::shell::programs::Doubt;
use crate::approvals::shell::scan::Scanner;

/// Longest command that is taken apart, in bytes; a longer one is unsure.
const COMMAND_BYTES_MAX: usize = 64 * 1024;

/// Words of a suspected command that are kept; rules are far shorter.
pub(crate) const WORDS_MAX: usize = 64;

/// How deep commands inside commands (`sh -c`) are followed.
const DEPTH_MAX: u8 = 4;

/// Tails of words that are looked at, in the commands of a text and once more in the crude readings of it. Whoever writes more of
/// them has something to hide, and is asked about anyway.
const TAILS_MAX: usize = 2000;

/// The words of one command, quotes removed.
pub(crate) type Words = Vec<String>;

/// What is known about a command's text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Analysis {
    /// Every command that the text names, in order.
    pub(crate) commands: Vec<Words>,
    /// Further readings, where the text is unsure: none of them may run, but each could.
    pub(crate) suspected: Vec<Words>,
    /// Why it cannot be said what runs; `None` where `commands` is the whole truth.
    pub(crate) unsure: Option<&'static str>,
    /// Whether words may be others than the text shows: the path or the host that a rule is about need not stand there.
    pub(crate) hides_words: bool,
    /// Whether it is one command of plain words and nothing else: only for such a one is a pattern offered.
    pub(crate) is_plain: bool,
}

impl Analysis {
    /// Returns the analysis with each command also read as the program that its first word comes to.
    pub(crate) fn with_programs(mut self, known: &Programs) -> Self {
        let read = |words: &Words| {
            let real = known.behind(words.first()?)?;
            Some(std::iter::once(real.to_owned()).chain(words[1..].iter().take(WORDS_MAX).cloned()).collect())
        };
        let also: Vec<Words> = self.commands.iter().chain(&self.suspected).filter_map(read).collect();
        for words in &also {
            if let Some(Doubt { why, hides_words }) = programs::doubt(words) {
                self.unsure = self.unsure.or(Some(why));
                self.hides_words |= hides_words;
            }
        }
        self.suspected.extend(also);
        self
    }
}

/// Takes a command's text apart.
pub(crate) fn analyse(text: &str) -> Analysis {
    analyse_at(text, 0)
}

fn analyse_at(text: &str, depth: u8) -> Analysis {
    if text.len() > COMMAND_BYTES_MAX || depth > DEPTH_MAX {
        let suspected = if depth > DEPTH_MAX { Vec::new() } else { crude(text) };
        return Analysis {
            suspected,
            unsure: Some("the command is too long or too deep"),
            hides_words: true,
            ..Analysis::default()
        };
    }
    let mut scanner = Scanner::default();
    scanner.scan(text);
    let mut analysis = Analysis {
        is_plain: scanner.commands.len() == 1 && scanner.unsure.is_none() && !scanner.has_separator,
        commands: scanner.commands,
        suspected: Vec::new(),
        unsure: scanner.unsure,
        hides_words: scanner.hides_words,
    };
    if analysis.commands.is_empty() {
        analysis.unsure = analysis.unsure.or(Some("there is no command"));
    }
    let commands = std::mem::take(&mut analysis.commands);
    for words in &commands {
        look_inside(words, &mut analysis, depth);
    }
    analysis.commands = commands;
    if analysis.unsure.is_some() {
        analysis.is_plain = false;
        analysis.suspected.extend(crude(text));
    }
    analysis
}

/// Looks at what a command does with its arguments, where that may be to run them.
fn look_inside(words: &Words, analysis: &mut Analysis, depth: u8) {
    let Some(Doubt { why, hides_words }) = programs::doubt(words) else { return };
    analysis.unsure = analysis.unsure.or(Some(why));
    analysis.hides_words |= hides_words;
    for start in 1..words.len().min(WORDS_MAX) {
        if analysis.suspected.len() >= TAILS_MAX {
            return;
        }
        analysis.suspected.push(tail(words, start));
        if words[start].contains(|c: char| c.is_whitespace() || "()/;".contains(c)) {
            let inner = analyse_at(&words[start], depth + 1);
            analysis.suspected.extend(inner.commands);
            analysis.suspected.extend(inner.suspected);
        }
    }
}

/// The words from `start` on, as many as a rule could ever look at.
fn tail(words: &[String], start: usize) -> Words {
    words[start..].iter().take(WORDS_MAX).cloned().collect()
}

/// Returns the program's name without its folder.
pub(crate) fn program(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

/// Whatever could be a command in the text, by two crude readings: with quotes and escapes taken away, and with each
/// of them taken for a separator. Every tail of words counts, as redirections and assignments may come first.
fn crude(text: &str) -> Vec<Words> {
    const SEPARATORS: &[char] = &[';', '|', '&', '\n', '\r', '(', ')', '{', '}', '<', '>', '`'];
    const QUOTES: &[char] = &['\'', '"', '\\', '$'];
    let text: String = text.chars().take(COMMAND_BYTES_MAX).collect();
    // A backslash before a line's end joins the lines.
    let joined = text.replace("\\\n", "").replace("${IFS}", " ").replace("$IFS", " ");
    let glued: String = joined.chars().filter(|c| !QUOTES.contains(c)).collect();
    let split = joined.replace(QUOTES, "\n");
    let mut tails = Vec::new();
    for piece in glued.split(SEPARATORS).chain(split.split(SEPARATORS)) {
        let words: Words = piece.split_whitespace().map(str::to_owned).collect();
        let room = TAILS_MAX.saturating_sub(tails.len());
        tails.extend((0..words.len()).take(room).map(|start| tail(&words, start)));
    }
    tails
}

#[cfg(test)]
mod tests;
