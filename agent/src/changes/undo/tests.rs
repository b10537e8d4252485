//! The table of what happens to a file that somebody may have edited since.
use super::*;

fn file(text: &str) -> Contents {
    with_mode(text, 0o644)
}

fn with_mode(text: &str, mode: u32) -> Contents {
    Contents { bytes: text.as_bytes().to_vec(), mode: Some(mode) }
}

fn check(
    before: impl Into<Option<Contents>>,
    after: impl Into<Option<Contents>>,
    now: impl Into<Option<Contents>>,
) -> Result<Option<Contents>, ConflictKind> {
    let inverse = Inverse { before: before.into(), after: after.into() };
    undo(&inverse, now.into().as_ref()).map_err(|obstacle| obstacle.kind)
}

#[test]
fn what_nobody_touched_goes_back_exactly() {
    assert_eq!(check(file("a\n"), file("b\n"), file("b\n")), Ok(Some(file("a\n"))));
    assert_eq!(check(None, file("b\n"), file("b\n")), Ok(None));
    assert_eq!(check(file("a\n"), None, None), Ok(Some(file("a\n"))));
    assert_eq!(
        check(with_mode("a", 0o755), with_mode("a", 0o644), file("a")),
        Ok(Some(with_mode("a", 0o755)))
    );
}

#[test]
fn what_is_as_it_was_already_stays() {
    assert_eq!(check(file("a\n"), file("b\n"), file("a\n")), Ok(Some(file("a\n"))));
    assert_eq!(check(None, file("b\n"), None), Ok(None));
    assert_eq!(check(file("a\n"), None, file("a\n")), Ok(Some(file("a\n"))));
    assert_eq!(check(None, None, file("x")), Ok(Some(file("x"))));
}

#[test]
fn lines_of_others_stay_and_the_same_lines_are_in_the_way() {
    assert_eq!(check(file("a\nb\nc\n"), file("x\nb\nc\n"), file("x\nb\nC\n")), Ok(Some(file("a\nb\nC\n"))));
    assert_eq!(check(file("a\nb\n"), file("x\nb\n"), file("y\nb\n")), Err(ConflictKind::Edited));
    assert_eq!(check(None, file("b\n"), file("b\nmore\n")), Err(ConflictKind::Edited));
    assert_eq!(check(None, file("b\n"), with_mode("b\n", 0o755)), Err(ConflictKind::Edited));
    assert_eq!(check(file("a\n"), None, file("other\n")), Err(ConflictKind::Created));
    assert_eq!(check(file("a\n"), file("b\n"), None), Err(ConflictKind::Deleted));
    assert_eq!(check(file("a\0"), file("b\0"), file("c\0")), Err(ConflictKind::Edited));
    let modes = check(with_mode("a", 0o755), with_mode("a", 0o644), with_mode("a", 0o600));
    assert_eq!(modes, Err(ConflictKind::Edited));
    // A mode that we did not touch is the file's own.
    assert_eq!(check(file("a\n"), file("b\n"), with_mode("b\n", 0o600)), Ok(Some(with_mode("a\n", 0o600))));
}

#[test]
fn an_obstacle_names_its_lines() {
    let inverse = Inverse { before: Some(file("a\nb\nc\n")), after: Some(file("a\nx\nc\n")) };
    let obstacle = undo(&inverse, Some(&file("0\na\ny\nz\nc\n"))).unwrap_err();
    let places = obstacle.lines.iter().chain(&obstacle.left).map(|range| (range.start, range.end));
    assert_eq!(places.collect::<Vec<_>>(), [(2, 4), (1, 2)]);
}

#[test]
fn hunks_can_be_taken_back_by_their_numbers() {
    let inverse = || Inverse {
        before: Some(with_mode("a\nb\nc\n", 0o644)),
        after: Some(with_mode("1\nb\n3\n", 0o755)),
    };
    let check =
        |numbers: &[u32]| only(inverse(), &numbers.iter().copied().collect()).map(|inverse| inverse.before);
    assert_eq!(check(&[1]), Ok(Some(with_mode("a\nb\n3\n", 0o755))));
    assert_eq!(check(&[2]), Ok(Some(with_mode("1\nb\nc\n", 0o755))));
    assert_eq!(check(&[0]), Ok(Some(with_mode("1\nb\n3\n", 0o644))));
    assert_eq!(check(&[0, 1, 2]), Ok(Some(with_mode("a\nb\nc\n", 0o644))));
    assert_eq!(check(&[1, 7]), Err(7));
    let created = Inverse { before: None, after: Some(file("a\n")) };
    assert_eq!(only(created.clone(), &[1].into()), Ok(created));
}
