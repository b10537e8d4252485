//! Blanks what is not code: comments, strings and characters.
//!
//! Not here: a full lexer. What is blanked becomes spaces, line ends stay, so lines keep their numbers.

/// Returns `text` with comments and the contents of literals replaced by spaces.
pub(super) fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = skipped_bytes(rest, masked.chars().next_back());
        let (taken, next) = rest.split_at(if skipped == 0 { c.len_utf8() } else { skipped });
        if skipped == 0 {
            masked.push_str(taken);
        } else {
            masked.extend(taken.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        }
        rest = next;
    }
    masked
}

/// Returns how many bytes at the start of `rest` are a comment or a literal; 0 for code.
fn skipped_bytes(rest: &str, before: Option<char>) -> usize {
    let inside_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if rest.starts_with("//") {
        rest.find('\n').unwrap_or(rest.len())
    } else if rest.starts_with("/*") {
        block_comment(rest)
    } else if rest.starts_with('"') {
        quoted(rest, '"')
    } else if rest.starts_with('\'') {
        character(rest)
    } else if !inside_word {
        prefixed(rest)
    } else {
        0
    }
}

/// `b"…"`, `c"…"`, `r"…"`, `r#"…"#`, `br"…"` and so on; 0 if it is a plain word such as `result` or `r#type`.
fn prefixed(rest: &str) -> usize {
    let letters = rest.bytes().take_while(|b| matches!(b, b'b' | b'c' | b'r')).take(2).count();
    let (prefix, body) = rest.split_at(letters);
    if !prefix.ends_with('r') {
        return if prefix.len() == 1 && body.starts_with('"') { 1 + quoted(body, '"') } else { 0 };
    }
    let hashes = body.bytes().take_while(|b| *b == b'#').count();
    if !body[hashes..].starts_with('"') {
        return 0;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let start = letters + hashes + 1;
    rest[start..].find(&end).map_or(rest.len(), |at| start + at + end.len())
}

/// A literal that ends at the next `quote` that no backslash precedes.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// A character literal; 0 for a lifetime.
fn character(rest: &str) -> usize {
    let mut after = rest.chars().skip(1);
    match (after.next(), after.next()) {
        (Some('\\'), _) | (_, Some('\'')) => quoted(rest, '\''),
        _ => 0,
    }
}

/// A block comment; they nest.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(tail) = rest.get(at..).filter(|tail| !tail.is_empty()) {
        if tail.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if tail.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += tail.chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let masked = mask(text);
        assert_eq!(masked.split_whitespace().collect::<Vec<_>>().join(" "), expected);
        assert_eq!(masked.lines().count(), text.lines().count());
    }

    #[test]
    fn comments_go() {
        check("a // b\nc", "a c");
        check("a /* b /* c */ d\n */ e", "a e");
    }

    #[test]
    fn literals_go() {
        check(r#"a("b \" c", d)"#, "a( , d)");
        check("a(r#\"b \" c\"#, br\"d\", b\"e\")", "a( , , )");
        check("result(bread, r#type)", "result(bread, r#type)");
    }

    #[test]
    fn lifetimes_stay() {
        check("fn a<'b>(c: &'b str) { '\\'' ; 'x' ; }", "fn a<'b>(c: &'b str) { ; ; }");
    }
}
