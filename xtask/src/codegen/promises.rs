//! What a stable item promises: within a major version it only grows. Two states of the schema are compared, and everything
//! that is no addition is named.
//!
//! Not here: whether a file is up to date.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Who writes a shape: what may change about it depends on that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writer {
    /// Clients write it: nothing may become required that was not, and no word may go.
    Client,
    /// The agent writes it: nothing may go that was always there.
    Agent,
}

/// Returns each change from `before` to `after` that is no addition: where it is, and what.
pub(crate) fn broken(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>) -> Vec<String> {
    let mut comparison = Comparison::default();
    for (file, old) in before {
        let new = after.get(file).unwrap_or(&Value::Null);
        match file.as_str() {
            _ if new.is_null() => comparison.report(file, "the document is gone"),
            "methods.json" => comparison.methods(old, new),
            "errors.json" => comparison.errors(old, new),
            "subscription.json" => comparison.each(old, new),
            "client-hello.json" | "environment.json" => comparison.whole(file, old, new, Writer::Client),
            _ => comparison.whole(file, old, new, Writer::Agent),
        }
    }
    comparison.broken
}

/// Both documents that are compared: references are looked up in them.
#[derive(Clone, Copy)]
struct Sides<'a> {
    old: &'a Value,
    new: &'a Value,
    writer: Writer,
}

#[derive(Default)]
struct Comparison {
    broken: Vec<String>,
    /// Pairs of references that are compared already: types may hold themselves.
    seen: BTreeSet<(String, String)>,
}

impl Comparison {
    fn report(&mut self, place: &str, what: &str) {
        self.broken.push(format!("{place}: {what}"));
    }

    fn methods(&mut self, old: &Value, new: &Value) {
        for (name, method) in members(old).filter(|(_, method)| method["stability"] == "stable") {
            let Some(now) = new.get(name) else {
                self.report(name, "the method is gone");
                continue;
            };
            if now["stability"] != "stable" {
                self.report(name, "the method is stable no more");
            }
            if method["access"] == "look" && now["access"] == "act" {
                self.report(name, "observers may send it no more");
            }
            self.whole(&format!("{name} params"), &method["params"], &now["params"], Writer::Client);
            self.whole(&format!("{name} result"), &method["result"], &now["result"], Writer::Agent);
        }
    }

    fn errors(&mut self, old: &Value, new: &Value) {
        for (kind, code) in members(old) {
            match new.get(kind) {
                None => self.report(kind, "the kind of error is gone"),
                Some(now) if now != code => self.report(kind, &format!("the code was {code} and is {now}")),
                Some(_) => {}
            }
        }
    }

    fn each(&mut self, old: &Value, new: &Value) {
        for (name, schema) in members(old) {
            match new.get(name) {
                None => self.report(name, "it is gone"),
                Some(now) => self.whole(name, schema, now, Writer::Agent),
            }
        }
    }

    fn whole(&mut self, place: &str, old: &Value, new: &Value, writer: Writer) {
        self.seen.clear();
        self.shape(place, old, new, Sides { old, new, writer });
    }

    fn shape(&mut self, place: &str, old: &Value, new: &Value, sides: Sides<'_>) {
        let names = (text(&old["$ref"]), text(&new["$ref"]));
        if !names.0.is_empty() && !self.seen.insert(names) {
            return;
        }
        let (old, new) = (meant(old, sides.old), meant(new, sides.new));
        let (old_variants, new_variants) = (variants(old), variants(new));
        if !old_variants.is_empty() || !new_variants.is_empty() {
            return self.union(place, &old_variants, &new_variants, sides);
        }
        for key in ["const", "format", "pattern", "minimum", "maximum", "minItems", "maxItems"] {
            if old[key] != new[key] {
                self.report(place, &format!("`{key}` was {} and is {}", old[key], new[key]));
            }
        }
        if kinds(old) != kinds(new) {
            let (was, is) = (kinds(old), kinds(new));
            return self.report(place, &format!("the type was {was:?} and is {is:?}"));
        }
        for (at, item) in old["prefixItems"].as_array().into_iter().flatten().enumerate() {
            self.shape(&format!("{place}[{at}]"), item, &new["prefixItems"][at], sides);
        }
        if !old["items"].is_null() {
            self.shape(&format!("{place}[]"), &old["items"], &new["items"], sides);
        }
        if old["additionalProperties"].is_object() {
            self.shape(
                &format!("{place}.*"),
                &old["additionalProperties"],
                &new["additionalProperties"],
                sides,
            );
        }
        self.record(place, old, new, sides);
    }

