//! `tenon schema`: the published schema of this build, whole or one thing of it. Not here: the schema itself, which is
//! generated into `spec/`; no agent is asked.
use std::collections::BTreeSet;

use clap::Args;
use serde_json::{Map, Value, json};
use tenon_protocol::version::PROTOCOL;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::terminal::Terminal;
use crate::config::environment;
use crate::serve::published::{DIGEST, documents};

/// How many names a wrong one is answered with.
const SUGGESTIONS_MAX: usize = 5;

/// The arguments of `tenon schema`.
#[derive(Args, Debug)]
#[command(
    after_help = "Without a name it prints everything, as one JSON object:\n  protocol, version, schema (the digest that the handshake names), and documents (those of spec/schema).\n\nExamples:\n  tenon schema agent/prompt\n  tenon schema turn.ended\n  tenon schema --list | grep request"
)]
pub(crate) struct SchemaArgs {
    /// A method (agent/open), an event (turn.ended), an error (sessionNotFound or 1101), or a document (client-hello)
    #[arg(conflicts_with_all = ["list", "digest"])]
    name: Option<String>,
    /// Prints the names there are, one a line
    #[arg(long, conflicts_with = "digest")]
    list: bool,
    /// Prints the digest alone: equal digests, equal shapes
    #[arg(long)]
    digest: bool,
}

/// Runs the command.
pub(crate) fn run(args: &SchemaArgs) -> Result<Exit, Failure> {
    let terminal = Terminal::of(&environment::ambient(), false);
    let text = if args.digest {
        DIGEST.clone()
    } else {
        let schema = Schema::read()?;
        match &args.name {
            Some(name) => format!("{:#}", schema.one(name)?),
            None if args.list => schema.names().join("\n"),
            None => format!("{:#}", schema.whole()),
        }
    };
    terminal.line(&text)?;
    Ok(Exit::Done)
}

/// The documents, parsed.
struct Schema(Map<String, Value>);

impl Schema {
    fn read() -> Result<Self, Failure> {
        let documents = documents("schema").into_iter();
        let parsed = documents.map(|(name, text)| Ok((name.to_owned(), serde_json::from_str(&text)?)));
        let documents: Result<_, serde_json::Error> = parsed.collect();
        documents.map(Self).map_err(|error| Failure::failed(format!("this build has no schema: {error}")))
    }

    fn whole(self) -> Value {
        let version = env!("CARGO_PKG_VERSION");
        json!({"protocol": PROTOCOL, "version": version, "schema": *DIGEST, "documents": self.0})
    }

    /// Returns every name that `one` knows, each group in its own order: documents, methods, events, errors.
    fn names(&self) -> Vec<&str> {
        let members = |document: &str| self.0[document].as_object().into_iter().flat_map(Map::keys);
        let mut names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        names.extend(members("methods").map(String::as_str));
        names.extend(self.events().filter_map(event_type));
        names.extend(members("subscription").chain(members("errors")).map(String::as_str));
        names
    }

    fn events(&self) -> impl Iterator<Item = &Value> {
        self.0["events"]["oneOf"].as_array().into_iter().flatten()
    }

    /// Returns the schema of one thing, complete in itself.
    fn one(&self, name: &str) -> Result<Value, Failure> {
        if let Some(document) = self.0.get(name) {
            return Ok(document.clone());
        }
        for document in ["methods", "subscription"] {
            if let Some(found) = self.0[document].get(name) {
                return Ok(found.clone());
            }
        }
        if let Some(event) = self.events().find(|event| event_type(event) == Some(name)) {
            return Ok(self.complete(event));
        }
        let errors = self.0["errors"].as_object().into_iter().flatten();
        for (kind, code) in errors {
            if kind == name || name.parse::<i64>().is_ok_and(|number| *code == number) {
                return Ok(json!({"kind": kind, "code": code, "error": self.0["error"]}));
            }
        }
        Err(self.unknown(name))
    }

