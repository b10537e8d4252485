//! The tables of spec/protocol.md, between markers. Not here: the prose around them.

#![expect(clippy::wildcard_enum_match_arm, reason = "some shapes are singled out; the rest is alike")]

use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Returns the page with every table renewed from the schema.
pub(crate) fn renew(page: &str, documents: &BTreeMap<String, Value>) -> Result<String> {
    let document = |name: &str| documents.get(name).with_context(|| format!("there is no {name}"));
    let errors = document("errors.json")?;
    let page = replace(page, "methods", &methods(document("methods.json")?, errors))?;
    let page = replace(&page, "events", &events(document("events.json")?))?;
    replace(&page, "errors", &kinds(errors, document("methods.json")?))
}

/// Replaces what stands between `<!-- NAME: generated -->` and `<!-- NAME: end -->`.
fn replace(page: &str, name: &str, table: &str) -> Result<String> {
    let (start, end) = (format!("<!-- {name}: generated -->\n"), format!("<!-- {name}: end -->"));
    let (before, rest) = page.split_once(&start).with_context(|| format!("the page lacks {start:?}"))?;
    let (_, after) = rest.split_once(&end).with_context(|| format!("the page lacks {end:?}"))?;
    Ok(format!("{before}{start}{table}{end}{after}"))
}

fn methods(methods: &Value, errors: &Value) -> String {
    let mut out = String::new();
    for (name, method) in methods.as_object().into_iter().flatten() {
        let who = if method["access"] == "look" { "controllers and observers" } else { "controllers" };
        let stability = method["stability"].as_str().unwrap_or_default();
        put(&mut out, format_args!("### `{name}`\n\n{} {stability}; for {who}.\n", line(&method["summary"])));
        let listed = method["errors"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let listed: Vec<_> = listed.map(|kind| format!("{} `{kind}`", errors[kind])).collect();
        if !listed.is_empty() {
            put(&mut out, format_args!("Its own errors: {}.\n", listed.join(", ")));
        }
        for (side, title) in [("params", "Parameters"), ("result", "Result")] {
            put(&mut out, format_args!("\n{title}: {}\n", line(&method[side]["description"])));
            members(&mut out, &method[side]);
        }
        out.push('\n');
    }
    out
}

fn members(out: &mut String, schema: &Value) {
    let Some(properties) = schema["properties"].as_object() else {
        return put(out, format_args!("{}.\n", kind(schema)));
    };
    let required: BTreeSet<_> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    *out += "\n| member | type | meaning |\n| --- | --- | --- |\n";
    let (always, sometimes): (Vec<_>, Vec<_>) =
        properties.iter().partition(|(name, _)| required.contains(name.as_str()));
    for (name, member) in always.into_iter().chain(sometimes) {
        let mark = if required.contains(name.as_str()) { "" } else { "?" };
        let (kind, help) = (cell(&kind(member)), cell(&line(&member["description"])));
        put(out, format_args!("| `{name}{mark}` | {kind} | {help} |\n"));
    }
}

fn events(events: &Value) -> String {
    let mut out = "| type | data | meaning |\n| --- | --- | --- |\n".to_owned();
    for event in events["oneOf"].as_array().into_iter().flatten() {
        let name = line(&event["properties"]["type"]["const"]);
        let reference = line(&event["properties"]["data"]["$ref"]);
        let data = &events["$defs"][reference.trim_start_matches("#/$defs/")];
        let required: BTreeSet<_> =
            data["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mark = |name: &str| if required.contains(name) { "" } else { "?" };
        let properties = data["properties"].as_object().into_iter().flatten();
        let listed: Vec<_> = properties.map(|(name, _)| format!("`{name}{}`", mark(name))).collect();
        let help = cell(&line(&event["description"]));
        put(&mut out, format_args!("| `{name}` | {} | {help} |\n", listed.join(", ")));
    }
    out
}

fn kinds(errors: &Value, methods: &Value) -> String {
    let mut out = "| code | kind | of the methods |\n| --- | --- | --- |\n".to_owned();
    let mut rows: Vec<_> = errors.as_object().into_iter().flatten().collect();
    rows.sort_by_key(|(_, code)| code.as_i64());
    for (kind, code) in rows {
        let names = |(name, method): (&String, &Value)| {
            let is_own = method["errors"].as_array().is_some_and(|kinds| kinds.iter().any(|own| own == kind));
            is_own.then(|| format!("`{name}`"))
        };
        let of: Vec<_> = methods.as_object().into_iter().flatten().filter_map(names).collect();
        put(&mut out, format_args!("| {code} | `{kind}` | {} |\n", of.join(", ")));
    }
    out
}

/// Returns a member's type in words.
fn kind(schema: &Value) -> String {
    if let Some(path) = schema["$ref"].as_str() {
        return format!("`{}`", path.trim_start_matches("#/$defs/"));
    }
    if let Some(variants) = schema["anyOf"].as_array() {
        let kinds = variants.iter().filter(|variant| variant["type"] != "null").map(kind);
        return kinds.collect::<Vec<_>>().join(" or ");
    }
    let plain = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
        kind => kind.as_str(),
    };
    match plain {
        Some("array") if schema["prefixItems"].is_array() => "a list of one string".to_owned(),
        Some("array") => format!("list of {}", kind(&schema["items"])),
        Some("object") => "object".to_owned(),
        Some(plain) => plain.to_owned(),
        None => "any".to_owned(),
    }
}

fn line(text: &Value) -> String {
    text.as_str().unwrap_or_default().replace('\n', " ")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// Appends.
fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.push_str(&text.to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_markers_is_replaced() {
        let page = "a\n<!-- x: generated -->\nold\n<!-- x: end -->\nb\n";
        let renewed = replace(page, "x", "new\n").unwrap();
        assert_eq!(renewed, "a\n<!-- x: generated -->\nnew\n<!-- x: end -->\nb\n");
        assert_eq!(replace(&renewed, "x", "new\n").unwrap(), renewed);
        assert!(replace("no marker", "x", "new").is_err());
    }
}