    fn record(&mut self, place: &str, old: &Value, new: &Value, sides: Sides<'_>) {
        for (name, member) in members(&old["properties"]) {
            let inner = format!("{place}.{name}");
            match new["properties"].get(name) {
                None => self.report(&inner, "the member is gone"),
                Some(now) => self.shape(&inner, member, now, sides),
            }
        }
        let (was, is) = (required(old), required(new));
        match sides.writer {
            Writer::Client => {
                for name in is.difference(&was) {
                    self.report(&format!("{place}.{name}"), "it is required now");
                }
            }
            Writer::Agent => {
                for name in was.difference(&is).filter(|name| new["properties"].get(**name).is_some()) {
                    self.report(&format!("{place}.{name}"), "it was always there and may be absent now");
                }
            }
        }
    }

    /// Variants are told apart by their word or tag; without one, by their whole text.
    fn union(&mut self, place: &str, old: &[&Value], new: &[&Value], sides: Sides<'_>) {
        for variant in old {
            let tag = tag(variant);
            match new.iter().find(|candidate| self::tag(candidate) == tag) {
                None => self.report(place, &format!("the value {tag} is gone")),
                Some(now) => self.shape(&format!("{place}({tag})"), variant, now, sides),
            }
        }
    }
}

/// Follows references, and steps through what only says that a member may be left out.
fn meant<'a>(schema: &'a Value, document: &'a Value) -> &'a Value {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/")) {
        return meant(&document["$defs"][name], document);
    }
    match schema["anyOf"]
        .as_array()
        .map(|all| all.iter().filter(|one| one["type"] != "null").collect::<Vec<_>>())
    {
        Some(rest) if rest.len() == 1 => meant(rest[0], document),
        Some(_) | None => schema,
    }
}

fn variants(schema: &Value) -> Vec<&Value> {
    let listed = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array());
    let words = schema["enum"].as_array();
    listed.or(words).into_iter().flatten().filter(|variant| variant["type"] != "null").collect()
}

fn tag(variant: &Value) -> String {
    let tags = [&variant["const"], &variant["properties"]["type"]["const"], &variant["$ref"]];
    tags.into_iter().find(|tag| !tag.is_null()).unwrap_or(variant).to_string()
}

fn kinds(schema: &Value) -> BTreeSet<&str> {
    let one = schema["type"].as_str();
    let several = schema["type"].as_array().into_iter().flatten().filter_map(Value::as_str);
    one.into_iter().chain(several).filter(|kind| *kind != "null").collect()
}

