//! What a later agent may say changes nothing for a client of this version: words and types that it does not know are kept, and
//! the agent itself refuses them where it is told what to do. Not here: members, methods and events of a later version (`golden`).
use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tenon_protocol::error::RpcError;
use tenon_protocol::event::EventBody;
use tenon_protocol::methods::{Method, Visitor, visit};

fn spec(path: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../spec").join(path);
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Returns where in a value words stand, as pointers: what its schema names every allowed value of.
fn words(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    look(schema, schema, value, String::new(), &mut found);
    found.sort();
    found.dedup();
    found
}

fn look(root: &Value, schema: &Value, value: &Value, place: String, found: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
        return look(root, root.pointer(reference).unwrap(), value, place, found);
    }
    let branches =
        ["oneOf", "anyOf"].into_iter().flat_map(|name| schema[name].as_array().into_iter().flatten());
    let branches: Vec<&Value> = branches.collect();
    if value.is_string() && branches.iter().any(|branch| branch["const"] == *value) {
        return found.push(place);
    }
    for branch in branches {
        let tag = &branch["properties"]["type"]["const"];
        if tag.is_null() {
            look(root, branch, value, place.clone(), found);
        } else if *tag == value["type"] {
            found.push(format!("{place}/type"));
            look(root, branch, value, place.clone(), found);
        }
    }
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let own = &schema["properties"][name];
                let schema = if own.is_null() { &schema["additionalProperties"] } else { own };
                let name = name.replace('~', "~0").replace('/', "~1");
                look(root, schema, member, format!("{place}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                look(root, &schema["items"], item, format!("{place}/{number}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Reads a value as `T`, and returns what is written of it.
fn through<T: Serialize + DeserializeOwned>(value: &Value) -> Result<Value, String> {
    let read: T = serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
    serde_json::to_value(read).map_err(|error| error.to_string())
}

/// What is read of a client's example.
struct Case {
    name: String,
    value: Value,
    words: Vec<String>,
    through: fn(&Value) -> Result<Value, String>,
}

impl Case {
    fn new(
        name: &str,
        schema: &Value,
        value: &Value,
        through: fn(&Value) -> Result<Value, String>,
    ) -> Option<Self> {
        let words = words(schema, value);
        (!words.is_empty()).then(|| Self { name: name.to_owned(), value: value.clone(), words, through })
    }

    /// Returns it with another word in one place.
    fn changed(&self, which: prop::sample::Index, word: &str) -> Value {
        let mut value = self.value.clone();
        *value.pointer_mut(which.get(&self.words).as_str()).unwrap() = json!(word);
        value
    }
}

#[derive(Default)]
struct Cases {
    schema: Value,
    params: Vec<Case>,
    told: Vec<Case>,
}

impl Visitor for Cases {
    fn method<M: Method>(&mut self) {
        let own = &self.schema[M::NAME];
        for exchange in
            spec(&format!("examples/methods/{}.json", M::NAME.replace('/', "."))).as_array().unwrap()
        {
            let params = &exchange["request"]["params"];
            self.params.extend(Case::new(M::NAME, &own["params"], params, through::<M::Params>));
            let result = &exchange["response"]["result"];
            self.told.extend(Case::new(M::NAME, &own["result"], result, through::<M::Result>));
        }
    }
}

fn event(value: &Value) -> Result<Value, String> {
    let kind = value["type"].as_str().unwrap_or_default();
    let read = EventBody::read(kind, &value["data"].to_string()).map_err(|error| error.to_string())?;
    serde_json::to_value(read).map_err(|error| error.to_string())
}

fn cases() -> Cases {
    let mut cases = Cases { schema: spec("schema/methods.json"), ..Cases::default() };
    visit(&mut cases);
    let schema = spec("schema/events.json");
    for kind in EventBody::TYPES {
        for message in spec(&format!("examples/events/{kind}.json")).as_array().unwrap() {
            let told = &message["params"]["result"];
            let body = json!({"type": kind, "data": told["data"]});
            if let Some(mut case) = Case::new(kind, &schema, &body, event) {
                // Another type is another event.
                case.words.retain(|place| place != "/type");
                cases.told.extend((!case.words.is_empty()).then_some(case));
            }
        }
    }
    cases
}

fn any_case(cases: &[Case], check: impl Fn(&Case, prop::sample::Index, &str) -> Result<(), TestCaseError>) {
    let inputs = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), "[a-z_.é漢]{1,10}x");
    TestRunner::new(Config { cases: 2_000, failure_persistence: None, ..Config::default() })
        .run(&inputs, |(case, place, word)| check(case.get(cases), place, &word))
        .unwrap();
}

#[test]
fn a_client_reads_and_keeps_words_of_a_later_agent() {
    let cases = cases();
    let named = |name: &str| cases.told.iter().any(|case| case.name == name);
    assert!(
        ["agent/open", "agent/prompt", "tool.ended", "request.opened", "session.state"]
            .into_iter()
            .all(named)
    );
    any_case(&cases.told, |case, place, word| {
        let changed = case.changed(place, word);
        let name = &case.name;
        prop_assert_eq!(
            (case.through)(&changed),
            Ok(changed.clone()),
            "{}: {}",
            name,
            place.get(&case.words)
        );
        Ok(())
    });
}

#[test]
fn the_agent_takes_no_words_of_a_later_client() {
    let cases = cases();
    let named = |name: &str| cases.params.iter().any(|case| case.name == name);
    assert!(["agent/close", "agent/prompt", "agent/admin", "agent/job"].into_iter().all(named));
    any_case(&cases.params, |case, place, word| {
        let refused = (case.through)(&case.changed(place, word));
        prop_assert!(refused.is_err(), "{}: {} is taken as {:?}", case.name, place.get(&case.words), refused);
        Ok(())
    });
}

#[test]
fn an_error_with_later_advice_is_still_that_error() {
    let error = json!({"code": 1106, "message": "busy", "data": {"kind": "sessionBusy", "retry": "tomorrow", "hints": ["wait"]}});
    let read: RpcError = serde_json::from_value(error).unwrap();
    assert_eq!((read.kind(), read.data.as_ref().and_then(|data| data.retry)), (Some("sessionBusy"), None));
}
