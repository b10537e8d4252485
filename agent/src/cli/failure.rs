//! The one shape of what went wrong at the edge: kind, message, hints. Not here: the numbers (`exit`).
use std::io;

use serde_json::Value;
use tenon_client::ClientError;
use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::version::PROTOCOL;

use crate::cli::exit::Exit;
use crate::cli::terminal::{Terminal, safe_line};
use crate::config::error::ConfigError;

/// What kind of thing went wrong: as much as decides how the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// Anything without a kind of its own.
    Failed,
    /// The arguments or the configuration.
    Usage,
    /// A limit.
    Limit,
    /// No such session.
    NoSession,
    /// Nobody could be asked.
    Unattended,
    /// The agent at the other end is another one now.
    Replaced,
    /// A person interrupted.
    Interrupted,
    /// The reader of the output has gone, as in `tenon log | head`: no failure at all, and nothing to say.
    PipeClosed,
}

/// What went wrong, for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What kind of thing.
    pub(crate) kind: FailureKind,
    /// One sentence: lower case, no full stop.
    pub(crate) message: String,
    /// What to do next, one sentence each.
    pub(crate) hints: Vec<String>,
}

impl Failure {
    /// Makes a failure of a kind.
    pub(crate) fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hints: Vec::new() }
    }

    /// Makes a failure without a kind of its own.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Failed, message)
    }

    /// Makes a failure of the arguments or the configuration.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Usage, message)
    }

    /// Adds a hint.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Returns how the process ends.
    pub(crate) const fn exit(&self) -> Exit {
        match self.kind {
            FailureKind::Failed => Exit::Failed,
            FailureKind::Usage => Exit::Usage,
            FailureKind::Limit => Exit::Limit,
            FailureKind::NoSession => Exit::NoSession,
            FailureKind::Unattended => Exit::Unattended,
            FailureKind::Replaced => Exit::Replaced,
            FailureKind::Interrupted => Exit::Interrupted,
            FailureKind::PipeClosed => Exit::Done,
        }
    }

    /// Tells the person on standard error.
    pub(crate) fn report(&self, terminal: Terminal) {
        if matches!(self.kind, FailureKind::PipeClosed) || self.message.is_empty() {
            return;
        }
        terminal.note(&format!("{} {}", terminal.red("error:"), safe_line(&self.message)));
        for hint in &self.hints {
            terminal.note(&format!("{} {}", terminal.bold("hint:"), safe_line(hint)));
        }
    }
}

impl From<RpcError> for Failure {
    fn from(error: RpcError) -> Self {
        let is = |kind: ErrorKind| error.is(kind);
        let kind = if is(ErrorKind::SessionNotFound) {
            FailureKind::NoSession
        } else if is(ErrorKind::InvalidConfig)
            || is(ErrorKind::InvalidParams)
            || is(ErrorKind::WorkspaceNotFound)
            || is(ErrorKind::UnknownKind)
        {
            FailureKind::Usage
        } else {
            FailureKind::Failed
        };
        if is(ErrorKind::UnsupportedProtocol) {
            return incompatible(&error);
        }
        let hints = error.data.map(|data| data.hints).unwrap_or_default();
        Self { kind, message: error.message, hints }
    }
}

/// Says which side is the older one where they have no version of the protocol in common, and what to do then.
fn incompatible(error: &RpcError) -> Failure {
    let supported = error.data.as_ref().and_then(|data| data.more.get("supported"));
    let versions = supported.and_then(Value::as_array).into_iter().flatten();
    let Some(newest) = versions.filter_map(Value::as_u64).max() else {
        return Failure::failed(format!("the agent that runs does not take this program: {}", error.message))
            .hint(END_IT);
    };
    let (is, hint) = if newest > u64::from(PROTOCOL) {
        ("newer", "update this program, or use the one that started the agent")
    } else {
        ("older", END_IT)
    };
    Failure::failed(format!(
        "the agent that runs is {is} than this program: it speaks version {newest} of the protocol, this one {PROTOCOL}"
    ))
    .hint(hint)
}

/// What to do about an agent that cannot be talked to.
const END_IT: &str = "`tenon doctor` names its process: end that one, and the next command starts this version; nothing is lost";

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let message = sentence(&error);
        match error {
            ClientError::Rpc(error) => error.into(),
            ClientError::NotRunning { .. } => {
                Self::failed(message).hint("`tenon serve` runs one, and most commands start one")
            }
            ClientError::Unreachable { .. }
            | ClientError::ForeignOwner { .. }
            | ClientError::Start(_)
            | ClientError::StartTimeout(_)
            | ClientError::Silent => {
                Self::failed(message).hint("`tenon doctor` tells what is known about it")
            }
            ClientError::NoStateDir => Self::usage(message),
            ClientError::Spawn { .. }
            | ClientError::TimedOut { .. }
            | ClientError::Left
            | ClientError::Disconnected
            | ClientError::Malformed(_)
            | ClientError::UnexpectedResult { .. }
            | ClientError::Unsendable { .. }
            | ClientError::Ended => Self::failed(message),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::usage(error.to_string())
    }
}

/// Failures of writing to standard output, the only thing here that fails with such an error unexplained.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::new(FailureKind::PipeClosed, String::new());
        }
        Self::failed(format!("cannot write the output: {error}"))
    }
}

/// Returns an error with its causes, as one sentence.
pub(crate) fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    // A chain of causes is short; the bound is for one that is not.
    for _ in 0..8 {
        let Some(cause) = source else { break };
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_an_rpc_error_decides_the_exit() {
        let exit = |kind| Failure::from(RpcError::new(kind, "m")).exit();
        assert_eq!(exit(ErrorKind::SessionNotFound), Exit::NoSession);
        assert_eq!(exit(ErrorKind::InvalidConfig), Exit::Usage);
        assert_eq!(exit(ErrorKind::Draining), Exit::Failed);
        assert_eq!(exit(ErrorKind::AuthRequired), Exit::Failed);
    }

    #[test]
    fn which_side_is_older_is_told() {
        let told = |supported: &[u64]| {
            let error = RpcError::new(ErrorKind::UnsupportedProtocol, "no").with("supported", supported);
            Failure::from(error)
        };
        assert!(told(&[2, 3]).message.contains("is newer than this program: it speaks version 3"));
        assert!(told(&[0]).message.contains("is older") && told(&[0]).hints == [END_IT]);
        let silent = told(&[]);
        assert!(silent.message.ends_with(": no") && silent.hints == [END_IT], "{silent:?}");
    }

    #[test]
    fn hints_of_the_agent_reach_the_person() {
        let error = RpcError::new(ErrorKind::AuthRequired, "no key").hint("set a variable");
        assert_eq!(Failure::from(error).hints, ["set a variable"]);
    }

    #[test]
    fn causes_are_told_once() {
        let source = io::Error::other("refused");
        let error = ClientError::Unreachable { socket: "/s".into(), source };
        assert_eq!(sentence(&error), "the agent at /s cannot be reached: refused");
    }
}
