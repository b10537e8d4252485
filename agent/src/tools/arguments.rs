//! From a model's JSON to typed arguments, with failures that name the argument. Not here: what the arguments mean.
//!
//! Unknown arguments are passed over and a few spellings that models bring from elsewhere are understood: the call is what
//! was meant, and a retry costs more than tolerance.
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::tools::limits::TITLE_CHARS_MAX;
use crate::tools::prepared::ToolFailure;
use crate::workspace::text;

/// Reads a tool's arguments; `usage` is how they are written, such as `path, offset?`.
pub(super) fn parse<T: DeserializeOwned>(
    tool: &str,
    usage: &str,
    arguments: &Value,
) -> Result<T, ToolFailure> {
    T::deserialize(arguments).map_err(|error| {
        let message = error.to_string();
        let named = arguments.as_object().and_then(|map| culprit::<T>(map, &message));
        let what = match (message.strip_prefix("missing field "), named) {
            (Some(name), _) => format!("argument {name} is missing"),
            (None, Some(name)) => format!("argument `{name}` is wrong: {message}"),
            (None, None) => format!("the arguments are wrong: {message}"),
        };
        ToolFailure::new(format!("{what}. {tool} takes {{{usage}}}"))
    })
}

/// Finds the argument that a failure is about: the one without which it is another failure, or none.
fn culprit<'a, T: DeserializeOwned>(arguments: &'a Map<String, Value>, message: &str) -> Option<&'a str> {
    arguments.keys().map(String::as_str).find(|name| {
        let mut rest = arguments.clone();
        rest.remove(*name);
        T::deserialize(&Value::Object(rest)).err().is_none_or(|error| error.to_string() != message)
    })
}

/// Reads a count that may be absent, null, or written as a text or with a decimal point.
pub(super) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let wrong = || D::Error::custom(format!("a whole number from 0 is expected, not {value}"));
    let number = match &value {
        Value::Null => return Ok(None),
        Value::Number(number) => {
            number.as_u64().map_or_else(|| number.to_string(), |number| number.to_string())
        }
        Value::String(text) => text.trim().to_owned(),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => return Err(wrong()),
    };
    let whole = number.strip_suffix(".0").unwrap_or(&number);
    whole.parse().map(Some).map_err(|_| wrong())
}

/// Reads a yes or no that may be absent (no), null, or written as a text.
pub(super) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let value = Value::deserialize(deserializer)?;
    match &value {
        Value::Bool(flag) => Ok(*flag),
        Value::Null => Ok(false),
        Value::String(text) if text == "true" => Ok(true),
        Value::String(text) if text.is_empty() || text == "false" => Ok(false),
        Value::String(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(D::Error::custom(format!("true or false is expected, not {value}")))
        }
    }
}

/// Returns a title for people: some words and an argument, on one line, escaped and bounded.
pub(super) fn title(words: &str, argument: Option<&Value>) -> String {
    let argument = argument.and_then(Value::as_str).unwrap_or_default();
    one_line(format!("{words} {argument}").trim())
}

/// Returns text as one bounded line that can be shown to a person.
pub(super) fn one_line(text: &str) -> String {
    let mut words = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = words.next().unwrap_or_default();
    let more = if words.next().is_some() { " …" } else { "" };
    let escaped = text::escape(first);
    match escaped.char_indices().nth(TITLE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &escaped[..end]),
        None => format!("{escaped}{more}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Sample {
        path: String,
        #[serde(default, deserialize_with = "count")]
        limit: Option<usize>,
        #[serde(default, deserialize_with = "flag")]
        all: bool,
    }

    fn check(arguments: &Value) -> Result<Sample, String> {
        parse("sample", "path, limit?, all?", arguments).map_err(|failure: ToolFailure| failure.0)
    }

    #[test]
    fn what_was_meant_is_understood() {
        let sample = |limit, all| Ok(Sample { path: "a".to_owned(), limit, all });
        assert_eq!(check(&json!({"path": "a", "new_thing": 1})), sample(None, false));
        assert_eq!(check(&json!({"path": "a", "limit": "7", "all": "true"})), sample(Some(7), true));
        assert_eq!(check(&json!({"path": "a", "limit": 7.0, "all": null})), sample(Some(7), false));
        assert_eq!(check(&json!({"path": "a", "limit": null})), sample(None, false));
    }

    #[test]
    fn a_failure_names_the_argument_and_the_usage() {
        assert_eq!(
            check(&json!({"limit": 1})).unwrap_err(),
            "argument `path` is missing. sample takes {path, limit?, all?}"
        );
        assert!(check(&json!({"path": 5})).unwrap_err().starts_with("argument `path` is wrong"));
        assert!(
            check(&json!({"path": "a", "limit": -1})).unwrap_err().starts_with("argument `limit` is wrong")
        );
        assert!(check(&json!({"path": "a", "all": 3})).unwrap_err().starts_with("argument `all` is wrong"));
        assert!(check(&json!("a")).unwrap_err().starts_with("the arguments are wrong"));
    }

    #[test]
    fn a_title_is_one_safe_line() {
        assert_eq!(title("read", Some(&json!("a\u{1b}[31m"))), "read a\\u{1b}[31m");
        assert_eq!(title("read", None), "read");
        assert_eq!(one_line("\n cd x\nls\n"), "cd x …");
        assert_eq!(one_line(&"x".repeat(500)).chars().count(), TITLE_CHARS_MAX + 1);
    }
}
