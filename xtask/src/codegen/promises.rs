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
            "client-hello.json" | "environment.json" | "context.json" => {
                comparison.whole(file, old, new, Writer::Client);
            }
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

    /// The schema as it is published.
    fn published() -> BTreeMap<String, Value> {
        tenon_protocol::schema::documents().into_iter().map(|(name, json)| (name.to_owned(), json)).collect()
    }

    /// Changes one place of the published schema, and checks that it is named.
    fn check_published(file: &str, pointer: &str, change: impl FnOnce(&mut Value), expected: &str) {
        let mut after = published();
        let place = after.get_mut(file).and_then(|document| document.pointer_mut(pointer));
        change(place.unwrap_or_else(|| panic!("{file} has no {pointer}")));
        let found = broken(&published(), &after);
        assert!(found.iter().any(|line| line.contains(expected)), "{expected} is not in {found:#?}");
    }

    fn without(key: &'static str) -> impl FnOnce(&mut Value) {
        move |place| drop(place.as_object_mut().unwrap().remove(key).unwrap())
    }

    #[test]
    fn what_is_published_is_held() {
        assert!(broken(&published(), &published()).is_empty());
        let prompt = "/agent~1prompt";
        check_published("methods.json", "", without("agent/prompt"), "agent/prompt: the method is gone");
        let member = format!("{prompt}/params/properties");
        check_published("methods.json", &member, without("delivery"), "params.delivery: the member is gone");
        let result = format!("{prompt}/result/properties");
        check_published(
            "methods.json",
            &result,
            without("messageId"),
            "result.messageId: the member is gone",
        );
        let kind = format!("{prompt}/params/properties/key/type");
        check_published("methods.json", &kind, |kind| *kind = json!("integer"), "params.key: the type was");
        let required = format!("{prompt}/params/required");
        let demand = |required: &mut Value| required.as_array_mut().unwrap().push(json!("key"));
        check_published("methods.json", &required, demand, "params.key: it is required now");
        let words = format!("{prompt}/params/$defs/Delivery/oneOf");
        let narrow = |words: &mut Value| drop(words.as_array_mut().unwrap().pop().unwrap());
        check_published("methods.json", &words, narrow, "params.delivery: the value");
        let narrow = |types: &mut Value| drop(types.as_array_mut().unwrap().pop().unwrap());
        check_published("events.json", "/oneOf", narrow, "events.json: the value");
        check_published("errors.json", "", without("sessionBusy"), "sessionBusy: the kind of error is gone");
        let word = "/$defs/Stop/oneOf";
        let narrow = |words: &mut Value| drop(words.as_array_mut().unwrap().pop().unwrap());
        check_published("events.json", word, narrow, "the value");
        check_published("client-hello.json", "/properties", without("role"), "role: the member is gone");
    }

    /// Names every member of every record, and every word of every list, at least once each.
    fn places(schema: &Value, pointer: &str, found: &mut Vec<String>) {
        for (key, inner) in members(schema) {
            let at = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
            if key == "properties" {
                found.extend(members(inner).map(|(name, _)| format!("{at}/{name}")));
            }
            places(inner, &at, found);
        }
        for (number, inner) in schema.as_array().into_iter().flatten().enumerate() {
            places(inner, &format!("{pointer}/{number}"), found);
        }
    }

    /// The published documents in small pieces, so that each member is looked for in little: every method that promises something
    /// by itself.
    fn pieces() -> Vec<(String, Value)> {
        let mut documents = published();
        let methods = documents.remove("methods.json").unwrap();
        let alone = |(name, method): (&String, &Value)| ("methods.json".to_owned(), json!({name: method}));
        let stable = members(&methods).filter(|(_, method)| method["stability"] == "stable");
        stable.map(alone).chain(documents).collect()
    }

    #[test]
    fn no_member_of_what_is_published_goes_unnoticed() {
        // All of them take seconds; one in eight finds a whole kind of place that is overlooked.
        let step = if crate::shell::environment("RUN_SLOW_TESTS").is_some() { 1 } else { 8 };
        let mut count = 0;
        for (file, before) in pieces() {
            let mut all = Vec::new();
            places(&before, "", &mut all);
            for pointer in all.into_iter().step_by(step) {
                let (record, name) = pointer.rsplit_once('/').unwrap();
                let mut after = before.clone();
                let place = after.pointer_mut(record).and_then(Value::as_object_mut).unwrap();
                place.remove(name).unwrap();
                let documents = |json: &Value| BTreeMap::from([(file.clone(), json.clone())]);
                let found = broken(&documents(&before), &documents(&after));
                assert!(!found.is_empty(), "{file}: {pointer} may go without a word");
                count += 1;
            }
        }
        assert!(count > 50, "{count} members only");
    }

    #[test]
    fn experimental_methods_promise_nothing() {
        let mut before = method();
        before["stability"] = json!("experimental");
        assert!(broken(&documents(&before), &documents(&json!({}))).is_empty());
    }
}
