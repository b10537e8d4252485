//! Tool calls as models really make them: missing and doubled ids, broken arguments, impossible names.
//!
//! Not here: whether the tool exists and what its arguments mean (`tools`).
use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::base::digest::Digest;
use crate::base::ids::{SystemEntropy, unique};
use crate::providers::error::{ProviderError, ProviderErrorKind};
use crate::providers::event::ProviderEvent;
use crate::providers::request::{ModelCall, ModelMessage};

/// The most calls that one answer is read for. The turn answers far fewer; this bounds what is held.
pub(crate) const CALLS_MAX: usize = 1024;

/// The longest id and name that every server takes back.
const ID_LEN_MAX: usize = 40;
const NAME_LEN_MAX: usize = 64;

/// What stands in a request where arguments were no JSON object: some servers fail for ever on a history with others.
pub(crate) const NO_ARGUMENTS: &str = "{}";

/// What stands for arguments that were cut off before their first character.
pub(crate) const CUT_ARGUMENTS: &str = "{";

/// Decides which ids of a provider can be used: those that no call of the conversation has.
#[derive(Debug)]
pub(crate) struct Ids(BTreeSet<String>);

impl Ids {
    /// Returns the ids that are taken before the answer to `messages` begins.
    pub(crate) fn of(messages: &[ModelMessage]) -> Self {
        let calls = messages.iter().flat_map(|message| match message {
            ModelMessage::Assistant(message) => message.calls.as_slice(),
            ModelMessage::User(_) | ModelMessage::ToolResult { .. } => &[],
        });
        Self(calls.map(|call| call.id.clone()).collect())
    }

    /// Returns `given` if it can be used, else a new id.
    pub(crate) fn usable(&mut self, given: &str) -> String {
        let id = if is_wire_id(given) && !self.0.contains(given) {
            given.to_owned()
        } else {
            format!("call_{}", unique(&SystemEntropy))
        };
        self.0.insert(id.clone());
        id
    }
}

/// Returns the event of a complete call.
pub(crate) fn complete(id: String, name: String, arguments: String) -> ProviderEvent {
    let parsed = parse_arguments(&arguments).map(Value::Object);
    ProviderEvent::Call { call: ModelCall { id, name, arguments }, arguments: parsed }
}

/// Parses the arguments of a call. None at all mean an empty object; anything but an object is refused in words for
/// the model.
pub(crate) fn parse_arguments(text: &str) -> Result<Map<String, Value>, String> {
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(_) => {
            Err("the arguments of this call are not a JSON object; nothing was run; send the call again"
                .to_owned())
        }
        Err(_) if text.trim().is_empty() => Ok(Map::new()),
        Err(error) if error.is_eof() => Err(format!(
            "the arguments of this call end too early to be JSON ({error}); nothing was run; send the call again, \
             with shorter arguments if the answer was cut off"
        )),
        Err(error) => Err(format!(
            "the arguments of this call are not valid JSON ({error}); nothing was run; send the call again"
        )),
    }
}

/// Returns `text` if it is a JSON object, else an empty one: what can be sent back.
pub(crate) fn sendable_arguments(text: &str) -> &str {
    match serde_json::from_str::<Map<String, Value>>(text) {
        Ok(_) => text,
        Err(_) => NO_ARGUMENTS,
    }
}

/// Returns an id that every server takes back; equal ids stay equal, so that a call and its result keep together.
pub(crate) fn sendable_id(id: &str) -> String {
    if is_wire_id(id) {
        return id.to_owned();
    }
    let digest = Digest::of(id.as_bytes()).to_string();
    format!("call_{}", &digest[..24])
}

/// Returns a name that every server takes back: models call tools that cannot even be spelt.
pub(crate) fn sendable_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' };
    let name: String = name.chars().take(NAME_LEN_MAX).map(plain).collect();
    if name.is_empty() { "unnamed".to_owned() } else { name }
}

/// Refuses an answer of too many calls.
pub(crate) fn check_count(calls: usize) -> Result<(), ProviderError> {
    if calls <= CALLS_MAX {
        return Ok(());
    }
    let message = format!("the answer has more than {CALLS_MAX} calls");
    Err(ProviderError::new(ProviderErrorKind::OutputLimit, &message))
}

fn is_wire_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    !id.is_empty() && id.len() <= ID_LEN_MAX && id.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::request::AssistantMessage;

    #[test]
    fn arguments_are_an_object_or_a_sentence() {
        assert_eq!(parse_arguments(r#"{"a":1}"#).unwrap().len(), 1);
        for nothing in ["", " \n", "null", "{}"] {
            assert!(parse_arguments(nothing).unwrap().is_empty(), "{nothing:?}");
        }
        assert!(parse_arguments(r#"{"path":"src/li"#).unwrap_err().contains("end too early"));
        assert!(parse_arguments("{path: 1}").unwrap_err().contains("not valid JSON"));
        assert!(parse_arguments("[1]").unwrap_err().contains("not a JSON object"));
    }

    #[test]
    fn what_is_sent_back_is_always_valid() {
        assert_eq!(sendable_arguments(r#"{"a": 1}"#), r#"{"a": 1}"#);
        assert_eq!(sendable_arguments(r#"{"a": "#), "{}");
        assert_eq!(sendable_arguments("[]"), "{}");
        assert_eq!(sendable_name("no such tool!"), "no_such_tool_");
        assert_eq!(sendable_name(""), "unnamed");
        assert_eq!(sendable_name(&"é".repeat(100)).len(), 64);
        assert_eq!(sendable_id("toolu_01"), "toolu_01");
        assert_eq!(sendable_id("a.b"), sendable_id("a.b"));
        assert_ne!(sendable_id("a.b"), sendable_id("a:b"));
        assert!(is_wire_id(&sendable_id("functions.read:0")));
    }

    #[test]
    fn an_id_is_used_once_in_a_conversation() {
        let earlier = ModelCall { id: "call_0".into(), name: "read".into(), arguments: "{}".into() };
        let message = AssistantMessage { calls: vec![earlier], ..Default::default() };
        let mut ids = Ids::of(&[ModelMessage::Assistant(message)]);
        assert_ne!(ids.usable("call_0"), "call_0");
        assert_eq!(ids.usable("call_1"), "call_1");
        let second = ids.usable("call_1");
        assert!(second.starts_with("call_") && second != "call_1" && is_wire_id(&second));
        assert!(!ids.usable("").is_empty());
    }
}
