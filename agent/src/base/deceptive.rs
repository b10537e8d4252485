//! Characters with which a text shows something else than it says: one table for everything that a person reads. Not here: what
//! stands in their place, which differs between a name and a page.

/// Returns whether a character steers what shows it: it moves the cursor, colours, sends commands to the terminal, breaks the line
/// in an unusual way, or changes the order of what stands beside it.
pub(crate) fn steers(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e0000}'..='\u{e007f}'
        )
}

/// Returns whether a character shows nothing at all. In a text some are a part of writing (between letters of Persian, in emoji);
/// in a name they only make two names look like one.
pub(crate) const fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{fe00}'..='\u{fe0e}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_and_what_hides_is_known_and_letters_do_neither() {
        for text in [
            "\u{1b}[2J",
            "\u{9d}52;c;x\u{7}",
            "\u{202e}",
            "\u{2066}",
            "\u{200f}",
            "\u{e0041}",
            "\r",
            "\u{2028}",
        ] {
            assert!(text.chars().any(steers), "{text:?}");
        }
        assert!("\u{200b}\u{feff}\u{2060}\u{ad}".chars().all(is_invisible));
        assert!(!"žluťoučký 日本語 🙂 עברית العربية a-b_c".chars().any(|c| steers(c) || is_invisible(c)));
    }
}
