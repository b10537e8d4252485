//! Names, defaults, and what is said when nothing fits.
use super::*;
use crate::base::secret::Secret;
use crate::config::environment::Variables;
use crate::config::layer::Source;
use crate::config::resolve::Layers;

fn config(text: &str) -> Config {
    let user = Some(Source { file: "/u/config.toml".into(), text: text.to_owned() });
    Layers { user, environment: Variables::new(), ..Layers::default() }.resolve().unwrap().config
}

fn with_keys(variables: &[&str]) -> Environment {
    let mut environment = Environment::default();
    for name in variables {
        environment.secrets.insert((*name).to_owned(), Secret::new("test-key"));
    }
    environment
}

fn default_of(provider: &str) -> Option<String> {
    (provider == "anthropic").then(|| "catalogue-default".to_owned())
}

fn check(config: &Config, requested: Option<&str>, environment: &Environment) -> String {
    match config.select_model(requested, environment, &Credentials::default(), &default_of) {
        Ok(choice) => format!("{}{}", choice.full_name(), if choice.defaulted { " (default)" } else { "" }),
        Err(error) => error.to_string(),
    }
}

const LOCAL: &str =
    "[providers.local]\nwire = \"openai-chat\"\nbase_url = \"http://h/v1\"\nmodel = \"small\"\n";

#[test]
fn a_name_splits_at_the_first_slash() {
    let local = config(LOCAL);
    let none = Environment::default();
    assert_eq!(check(&local, Some("local/org/model"), &none), "local/org/model");
    assert_eq!(check(&local, Some("local"), &none), "local/small (default)");
    assert_eq!(check(&local, Some("local/"), &none), "local/small (default)");
    assert_eq!(check(&local, None, &none), "local/small (default)");
    assert_eq!(check(&config(&format!("model = \"local/x\"\n{LOCAL}")), None, &none), "local/x");
}

#[test]
fn vendors_are_there_when_their_key_is() {
    let none = config("");
    assert_eq!(
        check(&none, None, &with_keys(&["ANTHROPIC_API_KEY"])),
        "anthropic/catalogue-default (default)"
    );
    assert_eq!(check(&none, Some("openai/m"), &with_keys(&["OPENAI_API_KEY"])), "openai/m");
    // The key is asked for later, by name.
    assert_eq!(check(&none, Some("anthropic/m"), &Environment::default()), "anthropic/m");
    let mut moved = with_keys(&["OPENAI_API_KEY"]);
    moved.base_urls.insert("openai".to_owned(), "http://h/v1/".to_owned());
    assert_eq!(none.provider("openai", &moved).unwrap().base_url.as_deref(), Some("http://h/v1"));
    let configured = config("[providers.openai]\nbase_url = \"http://mine/v1\"\n");
    assert_eq!(configured.provider("openai", &moved).unwrap().base_url.as_deref(), Some("http://mine/v1"));
}

#[test]
fn what_does_not_fit_is_said_in_one_sentence() {
    let none = Environment::default();
    let local = config(LOCAL);
    let nothing = check(&config(""), None, &none);
    for word in ["OPENAI_API_KEY", "base_url", "tenon demo"] {
        assert!(nothing.contains(word), "{nothing}");
    }
    assert_eq!(check(&config(""), Some("x/y"), &none), nothing);
    assert_eq!(check(&local, Some("locl/m"), &none), "no provider is called \"locl\": there are local");
    let no_default = "provider openai has no default model: name one as `openai/MODEL`";
    assert_eq!(check(&local, Some("openai"), &none), no_default);
    let gemini = check(&local, Some("gemini/m"), &none);
    assert!(gemini.starts_with("provider gemini speaks gemini, which is not in this build"), "{gemini}");
    let bare = config("[providers.a]\nwire = \"openai-chat\"\n[providers.b]\nwire = \"script\"\n");
    assert_eq!(check(&bare, Some("a/m"), &none), "provider a has no address: set `providers.a.base_url`");
    assert_eq!(check(&bare, Some("b/m"), &none), "provider b has no address: set `providers.b.file`");
}
