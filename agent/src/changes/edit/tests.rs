//! What an edit replaces, what it keeps, and what it says when it does neither.
use proptest::prelude::*;

use super::*;

fn check(old: &str, find: &str, replace: &str) -> Result<(String, Matched), String> {
    apply(old.as_bytes(), find, replace, Scope::Unique)
        .map(|edited| (String::from_utf8(edited.bytes).unwrap(), edited.matched))
        .map_err(|error| error.to_string())
}

#[test]
fn exact_text_is_replaced_once() {
    assert_eq!(check("a b c", "b", "x"), Ok(("a x c".to_owned(), Matched::Exact)));
    assert_eq!(check("a b c\n", " b", ""), Ok(("a c\n".to_owned(), Matched::Exact)));
    let edited = apply(b"a-a-a", "a", "b", Scope::All).unwrap();
    assert_eq!((edited.bytes.as_slice(), edited.count), (&b"b-b-b"[..], 3));
    let latin = apply(b"caf\xe9 one", "one", "two", Scope::Unique).unwrap();
    assert_eq!(latin.bytes, b"caf\xe9 two");
}

#[test]
fn line_ends_and_the_mark_at_the_beginning_are_kept() {
    let exact = |text: &str| Ok((text.to_owned(), Matched::Exact));
    assert_eq!(check("a\r\nb\r\nc", "a\nb", "x\ny\nz"), exact("x\r\ny\r\nz\r\nc"));
    assert_eq!(check("a\r\nb\r\n", "b", "x\ny"), exact("a\r\nx\r\ny\r\n"));
    assert_eq!(check("a\nb\n", "b", "x\ny"), exact("a\nx\ny\n"));
    assert_eq!(check("a\r\nb\r\n", "a\r\nb", "a\nb"), exact("a\nb\r\n"));
    assert_eq!(check("\u{feff}a\nb", "a", "x"), exact("\u{feff}x\nb"));
    assert_eq!(check("\u{feff}  a\nb", " a\nb", "x"), exact("\u{feff} x"));
    assert_eq!(
        check("\u{feff}if  x:\r\n  y\r\n", "if x:\n  y\n", "z\n"),
        Ok(("\u{feff}z\r\n".to_owned(), Matched::Whitespace))
    );
}

#[test]
fn white_space_may_differ_if_the_place_is_unique_and_the_indentation_follows() {
    let file = "fn f() {\n        let a  = 1;\n\n        if a {\n            g();\n        }\n}\n";
    let edited =
        check(file, "if a {\n    g();\n}", "if b {\n    h();\n    if c {\n        i();\n    }\n}").unwrap();
    let wanted = "fn f() {\n        let a  = 1;\n\n        if b {\n            h();\n            if c {\n                i();\n            }\n        }\n}\n";
    assert_eq!(edited, (wanted.to_owned(), Matched::Whitespace));
    let tabs =
        check("\tif a {\n\t\tg();\n\t}\n", "  if a {\n    g();\n  }\n", "  if b {\n    h();\n  }\n").unwrap();
    assert_eq!(tabs, ("\tif b {\n\t\th();\n\t}\n".to_owned(), Matched::Whitespace));
}

#[test]
fn a_tolerant_match_that_is_not_unique_is_an_error_even_for_all() {
    let old = b"a  b\na   b\n";
    for scope in [Scope::Unique, Scope::All] {
        let error = apply(old, "a b", "x", scope).unwrap_err();
        assert_eq!(error, EditError::Tolerant { count: 2, lines: vec![1, 2] });
        assert!(error.to_string().contains("occurs 2 times, at line 1, 2;"), "{error}");
    }
}

#[test]
fn errors_say_what_to_do() {
    let many = "x\n".repeat(12);
    insta::assert_snapshot!(check(&many, "x", "y").unwrap_err(), @"the text to replace occurs 12 times, at line 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and more; add lines around it until it is unique, or set `all`");
    insta::assert_snapshot!(
        check("fn main() {\n    run(argument);\n}\n", "run(arguments)", "y").unwrap_err(),
        @"the text to replace is not in the file; most alike is line 2: `run(argument);`; read the file again and copy the text exactly"
    );
    insta::assert_snapshot!(check("a", "zzz", "y").unwrap_err(), @"the text to replace is not in the file; read the file again and copy the text exactly");
    assert_eq!(apply(b"a", "", "b", Scope::Unique), Err(EditError::Empty));
    assert_eq!(apply(b"a", "a", "a", Scope::Unique), Err(EditError::NoChange));
    assert_eq!(apply(b" a ", "  a", "  a ", Scope::Unique).unwrap_err(), EditError::NoChange);
    assert!(matches!(apply(b"a\n\n\nb", "  \n", "x", Scope::Unique), Err(EditError::NotFound { .. })));
    assert!(matches!(apply(b"aaa", "aa", "b", Scope::Unique), Err(EditError::NotUnique { count: 2, .. })));
}

proptest! {
    /// What is around a unique text stays byte for byte.
    #[test]
    fn everything_but_the_match_is_kept(before in "[a-c \r\n]{0,30}", after in "[a-c \r\n]{0,30}", replace in "[x-z ]{0,8}") {
        let old = format!("{before}FIND{after}");
        let edited = apply(old.as_bytes(), "FIND", &replace, Scope::Unique).unwrap();
        prop_assert_eq!(edited.bytes, format!("{before}{replace}{after}").into_bytes());
        prop_assert_eq!(edited.matched, Matched::Exact);
    }

    /// A file with CRLF throughout has CRLF throughout afterwards.
    #[test]
    fn crlf_files_stay_crlf_files(lines in prop::collection::vec("[a-z]{1,4}", 2..8), at in 0_usize..8, new in "[x-z\n]{1,8}") {
        let old = lines.iter().enumerate().map(|(n, line)| format!("{n}{line}\r\n")).collect::<Vec<_>>().concat();
        let at = at.min(lines.len() - 2);
        let find = format!("{at}{}\n{}{}\n", lines[at], at + 1, lines[at + 1]);
        let edited = apply(old.as_bytes(), &find, &new, Scope::Unique).unwrap();
        let text = String::from_utf8(edited.bytes).unwrap();
        prop_assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
    }
}
