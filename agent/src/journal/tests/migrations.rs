//! Migrations, with steps of their own, and the refusals of the state directory.
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::journal::connection;
use crate::journal::migrate::migrate;
use crate::journal::schema::Step;
use crate::journal::state_dir::{create_file, prepare};
use crate::journal::{Journal, OpenError};

const FIRST: Step = step("CREATE TABLE a(x); INSERT INTO a VALUES (1);");
const SECOND: Step = step("ALTER TABLE a ADD COLUMN y;");

const fn step(sql: &'static str) -> Step {
    Step { sql, fill: None }
}

#[test]
fn missing_steps_are_applied_once_and_a_copy_of_what_was_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("journal.db");
    create_file(&database).unwrap();
    let connection = connection::open(&database, 64).unwrap();
    migrate(&connection, &database, &[FIRST]).unwrap();
    migrate(&connection, &database, &[FIRST]).unwrap();
    let copy = directory.path().join("journal.db.schema-1");
    assert!(!copy.exists(), "there was nothing to keep");
    migrate(&connection, &database, &[FIRST, SECOND]).unwrap();
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let kept = connection::open(&copy, 64).unwrap();
    assert_eq!(kept.query_row("SELECT x FROM a", [], |row| row.get::<_, i64>(0)).unwrap(), 1);
    assert!(kept.prepare("SELECT y FROM a").is_err());
    assert!(connection.prepare("SELECT y FROM a").is_ok());
}

#[test]
fn a_step_that_fails_leaves_what_was() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("journal.db");
    create_file(&database).unwrap();
    let connection = connection::open(&database, 64).unwrap();
    migrate(&connection, &database, &[FIRST]).unwrap();
    assert!(migrate(&connection, &database, &[FIRST, step("DROP TABLE a; NONSENSE")]).is_err());
    assert!(connection.prepare("SELECT x FROM a").is_ok());
    migrate(&connection, &database, &[FIRST, SECOND]).unwrap();
}

#[test]
fn a_newer_schema_is_refused_in_one_sentence() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("journal.db");
    create_file(&database).unwrap();
    connection::open(&database, 64).unwrap().pragma_update(None, "user_version", 7).unwrap();
    let error = Journal::open(directory.path(), super::clock()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the state directory was written by a newer tenon (its journal has schema 7, this one knows up to 2): use the newer one; nothing was changed"
    );
}

#[test]
fn a_linked_state_directory_is_refused_and_an_open_one_is_closed() {
    let directory = tempfile::tempdir().unwrap();
    let (real, link) = (directory.path().join("real"), directory.path().join("link"));
    prepare(&real).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o755)).unwrap();
    prepare(&real).unwrap();
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o700);
    symlink(&real, &link).unwrap();
    let refused = prepare(&link).unwrap_err();
    assert!(matches!(&refused, OpenError::Refused { why, .. } if why.contains("symbolic link")), "{refused}");
    let planted = real.join("journal.db");
    symlink("/dev/null", &planted).unwrap();
    assert!(create_file(&planted).is_err());
}
