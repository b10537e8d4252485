//! What a shell command's text seems to run, told conservatively. Not here: what follows from it (`policy`).
//!
//! Only plain words, quotes, and the separators between commands are understood. Everything else that means something to
//! a shell makes the analysis unsure; the command is then also taken apart crudely, so that a denial still sees whatever
//! might run. Unsure is never a way to be allowed.

/// Longest command that is taken apart, in bytes; a longer one is unsure.
const COMMAND_BYTES_MAX: usize = 64 * 1024;

/// Words of a suspected command that are kept; rules are far shorter.
const WORDS_MAX: usize = 64;

/// How deep commands inside commands (`sh -c`) are followed.
const DEPTH_MAX: u8 = 4;

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
    /// Whether it is one command of plain words and nothing else: only then may a rule allow it.
    pub(crate) is_plain: bool,
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
    };
    if analysis.commands.is_empty() {
        analysis.unsure = analysis.unsure.or(Some("there is no command"));
    }
    for words in analysis.commands.clone() {
        look_inside(&words, &mut analysis, depth);
    }
    if analysis.unsure.is_some() {
        analysis.suspected.extend(crude(text));
    }
    analysis
}

/// Programs that run what their arguments name.
const WRAPPERS: &[&str] = &[
    "sudo",
    "doas",
    "su",
    "env",
    "nice",
    "ionice",
    "nohup",
    "time",
    "timeout",
    "command",
    "builtin",
    "exec",
    "xargs",
    "parallel",
    "stdbuf",
    "setsid",
    "unshare",
    "chroot",
    "strace",
    "ltrace",
    "gdb",
    "watch",
    "busybox",
    "toybox",
    "find",
    "fd",
    "script",
    "flock",
    "trap",
    "coproc",
    "runuser",
    "pkexec",
    "systemd-run",
    "nsenter",
    "bwrap",
    "ssh",
    "at",
];

/// Programs that take a program as text.
const INTERPRETERS: &[&str] = &[
    "sh",
    "bash",
    "dash",
    "zsh",
    "ksh",
    "mksh",
    "ash",
    "fish",
    "csh",
    "tcsh",
    "eval",
    "source",
    ".",
    "python",
    "python3",
    "perl",
    "ruby",
    "node",
    "deno",
    "bun",
    "php",
    "lua",
    "awk",
    "gawk",
    "osascript",
    "pwsh",
    "tclsh",
    "expect",
    "make",
];

/// Words of the shell's own grammar: what follows them is a command.
const KEYWORDS: &[&str] = &[
    "if", "then", "elif", "else", "fi", "for", "while", "until", "do", "done", "case", "esac", "select",
    "function", "in", "!", "{", "}", "[[", "]]", "alias", "unalias", "hash", "enable", "export", "declare",
    "typeset", "local", "readonly", "set", "shopt", "unset",
];

fn look_inside(words: &Words, analysis: &mut Analysis, depth: u8) {
    let Some(first) = words.first() else { return };
    let name = program(first);
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let name = if name.is_empty() { first.as_str() } else { name };
    if KEYWORDS.contains(&name) {
        analysis.unsure = analysis.unsure.or(Some("it uses the shell's own grammar"));
    } else if WRAPPERS.contains(&name) {
        analysis.unsure = analysis.unsure.or(Some("it runs another command"));
    } else if INTERPRETERS.contains(&name) {
        if takes_a_program_as_text(name, &words[1..]) {
            analysis.unsure = analysis.unsure.or(Some("it runs a program given as text"));
        }
    } else {
        return;
    }
    for start in 1..words.len().min(WORDS_MAX) {
        analysis.suspected.push(tail(words, start));
        if words[start].contains(|c: char| c.is_whitespace() || "()/;".contains(c)) {
            let inner = analyse_at(&words[start], depth + 1);
            analysis.suspected.extend(inner.commands);
            analysis.suspected.extend(inner.suspected);
        }
    }
}

/// Whether an interpreter is given its program among its arguments, or on its standard input. A script run by its name
/// is as clear as any program.
fn takes_a_program_as_text(name: &str, arguments: &[String]) -> bool {
    const ALWAYS: &[&str] = &["eval", "source", ".", "awk", "gawk"];
    const WORDS: &[&str] = &["eval", "repl", "exec", "x", "dlx", "-"];
    let is_program = |word: &String| match word.strip_prefix("--") {
        Some(long) => ["eval", "print", "exec", "command", "init"].iter().any(|flag| long.starts_with(flag)),
        None if word.starts_with('-') => word.contains(['c', 'e', 'E', 'p', 'r', 's']),
        None => word.contains(char::is_whitespace) || word.contains('=') || WORDS.contains(&word.as_str()),
    };
    ALWAYS.contains(&name) || arguments.is_empty() || arguments.iter().any(is_program)
}

