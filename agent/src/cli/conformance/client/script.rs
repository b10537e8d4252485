//! The format of a vector for clients, as spec/conformance/README.md describes it, and those that are built in. Not here:
//! playing.
use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::cli::conformance::vector::files;
use crate::cli::failure::Failure;

/// A transcript that a client must be able to take part in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in crate::cli::conformance) struct Script {
    /// What it shows, one sentence.
    pub(in crate::cli::conformance) about: String,
    /// What happens.
    pub(super) steps: Vec<Step>,
    /// How the client ends.
    pub(super) ends: Ends,
}

/// One thing that happens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) enum Step {
    /// Takes a connection.
    Accept {},
    /// Takes the next request, which must be this one, and answers it.
    Take(Take),
    /// The same for several, in any order.
    Takes(Vec<Take>),
    /// Sends events of the subscription, or its deltas.
    Events(Vec<Value>),
    /// Sends a message as it is.
    Send(Value),
    /// Ends the connection.
    Close {},
}

/// A request that must come, and its answer: the usual one where none is given.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Take {
    pub(super) method: String,
    #[serde(default)]
    pub(super) params: Option<Value>,
    #[serde(default)]
    pub(super) result: Option<Value>,
    #[serde(default)]
    pub(super) error: Option<Value>,
}

/// How the client must end.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ends {
    /// Whether with 0.
    pub(super) well: bool,
    /// Texts that its standard output has, in this order and each once.
    #[serde(default)]
    pub(super) shows: Vec<String>,
    /// Texts that it has not.
    #[serde(default)]
    pub(super) never: Vec<String>,
}

/// Returns the vectors of a directory, or those that are built in, by name.
///
/// # Errors
/// The directory cannot be read, or one of its files is no vector.
pub(in crate::cli::conformance) fn load(
    directory: Option<&Path>,
) -> Result<BTreeMap<String, Script>, Failure> {
    files(directory, "conformance/client")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_published_vector_is_built_in() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/conformance/client");
        let published = load(Some(&directory)).ok().unwrap();
        let built_in = load(None).ok().unwrap();
        assert!(published.keys().eq(built_in.keys()), "{:?}", published.keys());
    }
}