fn required(schema: &Value) -> BTreeSet<&str> {
    schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A little protocol: one method, one union, one word list, one type that holds itself.
    fn method() -> Value {
        let words = json!({"oneOf": [{"const": "a", "type": "string"}, {"const": "b", "type": "string"}]});
        let tree = json!({"type": "object", "properties": {"under": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}}});
        let params = json!({
            "$defs": {"Words": words.clone(), "Tree": tree}, "type": "object", "required": ["name"],
            "properties": {
                "name": {"type": "string"}, "count": {"type": ["integer", "null"], "format": "uint64"},
                "how": {"anyOf": [{"$ref": "#/$defs/Words"}, {"type": "null"}]}, "tree": {"$ref": "#/$defs/Tree"},
            },
        });
        let result = json!({
            "$defs": {"Words": words}, "type": "object", "required": ["seq", "what"],
            "properties": {"seq": {"type": "integer"}, "what": {"$ref": "#/$defs/Words"}},
        });
        json!({"stability": "stable", "access": "look", "params": params, "result": result})
    }

    fn documents(method: &Value) -> BTreeMap<String, Value> {
        let documents =
            [("methods.json", json!({"agent/do": method})), ("errors.json", json!({"failed": -32803}))];
        documents.map(|(name, json)| (name.to_owned(), json)).into()
    }

    fn check(change: impl FnOnce(&mut Value), expected: &[&str]) {
        let mut changed = method();
        change(&mut changed);
        assert_eq!(broken(&documents(&method()), &documents(&changed)), expected);
    }

    #[test]
    fn additions_break_nothing() {
        check(|_| (), &[]);
        check(|method| method["params"]["properties"]["more"] = json!({"type": "string"}), &[]);
        check(|method| method["params"]["required"] = json!([]), &[]);
        check(|method| method["result"]["required"] = json!(["seq", "what", "more"]), &[]);
        check(|method| method["result"]["properties"]["seq"]["description"] = json!("other words"), &[]);
        let added = |method: &mut Value| {
            let words = method["params"]["$defs"]["Words"]["oneOf"].as_array_mut().unwrap();
            words.push(json!({"const": "c", "type": "string"}));
        };
        check(added, &[]);
        let mut after = documents(&method());
        after.get_mut("errors.json").unwrap()["later"] = json!(1900);
        after.get_mut("methods.json").unwrap()["agent/more"] = method();
        assert!(broken(&documents(&method()), &after).is_empty());
    }

    #[test]
    fn everything_else_is_named() {
        let gone = |method: &mut Value| {
            drop(method["params"]["properties"].as_object_mut().unwrap().remove("count"));
        };
        check(gone, &["agent/do params.count: the member is gone"]);
        let required = |method: &mut Value| method["params"]["required"] = json!(["name", "count"]);
        check(required, &["agent/do params.count: it is required now"]);
        let absent = |method: &mut Value| method["result"]["required"] = json!(["seq"]);
        check(absent, &["agent/do result.what: it was always there and may be absent now"]);
        let number = |method: &mut Value| method["params"]["properties"]["name"]["type"] = json!("integer");
        check(number, &["agent/do params.name: the type was {\"string\"} and is {\"integer\"}"]);
        let word = |method: &mut Value| {
            method["params"]["$defs"]["Words"]["oneOf"].as_array_mut().unwrap().truncate(1);
        };
        check(word, &["agent/do params.how: the value \"b\" is gone"]);
        let deep = |method: &mut Value| {
            method["params"]["$defs"]["Tree"]["properties"]["under"]["items"] = json!({"type": "string"});
        };
        check(deep, &["agent/do params.tree.under[]: the type was {\"object\"} and is {\"string\"}"]);
        check(|method| method["access"] = json!("act"), &["agent/do: observers may send it no more"]);
        check(
            |method| method["stability"] = json!("experimental"),
            &["agent/do: the method is stable no more"],
        );
    }

    #[test]
    fn whole_items_that_go_are_named() {
        let mut after = documents(&method());
        after.get_mut("methods.json").unwrap().as_object_mut().unwrap().clear();
        *after.get_mut("errors.json").unwrap() = json!({"failed": 7});
        let found = broken(&documents(&method()), &after);
        assert_eq!(found, ["failed: the code was -32803 and is 7", "agent/do: the method is gone"]);
        let found = broken(&documents(&method()), &BTreeMap::new());
        assert_eq!(found, ["errors.json: the document is gone", "methods.json: the document is gone"]);
    }

    #[test]
    fn experimental_methods_promise_nothing() {
        let mut before = method();
        before["stability"] = json!("experimental");
        assert!(broken(&documents(&before), &documents(&json!({}))).is_empty());
    }
}
