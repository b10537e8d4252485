//! Every way of hiding a command that is known to us must be seen, or the analysis must be unsure.
use super::*;

fn hides(words: &[&str], text: &str) -> bool {
    let analysis = analyse(text);
    let seen = |command: &Words| command.iter().map(String::as_str).collect::<Vec<_>>().starts_with(words);
    let clear = analysis.commands.iter().any(&seen) || analysis.suspected.iter().any(seen);
    !clear && analysis.unsure.is_none()
}

#[test]
fn plain_commands_are_the_whole_truth() {
    for (text, words) in [
        ("git status", vec!["git", "status"]),
        ("  cargo   test -p x ", vec!["cargo", "test", "-p", "x"]),
        ("echo 'a b' \"c d\"", vec!["echo", "a b", "c d"]),
        ("grep -n 'a;b|c' src/x.rs", vec!["grep", "-n", "a;b|c", "src/x.rs"]),
        ("make test", vec!["make", "test"]),
        ("python3 -m pytest", vec!["python3", "-m", "pytest"]),
        ("git log --format=%h", vec!["git", "log", "--format=%h"]),
        ("echo ''", vec!["echo", ""]),
    ] {
        let analysis = analyse(text);
        assert_eq!(analysis.commands, [words], "{text}");
        assert!(analysis.is_plain && analysis.unsure.is_none(), "{text}: {:?}", analysis.unsure);
    }
}

#[test]
fn separators_make_several_commands() {
    for text in ["a x; b y", "a x && b y", "a x || b y", "a x | b y", "a x\nb y", "a x & b y", "a x;b y"] {
        let analysis = analyse(text);
        assert_eq!(analysis.commands, [vec!["a", "x"], vec!["b", "y"]], "{text}");
        assert!(!analysis.is_plain && analysis.unsure.is_none(), "{text}");
    }
    assert!(!analyse("sleep 1 &").is_plain);
}

/// Ways of running something that is not the first word of the text.
const HIDING: &[&str] = &[
    "true; rm -rf x",
    "true && rm -rf x",
    "false || rm -rf x",
    "echo | rm -rf x",
    "true\nrm -rf x",
    "true & rm -rf x",
    "echo $(rm -rf x)",
    "echo `rm -rf x`",
    "echo \"$(rm -rf x)\"",
    "(rm -rf x)",
    "{ rm -rf x; }",
    "cat <(rm -rf x)",
    "r\\m -rf x",
    "'rm' -rf x",
    "\"rm\" -rf x",
    "r''m -rf x",
    "$'rm' -rf x",
    "$'\\x72m' -rf x",
    "$CMD",
    "${X}m -rf x",
    "rm${IFS}-rf${IFS}x",
    "> log rm -rf x",
    "2>&1 rm -rf x",
    "A=1 rm -rf x",
    "sudo rm -rf x",
    "sudo -u root rm -rf x",
    "env A=1 rm -rf x",
    "nohup rm -rf x",
    "timeout 5 rm -rf x",
    "xargs rm -rf x",
    "find . -exec rm -rf x ;",
    "sh -c 'rm -rf x'",
    "bash -lc \"rm -rf x\"",
    "eval 'rm -rf x'",
    "eval rm -rf x",
    "echo cm0gLXJmIHg= | base64 -d | sh",
    "if true; then rm -rf x; fi",
    "while :; do rm -rf x; done",
    "! rm -rf x",
    "f() { rm -rf x; }; f",
    "exec rm -rf x",
    "command rm -rf x",
    "busybox rm -rf x",
    "/bin/sh -c 'rm -rf x'",
    "python3 -c 'import os'",
    "perl -e 'x'",
    "alias a=rm",
    "cat <<E | sh\nrm -rf x\nE",
    "bash <<< 'rm -rf x'",
    "rm \\\n-rf x",
    "r\\\nm -rf x",
    "time rm -rf x",
    "a=rm; $a -rf x",
    "sh -c \"sh -c 'rm -rf x'\"",
    "awk 'BEGIN{system(1)}'",
    "git status #\nrm -rf x",
    "trap 'rm -rf x' EXIT",
    "r{m,} -rf x",
    "/bin/r? -rf x",
    "/b*/rm -rf x",
    "~/rm -rf x",
    "rm\u{a0}-rf x",
    "echo\rrm -rf x",
    "sh",
    "coproc rm -rf x",
    "",
    "   ",
    "#",
    "'unclosed rm -rf x",
    "make SHELL=/tmp/x",
    "watch rm -rf x",
    "ssh h rm -rf x",
];

#[test]
fn nothing_hides_a_command() {
    for text in HIDING {
        assert!(!hides(&["rm", "-rf", "x"], text), "{text:?} hides it: {:?}", analyse(text));
        let analysis = analyse(text);
        let several = analysis.commands.len() > 1;
        assert!(several || analysis.unsure.is_some() || analysis.commands[0][0] == "rm", "{text:?}");
    }
    // The control: what is certain is certain.
    assert!(hides(&["rm", "-rf", "x"], "echo rm"));
}

#[test]
fn huge_and_deep_texts_are_bounded_and_unsure() {
    for text in
        ["a ".repeat(COMMAND_BYTES_MAX), "(".repeat(50_000), "$(a ".repeat(10_000), "sh -c ".repeat(9_000)]
    {
        let analysis = analyse(&text);
        assert!(analysis.unsure.is_some());
        assert!(analysis.suspected.iter().map(Vec::len).sum::<usize>() < 5_000_000);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(128))]

    /// A text with anything but plain words in it is never taken for a plain command.
    #[test]
    fn a_metacharacter_outside_quotes_is_never_plain(
        before in "[a-z]{1,5}( [a-z-]{1,5}){0,2}", sign in "[;|&$`<>(){}*?\\\\\n]", after in "[a-z ]{1,8}",
    ) {
        let text = format!("{before}{sign}{after}");
        let analysis = analyse(&text);
        let single = analysis.is_plain && analysis.unsure.is_none();
        proptest::prop_assert!(!single, "{text:?}");
    }
}
