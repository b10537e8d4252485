//! How a message mentions a file: `@path`, or `@"path"` where the path holds what would end it. Not here: whether there is such
//! a file.
//!
//! A mention begins the text or stands behind white space or an opening bracket or quote, so that an address of e-mail is
//! none. Without quotes it ends at white space, and the punctuation of a sentence behind it is no part of it. In quotes `\"`
//! and `\\` stand for the quote and the backslash; the path ends with the line at the latest.
use std::ops::Range;

/// What may stand in front of a mention, beside white space.
const OPENING: &[char] = &['(', '[', '{', '<', '"', '\'', '`'];

/// What a sentence may put behind a mention.
const CLOSING: &[char] = &['.', ',', ';', ':', '!', '?', ')', ']', '}', '>', '"', '\'', '`'];

/// A mention in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mention {
    /// The bytes of the text that it takes, the `@` included.
    pub(crate) range: Range<usize>,
    /// What it names.
    pub(crate) path: String,
    /// Whether the text goes on before the path is whole: an open quote.
    open: bool,
}

/// Returns the whole mentions of a text, in order.
pub(crate) fn find(text: &str) -> Vec<Mention> {
    scan(text).filter(|mention| !mention.open && !mention.path.is_empty()).collect()
}

/// Returns the mention in which the byte offset `at` lies, or at whose end: its path goes up to `at` alone, and its range is
/// what a completed mention replaces. `at` stands between two characters.
pub(crate) fn around(text: &str, at: usize) -> Option<Mention> {
    // A mention's end depends on what is behind the place: the white space, or the quote.
    let whole = scan(text).find(|mention| mention.range.start < at && at <= mention.raw_end(text))?;
    let mut typed = text.get(whole.range.start + 1..at)?;
    let quoted = typed.starts_with('"');
    if quoted {
        typed = &typed[1..];
    }
    let path = if quoted { unquote(typed).0 } else { typed.to_owned() };
    // What follows an open quote may be the rest of the sentence.
    let end = if whole.open { at } else { whole.range.end.max(at) };
    Some(Mention { range: whole.range.start..end, path, open: whole.open })
}

/// Writes a mention of a path, in quotes where it needs them; `None` where none can name it.
pub(crate) fn write(path: &str) -> Option<String> {
    if path.is_empty() || path.chars().any(char::is_control) {
        return None;
    }
    let plain = !path.contains(char::is_whitespace) && !path.starts_with('"') && !path.ends_with(CLOSING);
    if plain {
        return Some(format!("@{path}"));
    }
    Some(format!("@\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\"")))
}

impl Mention {
    /// Returns where it ends with the punctuation behind it.
    fn raw_end(&self, text: &str) -> usize {
        if self.open || text[self.range.start + 1..].starts_with('"') {
            return self.range.end;
        }
        self.range.end + word_len(&text[self.range.end..])
    }
}

/// Returns the mentions of a text in order, those without a path or with an open quote too.
fn scan(text: &str) -> impl Iterator<Item = Mention> + '_ {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let start = from + text.get(from..)?.find('@')?;
            from = start + 1;
            let begins = text[..start]
                .chars()
                .next_back()
                .is_none_or(|before| before.is_whitespace() || OPENING.contains(&before));
            if begins {
                let mention = read(text, start);
                from = mention.range.end.max(from);
                return Some(mention);
            }
        }
    })
}

/// Reads the mention whose `@` stands at `start`.
fn read(text: &str, start: usize) -> Mention {
    let rest = &text[start + 1..];
    if let Some(quoted) = rest.strip_prefix('"') {
        let line = quoted.split('\n').next().unwrap_or_default();
        let (path, length, closed) = {
            let (path, end) = unquote(line);
            (path, end.unwrap_or(line.len()), end.is_some())
        };
        let end = start + 2 + length + usize::from(closed);
        return Mention { range: start..end, path, open: !closed };
    }
    let word = &rest[..word_len(rest)];
    let path = word.trim_end_matches(CLOSING);
    Mention { range: start..start + 1 + path.len(), path: path.to_owned(), open: false }
}

fn word_len(text: &str) -> usize {
    text.find(char::is_whitespace).unwrap_or(text.len())
}

/// Reads what stands behind an opening quote: the path, and where the closing quote is, if there is one.
fn unquote(text: &str) -> (String, Option<usize>) {
    let mut path = String::new();
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (path, Some(at)),
            '\\' => match letters.next_if(|(_, next)| matches!(next, '"' | '\\')) {
                Some((_, escaped)) => path.push(escaped),
                None => path.push('\\'),
            },
            other => path.push(other),
        }
    }
    (path, None)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn paths(text: &str) -> Vec<String> {
        find(text).into_iter().map(|mention| mention.path).collect()
    }

    #[test]
    fn mentions_are_told_from_addresses_and_from_the_sentence_around_them() {
        assert_eq!(paths("look at @src/a.rs, (@b.rs) and `@c`."), ["src/a.rs", "b.rs", "c"]);
        assert_eq!(paths("@\"my notes.txt\" and @\"a \\\"b\\\" \\\\ c\""), ["my notes.txt", "a \"b\" \\ c"]);
        assert_eq!(paths("me@example.com @ @, @\"open\nline\""), [""; 0]);
        assert_eq!(paths("@a\n@b"), ["a", "b"]);
    }

    #[test]
    fn a_place_in_a_mention_completes_what_stands_before_it() {
        let check = |marked: &str| {
            let at = marked.find('|').unwrap();
            let text = marked.replace('|', "");
            around(&text, at).map(|found| (found.path, text[found.range].to_owned()))
        };
        let found = |path: &str, replaced: &str| Some((path.to_owned(), replaced.to_owned()));
        assert_eq!(check("see @|"), found("", "@"));
        assert_eq!(check("see @src/ma|in.rs, please"), found("src/ma", "@src/main.rs"));
        assert_eq!(check("see (@a|)"), found("a", "@a"));
        assert_eq!(check("see @a.|"), found("a.", "@a."));
        assert_eq!(check("see @\"my no| the rest"), found("my no", "@\"my no"));
        assert_eq!(check("see @\"my no|tes\" rest"), found("my no", "@\"my notes\""));
        assert_eq!(check("see @\"my dir/\"|"), found("my dir/", "@\"my dir/\""));
        assert_eq!(check("see |@a"), None);
        assert_eq!(check("see @a |"), None);
        assert_eq!(check("me@ex|ample"), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_found_again(path in "[a-z \"\\\\.,@)(ä/]{1,12}", tail in "( and more)?[.]?") {
            let text = format!("see {}{tail}", write(&path).unwrap());
            prop_assert_eq!(&find(&text)[0].path, &path);
        }

        #[test]
        fn any_place_in_any_text_is_safe(text in "[@\" \\\\aä.\n]{0,12}") {
            for (at, _) in text.char_indices().chain([(text.len(), ' ')]) {
                if let Some(found) = around(&text, at) {
                    prop_assert!(found.range.contains(&(at - 1)) && at <= found.range.end);
                    prop_assert!(text.get(found.range).is_some_and(|old| old.starts_with('@')));
                }
            }
        }
    }
}
