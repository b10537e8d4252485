//! What "always" offers.
use super::*;
use crate::approvals::Programs;
use crate::approvals::matching::allowing;
use crate::workspace::path::RelPath;

fn check(text: &str) -> Option<String> {
    propose_pattern(&Action::Command {
        command: text.to_owned(),
        programs: Programs::default(),
        needs: crate::sandbox::Needs::default(),
    })
}

#[test]
fn proposals_are_narrow() {
    for (text, pattern) in [
        ("cargo test -p x", Some("cargo test *")),
        ("cargo test", Some("cargo test")),
        ("cargo run --release", Some("cargo run --release")),
        ("git diff src", Some("git diff *")),
        ("git push origin main", Some("git push origin main")),
        ("rm a b", Some("rm a b")),
        ("ls -la", Some("ls -la")),
        ("read:x y", Some("shell:read:x y")),
        ("echo 'a b'", None),
        ("echo '*'", None),
        ("cargo test; rm x", None),
        ("cargo test > x", None),
        ("sudo rm x", None),
        ("sh -c x", None),
    ] {
        assert_eq!(check(text).as_deref(), pattern, "{text}");
    }
}

#[test]
fn a_proposal_allows_what_it_was_made_for() {
    let path = |text: &str| RelPath::parse(text).unwrap();
    for action in [
        Action::Command {
            command: "cargo test -p x".to_owned(),
            programs: Programs::default(),
            needs: crate::sandbox::Needs::default(),
        },
        Action::Command {
            command: "read:x y".to_owned(),
            programs: Programs::default(),
            needs: crate::sandbox::Needs::default(),
        },
        Action::Write { paths: vec![path("src/a [b]{c}*.rs")] },
        Action::Read { paths: vec![path("!x/y")] },
    ] {
        let rule = Rule::parse(&propose_pattern(&action).unwrap()).unwrap();
        assert!(allowing(&[&rule], &action).is_some(), "{rule:?}");
    }
    assert_eq!(propose_pattern(&Action::Write { paths: vec![path("a"), path("b")] }), None);
    assert_eq!(
        propose_pattern(&Action::Write { paths: vec![path("src/*")] }).as_deref(),
        Some("write:src/\\*")
    );
}
