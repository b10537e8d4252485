//! The environment of a command: an allow-list over the session's variables. Not here: where a session's variables come
//! from; the daemon's own environment is never looked at.
use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// The longest value that is handed on. Longer ones are no settings, and eat the room of the arguments.
const VALUE_BYTES_MAX: usize = 32 * 1024;

/// Where programs are looked for when the session has no usable `PATH`.
const PATH_FALLBACK: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

/// The table of names, `agent/data/environment.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    allow: Vec<String>,
    deny: Vec<String>,
    set: BTreeMap<String, String>,
}

/// A table that does not parse allows nothing, so that a broken build cannot leak; a test reads it.
static TABLE: LazyLock<Table> =
    LazyLock::new(|| toml::from_str(include_str!("../../data/environment.toml")).unwrap_or_default());

/// Returns the whole environment of a command of this session: what the allow-list names and the deny-list does not,
/// and a few settings for programs that nobody looks at. Entries of `PATH` that depend on the working directory are
/// taken out, because in a workspace they name the repository's own programs.
pub(crate) fn child_environment(session_env: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    select(session_env, &TABLE)
}

fn select(session_env: &BTreeMap<String, String>, table: &Table) -> BTreeMap<String, String> {
    let mut env: BTreeMap<String, String> = session_env
        .iter()
        .filter(|(name, value)| is_sound(name, value))
        .filter(|(name, _)| any(&table.allow, name) && !any(&table.deny, name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let path = env.get("PATH").map(|path| absolute_entries(path)).filter(|path| !path.is_empty());
    env.insert("PATH".to_owned(), path.unwrap_or_else(|| PATH_FALLBACK.to_owned()));
    env.extend(table.set.clone());
    env
}

fn is_sound(name: &str, value: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0') && value.len() <= VALUE_BYTES_MAX
}

fn any(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, name))
}

/// Matches a name against a pattern in which each `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((head, tail)) => name.strip_prefix(head).is_some_and(|rest| {
            (0..=rest.len()).filter_map(|start| rest.get(start..)).any(|rest| matches(tail, rest))
        }),
    }
}

fn absolute_entries(path: &str) -> String {
    path.split(':').filter(|entry| entry.starts_with('/')).collect::<Vec<_>>().join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(names: &[&str]) -> BTreeMap<String, String> {
        names.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect()
    }

    /// Variables that make a program load or run something else, open a door, or are secret.
    const DANGEROUS: &[&str] = &[
        "LD_PRELOAD",
        "LD_AUDIT",
        "DYLD_INSERT_LIBRARIES",
        "BASH_ENV",
        "ENV",
        "BASH_FUNC_ls%%",
        "SHELLOPTS",
        "PS4",
        "IFS",
        "GIT_SSH_COMMAND",
        "GIT_EXTERNAL_DIFF",
        "NODE_OPTIONS",
        "PYTHONPATH",
        "PYTHONSTARTUP",
        "PERL5OPT",
        "PERL5LIB",
        "RUBYOPT",
        "RUBYLIB",
        "JAVA_TOOL_OPTIONS",
        "RUSTC_WRAPPER",
        "SSH_AUTH_SOCK",
        "DBUS_SESSION_BUS_ADDRESS",
        "OPENAI_API_KEY",
        "ANTHROPIC_API_KEY",
        "LOCAL_KEY",
        "GITHUB_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "PGPASSWORD",
        "TENON_STATE_DIR",
    ];

    #[test]
    fn dangerous_names_never_reach_a_command() {
        let env = select(&session(DANGEROUS), &TABLE);
        assert!(DANGEROUS.iter().all(|name| !env.contains_key(*name)), "{env:?}");
        // The deny-list holds by itself, also when the allow-list has everything …
        let deny_only = Table { allow: vec!["*".into()], deny: TABLE.deny.clone(), set: BTreeMap::new() };
        let env = select(&session(DANGEROUS), &deny_only);
        assert_eq!(env.into_keys().collect::<Vec<_>>(), ["PATH"]);
        // … and without either list they would get through.
        let open = Table { allow: vec!["*".into()], ..Table::default() };
        let env = select(&session(DANGEROUS), &open);
        assert!(DANGEROUS.iter().all(|name| env.contains_key(*name)));
    }

    #[test]
    fn toolchains_and_languages_get_through_and_nothing_unknown_does() {
        let env =
            child_environment(&session(&["HOME", "LC_ALL", "CARGO_HOME", "JAVA_HOME", "SOME_APP_SETTING"]));
        let names: Vec<_> = env.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "CARGO_HOME",
                "GIT_PAGER",
                "GIT_TERMINAL_PROMPT",
                "HOME",
                "JAVA_HOME",
                "LC_ALL",
                "PAGER",
                "PATH",
                "TERM"
            ]
        );
    }

    #[test]
    fn the_path_keeps_absolute_entries_only() {
        let path = |text: &str| {
            let env = BTreeMap::from([("PATH".to_owned(), text.to_owned())]);
            child_environment(&env).remove("PATH").unwrap()
        };
        assert_eq!(path("/opt/bin:.::node_modules/.bin:/bin"), "/opt/bin:/bin");
        assert_eq!(path(".:"), PATH_FALLBACK);
    }

    #[test]
    fn stars_stand_for_any_text() {
        let check =
            |pattern, name, expected| assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        check("LD_*", "LD_PRELOAD", true);
        check("LD_*", "OLD_X", false);
        check("*_API_KEY", "A_API_KEY", true);
        check("*_API_KEY", "A_API_KEYS", false);
        check("CARGO_TARGET_*_RUNNER", "CARGO_TARGET_X_RUNNER", true);
        check("CARGO_TARGET_*_RUNNER", "CARGO_TARGET_DIR", false);
        check("*PASSWORD*", "PGPASSWORD", true);
        check("ENV", "ENVY", false);
    }
}
