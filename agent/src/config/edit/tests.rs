//! Real files: what stays, what changes, what is refused.
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::config::schema;

/// Sets a key as a command line would, with a value as text.
fn set(file: &Path, key: &str, value: &str) -> Result<Source, EditError> {
    let shape = schema::find(key).unwrap().shape;
    let misfit = |message| ConfigError { place: None, key: key.to_owned(), message, allowed: None };
    let value = shape.read(value).map_err(|error| misfit(error.message))?;
    user(file, &[(key.to_owned(), Some(value))])
}

fn unset(file: &Path, key: &str) {
    user(file, &[(key.to_owned(), None)]).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn comments_and_order_stay() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("config.toml");
    fs::write(&file, "# mine\nmodel = \"a/b\" # the model\n\n[limits]\n# few\nsteps = 3\n").unwrap();
    set(&file, "model", "c/d").unwrap();
    set(&file, "limits.steps", "5").unwrap();
    set(&file, "rules.deny", "[\"rm *\"]").unwrap();
    set(&file, "providers.local.wire", "script").unwrap();
    set(&file, "providers.local.api_key.env", "LOCAL_KEY").unwrap();
    insta::assert_snapshot!(fs::read_to_string(&file).unwrap(), @r#"
    # mine
    model = "c/d" # the model

    [limits]
    # few
    steps = 5

    [rules]
    deny = ["rm *"]

    [providers.local]
    wire = "script"

    [providers.local.api_key]
    env = "LOCAL_KEY"
    "#);
    unset(&file, "limits.steps");
    unset(&file, "limits.cost_usd");
    assert!(!fs::read_to_string(&file).unwrap().contains("steps"));
}

#[test]
fn a_new_file_is_the_owners_alone_and_nothing_else_is_left() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("deep/tenon/config.toml");
    set(&file, "daemon.linger_s", "5").unwrap();
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn what_is_not_valid_is_not_written() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("config.toml");
    let text = "profile = \"edit\"\nlimits = { steps = 4 }\n";
    fs::write(&file, text).unwrap();
    for (key, value) in [
        ("limits.steps", "none"),
        ("profile", "absent"),
        ("providers.x.base_url", "http://h/v1"),
        ("rules.deny", "[\"read:[\"]"),
    ] {
        assert!(matches!(set(&file, key, value), Err(EditError::Invalid(_))), "{key} = {value}");
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }
    fs::write(&file, "profile = \n").unwrap();
    assert!(matches!(set(&file, "model", "a/b"), Err(EditError::Invalid(_))));
}

#[test]
fn a_linked_file_stays_a_link() {
    let temp = tempfile::tempdir().unwrap();
    let (real, link) = (temp.path().join("real.toml"), temp.path().join("config.toml"));
    fs::write(&real, "").unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    set(&link, "profile", "edit").unwrap();
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&real).unwrap(), "profile = \"edit\"\n");
}
