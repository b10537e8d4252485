//! Real files, and the order in which a key is looked for.
use std::os::unix::fs::OpenOptionsExt as _;

use super::*;

fn write(dir: &Path, name: &str, mode: u32, text: &str) -> PathBuf {
    use std::io::Write as _;
    let file = dir.join(name);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true).mode(mode);
    options.open(&file).unwrap().write_all(text.as_bytes()).unwrap();
    file
}

fn provider(name: &str, api_key: KeySource) -> ProviderConfig {
    ProviderConfig {
        name: name.to_owned(),
        wire: Wire::OpenAiChat,
        base_url: vendor(name).map(|vendor| vendor.base_url.to_owned()),
        api_key,
        headers: BTreeMap::new(),
        max_tokens_field: crate::config::provider::MaxTokensField::default(),
        timeouts: crate::config::provider::Timeouts::default(),
        model: None,
        file: None,
    }
}

fn with_key(variable: &str, key: &str) -> Environment {
    let mut environment = Environment::default();
    environment.secrets.insert(variable.to_owned(), Secret::new(key));
    environment
}

/// The key found, or what is said about it.
fn check(provider: &ProviderConfig, environment: &Environment, credentials: &Credentials) -> String {
    match provider.key(environment, credentials) {
        KeyState::NotNeeded => "not needed".to_owned(),
        KeyState::Found { key, .. } => key.expose().to_owned(),
        KeyState::Missing { how } => how,
    }
}

#[test]
fn only_a_private_and_valid_file_is_read() {
    let temp = tempfile::tempdir().unwrap();
    let text =
        "{\"providers\": {\"openai\": {\"key\": \"test-key\", \"more\": 1}, \"empty\": {\"key\": \"\"}}}";
    let good = Credentials::read(&write(temp.path(), "good", 0o600, text)).unwrap();
    assert_eq!(good.get("openai").unwrap().expose(), "test-key");
    assert!(good.get("empty").is_none() && good.get("other").is_none());
    assert!(Credentials::read(&temp.path().join("absent")).unwrap().get("openai").is_none());

    let exposed = Credentials::read(&write(temp.path(), "exposed", 0o640, text));
    assert!(matches!(exposed, Err(CredentialsError::Exposed { .. })));
    let malformed =
        Credentials::read(&write(temp.path(), "malformed", 0o600, "\n{\"test-key\"")).unwrap_err();
    assert!(matches!(malformed, CredentialsError::Malformed { line: 2, .. }));
    assert!(!format!("{malformed:?} {malformed}").contains("test-key"));
    assert!(matches!(Credentials::read(temp.path()), Err(CredentialsError::NotAFile { .. })));
}

#[test]
fn a_key_is_looked_for_in_order() {
    let temp = tempfile::tempdir().unwrap();
    let file = write(temp.path(), "c", 0o600, "{\"providers\": {\"openai\": {\"key\": \"stored\"}}}");
    let stored = Credentials::read(&file).unwrap();
    let (none, no_credentials) = (Environment::default(), Credentials::default());

    let openai = provider("openai", KeySource::Default);
    assert_eq!(check(&openai, &with_key("OPENAI_API_KEY", "own"), &stored), "own");
    assert_eq!(check(&openai, &none, &stored), "stored");
    let missing = check(&openai, &none, &no_credentials);
    assert_eq!(
        missing,
        "run `tenon auth login openai`, set OPENAI_API_KEY, or name a key file as `providers.openai.api_key`"
    );

    let named = provider("openai", KeySource::Variable("MINE".to_owned()));
    assert_eq!(check(&named, &with_key("MINE", "mine"), &stored), "mine");
    assert_eq!(check(&named, &with_key("OPENAI_API_KEY", "own"), &stored), "stored");
    assert_eq!(
        check(&named, &none, &no_credentials),
        "run `tenon auth login openai`, set MINE, or name a key file as `providers.openai.api_key`"
    );

    let key = write(temp.path(), "key", 0o600, " from-file\n");
    assert_eq!(check(&provider("local", KeySource::File(key)), &none, &stored), "from-file");
    let absent = check(&provider("local", KeySource::File(temp.path().join("absent"))), &none, &stored);
    assert!(absent.starts_with("put the key into the file"));
    assert_eq!(check(&provider("local", KeySource::Default), &none, &stored), "not needed");

    let moved = ProviderConfig { base_url: Some("http://h/v1".to_owned()), ..openai };
    assert_eq!(check(&moved, &none, &no_credentials), "not needed");
}

#[test]
fn a_key_is_stored_beside_what_is_there() {
    use std::os::unix::fs::PermissionsExt as _;
    let temp = tempfile::tempdir().unwrap();
    let text = r#"{"version": 1.50, "providers": {"other": {"key": "test-key-2", "more": [1]}}}"#;
    let file = write(temp.path(), "credentials.json", 0o600, text);
    assert!(!store(&file, "mine", Some(&Secret::new("test-key-1"))).unwrap());
    assert!(store(&file, "mine", Some(&Secret::new("test-\"key"))).unwrap());
    let stored = Credentials::read(&file).unwrap();
    assert_eq!(stored.get("mine").unwrap().expose(), "test-\"key");
    assert_eq!(stored.get("other").unwrap().expose(), "test-key-2");
    let now = fs::read_to_string(&file).unwrap();
    assert!(now.contains("1.50") && now.contains("[1]"), "{now}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(store(&file, "mine", None).unwrap());
    assert!(!store(&file, "mine", None).unwrap());
    let changes = Credentials::read(&file).unwrap().changes_since(&stored);
    assert_eq!(changes, [("mine".to_owned(), false)]);
    assert_eq!(stored.changes_since(&Credentials::default()).len(), 2);
}

#[test]
fn a_key_is_stored_where_no_file_is_and_never_into_a_damaged_one() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("deep/credentials.json");
    assert!(!store(&file, "mine", None).unwrap());
    assert!(!file.exists(), "nothing to take out makes no file");
    store(&file, "mine", Some(&Secret::new("test-key"))).unwrap();
    assert_eq!(Credentials::read(&file).unwrap().get("mine").unwrap().expose(), "test-key");
    for (name, mode, text) in
        [("broken", 0o600, "{"), ("open", 0o644, "{}"), ("odd", 0o600, "{\"providers\": 7}")]
    {
        let file = write(temp.path(), name, mode, text);
        assert!(store(&file, "mine", Some(&Secret::new("test-key"))).is_err(), "{name}");
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }
}
