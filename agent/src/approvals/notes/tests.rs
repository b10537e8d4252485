//! What is told about commands. Not here: that it reaches a person (`tests/tests/cli`).
use std::fs;

use super::*;

fn world() -> tempfile::TempDir {
    let temp = tempfile::tempdir().unwrap();
    for name in ["build/a/b.txt", "a.o", "b.o", ".c.o", "keep", "old.txt", "odd\u{202e}x"] {
        let place = temp.path().join(name);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, "text").unwrap();
    }
    temp
}

fn check(command: &str, expected: &[&str]) {
    let world = world();
    assert_eq!(notes(command, world.path(), "/nowhere"), expected, "{command}");
}

#[test]
fn what_is_removed_is_counted_and_named() {
    check("rm -r build *.o", &["rm: 2 files and 1 folder with 2 entries in it: build/, a.o, b.o"]);
    check("rm -f -- absent", &["rm: nothing of what it names is there"]);
    check("rm 'a.o' \"b.o\"", &["rm: 2 files: a.o, b.o"]);
    check("rm odd*", &["rm: 1 file: odd\\u{202e}x"]);
    check("rm build/*/b.txt", &["rm: 1 file: build/a/b.txt"]);
    check("rm -r $X", &["rm: what it is about cannot be told: its words hold more than plain text"]);
    check("rm -r ~/x", &["rm: what it is about cannot be told: its words hold more than plain text"]);
    let unknown = "rm: what it is about cannot be told: the folder it runs in is not known";
    let own = "(the shell's own, or not there)";
    check("cd $X && rm -r a", &[&format!("runs cd {own}, rm {own}"), unknown]);
    check("cd build; rm -r a", &[&format!("runs cd {own}, rm {own}"), "rm: 1 folder with 1 entry in it: a/"]);
}

#[test]
fn what_wraps_is_looked_through() {
    let own = "(the shell's own, or not there)";
    let told = format!("runs sudo {own}, env (not known), rm (not known)");
    check("sudo -n env A=b rm a.o", &[&told, "rm: 1 file: a.o"]);
    let told = format!("runs ls {own}, xargs {own}, rm (not known)");
    let of_xargs = "xargs: its words come from what the command before it prints";
    check("ls | xargs rm", &[&told, of_xargs]);
    check("find . -name x -delete", &["find: what it removes or runs depends on what it finds"]);
}

#[test]
fn what_is_overwritten_is_named() {
    check("echo x > old.txt 2>/dev/null", &["overwrites old.txt (4 bytes)"]);
    check("echo x >> old.txt", &[]);
    check("echo x 2>&1", &[]);
    check("echo x > new.txt", &[]);
    check("cmd &> keep", &["overwrites keep (4 bytes)"]);
    check("echo x > $F", &["overwrites $F: whether that is there cannot be told"]);
    check("echo '> old.txt' # > old.txt", &[]);
}

#[test]
fn what_is_not_seen_is_told_first() {
    let beware = "beware: 2 characters in it are not seen or change what is seen (U+001B, U+202E)";
    check("echo \u{202e}x\u{1b}", &[beware]);
    let long = format!("echo {}", "x".repeat(400));
    check(&long, &["beware: a line of it is 405 characters long; read it to its end"]);
    check("echo one\necho\ttwo", &[]);
}

#[test]
fn programs_are_told_by_the_files_they_are() {
    let world = world();
    let place = world.path().canonicalize().unwrap();
    let path = format!("/nowhere:{}", place.display());
    let told = notes("keep | a.o", &place, &path);
    assert_eq!(told, [format!("runs {0}/keep, {0}/a.o", place.display())]);
}

#[test]
fn a_tree_without_end_is_counted_to_a_bound() {
    let temp = tempfile::tempdir().unwrap();
    fs::create_dir(temp.path().join("many")).unwrap();
    for number in 0..10_050 {
        fs::write(temp.path().join("many").join(number.to_string()), "").unwrap();
    }
    let told = notes("rm -r many", temp.path(), "/nowhere");
    assert!(told[0].starts_with("rm: at least 1 folder with "), "{told:?}");
    // Text that is made to be hard costs no more than its length.
    let hostile = format!("{}rm x", "true; ( ".repeat(8_000));
    assert!(!notes(&hostile, temp.path(), "/nowhere").is_empty());
}
