//! THE table of methods: name, parameters, result, stability. It drives registration, the client's typed calls, the schema and
//! the documentation. Not here: what a method does.
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::ErrorKind;
use crate::{
    admin, answer, apply, auth, complete, configure, diff, fetch, job, list, log, open, plan, prompt,
};

/// How far a client may rely on a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stability {
    /// Only additions within the major version.
    Stable,
    /// Used by name (`agent/run@1`), may change.
    Experimental,
}

/// Whether a request only looks: an observer may send it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Changes nothing.
    Look,
    /// Acts: controllers only.
    Act,
}

/// A request of the native dialect.
pub trait Method {
    /// Its name on the wire.
    const NAME: &'static str;
    /// How far to rely on it.
    const STABILITY: Stability;
    /// Who may send it.
    const ACCESS: Access;
    /// What it does, in one sentence.
    const SUMMARY: &'static str;
    /// The kinds of failure of its own, beside those every request may end with.
    const ERRORS: &'static [ErrorKind];
    /// Its parameters.
    type Params: Wire;
    /// Its result.
    type Result: Wire;
}

/// What every parameter and result type can do.
#[cfg(not(feature = "schema"))]
pub trait Wire: Serialize + DeserializeOwned + Send + 'static {}
#[cfg(not(feature = "schema"))]
impl<T: Serialize + DeserializeOwned + Send + 'static> Wire for T {}

/// What every parameter and result type can do.
#[cfg(feature = "schema")]
pub trait Wire: Serialize + DeserializeOwned + schemars::JsonSchema + Send + 'static {}
#[cfg(feature = "schema")]
impl<T: Serialize + DeserializeOwned + schemars::JsonSchema + Send + 'static> Wire for T {}

/// Whoever needs every method with its types: registration, the schema.
pub trait Visitor {
    /// Is called once a method.
    fn method<M: Method>(&mut self);
}

/// What the table says of a method, without its types.
#[derive(Clone, Copy, Debug)]
pub struct MethodInfo {
    /// Its name on the wire.
    pub name: &'static str,
    /// How far to rely on it.
    pub stability: Stability,
    /// Who may send it.
    pub access: Access,
}

macro_rules! methods {
    ($(
        #[doc = $summary:literal]
        $marker:ident $name:literal $params:ty => $result:ty, $access:ident, $stability:ident, [$($error:ident)*];
    )*) => {
        $(
            #[doc = $summary]
            #[derive(Clone, Copy, Debug)]
            pub enum $marker {}

            impl Method for $marker {
                const NAME: &'static str = $name;
                const STABILITY: Stability = Stability::$stability;
                const ACCESS: Access = Access::$access;
                const SUMMARY: &'static str = $summary.trim_ascii();
                const ERRORS: &'static [ErrorKind] = &[$(ErrorKind::$error),*];
                type Params = $params;
                type Result = $result;
            }
        )*

        /// Every request, in the order of the specification.
        pub const METHODS: &[MethodInfo] = &[
            $(MethodInfo { name: $name, stability: Stability::$stability, access: Access::$access },)*
        ];

        /// Shows every method to a visitor, in the order of the specification.
        pub fn visit(visitor: &mut impl Visitor) {
            $(visitor.method::<$marker>();)*
        }
    };
}

