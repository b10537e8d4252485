//! Layers, messages, narrowing.
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::config::error::WarningKind;
use crate::config::provider::{KeySource, Wire};

/// The example of the manual.
const EXAMPLE: &str = r#"
model = "anthropic/claude-sonnet-4-5"
profile = "review"

[providers.local]
wire = "openai-chat"
base_url = "http://127.0.0.1:11434/v1"
api_key = { env = "LOCAL_KEY" }

[limits]
steps = 25
turn_timeout_s = 1800
retry_budget_s = 120

[rules]
allow = ["cargo test *", "git status"]
ask   = ["git push *"]
deny  = ["rm -rf *", "read:**/.env"]

[sandbox]
unix_sockets = false

[daemon]
linger_s = 300
listen = ""
accept = []
"#;

fn source(file: &str, text: &str) -> Source {
    Source { file: PathBuf::from(file), text: text.to_owned() }
}

fn variables(pairs: &[(&str, &str)]) -> Variables {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn user(text: &str) -> Layers {
    Layers { user: Some(source("/u/config.toml", text)), ..Layers::default() }
}

fn failure(text: &str) -> String {
    user(text).resolve().unwrap_err().to_string()
}

#[test]
fn the_example_parses_without_a_warning() {
    let resolved = user(EXAMPLE).resolve().unwrap();
    assert_eq!(resolved.warnings, []);
    let config = resolved.config;
    assert_eq!(config.model.as_deref(), Some("anthropic/claude-sonnet-4-5"));
    let local = &config.providers["local"];
    assert_eq!(
        (local.wire, &local.api_key),
        (Wire::OpenAiChat, &KeySource::Variable("LOCAL_KEY".to_owned()))
    );
    assert_eq!(local.base_url.as_deref(), Some("http://127.0.0.1:11434/v1"));
    assert_eq!(config.rules.deny[1].text(), "read:**/.env");
    assert_eq!(
        config.daemon,
        Daemon {
            linger_s: 300,
            unload_s: 60,
            listen: None,
            origins: Vec::new(),
            accept_user_namespace: false
        }
    );
}

#[test]
fn nothing_at_all_is_the_default() {
    assert_eq!(Layers::default().resolve().unwrap().config, Config::default());
}

#[test]
fn later_layers_go_before_earlier_ones_and_explain_tells_them_apart() {
    let mut layers = user("profile = \"auto\"\n[limits]\nsteps = 20\n");
    layers.workspace = Some(source("/w/config.toml", "profile = \"edit\"\n[limits]\nsteps = 15\n"));
    layers.environment = variables(&[("TENON_LIMITS_STEPS", "30")]);
    let resolved = layers.resolve().unwrap();
    assert_eq!(resolved.warnings, []);
    assert_eq!((resolved.config.limits.steps, resolved.config.profile.as_str()), (30, "edit"));
    let rows = resolved.explain("limits.steps").unwrap();
    let rows: Vec<String> =
        rows.iter().map(|r| format!("{} {} {} {}", r.layer, r.place, r.value, r.effective)).collect();
    insta::assert_snapshot!(rows.join("\n"), @r"
    built in built in 25 false
    user /u/config.toml:3 20 false
    workspace /w/config.toml:3 15 false
    environment TENON_LIMITS_STEPS 30 true
    ");
    assert_eq!(resolved.explain("limits").unwrap().len(), 7);
    assert_eq!(resolved.explain("limits.cost_usd").unwrap(), []);
    let unknown = resolved.explain("limit.steps").unwrap_err().to_string();
    assert_eq!(unknown, "limit.steps: unknown key; did you mean limits.steps?");
}

#[test]
fn wrong_values_name_file_line_and_what_is_allowed() {
    insta::assert_snapshot!([
        failure("\n[limits]\nsteps = \"many\"\n"),
        failure("[limits]\nsteps = 0\n"),
        failure("[limits]\ncost_usd = -1\n"),
        failure("[providers.a]\nwire = \"openai\"\n"),
        failure("[providers.a]\nbase_url = \"http://h/v1\"\n"),
        failure("[providers.a]\nwire = \"script\"\napi_key = \"test-key\"\n"),
        failure("[providers.a]\nwire = \"script\"\napi_key = { env = \"test-key\" }\n"),
        failure("[providers.a]\nwire = \"script\"\n\napi_key = { env = \"A\", file = \"b\" }\n"),
        failure("profile = \"edits\"\n"),
        failure("[profiles.edit]\nwrite = \"allow\"\n"),
        failure("[profiles.a]\nextends = \"b\"\n[profiles.b]\nextends = \"a\"\n"),
        failure("[rules]\ndeny = [\"read:[\"]\n"),
        failure("limits = 3\n"),
        failure("model = \n"),
        failure("[daemon]\naccept = [\"anyone\"]\nlisten = \"\"\n"),
    ].join("\n"), @r#"
    /u/config.toml:3: limits.steps: "many" does not fit; allowed: a whole number from 1 to 10000
    /u/config.toml:2: limits.steps: 0 does not fit; allowed: a whole number from 1 to 10000
    /u/config.toml:2: limits.cost_usd: -1 does not fit; allowed: a number above 0 and up to 1000000
    /u/config.toml:2: providers.a.wire: "openai" does not fit; allowed: openai-chat, openai-responses, anthropic-messages, gemini, script
    /u/config.toml:2: providers.a.wire: the provider's wire is missing; allowed: openai-chat, openai-responses, anthropic-messages, gemini, script
    /u/config.toml:3: providers.a.api_key: the value does not fit; allowed: { env = "NAME" } or { file = "PATH" }
    /u/config.toml:3: providers.a.api_key.env: the value does not fit; allowed: the name of an environment variable
    /u/config.toml:4: providers.a.api_key: both a variable and a file are named; allowed: { env = "NAME" } or { file = "PATH" }
    /u/config.toml:1: profile: there is no profile "edits"; allowed: auto, edit, full, read, review
    /u/config.toml:2: profiles.edit: edit is built in and cannot be changed; allowed: another name, with `extends`
    /u/config.toml:2: profiles.a.extends: the profile builds on itself; allowed: auto, edit, full, read, review
    /u/config.toml:2: rules.deny: the glob is not valid: unclosed character class; missing ']'; allowed: a list of rules: "cargo test *", "read:GLOB", "write:GLOB", "shell:PATTERN", "net:HOST"
    /u/config.toml:1: limits: the value does not fit; allowed: a table
    /u/config.toml:1: string values must be quoted, expected literal string
    /u/config.toml:2: daemon.accept: ["anyone"] does not fit; allowed: a list of user-namespace
    "#);
}

#[test]
fn a_key_in_a_wrong_place_never_comes_back_in_a_message() {
    for text in [
        "[providers.a]\nwire = \"script\"\napi_key = \"test-key\"\n",
        "[providers.a]\nwire = \"script\"\napi_key = { env = \"test-key\" }\n",
        "[providers.a]\nwire = \"script\"\nheaders = { X-Key = 3 }\n",
        "[providers.a]\nwire = \"script\"\nheaders = { X-Key = \"test-key\\n\" }\n",
    ] {
        assert!(!failure(text).contains("test-key"), "{}", failure(text));
    }
    let resolved =
        user("[providers.a]\nwire = \"script\"\nheaders = { X-Key = \"test-key\" }\n").resolve().unwrap();
    assert_eq!(resolved.config.providers["a"].headers["X-Key"], "test-key");
    let told = format!("{:?}", resolved.explain("providers").unwrap());
    assert!(told.contains("[redacted]") && !told.contains("test-key"), "{told}");
    assert!(!format!("{:?}", resolved.config).contains("test-key"));
}

#[test]
fn unknown_keys_are_warnings_with_the_nearest_name() {
    let resolved =
        user("modle = \"a/b\"\n[limits]\nsteps = 3\nstep = 4\n[zebra]\nx = 1\n").resolve().unwrap();
    let warnings: Vec<String> = resolved.warnings.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(warnings.join("\n"), @r"
    /u/config.toml:1: modle: unknown key, ignored; did you mean model?
    /u/config.toml:4: limits.step: unknown key, ignored; did you mean limits.steps?
    /u/config.toml:5: zebra: unknown key, ignored
    ");
    assert_eq!(resolved.config.limits.steps, 3);
}

#[test]
fn variables_follow_the_keys() {
    let mut layers = user("[providers.my-server]\nwire = \"openai-chat\"\n");
    layers.environment = variables(&[
        ("TENON_MODEL", "my-server/m"),
        ("TENON_LIMITS_COST_USD", "2"),
        ("TENON_SANDBOX_UNIX_SOCKETS", "true"),
        ("TENON_RULES_DENY", "[\"rm *\", \"net:*\"]"),
        ("TENON_RULES_ASK", "git push *"),
        ("TENON_PROVIDERS_MY_SERVER_BASE_URL", "http://h/v1/"),
        ("TENON_PROVIDERS_OTHER_WIRE", "script"),
        ("TENON_PROVIDERS_OTHER_FILE", "~/play.jsonl"),
        ("TENON_PROVIDERS_OTHER_API_KEY_ENV", "OTHER_KEY"),
        ("TENON_PROFILE", ""),
        ("TENON_STATE_DIR", "/s"),
        ("TENON_MODLE", "x"),
        ("HOME", "/h"),
        ("CI", "true"),
    ]);
    let resolved = layers.resolve().unwrap();
    let config = resolved.config;
    assert_eq!(config.limits.cost_usd, Some(2.0));
    assert!(config.sandbox.unix_sockets);
    assert_eq!((config.rules.deny.len(), config.rules.ask[0].text()), (2, "git push *"));
    assert_eq!(config.providers["my-server"].base_url.as_deref(), Some("http://h/v1"));
    assert_eq!(config.providers["other"].file, Some(PathBuf::from("/h/play.jsonl")));
    assert_eq!(config.providers["other"].api_key, KeySource::Variable("OTHER_KEY".to_owned()));
    assert_eq!(config.daemon.linger_s, 10);
    let warnings: Vec<String> = resolved.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings, ["TENON_MODLE: modle: unknown key, ignored; did you mean model?"]);

    layers.environment = variables(&[("TENON_LIMITS_STEPS", "x")]);
    let error = layers.resolve().unwrap_err().to_string();
    assert_eq!(
        error,
        "TENON_LIMITS_STEPS: limits.steps: x does not fit; allowed: a whole number from 1 to 10000"
    );
}

#[test]
fn every_key_without_a_free_name_has_one_variable() {
    for row in crate::config::schema::KEYS.iter().filter(|row| !row.name.contains('*')) {
        let text = match row.shape {
            Shape::Integer(min, _) => min.to_string(),
            Shape::Number(_, max) => max.to_string(),
            Shape::Switch => "false".to_owned(),
            Shape::Choices(_) | Shape::Rules | Shape::Origins | Shape::Hosts => "[]".to_owned(),
            Shape::Name => "read".to_owned(),
            Shape::Address => "localhost:0".to_owned(),
            Shape::Choice(words) => words[0].to_owned(),
            Shape::Text | Shape::Secret | Shape::Url | Shape::Variable | Shape::Path => "text".to_owned(),
        };
        let environment = variables(&[(&variables::variable_of(row.name), &text)]);
        let resolved = Layers { environment, ..Layers::default() }.resolve().unwrap();
        assert_eq!(
            resolved.origin(row.name).map(|(layer, _)| layer),
            Some(Layer::Environment),
            "{}",
            row.name
        );
    }
}

#[test]
fn profiles_build_on_one_another() {
    let text = "profile = \"ci\"\n[profiles.ci]\nextends = \"strict\"\nunattended = \"deny\"\n\
                [profiles.strict]\nextends = \"auto\"\nwrite = \"ask\"\n";
    let config = user(text).resolve().unwrap().config;
    let profile = &config.profiles["ci"];
    assert_eq!((profile.write, profile.shell), (profile_verdict("ask"), profile_verdict("allow")));
    assert_eq!(profile.unattended, crate::config::profile::Unattended::Deny);
}

fn profile_verdict(word: &str) -> crate::config::profile::Verdict {
    crate::config::profile::Verdict::parse(word).unwrap()
}

#[test]
fn a_workspace_that_would_widen_is_told_so() {
    let mut layers = user("profile = \"review\"\n[limits]\nsteps = 20\n");
    layers.workspace = Some(source(
        "/w/config.toml",
        "model = \"a/b\"\nprofile = \"full\"\n[providers.openai]\nbase_url = \"http://evil/v1\"\n[limits]\nsteps = 21\n\
         turn_timeout_s = 60\n[rules]\nallow = [\"rm *\"]\ndeny = [\"git push *\"]\n[sandbox]\nunix_sockets = true\n\
         [daemon]\nlisten = \"0.0.0.0:1\"\n[profiles.review]\nshell = \"allow\"\n",
    ));
    let resolved = layers.resolve().unwrap();
    let mut keys: Vec<&str> = Vec::new();
    for warning in &resolved.warnings {
        assert_eq!(warning.kind, WarningKind::Widening, "{warning}");
        keys.push(&warning.key);
    }
    let refused = [
        "daemon.listen",
        "limits.steps",
        "profile",
        "profiles.review.shell",
        "providers.openai.base_url",
        "rules.allow",
        "sandbox.unix_sockets",
    ];
    assert_eq!(keys, refused);
    let config = resolved.config;
    assert_eq!((config.limits.steps, config.limits.turn_timeout_s), (20, 60));
    assert_eq!((config.rules.allow.len(), config.rules.deny.len()), (0, 1));
    assert!(config.providers.is_empty());
}

fn any_file() -> impl Strategy<Value = String> {
    let profile = prop::sample::select(vec!["read", "review", "edit", "auto", "full"]);
    let rule = || prop::sample::subsequence(vec!["rm *", "git push *", "cargo test", "write:**"], 0..=4);
    let number = || prop::option::of(1u32..50);
    (prop::option::of(profile), number(), number(), rule(), rule(), rule(), any::<bool>()).prop_map(
        |(profile, steps, cost, allow, ask, deny, sockets)| {
            let mut text = profile.map_or(String::new(), |profile| format!("profile = {profile:?}\n"));
            text += "[limits]\n";
            text += &steps.map_or(String::new(), |steps| format!("steps = {steps}\n"));
            text += &cost.map_or(String::new(), |cost| format!("cost_usd = {cost}\n"));
            let rules = format!("[rules]\nallow = {allow:?}\nask = {ask:?}\ndeny = {deny:?}\n");
            format!("{text}{rules}[sandbox]\nunix_sockets = {sockets}\n")
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever a workspace says, nothing is permitted that the user did not permit.
    #[test]
    fn a_workspace_only_narrows(own in any_file(), workspace in any_file()) {
        let mut layers = user(&own);
        let without = layers.resolve().unwrap().config;
        layers.workspace = Some(source("/w/config.toml", &workspace));
        let with = layers.resolve().unwrap().config;
        prop_assert!(with.profiles[&with.profile].is_within(&without.profiles[&without.profile]));
        prop_assert!(with.limits.steps <= without.limits.steps);
        prop_assert!(without.limits.cost_usd.is_none_or(|own| with.limits.cost_usd.is_some_and(|cost| cost <= own)));
        prop_assert_eq!(&with.rules.allow, &without.rules.allow);
        prop_assert!(without.rules.deny.iter().all(|rule| with.rules.deny.contains(rule)));
        prop_assert!(without.rules.ask.iter().all(|rule| with.rules.ask.contains(rule)));
        prop_assert!(without.sandbox.unix_sockets || !with.sandbox.unix_sockets);
        prop_assert_eq!(&with.daemon, &without.daemon);
        prop_assert_eq!(&with.profiles, &without.profiles);
    }

    /// The same without the workspace's text being one that a person would write.
    #[test]
    fn no_text_makes_reading_fail_otherwise_than_by_an_error(text in "\\PC{0,200}") {
        drop(user(&text).resolve());
    }
}
