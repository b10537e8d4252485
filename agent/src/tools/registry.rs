//! The tools on offer, in a stable order. Not here: the tools.
use std::sync::Arc;

use tenon_protocol::tool::ToolKind;

use crate::tools::{Descriptor, Tool};

/// The tools of a session. Their order is the order the model sees, and never changes within a session: the providers' caches
/// match prefixes.
#[derive(Clone, Debug)]
pub(crate) struct Registry(Arc<[Arc<dyn Tool>]>);

impl Registry {
    /// Makes a registry of tools with different names.
    pub(crate) fn new(tools: Vec<Arc<dyn Tool>>) -> Self {
        Self(tools.into())
    }

    /// Returns the tool of a name.
    pub(crate) fn get(&self, name: &str) -> Option<&Arc<dyn Tool>> {
        self.0.iter().find(|tool| tool.descriptor().name == name)
    }

    /// Returns what a tool is about; `other` for a name nobody has.
    pub(crate) fn kind(&self, name: &str) -> ToolKind {
        self.get(name).map_or(ToolKind::Other, |tool| tool.descriptor().kind)
    }

    /// Returns every tool's description, in order.
    pub(crate) fn descriptors(&self) -> Vec<Descriptor> {
        self.0.iter().map(|tool| tool.descriptor()).collect()
    }
}
