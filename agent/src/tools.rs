//! The tool trait, the registry, one tool per file, output limits.
//!
//! A tool has two phases. `prepare` only reads: it checks the arguments and says what exactly would happen, so that it can be
//! decided, shown and bound to a digest. The work it hands back runs only inside an [`Approved`].
//!
//! Everything that touches the disk does so on the runtime's blocking threads: handing over costs some ten microseconds, and a
//! slow disk or network file system then holds up nobody else.
//!
//! Not here: policy (`approvals`) and order (`turn`).
//!
//! Imports: workspace, changes, sandbox, process, network, protocol, config, base
pub(crate) mod approved;
mod arguments;
mod background;
pub(crate) mod context;
mod edit;
mod fetch;
mod fingerprint;
mod glob;
mod grep;
pub(crate) mod image;
mod limits;
mod list;
pub(crate) mod output;
mod patch;
mod plan;
pub(crate) mod prepared;
mod read;
pub(crate) mod registry;
mod remembered;
pub(crate) mod settling;
pub(crate) mod shadow;
mod shell;
mod stale;
mod target;
mod view;
mod write;
mod writing;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::Value;
use tenon_protocol::tool::ToolKind;

pub(crate) use crate::tools::approved::Approved;
pub(crate) use crate::tools::context::{RunContext, ToolContext};
pub(crate) use crate::tools::prepared::{Access, Outcome, Prepared, ToolFailure};
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

    /// Returns the paths of the files that a call would write, as its arguments name them; none for tools that write no file by
    /// name.
    fn writes(&self, _arguments: &Value) -> Vec<String> {
        Vec::new()
    }

    /// Checks the arguments and finds out what exactly would happen. Only reads.
    fn prepare<'a>(
        &'a self,
        context: &'a ToolContext,
        arguments: &'a Value,
    ) -> Boxed<'a, Result<Prepared, ToolFailure>>;
}

/// Returns the tools every session has, in the order the model sees them. Make it once: the tools remember what was read, to
/// tell later what somebody else changed.
pub(crate) fn built_in() -> Registry {
    let remembered = Arc::<remembered::Remembered>::default();
    Registry::new(vec![
        Arc::new(read::Read::new(Arc::clone(&remembered))),
        Arc::new(list::List),
        Arc::new(glob::Glob),
        Arc::new(grep::Grep),
        Arc::new(edit::Edit::new(Arc::clone(&remembered))),
        Arc::new(write::Write::new(Arc::clone(&remembered))),
        Arc::new(patch::Patch::new(remembered)),
        Arc::new(shell::Shell),
        Arc::new(fetch::Fetch),
        Arc::new(plan::Plan),
    ])
}

#[cfg(test)]
mod tests;
