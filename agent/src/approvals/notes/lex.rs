//! Words of a command's text, with what of them a shell would expand. Not here: whether the text is understood well enough for a
//! rule (`shell`), which is stricter.
use std::iter::Peekable;
use std::str::Chars;

/// Words and commands that are read; what lies behind is not told of.
const WORDS_MAX: usize = 2_000;

/// One word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Word {
    /// Without its quotes.
    pub(super) text: String,
    /// Whether it stands for every name that it matches.
    pub(super) is_pattern: bool,
    /// Whether it becomes something else: variables, substitutions, braces, homes.
    pub(super) is_unsure: bool,
}

impl Word {
    pub(super) fn is_option(&self) -> bool {
        self.text.len() > 1 && self.text.starts_with('-')
    }

    fn is_assignment(&self) -> bool {
        let name = self.text.split_once('=').map(|(name, _)| name);
        name.is_some_and(|name| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        })
    }
}

/// One command between separators.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Simple {
    /// Its words, assignments before them left out.
    pub(super) words: Vec<Word>,
    /// The files that its redirections empty.
    pub(super) outputs: Vec<Word>,
}

impl Simple {
    /// Returns which words name programs: the first, and behind each that wraps another the one that it runs.
    pub(super) fn programs(&self, wrapping: &[&str]) -> Vec<usize> {
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(word) = self.words.get(at) {
            found.push(at);
            let name = word.text.rsplit('/').next().unwrap_or_default();
            if !wrapping.contains(&name) {
                break;
            }
            // An option's value may be taken for the program: it is then one that is not there.
            let is_own = |word: &Word| {
                word.is_option()
                    || word.is_assignment()
                    || (name == "timeout" && word.text.starts_with(|c: char| c.is_ascii_digit()))
            };
            let rest = self.words[at + 1..].iter().position(|word| !is_own(word));
            match rest {
                Some(rest) => at += 1 + rest,
                None => break,
            }
        }
        found
    }
}

/// Takes a text apart. Never fails: what is not plain makes its word unsure.
pub(super) fn lex(text: &str) -> Vec<Simple> {
    let mut lexer = Lexer::new(text);
    lexer.run();
    lexer.done
}

struct Lexer<'a> {
    rest: Peekable<Chars<'a>>,
    done: Vec<Simple>,
    now: Simple,
    word: Option<Word>,
    /// The next word is a redirection's: whether it empties the file.
    redirects: Option<bool>,
    words: usize,
}

impl<'a> Lexer<'a> {
    fn new(text: &'a str) -> Self {
        let rest = text.chars().peekable();
        Self { rest, done: Vec::new(), now: Simple::default(), word: None, redirects: None, words: 0 }
    }

    fn run(&mut self) {
        while let Some(c) = self.rest.next() {
            match c {
                ' ' | '\t' => self.end_word(),
                '\n' | ';' | '&' | '|' | '(' | ')' => self.separate(c),
                '>' => self.redirect(),
                '<' => {
                    self.end_word();
                    while self.rest.next_if_eq(&'<').is_some() {}
                    self.redirects = Some(false);
                }
                '#' if self.word.is_none() => while self.rest.next_if(|c| *c != '\n').is_some() {},
                '\'' => self.single(),
                '"' => self.double(),
                '\\' => match self.rest.next() {
                    Some('\n') | None => {}
                    Some(escaped) => self.word().text.push(escaped),
                },
                '*' | '?' | '[' => {
                    let word = self.word();
                    word.is_pattern = true;
                    word.text.push(c);
                }
                '$' | '`' | '{' | '}' => self.doubt(c),
                '~' if self.word.is_none() => self.doubt(c),
                _ => self.word().text.push(c),
            }
            if self.words > WORDS_MAX {
                break;
            }
        }
        self.separate('\n');
    }

    fn word(&mut self) -> &mut Word {
        self.word.get_or_insert_default()
    }

    fn doubt(&mut self, c: char) {
        let word = self.word();
        word.is_unsure = true;
        word.text.push(c);
    }

    fn single(&mut self) {
        self.word();
        while let Some(c) = self.rest.next_if(|c| *c != '\'') {
            self.word().text.push(c);
        }
        if self.rest.next().is_none() {
            self.word().is_unsure = true;
        }
    }

    fn double(&mut self) {
        self.word();
        loop {
            match self.rest.next() {
                Some('"') => return,
                Some(c @ ('$' | '`')) => self.doubt(c),
                Some('\\') => match self.rest.next() {
                    Some(c @ ('"' | '\\' | '$' | '`')) => self.word().text.push(c),
                    Some('\n') => {}
                    Some(c) => self.word().text.extend(['\\', c]),
                    None => self.word().is_unsure = true,
                },
                Some(c) => self.word().text.push(c),
                None => {
                    self.word().is_unsure = true;
                    return;
                }
            }
        }
    }

    /// `>`, `>>`, `>|`, `2>`, `&>`, `>&2`.
    fn redirect(&mut self) {
        // A number right before it says which output.
        let is_number =
            |word: &Word| !word.text.is_empty() && word.text.bytes().all(|byte| byte.is_ascii_digit());
        if self.word.as_ref().is_some_and(is_number) {
            self.word = None;
        }
        self.end_word();
        let appends = self.rest.next_if_eq(&'>').is_some();
        self.rest.next_if_eq(&'|');
        let duplicates = self.rest.next_if_eq(&'&').is_some();
        self.redirects = Some(!appends && !duplicates);
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else { return };
        self.words += 1;
        match self.redirects.take() {
            Some(true) if word.text != "/dev/null" => self.now.outputs.push(word),
            Some(_) => {}
            None if self.now.words.is_empty() && word.is_assignment() => {}
            None => self.now.words.push(word),
        }
    }

    fn separate(&mut self, c: char) {
        // `&>` redirects both outputs.
        if c == '&' && self.rest.peek() == Some(&'>') {
            self.end_word();
            return;
        }
        self.end_word();
        self.redirects = None;
        let now = std::mem::take(&mut self.now);
        if !now.words.is_empty() || !now.outputs.is_empty() {
            self.done.push(now);
        }
    }
}
