//! Plain text of what was written to a terminal, for the log and the model. Not here: an emulation; a program that draws
//! a screen leaves the words it drew.
use std::iter::Peekable;
use std::str::Chars;

/// Returns the text without control sequences: line ends as in files, lines that were written over as they were last.
pub(crate) fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut out = String::with_capacity(text.len());
    let mut line = 0;
    let mut is_returned = false;
    let mut chars = text.chars().peekable();
    while let Some(character) = chars.next() {
        match character {
            '\u{1b}' => skip_sequence(&mut chars),
            '\r' => is_returned = true,
            '\n' => {
                out.push('\n');
                line = out.len();
                is_returned = false;
            }
            '\u{8}' => {
                if out.len() > line {
                    out.pop();
                }
            }
            _ if character.is_control() && character != '\t' => {}
            _ => {
                if is_returned {
                    out.truncate(line);
                    is_returned = false;
                }
                out.push(character);
            }
        }
    }
    out
}

/// Skips what follows an escape: ECMA-48 §5.4 and §5.6, and the strings that terminals end with a bell.
fn skip_sequence(chars: &mut Peekable<Chars<'_>>) {
    match chars.next() {
        Some('[') => while chars.next().is_some_and(|character| !matches!(character, '@'..='~')) {},
        Some(']' | 'P' | 'X' | '^' | '_') => {
            while let Some(character) = chars.next() {
                if character == '\u{7}' || (character == '\u{1b}' && chars.next_if_eq(&'\\').is_some()) {
                    break;
                }
            }
        }
        Some(' '..='/') => while chars.next().is_some_and(|character| matches!(character, ' '..='/')) {},
        Some(_) | None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_was_told_becomes_what_it_shows() {
        let check = |written: &str, expected: &str| assert_eq!(plain(written.as_bytes()), expected);
        check("a\r\nb\r\n", "a\nb\n");
        check("\u{1b}[1;31merror\u{1b}[0m: no", "error: no");
        check("10 %\r20 %\rdone\r\n", "done\n");
        check("typo\u{8}\u{8}\u{8}\u{8}text", "text");
        check("\u{1b}]0;a title\u{7}x\u{1b}]8;;http://e\u{1b}\\y", "xy");
        check("\u{1b}(Ba\u{1b}=b\u{7}c\td", "abc\td");
        check("cut \u{1b}[3", "cut ");
        check("cut \u{1b}", "cut ");
        assert_eq!(plain(b"\xff\xe2\x82"), "\u{fffd}\u{fffd}");
    }
}
