//! How a command is invoked, how its file is written, and what it comes to with its arguments. Not here: where the files are.
use std::ops::Range;

/// Bytes that a command with its arguments may come to: a whole message of arguments and the longest file, once each.
const FILLED_BYTES_MAX: usize = 2 << 20;

/// Bytes of a name.
const NAME_BYTES_MAX: usize = 200;

/// Arguments that have a number.
const NUMBERED_MAX: usize = 9;

/// Characters of a description or a hint; they stand in a menu.
const LINE_CHARS_MAX: usize = 300;

/// The placeholder of all arguments.
const ALL: &str = "$ARGUMENTS";

/// A message that begins with a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Invocation<'a> {
    /// Which command, without the slash.
    pub(crate) name: &'a str,
    /// The rest, without white space around it.
    pub(crate) arguments: &'a str,
}

/// Returns the command that a message begins with, whether or not there is such a command.
pub(crate) fn invoked(message: &str) -> Option<Invocation<'_>> {
    let rest = message.strip_prefix('/')?;
    let (name, arguments) = rest.split_at(name_end(rest));
    is_name(name).then(|| Invocation { name, arguments: arguments.trim() })
}

/// Returns what is typed of a command's name up to the byte offset `at`, and the bytes that a whole name replaces. `at`
/// stands between two characters.
pub(crate) fn typed(message: &str, at: usize) -> Option<(&str, Range<usize>)> {
    let end = 1 + name_end(message.strip_prefix('/')?);
    let typed = message.get(1..at)?;
    (at <= end).then_some((typed, 0..end))
}

fn name_end(text: &str) -> usize {
    text.find(char::is_whitespace).unwrap_or(text.len())
}

/// Tells whether a command can have this name: names of folders and of the file, with colons between them.
pub(super) fn is_name(name: &str) -> bool {
    let odd = |char: char| char.is_whitespace() || char.is_control() || matches!(char, '/' | '\\');
    name.len() <= NAME_BYTES_MAX
        && !name.contains(odd)
        && name.split(':').all(|piece| !piece.is_empty() && !piece.starts_with('.'))
}

/// A command's file, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written<'a> {
    pub(super) description: Option<String>,
    pub(super) hint: Option<String>,
    /// What the model is sent, with the places of arguments.
    pub(super) body: &'a str,
}

/// Reads a command's file. What stands in the front matter beside the two keys is nothing to us.
pub(super) fn written(text: &str) -> Written<'_> {
    let text = text.trim_start_matches('\u{feff}');
    let Some((matter, body)) = front_matter(text) else {
        return Written { description: None, hint: None, body: text.trim() };
    };
    let value = |key: &str| {
        let values = matter.lines().filter_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix(':'));
        values.map(plain).next().filter(|value| !value.is_empty())
    };
    Written { description: value("description"), hint: value("argument-hint"), body: body.trim() }
}

/// Divides a text at the two lines of `---`.
fn front_matter(text: &str) -> Option<(&str, &str)> {
    let fence = |line: &str| line.trim_end() == "---";
    let first = text.split_inclusive('\n').next().filter(|line| fence(line))?;
    let mut end = first.len();
    for line in text[first.len()..].split_inclusive('\n') {
        if fence(line) {
            return Some((&text[first.len()..end], &text[end + line.len()..]));
        }
        end += line.len();
    }
    None
}

/// Returns a value of one line without quotes around it; the sign of a block of lines is no value.
fn plain(value: &str) -> String {
    let value = value.trim();
    if value.starts_with(['|', '>']) {
        return String::new();
    }
    let quoted = ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    quoted.unwrap_or(value).chars().filter(|char| !char.is_control()).take(LINE_CHARS_MAX).collect()
}

/// Puts arguments into a command's text: all of them for `$ARGUMENTS`, single ones for `$1` to `$9`, and behind the text where
/// it has no place for any. What arguments say is never taken for a place. `None` where that is nothing, or far too long.
pub(super) fn fill(body: &str, arguments: &str) -> Option<String> {
    let numbered = numbered(arguments);
    let (mut filled, mut rest, mut has_place) = (String::new(), body, false);
    while let Some(at) = rest.find('$') {
        filled.push_str(&rest[..at]);
        rest = &rest[at..];
        let (value, length) = match place(rest, arguments, &numbered) {
            Some(found) => {
                has_place = true;
                found
            }
            None => ("$", 1),
        };
        filled.push_str(value);
        rest = &rest[length..];
        if filled.len() > FILLED_BYTES_MAX {
            return None;
        }
    }
    filled.push_str(rest);
    if !has_place && !arguments.is_empty() {
        filled.push_str("\n\n");
        filled.push_str(arguments);
    }
    (filled.len() <= FILLED_BYTES_MAX && !filled.trim().is_empty()).then_some(filled)
}