/// The words from `start` on, as many as a rule could ever look at.
fn tail(words: &[String], start: usize) -> Words {
    words[start..].iter().take(WORDS_MAX).cloned().collect()
}

/// Returns the program's name without its folder.
pub(crate) fn program(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

/// Where the scanner stands between characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Quote {
    #[default]
    None,
    Single,
    Double,
}

#[derive(Debug, Default)]
struct Scanner {
    commands: Vec<Words>,
    words: Words,
    word: Option<String>,
    quote: Quote,
    /// Whether the present word holds a quote or an escape: then it is no keyword and no assignment.
    quoted: bool,
    has_separator: bool,
    unsure: Option<&'static str>,
}

impl Scanner {
    fn scan(&mut self, text: &str) {
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let next = chars.peek().copied();
            if c.is_control() && !matches!(c, '\n' | '\t') {
                self.doubt("it holds control characters");
            }
            match self.quote {
                Quote::Single if c == '\'' => self.quote = Quote::None,
                Quote::Single => self.push(c),
                Quote::Double => match c {
                    '"' => self.quote = Quote::None,
                    '$' | '`' | '\\' | '!' => {
                        self.doubt("it expands something");
                        self.push(c);
                    }
                    _ => self.push(c),
                },
                Quote::None => self.bare(c, next),
            }
        }
        if self.quote != Quote::None {
            self.doubt("a quote is not closed");
        }
        self.end_command();
    }

    fn bare(&mut self, c: char, next: Option<char>) {
        match c {
            '\'' | '"' => {
                self.quote = if c == '"' { Quote::Double } else { Quote::Single };
                self.word.get_or_insert_default();
                self.quoted = true;
            }
            ' ' | '\t' => self.end_word(),
            ';' | '|' | '&' | '\n' => {
                if (c == '&' && next == Some('>')) || (c == '|' && next == Some('&')) {
                    self.doubt("it redirects");
                }
                self.has_separator = true;
                self.end_command();
            }
            '$' | '`' => self.doubt_with(c, "it expands something"),
            '\\' => self.doubt_with(c, "it escapes characters"),
            '>' | '<' => self.doubt_with(c, "it redirects"),
            '(' | ')' => self.doubt_with(c, "it opens a subshell"),
            '{' | '}' | '*' | '?' | '[' | ']' => self.doubt_with(c, "it expands a pattern"),
            '~' if self.word.is_none() => self.doubt_with(c, "it expands a home"),
            '#' if self.word.is_none() => self.doubt_with(c, "it holds a comment"),
            '!' if self.word.is_none() => self.doubt_with(c, "it uses the shell's own grammar"),
            '=' if self.words.is_empty() && !self.quoted => self.doubt_with(c, "it sets a variable"),
            c if c.is_whitespace() => self.doubt_with(c, "it holds unusual white space"),
            c => self.push(c),
        }
    }

    fn doubt(&mut self, why: &'static str) {
        self.unsure = self.unsure.or(Some(why));
    }

    fn doubt_with(&mut self, c: char, why: &'static str) {
        self.doubt(why);
        self.push(c);
    }

    fn push(&mut self, c: char) {
        self.word.get_or_insert_default().push(c);
    }

    fn end_word(&mut self) {
        self.quoted = false;
        if let Some(word) = self.word.take() {
            self.words.push(word);
        }
    }

    fn end_command(&mut self) {
        self.end_word();
        if !self.words.is_empty() {
            self.commands.push(std::mem::take(&mut self.words));
        }
    }
}

/// Whatever could be a command in the text, by two crude readings: with quotes and escapes taken away, and with each
/// of them taken for a separator. Every tail of words counts, as redirections and assignments may come first.
fn crude(text: &str) -> Vec<Words> {
    const SEPARATORS: &[char] = &[';', '|', '&', '\n', '\r', '(', ')', '{', '}', '<', '>', '`'];
    const QUOTES: &[char] = &['\'', '"', '\\', '$'];
    /// Tails that are looked at; whoever writes more of them has something to hide, and is asked about anyway.
    const TAILS_MAX: usize = 2000;
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
