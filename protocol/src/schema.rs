//! JSON Schema of the types, for `spec/`. Not here: writing files.
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::event::{Envelope, EventBody};
use crate::handshake::{AgentHello, ClientHello};
use crate::methods::{Method, Stability, Visitor};

/// Returns every document under `spec/schema/`: its file name and its JSON.
pub fn documents() -> Vec<(&'static str, Value)> {
    vec![
        ("methods.json", methods()),
        ("events.json", of::<EventBody>()),
        ("envelope.json", of::<Envelope>()),
        ("client-hello.json", of::<ClientHello>()),
        ("agent-hello.json", of::<AgentHello>()),
        ("errors.json", errors()),
    ]
}

fn of<T: JsonSchema>() -> Value {
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    schema.to_value()
}

#[derive(Default)]
struct Table(Map<String, Value>);

impl Visitor for Table {
    fn method<M: Method>(&mut self) {
        let method = json!({
            "stability": stability(M::STABILITY),
            "params": of::<M::Params>(),
            "result": of::<M::Result>(),
        });
        self.0.insert(M::NAME.to_owned(), method);
    }
}

fn methods() -> Value {
    let mut table = Table::default();
    crate::methods::visit(&mut table);
    Value::Object(table.0)
}

fn stability(stability: Stability) -> &'static str {
    match stability {
        Stability::Stable => "stable",
        Stability::Experimental => "experimental",
    }
}

fn errors() -> Value {
    let kinds = crate::error::ErrorKind::ALL.iter().map(|kind| (kind.name().to_owned(), json!(kind.code())));
    Value::Object(kinds.collect())
}