    /// Returns an event's schema with the definitions that it needs, directly or through others.
    fn complete(&self, event: &Value) -> Value {
        let all = &self.0["events"]["$defs"];
        let mut wanted = BTreeSet::new();
        let mut open = vec![event];
        while let Some(value) = open.pop() {
            for name in references(value) {
                if wanted.insert(name) {
                    open.push(&all[name]);
                }
            }
        }
        let definitions: Map<String, Value> =
            wanted.into_iter().map(|name| (name.to_owned(), all[name].clone())).collect();
        let mut event = event.clone();
        event["$schema"] = self.0["events"]["$schema"].clone();
        event["$defs"] = definitions.into();
        event
    }

    fn unknown(&self, name: &str) -> Failure {
        let wanted = name.to_lowercase();
        let word = wanted.rsplit(['/', '.']).next().unwrap_or_default();
        let is_like = |known: &&str| !word.is_empty() && known.to_lowercase().contains(word);
        let like: Vec<&str> = self.names().into_iter().filter(is_like).take(SUGGESTIONS_MAX).collect();
        let failure = Failure::usage(format!("the schema has no {name}"));
        let failure =
            if like.is_empty() { failure } else { failure.hint(format!("it has: {}", like.join(", "))) };
        failure.hint("`tenon schema --list` prints every name")
    }
}

fn event_type(event: &Value) -> Option<&str> {
    event["properties"]["type"]["const"].as_str()
}

/// Returns the names of all definitions that a schema refers to.
fn references(schema: &Value) -> Vec<&str> {
    match schema {
        Value::Object(members) => {
            let own = members.get("$ref").and_then(Value::as_str);
            let own = own.and_then(|reference| reference.strip_prefix("#/$defs/"));
            own.into_iter().chain(members.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use tenon_protocol::error::ErrorKind;
    use tenon_protocol::event::EventBody;
    use tenon_protocol::methods::METHODS;

    use super::*;

    fn schema() -> Schema {
        Schema::read().ok().unwrap()
    }

    /// Checks that a schema has every definition it refers to.
    fn check_complete(name: &str, schema: &Value) {
        for reference in references(schema) {
            assert!(schema["$defs"].get(reference).is_some(), "{name} lacks {reference}");
        }
    }

    #[test]
    fn everything_of_the_protocol_has_a_schema_that_is_complete() {
        let schema = schema();
        let known = |name: &str| {
            assert!(schema.names().contains(&name), "{name} is not listed");
            schema.one(name).ok().unwrap()
        };
        for method in METHODS {
            let one = known(method.name);
            check_complete(method.name, &one["params"]);
            check_complete(method.name, &one["result"]);
        }
        for name in EventBody::TYPES.iter().copied().chain(["delta", "observe.closed", "client-hello"]) {
            check_complete(name, &known(name));
        }
        for kind in ErrorKind::ALL {
            assert_eq!(known(kind.name())["code"], json!(kind.code()));
            check_complete(kind.name(), &known(kind.name())["error"]);
        }
        assert!(schema.one("1101").ok().unwrap()["kind"] == "sessionNotFound");
    }

    #[test]
    fn an_event_brings_what_it_needs_and_no_more() {
        let ended = schema().one("turn.ended").ok().unwrap();
        let has = |name: &str| ended["$defs"].get(name).is_some();
        assert!(has("TurnEnded") && has("Usage"), "{ended:#}");
        assert!(!has("SessionItem"), "{ended:#}");
    }

    #[test]
    fn a_wrong_name_is_answered_with_those_that_are_like_it() {
        let failure = schema().one("agent/Prompts").unwrap_err();
        assert_eq!(failure.hints.len(), 1, "{failure:?}");
        let failure = schema().one("prompt").unwrap_err();
        assert!(failure.hints[0].contains("agent/prompt, prompt.admitted"), "{failure:?}");
        assert_eq!(failure.exit(), Exit::Usage);
    }
}