methods! {
    /// Opens, attaches to or forks a session.
    Open "agent/open" open::OpenParams => open::OpenResult, Act, Stable, [SessionNotFound SessionClosed SessionBusy WorkspaceNotFound InvalidConfig];
    /// Lists things of a kind.
    List "agent/list" list::ListParams => list::ListResult, Look, Stable, [UnknownKind];
    /// Parts with a session.
    Close "agent/close" open::CloseParams => open::SeqResult, Act, Stable, [SessionNotFound SessionBusy];
    /// Sends a message.
    Prompt "agent/prompt" prompt::PromptParams => prompt::PromptResult, Act, Stable, [SessionNotFound SessionClosed NotSteerable QueueFull SessionBusy AuthRequired InvalidConfig];
    /// Changes a message that waits.
    Pending "agent/pending" prompt::PendingParams => prompt::PendingResult, Act, Stable, [SessionNotFound NotPending];
    /// Interrupts the running turn.
    Interrupt "agent/interrupt" prompt::InterruptParams => prompt::InterruptResult, Act, Stable, [SessionNotFound NoTurn];
    /// Asks for a plan: a turn whose edits are staged.
    Plan "agent/plan" plan::PlanParams => plan::PlanResult, Act, Stable, [SessionNotFound SessionClosed QueueFull AuthRequired ChangeNotFound NotReady InvalidConfig];
    /// Writes what is staged, whole or in part, or drops it.
    Apply "agent/apply" apply::ApplyParams => apply::ApplyResult, Act, Stable, [SessionNotFound SessionClosed SessionBusy ChangeNotFound Conflict NotReady];
    /// Goes back to an earlier place of files or conversation.
    Revert "agent/revert" apply::RevertParams => apply::RevertResult, Act, Stable, [SessionNotFound SessionClosed SessionBusy ChangeNotFound Conflict NotReady NotReversible];
    /// Subscribes to a log.
    Observe "agent/observe" log::ObserveParams => String, Look, Stable, [SessionNotFound CursorExpired TooManyObservers];
    /// Ends a subscription.
    Unobserve "agent/unobserve" (String,) => bool, Look, Stable, [];
    /// Reads a page of a log.
    Log "agent/log" log::LogParams => log::LogResult, Look, Stable, [SessionNotFound CursorExpired];
    /// Compares two places in the history of a session's files.
    Diff "agent/diff" diff::DiffParams => diff::DiffResult, Look, Stable, [SessionNotFound WorkspaceNotFound ChangeNotFound NotReady Failed];
    /// Answers a request.
    Answer "agent/answer" answer::AnswerParams => open::SeqResult, Act, Stable, [RequestNotFound AlreadyResolved];
    /// Reads or changes a layer of the configuration.
    Configure "agent/configure" configure::ConfigureParams => configure::ConfigureResult, Look, Stable, [SessionNotFound SessionClosed WorkspaceNotFound InvalidConfig RevMismatch];
    /// Logs in to a provider with a key, or out.
    Auth "agent/auth" auth::AuthParams => auth::AuthResult, Act, Stable, [AuthFailed InvalidConfig];
    /// Completes a mention or a command in a message that is being written.
    Complete "agent/complete" complete::CompleteParams => complete::CompleteResult, Look, Stable, [SessionNotFound WorkspaceNotFound];
    /// Runs the person's own command.
    Run "agent/run" job::RunParams => job::RunResult, Act, Experimental, [SessionNotFound SessionClosed SessionBusy Forbidden SandboxUnavailable];
    /// Writes to a running job, resizes it, ends it or brings it to the foreground.
    Job "agent/job" job::JobParams => job::JobResult, Act, Experimental, [JobNotFound];
    /// Reads a content by its reference.
    Fetch "agent/fetch" fetch::FetchParams => fetch::FetchResult, Look, Stable, [RefNotFound Failed];
    /// Housekeeping of the daemon.
    Admin "agent/admin" admin::AdminParams => admin::AdminResult, Act, Stable, [WorkspaceNotFound RequestNotFound];
}

/// The experimental items of this build, as clients name them in the handshake, and the methods that each switches on.
pub const EXPERIMENTAL: &[(&str, &[&str])] = &[("agent/run@1", &["agent/run", "agent/job"])];

/// Returns the item that switches an experimental method on; `None` for a stable one.
pub fn experimental_item(method: &str) -> Option<&'static str> {
    EXPERIMENTAL.iter().find(|(_, methods)| methods.contains(&method)).map(|(item, _)| *item)
}

/// Notifications the agent takes, beside LSP's own.
pub const NOTIFICATIONS_IN: &[&str] =
    &["$/environment", "$/cancelRequest", "agent/context", "initialized", "exit"];

/// The one notification the agent sends.
pub const EVENT: &str = "agent/event";

wire! {
    /// The parameters of `$/environment`: variables of the caller.
    #[derive(Default)]
    struct EnvironmentParams {
        /// Names and values.
        variables: std::collections::BTreeMap<String, String>,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_experimental_method_and_no_other_has_an_item() {
        for method in METHODS {
            let is_experimental = method.stability == Stability::Experimental;
            assert_eq!(experimental_item(method.name).is_some(), is_experimental, "{}", method.name);
        }
    }

    #[test]
    fn names_are_unique_and_begin_with_the_products_own_prefix() {
        let mut names: Vec<&str> = METHODS.iter().map(|method| method.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), METHODS.len());
        assert!(names.iter().all(|name| name.starts_with("agent/")));
    }
}
