//! The tool trait, the registry, one tool per file, output limits.
//!
//! A tool has two phases. `prepare` only reads: it checks the arguments and says what exactly would happen, so that it can be
//! decided, shown and bound to a digest. The work it hands back runs only inside an [`Approved`].
//!
//! Not here: policy (`approvals`) and order (`turn`).
//!
//! Imports: workspace, changes, sandbox, process, protocol, config, base
pub(crate) mod approved;
pub(crate) mod context;
pub(crate) mod prepared;
pub(crate) mod registry;

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use serde_json::Value;
use tenon_protocol::tool::ToolKind;

pub(crate) use crate::tools::approved::Approved;
pub(crate) use crate::tools::context::{RunContext, ToolContext};
pub(crate) use crate::tools::prepared::{Access, Outcome, Prepared, ToolFailure, Work};
pub(crate) use crate::tools::registry::Registry;

/// A future that a trait object returns.
pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What the model is told of a tool.
#[derive(Clone, Debug)]
pub(crate) struct Descriptor {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it is about.
    pub(crate) kind: ToolKind,
    /// What it does, for the model: short, since every request carries it.
    pub(crate) description: &'static str,
    /// The JSON Schema of its arguments, an object.
    pub(crate) parameters: Value,
}

/// Something the model can call.
pub(crate) trait Tool: fmt::Debug + Send + Sync {
    /// Returns what the model is told of it; always the same.
    fn descriptor(&self) -> Descriptor;

    /// Tells in one line what a call will do, for people; also for arguments that are wrong.
    fn title(&self, arguments: &Value) -> String;

    /// Checks the arguments and finds out what exactly would happen. Only reads.
    fn prepare<'a>(
        &'a self,
        context: &'a ToolContext,
        arguments: &'a Value,
    ) -> Boxed<'a, Result<Prepared, ToolFailure>>;
}

/// Returns the tools every session has, in the order the model sees them.
pub(crate) fn built_in() -> Registry {
    Registry::new(Vec::new())
}
