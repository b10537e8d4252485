//! JSON that is carried and never looked into. Not here: any parsing of it.
use serde::{Deserialize, Serialize};
pub use serde_json::{Map, Value};

/// Opaque JSON, such as a tool's arguments: whoever knows the shape takes it out at the edge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Json(pub Value);

impl Json {
    /// Returns an empty object.
    pub fn empty() -> Self {
        Self(Value::Object(serde_json::Map::new()))
    }

    /// Turns any serialisable value into opaque JSON; what cannot be serialised becomes `null`.
    pub fn from_serialize(value: &impl Serialize) -> Self {
        Self(serde_json::to_value(value).unwrap_or(Value::Null))
    }

    /// Reads the value as `T`.
    ///
    /// # Errors
    /// When the JSON has another shape.
    pub fn parse<T: for<'de> Deserialize<'de>>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(&self.0)
    }
}
