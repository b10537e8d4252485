//! What reaches the daemon, and what of it reaches a child.
use super::*;
use crate::config::layer::Source;
use crate::config::resolve::Layers;

fn variables(pairs: &[(&str, &str)]) -> Variables {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn config() -> Config {
    let text = "[providers.local]\nwire = \"openai-chat\"\napi_key = { env = \"LOCAL_KEY\" }\n".to_owned();
    let user = Some(Source { file: "/u/config.toml".into(), text });
    Layers { user, ..Layers::default() }.resolve().unwrap().config
}

fn names(variables: &Variables) -> Vec<&str> {
    variables.keys().map(String::as_str).collect()
}

#[test]
fn only_what_is_listed_is_sent() {
    let ambient = variables(&[
        ("PATH", "/bin"),
        ("LC_ALL", "C"),
        ("LOCAL_KEY", "test-key-1"),
        ("OPENAI_API_KEY", "test-key-2"),
        ("OTHER_TOKEN", "test-key-3"),
        ("LD_PRELOAD", "/x.so"),
        ("GIT_DIR", "/x"),
        ("HTTPS_PROXY", "http://p"),
        ("TENON_MODEL", "a/b"),
        ("SSH_AUTH_SOCK", "/s"),
    ]);
    let sent = for_daemon(&ambient, &config());
    let expected = ["HTTPS_PROXY", "LC_ALL", "LOCAL_KEY", "OPENAI_API_KEY", "PATH", "TENON_MODEL"];
    assert_eq!(names(&sent), expected);
}

#[test]
fn no_key_reaches_a_child_nor_a_debug_print() {
    let sent = variables(&[
        ("PATH", "/bin"),
        ("CI", "true"),
        ("LOCAL_KEY", "test-key-1"),
        ("ANTHROPIC_API_KEY", "test-key-2"),
        ("ANTHROPIC_BASE_URL", "http://h"),
        ("UNPLACED", "test-key-3"),
        ("TENON_MODEL", "a/b"),
        ("HTTP_PROXY", "http://user:test-key-4@p"),
        ("NO_PROXY", "localhost"),
        ("SSL_CERT_FILE", "/ca"),
        ("GIT_SSH_COMMAND", "x"),
        ("OPENAI_API_KEY", ""),
        ("BAD", "a\0b"),
    ]);
    let environment = Environment::from_wire(sent, &config());
    assert_eq!(names(&environment.children), ["CI", "NO_PROXY", "PATH", "SSL_CERT_FILE"]);
    let secrets: Vec<&str> = environment.secrets.keys().map(String::as_str).collect();
    assert_eq!(secrets, ["ANTHROPIC_API_KEY", "LOCAL_KEY", "UNPLACED"]);
    assert_eq!(names(&environment.network), ["HTTP_PROXY", "NO_PROXY", "SSL_CERT_FILE"]);
    assert_eq!(names(&environment.settings), ["CI", "TENON_MODEL"]);
    assert_eq!(environment.base_urls["anthropic"], "http://h");
    assert!(!format!("{environment:?}").contains("test-key"));
}

#[test]
fn a_variable_that_is_configured_as_a_key_is_a_secret_even_if_children_might_have_it() {
    let text = "[providers.local]\nwire = \"script\"\napi_key = { env = \"VIRTUAL_ENV\" }\n".to_owned();
    let user = Some(Source { file: "/u/config.toml".into(), text });
    let config = Layers { user, ..Layers::default() }.resolve().unwrap().config;
    let environment = Environment::from_wire(variables(&[("VIRTUAL_ENV", "test-key")]), &config);
    assert!(environment.children.is_empty() && environment.secrets.contains_key("VIRTUAL_ENV"));
}

#[test]
fn the_number_of_variables_is_bounded() {
    let many = (0..2000).map(|n| (format!("LC_{n:04}"), "x".to_owned())).collect();
    assert_eq!(Environment::from_wire(many, &Config::default()).children.len(), VARIABLES_MAX);
}
