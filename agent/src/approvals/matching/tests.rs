//! Rules against actions: allowing to the letter, restricting broadly.
use super::*;
use crate::approvals::Programs;

fn command(text: &str) -> Action {
    Action::Command {
        command: text.to_owned(),
        programs: Programs::default(),
        needs: crate::sandbox::Needs::default(),
    }
}

fn allows(rule: &str, action: &Action) -> bool {
    let rule = Rule::parse(rule).unwrap();
    allowing(&[&rule], action).is_some()
}

fn restricts(rule: &str, action: &Action) -> bool {
    let analysis = match action {
        Action::Command { command, .. } => shell::analyse(command),
        Action::Read { .. } | Action::Write { .. } | Action::Network { .. } => Analysis::default(),
    };
    restricting(&[Rule::parse(rule).unwrap()], action, &analysis).is_some()
}

#[test]
fn an_allowing_rule_covers_one_plain_command_to_the_letter() {
    for (rule, text) in [
        ("cargo test *", "cargo test"),
        ("cargo test *", "cargo test -p x --lib"),
        ("git status", "git status"),
        ("shell:git log *", "git log -n 3"),
        ("npm run test:*", "npm run test:unit"),
        ("echo *", "echo 'a; b'"),
    ] {
        assert!(allows(rule, &command(text)), "{rule} {text}");
    }
    for (rule, text) in [
        ("cargo test *", "cargo testing"),
        ("cargo test *", "cargo build"),
        ("git status", "git status -s"),
        ("cargo test *", "./cargo test"),
        ("cargo test *", "/tmp/cargo test"),
        ("cargo test *", "A=1 cargo test"),
        ("cargo test *", "cargo test; rm x"),
        ("cargo test *", "cargo test && rm x"),
        ("cargo test *", "cargo test | sh"),
        ("cargo test *", "cargo test & rm x"),
        ("cargo test *", "cargo test\nrm x"),
        ("cargo test *", "cargo test > x"),
        ("cargo test *", "cargo test $(rm x)"),
        ("cargo test *", "cargo test `rm x`"),
        ("cargo test *", "cargo test \"$(rm x)\""),
        ("cargo test *", "cargo test <(rm x)"),
        ("cargo test *", "cargo test *"),
        ("*", "rm x"),
        ("read:**", "cat x"),
    ] {
        assert!(!allows(rule, &command(text)), "{rule} {text}");
    }
}

#[test]
fn a_denial_sees_every_part_and_every_spelling() {
    for text in [
        "rm -rf x",
        "rm -fr x",
        "rm -r -f x",
        "rm x -rf",
        "rm -vrf x",
        "rm --recursive --force x",
        "rm --rec --forc x",
        "rm -Rf x",
        "/bin/rm -rf x",
        "true && rm -rf x",
        "sudo rm -rf x",
        "sh -c 'rm -rf x'",
        "echo $(rm -rf x)",
        "r\\m -rf x",
        "r''m -rf x",
        "A=1 rm -rf x",
        "> l rm -rf x",
        "eval 'rm -rf x'",
        "if true; then rm -rf x; fi",
        "rm -rf",
        "rm${IFS}-rf${IFS}x",
        "find . -exec rm -rf {} ;",
        "bash -lc \"cd x && rm -rf y\"",
    ] {
        assert!(restricts("rm -rf *", &command(text)), "{text}");
    }
    for text in
        ["rm x", "rm -r x", "rm -f x", "git commit -m 'rm -rf x'", "echo rm -rf x", "rmdir x", "rm -- -rf"]
    {
        assert!(!restricts("rm -rf *", &command(text)), "{text}");
    }
    assert!(restricts("git push *", &command("git push origin main")));
    assert!(restricts("git push --force *", &command("git push origin --force")));
    assert!(restricts("git push --force *", &command("git push --force=x")));
    assert!(!restricts("git push *", &command("git pull")));
    assert!(restricts("sudo", &command("sudo ls")));
}

#[test]
fn paths_allow_to_the_letter_and_restrict_in_any_case() {
    let paths = |texts: &[&str]| texts.iter().map(|text| RelPath::parse(text).unwrap()).collect();
    let write = |texts: &[&str]| Action::Write { paths: paths(texts) };
    assert!(allows("write:src/**", &write(&["src/a.rs", "src/b/c.rs"])));
    assert!(!allows("write:src/**", &write(&["src/a.rs", "other"])));
    assert!(!allows("write:src/**", &write(&["SRC/a.rs"])));
    assert!(!allows("read:src/**", &write(&["src/a.rs"])));
    assert!(!allows("write:src/**", &write(&[])));
    assert!(restricts("write:src/**", &write(&["x", "SRC/a.rs"])));
    assert!(restricts("read:**/.env", &Action::Read { paths: paths(&["a/.ENV"]) }));
    assert!(!restricts("read:**/.env", &write(&[".env"])));
}

#[test]
fn wildcards_are_linear_enough() {
    assert!(wildcard("a*b?d", "axxbcd") && wildcard("*", "") && !wildcard("a?", "a"));
    assert!(!wildcard(&"*a".repeat(200), &"a".repeat(150)));
}
