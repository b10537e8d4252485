//! Opaque ids. Not here: how new ones are made; this crate has no randomness.
//!
//! Format: `<letter>_<26 lower-case Crockford base32 characters of a UUIDv7>`. Ids are globally unique and opaque: one of
//! another shape is *not found*, never a malformed parameter, so nothing here validates.
use std::fmt;

use serde::{Deserialize, Serialize};

/// A kind of id: its letter, and the way in and out of text.
pub trait Id: Clone + Eq + Ord + fmt::Display {
    /// The letter before the underscore.
    const LETTER: char;
    /// Takes the text as it is.
    fn from_string(text: String) -> Self;
    /// Returns the text.
    fn as_str(&self) -> &str;
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $letter:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(String);

        impl Id for $name {
            const LETTER: char = $letter;
            fn from_string(text: String) -> Self {
                Self(text)
            }
            fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl $name {
            /// Returns the id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
    )*};
}

ids! {
    /// A session: one conversation and its log.
    SessionId 's';
    /// A turn of a session.
    TurnId 't';
    /// A message of a session.
    MessageId 'm';
    /// One tool call.
    CallId 'x';
    /// A set of file edits, applied and reverted as one.
    ChangeId 'c';
    /// A place in the history of a workspace's files.
    CheckpointId 'k';
    /// A staged change with the steps that explain it.
    PlanId 'p';
    /// A durable question to a person.
    RequestId 'r';
    /// Background work.
    JobId 'j';
    /// A workspace.
    WorkspaceId 'w';
    /// A standing decision.
    GrantId 'g';
}
