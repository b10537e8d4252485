//! What can be wrong with a configuration: errors stop it from being used, warnings do not. Not here: how it is found.
use std::fmt;
use std::path::PathBuf;

/// A file's line, or the variable that a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A line of a file; the first is 1.
    Line {
        /// The file.
        file: PathBuf,
        /// The line.
        line: usize,
    },
    /// An environment variable.
    Variable(String),
    /// The program's own default.
    BuiltIn,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { file, line } => write!(f, "{}:{line}", file.display()),
            Self::Variable(name) => f.write_str(name),
            Self::BuiltIn => f.write_str("built in"),
        }
    }
}

/// Why a configuration cannot be used. Never holds the value of a key that is a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}{}{message}{}", Prefix(.place.as_ref()), .key, Colon(.key), Allowed(.allowed.as_deref()))]
pub(crate) struct ConfigError {
    /// Where it stands.
    pub(crate) place: Option<Place>,
    /// The key, dotted; empty for a file that cannot be read or is no TOML.
    pub(crate) key: String,
    /// What is wrong.
    pub(crate) message: String,
    /// What is allowed instead.
    pub(crate) allowed: Option<String>,
}

impl ConfigError {
    /// Returns the file, where it is one that is wrong.
    pub(crate) fn file(&self) -> Option<&PathBuf> {
        match &self.place {
            Some(Place::Line { file, .. }) => Some(file),
            Some(Place::Variable(_) | Place::BuiltIn) | None => None,
        }
    }

    /// Returns the line, from 1, where it is a file that is wrong.
    pub(crate) fn line(&self) -> Option<usize> {
        match &self.place {
            Some(Place::Line { line, .. }) => Some(*line),
            Some(Place::Variable(_) | Place::BuiltIn) | None => None,
        }
    }
}

struct Prefix<'a>(Option<&'a Place>);
impl fmt::Display for Prefix<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |place| write!(f, "{place}: "))
    }
}

struct Colon<'a>(&'a str);
impl fmt::Display for Colon<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { f.write_str(": ") }
    }
}

struct Allowed<'a>(Option<&'a str>);
impl fmt::Display for Allowed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |allowed| write!(f, "; allowed: {allowed}"))
    }
}

/// What kind of thing a warning is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WarningKind {
    /// A key that nobody knows; it is ignored.
    UnknownKey,
    /// A key of a workspace that would widen what is permitted; it is refused and shown as an error.
    Widening,
}

/// Something about a configuration that its author should know; it can be used all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Warning {
    /// What kind of thing it is.
    pub(crate) kind: WarningKind,
    /// Where it stands.
    pub(crate) place: Place,
    /// The key, dotted.
    pub(crate) key: String,
    /// What is the matter, and what was probably meant.
    pub(crate) message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.place, self.key, self.message)
    }
}
