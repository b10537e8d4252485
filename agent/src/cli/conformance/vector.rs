//! The format of a vector, as spec/conformance/README.md describes it, and where the vectors are. Not here: playing.
use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::cli::failure::Failure;
use crate::serve::published::documents;

/// A transcript that any agent must be able to take part in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Vector {
    /// What it shows, one sentence.
    pub(super) about: String,
    /// The framings it is played in; both where it does not say.
    #[serde(default)]
    pub(super) framings: Vec<String>,
    /// Files of the workspace.
    #[serde(default)]
    pub(super) files: BTreeMap<String, String>,
    /// The answers of the model, in order.
    #[serde(default)]
    pub(super) model: Vec<Value>,
    /// Milliseconds between two deltas of the model.
    #[serde(default)]
    pub(super) pause_ms: u64,
    /// What happens.
    pub(super) steps: Vec<Step>,
}

/// One thing that happens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) enum Step {
    /// Sends a message.
    Send(Value),
    /// Sends bytes as they are.
    Raw(String),
    /// Sends a request and takes its answer.
    Call(Call),
    /// Takes an answer.
    Answer(Answer),
    /// Takes the next event that is like this, and passes over those before it.
    Event(Value),
    /// The same for several, in any order.
    Events(Vec<Value>),
    /// No event that was passed is like this.
    Never(Value),
    /// The agent ends the stream.
    Closed {},
    /// Leaves, and connects anew.
    Connect {},
    /// A file of the workspace has this content.
    File { path: String, text: String },
}

/// A request with what must be answered.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Call {
    pub(super) method: String,
    #[serde(default)]
    pub(super) params: Value,
    #[serde(default)]
    pub(super) result: Option<Value>,
    #[serde(default)]
    pub(super) error: Option<Value>,
}

/// What must be answered to a request that was sent before.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    pub(super) id: Value,
    #[serde(default)]
    pub(super) result: Option<Value>,
    #[serde(default)]
    pub(super) error: Option<Value>,
}

/// Returns the vectors of a directory, or those that are built in, by name.
///
/// # Errors
/// The directory cannot be read, or one of its files is no vector.
pub(super) fn load(directory: Option<&Path>) -> Result<BTreeMap<String, Vector>, Failure> {
    files(directory, "conformance")
}

/// Reads every JSON file of a directory, or those of a folder of `spec/` that is built in, by name.
///
/// # Errors
/// As `load`.
pub(super) fn files<T: DeserializeOwned>(
    directory: Option<&Path>,
    built_in: &str,
) -> Result<BTreeMap<String, T>, Failure> {
    let Some(directory) = directory else {
        let built_in = documents(built_in).into_iter();
        return built_in.map(|(name, text)| Ok((name.to_owned(), parse(name, &text)?))).collect();
    };
    let failed =
        |error: std::io::Error| Failure::usage(format!("{} cannot be read: {error}", directory.display()));
    let mut vectors = BTreeMap::new();
    for entry in directory.read_dir().map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).map_err(failed)?;
            let vector = parse(&name, &text)?;
            vectors.insert(name, vector);
        }
    }
    if vectors.is_empty() {
        return Err(Failure::usage(format!("{} holds no vectors", directory.display())));
    }
    Ok(vectors)
}

fn parse<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| Failure::usage(format!("{name} is no vector: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_published_vector_is_built_in() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/conformance");
        let published = load(Some(&directory)).ok().unwrap();
        let built_in = load(None).ok().unwrap();
        assert!(published.keys().eq(built_in.keys()), "{:?}", published.keys());
    }

    #[test]
    fn a_vector_with_an_unknown_step_is_refused() {
        let refused = parse::<Vector>("x", r#"{"about": "x", "steps": [{"jump": 1}]}"#).unwrap_err();
        assert!(refused.message.contains("x is no vector"), "{}", refused.message);
    }
}
