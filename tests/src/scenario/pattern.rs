//! Patterns over JSON: members that are named must be there, `…` is anything, `{{name}}` is remembered. Not here: waiting.
use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value};

/// What the placeholders stand for.
pub(crate) type Captures = BTreeMap<String, Value>;

/// Matches a value; what the pattern captures is added to `captures` if all of it matches.
pub(crate) fn matches(pattern: &Value, value: &Value, captures: &mut Captures) -> bool {
    let mut found = captures.clone();
    let matched = value_matches(pattern, value, &mut found);
    if matched {
        *captures = found;
    }
    matched
}

fn value_matches(pattern: &Value, value: &Value, captures: &mut Captures) -> bool {
    match (pattern, value) {
        (Value::String(pattern), value) => string_matches(pattern, value, captures),
        (Value::Object(pattern), Value::Object(value)) => pattern.iter().all(|(name, pattern)| {
            // A member that must not be there is null in the pattern.
            let known = filled_text(name, captures);
            let member = value.get(known.as_ref().unwrap_or(name)).unwrap_or(&Value::Null);
            value_matches(pattern, member, captures)
        }),
        (Value::Array(pattern), Value::Array(value)) => array_matches(pattern, value, captures),
        (pattern, value) => pattern == value,
    }
}

fn array_matches(pattern: &[Value], values: &[Value], captures: &mut Captures) -> bool {
    let Some((first, rest)) = pattern.split_first() else { return values.is_empty() };
    if first.as_str() == Some("…") {
        return (0..=values.len()).any(|skipped| {
            let mut found = captures.clone();
            let matched = array_matches(rest, &values[skipped..], &mut found);
            if matched {
                *captures = found;
            }
            matched
        });
    }
    let Some((value, values)) = values.split_first() else { return false };
    value_matches(first, value, captures) && array_matches(rest, values, captures)
}

fn string_matches(pattern: &str, value: &Value, captures: &mut Captures) -> bool {
    let name = pattern.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
    if let Some(name) = name.filter(|name| !name.contains("{{")) {
        return match captures.get(name) {
            Some(known) => known == value,
            None => !value.is_null() && captures.insert(name.to_owned(), value.clone()).is_none(),
        };
    }
    match value {
        _ if pattern == "…" => !value.is_null(),
        Value::String(text) => text_matches(pattern, text, captures),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

/// Matches a text in which `…` is any text and `{{name}}` a text without white space.
pub(crate) fn text_matches(pattern: &str, text: &str, captures: &mut Captures) -> bool {
    if let Some(rest) = pattern.strip_prefix('…') {
        let mut ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        return ends.any(|at| {
            let mut found = captures.clone();
            let matched = text_matches(rest, &text[at..], &mut found);
            if matched {
                *captures = found;
            }
            matched
        });
    }
    if let Some((name, rest)) = pattern.strip_prefix("{{").and_then(|rest| rest.split_once("}}")) {
        if let Some(known) = captures.get(name).map(plain) {
            return text.strip_prefix(known.as_str()).is_some_and(|text| text_matches(rest, text, captures));
        }
        let word = text.find(char::is_whitespace).unwrap_or(text.len());
        return (1..=word).rev().filter(|at| text.is_char_boundary(*at)).any(|at| {
            let mut found = captures.clone();
            found.insert(name.to_owned(), Value::String(text[..at].to_owned()));
            let matched = text_matches(rest, &text[at..], &mut found);
            if matched {
                *captures = found;
            }
            matched
        });
    }
    match pattern.chars().next() {
        None => text.is_empty(),
        Some(c) => {
            text.strip_prefix(c).is_some_and(|text| text_matches(&pattern[c.len_utf8()..], text, captures))
        }
    }
}

/// Puts what is known in the place of the placeholders of a message.
pub(crate) fn filled(pattern: &Value, captures: &Captures) -> Result<Value> {
    Ok(match pattern {
        Value::String(text) => {
            let name = text.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
            match name.and_then(|name| captures.get(name)) {
                Some(value) => value.clone(),
                None => Value::String(filled_text(text, captures)?),
            }
        }
        Value::Array(values) => {
            Value::Array(values.iter().map(|value| filled(value, captures)).collect::<Result<_>>()?)
        }
        Value::Object(members) => {
            let filled = members
                .iter()
                .map(|(name, value)| Ok((filled_text(name, captures)?, filled(value, captures)?)));
            Value::Object(filled.collect::<Result<Map<_, _>>>()?)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => pattern.clone(),
    })
}

/// Puts what is known in the place of the placeholders of a text.
pub(crate) fn filled_text(text: &str, captures: &Captures) -> Result<String> {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else { bail!("`{text}` has an open placeholder") };
        let value = captures.get(name).with_context(|| format!("nothing is known as {{{{{name}}}}}"))?;
        out.push_str(before);
        out.push_str(&plain(value));
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Returns of a value what the pattern speaks of, for people and for rewriting; what is known becomes its placeholder.
pub(crate) fn projected(pattern: &Value, value: &Value, captures: &Captures) -> Value {
    match (pattern, value) {
        (Value::Object(pattern), Value::Object(value)) if !pattern.is_empty() => {
            let member = |(name, pattern): (&String, &Value)| {
                (name.clone(), projected(pattern, value.get(name).unwrap_or(&Value::Null), captures))
            };
            Value::Object(pattern.iter().map(member).collect())
        }
        (Value::Array(pattern), Value::Array(value)) if pattern.len() == value.len() => Value::Array(
            pattern.iter().zip(value).map(|(pattern, value)| projected(pattern, value, captures)).collect(),
        ),
        (Value::String(text), value) if string_matches(text, value, &mut captures.clone()) => pattern.clone(),
        (_, value) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(pattern: &Value, value: &Value) -> Option<Captures> {
        let mut captures = Captures::new();
        matches(pattern, value, &mut captures).then_some(captures)
    }

    #[test]
    fn named_members_must_be_there_and_no_others() {
        assert!(check(&json!({"a": 1}), &json!({"a": 1, "b": 2})).is_some());
        assert!(check(&json!({"a": 1}), &json!({"b": 2})).is_none());
        assert!(check(&json!({"a": null}), &json!({"b": 2})).is_some());
        assert!(check(&json!({"a": "…"}), &json!({})).is_none());
    }

    #[test]
    fn arrays_are_whole_unless_they_say_otherwise() {
        assert!(check(&json!([1]), &json!([1, 2])).is_none());
        assert!(check(&json!([1, "…"]), &json!([1, 2])).is_some());
        assert!(check(&json!(["…", 2, "…"]), &json!([1, 2, 3])).is_some());
        assert!(check(&json!(["…", 4, "…"]), &json!([1, 2, 3])).is_none());
    }

    #[test]
    fn placeholders_are_remembered_and_filled() {
        let found =
            check(&json!({"n": "{{n}}", "t": "id {{id}}: …"}), &json!({"n": 7, "t": "id x1: y"})).unwrap();
        assert_eq!(filled(&json!(["{{n}}", "{{id}}!"]), &found).unwrap(), json!([7, "x1!"]));
        assert!(check(&json!(["{{a}}", "{{a}}"]), &json!([1, 2])).is_none());
        assert!(filled(&json!("{{b}}"), &found).is_err());
    }
}
