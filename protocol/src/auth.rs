//! `agent/auth`: keys of providers. Not here: where a provider's key is looked for (`spec/config.md`).
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::KeyOrigin;

words! {
    /// What to do.
    enum AuthOp {
        /// Begin a login: the provider is checked, and the person is told where to get a key.
        Start = "start",
        /// Bring the key: it is tried where the provider has something cheap to ask, and stored.
        Submit = "submit",
        /// Give a login up.
        Cancel = "cancel",
        /// Forget the stored key.
        Logout = "logout",
    }
}

words! {
    /// How a login stands.
    open enum AuthState {
        /// It waits for the key.
        Pending = "pending",
        /// A key is stored.
        LoggedIn = "loggedIn",
        /// It was given up; nothing changed.
        Cancelled = "cancelled",
        /// No key is stored.
        LoggedOut = "loggedOut",
    }
}

/// A key on its way to the agent. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct SubmittedKey(pub String);

impl fmt::Debug for SubmittedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubmittedKey([redacted])")
    }
}

wire! {
    /// Logs in to a provider with a key, or out.
    struct AuthParams {
        /// The provider's name.
        provider: String,
        /// What to do.
        op: AuthOp,
    }
    optional {
        /// The login, as `start` named it: for `cancel`; for `submit` it may be left out.
        flow_id: String,
        /// The key, for `submit`.
        key: SubmittedKey,
    }
}

wire! {
    /// How the login stands now. Never holds a key.
    struct AuthResult {
        /// The provider's name.
        provider: String,
        /// How it stands.
        state: AuthState,
    }
    optional {
        /// The login that began, for `submit` and `cancel`.
        flow_id: String,
        /// Where a person gets a key.
        url: String,
        /// A code to show to the person; a login with a key has none.
        code: String,
        /// For `submit`: whether the provider took the key when it was tried. `false`: it could not be tried.
        checked: bool,
        /// Where the provider's key comes from now, for this client.
        key: KeyOrigin,
        /// What the person should know, one sentence each.
        warnings: Vec<String>,
        /// The place of the `all` log behind the change, where this request told it.
        seq: u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_written_and_never_shown() {
        let params = AuthParams {
            provider: "openai".to_owned(),
            op: AuthOp::Submit,
            flow_id: None,
            key: Some(SubmittedKey("test-key".to_owned())),
        };
        assert!(!format!("{params:?}").contains("test-key"));
        let written = serde_json::to_string(&params).unwrap();
        assert_eq!(written, r#"{"provider":"openai","op":"submit","key":"test-key"}"#);
    }
}
