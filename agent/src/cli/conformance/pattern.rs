//! What a message must look like: a value with places left open. Not here: which message is looked at.
use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// What names stand for.
pub(super) type Names = BTreeMap<String, Value>;

/// Tells whether `value` is as `pattern` says; names that are new are bound, unless it is not.
///
/// # Errors
/// The first place that is different, in words.
pub(super) fn check(pattern: &Value, value: &Value, names: &mut Names) -> Result<(), String> {
    let mut bound = names.clone();
    compare("", pattern, Some(value), &mut bound)?;
    *names = bound;
    Ok(())
}

/// Returns a value with its names replaced; one without a meaning stays as it is.
pub(super) fn fill(value: &Value, names: &Names) -> Value {
    match value {
        Value::String(text) => {
            if let Some(meaning) = name(text).and_then(|name| names.get(name)) {
                return meaning.clone();
            }
            let mut filled = text.clone();
            for (name, meaning) in names.iter().filter(|_| text.contains("${")) {
                let shown = meaning.as_str().map_or_else(|| meaning.to_string(), str::to_owned);
                filled = filled.replace(&format!("${{{name}}}"), &shown);
            }
            Value::String(filled)
        }
        Value::Array(items) => items.iter().map(|item| fill(item, names)).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(key, member)| (key.clone(), fill(member, names)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// Returns the name that the whole of a text is.
fn name(text: &str) -> Option<&str> {
    text.strip_prefix("${")?.strip_suffix('}').filter(|name| !name.contains('$'))
}

fn compare(place: &str, pattern: &Value, found: Option<&Value>, names: &mut Names) -> Result<(), String> {
    if let Value::Object(matcher) = pattern
        && matcher.keys().any(|key| key.starts_with('$'))
    {
        return special(place, matcher, found, names);
    }
    let Some(found) = found else { return Err(format!("{}: missing, expected {pattern}", shown(place))) };
    match (pattern, found) {
        (Value::String(text), _) if name(text).is_some_and(|name| !names.contains_key(name)) => {
            names.insert(name(text).unwrap_or_default().to_owned(), found.clone());
            Ok(())
        }
        (Value::Object(members), Value::Object(_)) => members
            .iter()
            .try_for_each(|(key, member)| compare(&format!("{place}.{key}"), member, found.get(key), names)),
        (Value::Array(patterns), Value::Array(items)) if patterns.len() == items.len() => {
            patterns.iter().zip(items).enumerate().try_for_each(|(at, (pattern, item))| {
                compare(&format!("{place}[{at}]"), pattern, Some(item), names)
            })
        }
        _ => {
            let expected = fill(pattern, names);
            if expected == *found {
                return Ok(());
            }
            Err(format!("{}:\n  expected {expected}\n  found    {found}", shown(place)))
        }
    }
}

fn special(
    place: &str,
    matcher: &Map<String, Value>,
    found: Option<&Value>,
    names: &mut Names,
) -> Result<(), String> {
    for (key, wanted) in matcher {
        let holds = match (key.as_str(), found) {
            ("$absent", found) => found.is_none_or(Value::is_null),
            (_, None) => false,
            ("$any", Some(_)) => true,
            ("$oneOf", Some(found)) => {
                let choices = wanted.as_array().into_iter().flatten();
                choices.into_iter().any(|choice| compare(place, choice, Some(found), names).is_ok())
            }
            ("$contains", Some(found)) => {
                let part = fill(wanted, names);
                found.as_str().zip(part.as_str()).is_some_and(|(text, part)| text.contains(part))
            }
            ("$has", Some(found)) => has(wanted, found, names),
            ("$form", Some(found)) => wanted.as_str().is_some_and(|form| has_form(form, found)),
            _ => return Err(format!("{}: the vector has an unknown matcher {key}", shown(place))),
        };
        if !holds {
            let found = found.map_or_else(|| "nothing".to_owned(), Value::to_string);
            return Err(format!("{}:\n  expected {key} {wanted}\n  found    {found}", shown(place)));
        }
    }
    Ok(())
}

/// Tells whether a list has such items, in this order, with others between them.
fn has(wanted: &Value, found: &Value, names: &mut Names) -> bool {
    let mut items = found.as_array().into_iter().flatten();
    let mut wanted = wanted.as_array().into_iter().flatten();
    wanted.all(|wanted| {
        items.any(|item| {
            let mut bound = names.clone();
            let fits = compare("", wanted, Some(item), &mut bound).is_ok();
            if fits {
                *names = bound;
            }
            fits
        })
    })
}

fn has_form(form: &str, value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    match form {
        "text" => value.is_string(),
        "number" => value.is_number(),
        "id" => {
            let rest = text.split_once('_').map_or("", |(_, rest)| rest);
            rest.len() == 26 && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        }
        "time" => text.len() == 24 && text.as_bytes()[10] == b'T' && text.ends_with('Z'),
        "cursor" => {
            let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.split_once('.').is_some_and(|(epoch, seq)| is_number(epoch) && is_number(seq))
        }
        _ => false,
    }
}

fn shown(place: &str) -> &str {
    if place.is_empty() { "the message" } else { place.trim_start_matches('.') }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fits(pattern: &Value, value: &Value) -> bool {
        check(pattern, value, &mut Names::from([("known".to_owned(), json!("s_1"))])).is_ok()
    }

    #[test]
    fn members_that_are_not_named_are_ignored_and_lists_are_whole() {
        assert!(fits(&json!({"a": 1}), &json!({"a": 1, "b": 2})));
        assert!(!fits(&json!({"a": 1}), &json!({"b": 2})));
        assert!(!fits(&json!({"a": [1]}), &json!({"a": [1, 2]})));
        assert!(fits(&json!({"a": {"$has": [1, 3]}}), &json!({"a": [1, 2, 3]})));
        assert!(!fits(&json!({"a": {"$has": [3, 1]}}), &json!({"a": [1, 2, 3]})));
    }

    #[test]
    fn names_are_bound_once_and_compared_afterwards() {
        assert!(fits(&json!(["${x}", "${x}"]), &json!([1, 1])));
        assert!(!fits(&json!(["${x}", "${x}"]), &json!([1, 2])));
        assert!(fits(&json!("${known}"), &json!("s_1")));
        assert!(!fits(&json!("${known}"), &json!("s_2")));
        assert!(fits(&json!("session ${known}"), &json!("session s_1")));
        let mut names = Names::new();
        assert!(check(&json!({"a": "${x}", "b": 1}), &json!({"a": 1, "b": 2}), &mut names).is_err());
        assert!(names.is_empty(), "what does not fit binds nothing");
    }

    #[test]
    fn matchers_say_what_they_want() {
        for (matcher, good, bad) in [
            (json!({"$form": "id"}), json!("s_01j00000000000000000000000"), json!("s_1")),
            (json!({"$form": "time"}), json!("2026-01-02T03:04:05.678Z"), json!("now")),
            (json!({"$form": "cursor"}), json!("1.42"), json!("1.")),
            (json!({"$contains": "bc"}), json!("abcd"), json!("b c")),
            (json!({"$oneOf": [1, "x"]}), json!("x"), json!(2)),
        ] {
            assert!(fits(&matcher, &good) && !fits(&matcher, &bad), "{matcher}");
        }
        assert!(fits(&json!({"a": {"$absent": true}}), &json!({})));
        assert!(!fits(&json!({"a": {"$absent": true}}), &json!({"a": 1})));
        assert!(!fits(&json!({"a": {"$any": true}}), &json!({})));
        assert!(!fits(&json!({"$other": 1}), &json!(1)));
    }
}
