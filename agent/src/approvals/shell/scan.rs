//! Words and commands of a text, as far as they are plain. Not here: what the words do (`programs`).
use crate::approvals::shell::Words;

/// Where the scanner stands between characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Quote {
    #[default]
    None,
    Single,
    Double,
}

/// Takes a text apart in one pass.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    /// Every command, in order.
    pub(super) commands: Vec<Words>,
    /// Whether anything stands between commands.
    pub(super) has_separator: bool,
    /// Why it is not the whole truth.
    pub(super) unsure: Option<&'static str>,
    /// Whether words may be others than the text shows.
    pub(super) hides_words: bool,
    words: Words,
    word: Option<String>,
    quote: Quote,
    /// Whether the present word holds a quote or an escape: then it is no keyword and no assignment.
    quoted: bool,
}

impl Scanner {
    /// Reads all of the text.
    pub(super) fn scan(&mut self, text: &str) {
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if self.quote == Quote::None
                && let Some(behind) = behind_harmless_redirection(rest)
            {
                self.redirected();
                rest = behind;
                continue;
            }
            rest = &rest[c.len_utf8()..];
            self.take(c, rest.chars().next());
        }
        if self.quote != Quote::None {
            self.doubt("a quote is not closed");
        }
        self.end_command();
    }

    fn take(&mut self, c: char, next: Option<char>) {
        if c.is_control() && !matches!(c, '\n' | '\t') {
            self.hide("it holds control characters");
        }
        match self.quote {
            Quote::Single if c == '\'' => self.quote = Quote::None,
            Quote::Single => {
                // Arithmetic, array subscripts and many programs evaluate text once more.
                if c == '`' || (c == '$' && next == Some('(')) {
                    self.hide("a quoted text holds a command");
                }
                self.push(c);
            }
            Quote::Double => match c {
                '"' => self.quote = Quote::None,
                '$' | '`' => {
                    self.hide("it expands something");
                    self.push(c);
                }
                '\\' | '!' => {
                    self.doubt("it escapes characters");
                    self.push(c);
                }
                _ => self.push(c),
            },
            Quote::None => self.bare(c, next),
        }
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
            '$' | '`' => {
                self.hide("it expands something");
                self.push(c);
            }
            '\\' => self.doubt_with(c, "it escapes characters"),
            '>' | '<' => self.doubt_with(c, "it redirects"),
            '(' | ')' => self.doubt_with(c, "it opens a subshell"),
            '{' | '}' | '*' | '?' | '[' | ']' => self.doubt_with(c, "it expands a pattern"),
            '~' if self.word.is_none() => self.doubt_with(c, "it expands a home"),
            '#' if self.word.is_none() => self.doubt_with(c, "it holds a comment"),
            '!' if self.word.is_none() => self.doubt_with(c, "it uses the shell's own grammar"),
            '=' if self.words.is_empty() && !self.quoted => self.doubt_with(c, "it sets a variable"),
            c if c.is_whitespace() => {
                self.hide("it holds unusual white space");
                self.push(c);
            }
            c => self.push(c),
        }
    }

    fn doubt(&mut self, why: &'static str) {
        self.unsure = self.unsure.or(Some(why));
    }

    fn hide(&mut self, why: &'static str) {
        self.hides_words = true;
        self.doubt(why);
    }

    fn doubt_with(&mut self, c: char, why: &'static str) {
        self.doubt(why);
        self.push(c);
    }

    fn push(&mut self, c: char) {
        self.word.get_or_insert_default().push(c);
    }

    /// Whether what was read of the present word would be a descriptor's number before a redirection.
    fn is_descriptor(&self) -> bool {
        let digits = |word: &String| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        !self.quoted && self.word.as_ref().is_some_and(digits)
    }

    fn redirected(&mut self) {
        if self.is_descriptor() {
            self.word = None;
        }
        self.end_word();
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

/// Returns what stands behind a redirection that writes no file: to another of the first two descriptors, or to and from
/// `/dev/null`. `None` where there is none, or where its end is not plain. `&>` is not among them: some shells take it for two
/// signs.
fn behind_harmless_redirection(rest: &str) -> Option<&str> {
    let target = match rest.as_bytes() {
        [b'>', b'&', ..] => {
            let behind = rest[2..].strip_prefix(['1', '2'])?;
            return ends_word(behind).then_some(behind);
        }
        [b'>', b'>', ..] => &rest[2..],
        [b'>' | b'<', ..] => &rest[1..],
        _ => return None,
    };
    let behind = target.trim_start_matches([' ', '\t']).strip_prefix("/dev/null")?;
    ends_word(behind).then_some(behind)
}

fn ends_word(behind: &str) -> bool {
    behind.chars().next().is_none_or(|c| matches!(c, ' ' | '\t' | '\n' | ';' | '|' | '&'))
}
