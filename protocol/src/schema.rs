//! JSON Schema of the types, for `spec/`. Not here: writing files.
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::error::{ErrorKind, RpcError};
use crate::event::observe::{ObserveClosed, ObserveCursor, ObserveLive, ObserveOpened};
use crate::event::{Envelope, EventBody};
use crate::handshake::{AgentHello, ClientHello};
use crate::methods::{Access, EnvironmentParams, Method, Stability, Visitor};
use crate::signal::Delta;

/// Returns every document under `spec/schema/`: its file name and its JSON.
pub fn documents() -> Vec<(&'static str, Value)> {
    vec![
        ("methods.json", methods()),
        ("events.json", of::<EventBody>()),
        ("envelope.json", of::<Envelope>()),
        ("client-hello.json", of::<ClientHello>()),
        ("agent-hello.json", of::<AgentHello>()),
        ("errors.json", errors()),
        ("error.json", of::<RpcError>()),
        ("subscription.json", subscription()),
        ("environment.json", of::<EnvironmentParams>()),
        ("context.json", of::<crate::context::ContextParams>()),
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
            "summary": M::SUMMARY,
            "stability": stability(M::STABILITY),
            "access": access(M::ACCESS),
            "errors": M::ERRORS.iter().map(|kind| kind.name()).collect::<Vec<_>>(),
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

fn access(access: Access) -> &'static str {
    match access {
        Access::Look => "look",
        Access::Act => "act",
    }
}

/// What a subscription delivers beside the events of its log: events of its own, and deltas.
fn subscription() -> Value {
    json!({
        "observe.opened": of::<ObserveOpened>(),
        "observe.live": of::<ObserveLive>(),
        "observe.cursor": of::<ObserveCursor>(),
        "observe.closed": of::<ObserveClosed>(),
        "delta": of::<Delta>(),
    })
}

fn errors() -> Value {
    let kinds = ErrorKind::ALL.iter().map(|kind| (kind.name().to_owned(), json!(kind.code())));
    Value::Object(kinds.collect())
}