/// Returns what belongs at the place that a text begins with, and how long the place is. `$10` is none: it is a price.
fn place<'a>(text: &str, arguments: &'a str, numbered: &[&'a str]) -> Option<(&'a str, usize)> {
    if text.starts_with(ALL) {
        return Some((arguments, ALL.len()));
    }
    let digit = |at: usize| text.as_bytes().get(at).filter(|byte| byte.is_ascii_digit());
    let number = usize::from(digit(1)? - b'0');
    let is_place = number > 0 && digit(2).is_none();
    is_place.then(|| (numbered.get(number - 1).copied().unwrap_or_default(), 2))
}

/// Divides arguments at white space; quotes around one keep it together.
fn numbered(arguments: &str) -> Vec<&str> {
    let (mut found, mut rest) = (Vec::new(), arguments.trim_start());
    while !rest.is_empty() && found.len() < NUMBERED_MAX {
        let quoted = ['"', '\''].into_iter().find_map(|quote| rest.strip_prefix(quote)?.split_once(quote));
        let (word, after) = quoted.unwrap_or_else(|| rest.split_at(name_end(rest)));
        found.push(word);
        rest = after.trim_start();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_begins_with_a_command_or_has_none() {
        let check = |text| invoked(text).map(|found| (found.name, found.arguments));
        assert_eq!(check("/fix the  test \n"), Some(("fix", "the  test")));
        assert_eq!(check("/git:commit"), Some(("git:commit", "")));
        for none in
            ["", "/", "fix", " /fix", "//fix", "/usr/bin", "/../x", "/a::b", "/.x", "/a:..:b", "/ fix"]
        {
            assert_eq!(check(none), None, "{none}");
        }
        assert_eq!(check(&format!("/{}", "x".repeat(NAME_BYTES_MAX + 1))), None);
    }

    #[test]
    fn a_name_is_typed_at_the_beginning_only() {
        assert_eq!(typed("/", 1), Some(("", 0..1)));
        assert_eq!(typed("/fix it", 2), Some(("f", 0..4)));
        assert_eq!(typed("/fix it", 4), Some(("fix", 0..4)));
        assert_eq!((typed("/fix it", 5), typed("/fix", 0), typed("a /f", 4)), (None, None, None));
    }

    #[test]
    fn front_matter_is_optional_and_may_be_broken() {
        let check = |text| {
            let Written { description, hint, body } = written(text);
            format!("{} | {} | {body}", description.unwrap_or_default(), hint.unwrap_or_default())
        };
        assert_eq!(
            check(
                "---\r\ndescription: \"Mends: it\"\r\nargument-hint: [file] [line]\r\nmodel: x\r\n---\r\n\r\nMend $1\r\n"
            ),
            "Mends: it | [file] [line] | Mend $1"
        );
        assert_eq!(check("\u{feff}---\ndescription: >-\n  long\n---\nx"), " |  | x");
        assert_eq!(check("---\ndescription: x\nno end"), " |  | ---\ndescription: x\nno end");
        assert_eq!(check("a\n---\ndescription: x\n---\n"), " |  | a\n---\ndescription: x\n---");
        assert_eq!(check("---\n---"), " |  | ");
    }

    #[test]
    fn arguments_stand_at_their_places_or_behind_the_text() {
        let check = |body, arguments| fill(body, arguments).unwrap_or_else(|| "-".to_owned());
        assert_eq!(
            check("Mend $1 in $2, all: $ARGUMENTS.", "it \"a b\" c"),
            "Mend it in a b, all: it \"a b\" c."
        );
        assert_eq!(check("Mend.", "it now"), "Mend.\n\nit now");
        assert_eq!(check("Mend.", ""), "Mend.");
        assert_eq!(check("$1$2", "$2 $ARGUMENTS"), "$2$ARGUMENTS");
        assert_eq!(check("costs $10, $0, $ and $x", "it"), "costs $10, $0, $ and $x\n\nit");
        assert_eq!(check("ä$1ö", "don't stop"), "ädon'tö");
        assert_eq!((check("$1", ""), check("", "")), ("-".to_owned(), "-".to_owned()));
        assert_eq!(fill(&"$ARGUMENTS".repeat(30), &"x".repeat(1 << 20)), None);
    }
}
