//! The tools on offer, in a stable order. Not here: the tools.
use std::sync::Arc;

use tenon_protocol::tool::ToolKind;

use crate::tools::{Descriptor, Tool};

/// The tools of a session. Their order is the order the model sees, and never changes within a session: the providers' caches
/// match prefixes.
#[derive(Clone, Debug)]
pub(crate) struct Registry(Arc<[Entry]>);

/// A tool, and what it says of itself: asked once, since every call looks a name up.
#[derive(Debug)]
struct Entry {
    descriptor: Descriptor,
    tool: Arc<dyn Tool>,
}

impl Registry {
    /// Makes a registry of tools with different names.
    pub(crate) fn new(tools: Vec<Arc<dyn Tool>>) -> Self {
        Self(tools.into_iter().map(|tool| Entry { descriptor: tool.descriptor(), tool }).collect())
    }

    fn entry(&self, name: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.descriptor.name == name)
    }

    /// Returns the tool of a name.
    pub(crate) fn get(&self, name: &str) -> Option<&Arc<dyn Tool>> {
        self.entry(name).map(|entry| &entry.tool)
    }

    /// Returns what a tool is about; `other` for a name nobody has.
    pub(crate) fn kind(&self, name: &str) -> ToolKind {
        self.entry(name).map_or(ToolKind::Other, |entry| entry.descriptor.kind)
    }

    /// Returns every tool's description, in order.
    pub(crate) fn descriptors(&self) -> Vec<Descriptor> {
        self.0.iter().map(|entry| entry.descriptor.clone()).collect()
    }
}
