//! Values and their shapes: what a key takes, checked once, where it is read. Not here: which key takes what (`schema`).
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::secret::REDACTED;
use crate::config::address::ListenAddress;
use crate::config::host::NearHost;
use crate::config::rule::Rule;

/// What values a key takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shape {
    /// Any text that is not empty.
    Text,
    /// A name: letters, digits, `-` and `_`.
    Name,
    /// Text that is shown to nobody.
    Secret,
    /// An `http` or `https` address.
    Url,
    /// The name of an environment variable.
    Variable,
    /// A path; `~/` is the home, a relative one starts at the file it stands in.
    Path,
    /// `host:port`, or nothing.
    Address,
    /// One of the words.
    Choice(&'static [&'static str]),
    /// A list of the words.
    Choices(&'static [&'static str]),
    /// A list of rules.
    Rules,
    /// A list of origins of pages, as a browser names them.
    Origins,
    /// A list of hosts, with or without a port.
    Hosts,
    /// A whole number within the bounds, both included.
    Integer(i64, i64),
    /// A number above the first and up to the second.
    Number(f64, f64),
    /// `true` or `false`.
    Switch,
}

/// A value of some layer. In JSON it is what it is in TOML; a whole number is tried before a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Value {
    /// `true` or `false`.
    Switch(bool),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// Text of any shape.
    Text(String),
    /// A list of texts.
    List(Vec<String>),
}

impl fmt::Display for Value {
    /// Writes the value as TOML does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_toml().fmt(f)
    }
}

impl Value {
    /// Returns whether the value is, or holds, the mark of a secret that was taken out.
    pub(crate) fn is_redacted(&self) -> bool {
        matches!(self, Self::Text(text) if text.contains(REDACTED))
    }

    /// Returns the value as a TOML value.
    pub(crate) fn to_toml(&self) -> toml_edit::Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Integer(number) => (*number).into(),
            Self::Number(number) => (*number).into(),
            Self::Switch(on) => (*on).into(),
            Self::List(entries) => toml_edit::Value::Array(entries.iter().map(String::as_str).collect()),
        }
    }

    /// Returns the TOML value, where it is of a kind that some key takes.
    pub(crate) fn from_toml(value: &toml_edit::Value) -> Option<Self> {
        match value {
            toml_edit::Value::String(text) => Some(Self::Text(text.value().clone())),
            toml_edit::Value::Integer(number) => Some(Self::Integer(*number.value())),
            toml_edit::Value::Float(number) => Some(Self::Number(*number.value())),
            toml_edit::Value::Boolean(on) => Some(Self::Switch(*on.value())),
            toml_edit::Value::Array(entries) => entries
                .iter()
                .map(|entry| entry.as_str().map(str::to_owned))
                .collect::<Option<_>>()
                .map(Self::List),
            toml_edit::Value::Datetime(_) | toml_edit::Value::InlineTable(_) => None,
        }
    }
}

/// A value that does not fit: what was found (never a secret), and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Misfit {
    /// What is wrong.
    pub(crate) message: String,
    /// What is allowed.
    pub(crate) allowed: String,
}

impl Shape {
    /// Returns what is allowed, for people.
    pub(crate) fn allowed(self) -> String {
        match self {
            Self::Text => "text that is not empty".to_owned(),
            Self::Name => "a name of letters, digits, `-` and `_`".to_owned(),
            Self::Secret => "text".to_owned(),
            Self::Url => "an address that begins with http:// or https://".to_owned(),
            Self::Variable => "the name of an environment variable".to_owned(),
            Self::Path => "a path".to_owned(),
            Self::Address => "\"host:port\", or \"\" for none".to_owned(),
            Self::Choice(words) => words.join(", "),
            Self::Choices(words) => format!("a list of {}", words.join(", ")),
            Self::Rules => {
                "a list of rules: \"cargo test *\", \"read:GLOB\", \"write:GLOB\", \"shell:PATTERN\", \
                            \"net:HOST\""
                    .to_owned()
            }
            Self::Origins => "a list of origins: \"https://host\" or \"http://host:port\"".to_owned(),
            Self::Hosts => "a list of hosts: \"localhost:3000\" or \"intranet.example.org\"".to_owned(),
            Self::Integer(min, max) => format!("a whole number from {min} to {max}"),
            Self::Number(min, max) => format!("a number above {min} and up to {max}"),
            Self::Switch => "true or false".to_owned(),
        }
    }

    /// Checks a value; a whole number is taken where a number is wanted.
    ///
    /// # Errors
    /// The value is of another kind, or out of bounds.
    pub(crate) fn check(self, value: Value) -> Result<Value, Misfit> {
        let found = value.to_string();
        let fits = match (self, &value) {
            (Self::Text, Value::Text(text)) => !text.trim().is_empty(),
            (Self::Name, Value::Text(text)) => crate::config::schema::is_name(text),
            (Self::Secret, Value::Text(text)) => !text.contains(['\r', '\n', '\0']),
            (Self::Url, Value::Text(text)) => is_url(text),
            (Self::Variable, Value::Text(text)) => is_variable(text),
            (Self::Path, Value::Text(text)) => !text.is_empty() && !text.contains('\0'),
            (Self::Address, Value::Text(text)) => text.is_empty() || text.parse::<ListenAddress>().is_ok(),
            (Self::Choice(words), Value::Text(text)) => words.contains(&text.as_str()),
            (Self::Choices(words), Value::List(entries)) => {
                entries.iter().all(|e| words.contains(&e.as_str()))
            }
            (Self::Rules, Value::List(entries)) => match entries
                .iter()
                .find_map(|rule| Rule::parse(rule).err())
            {
                Some(error) => return Err(Misfit { message: error.to_string(), allowed: self.allowed() }),
                None => true,
            },
            (Self::Origins, Value::List(entries)) => entries.iter().all(|entry| is_origin(entry)),
            (Self::Hosts, Value::List(entries)) => {
                entries.iter().all(|entry| entry.parse::<NearHost>().is_ok())
            }
            (Self::Integer(min, max), Value::Integer(number)) => (min..=max).contains(number),
            (Self::Number(min, max), Value::Number(number)) => *number > min && *number <= max,
            (Self::Number(min, max), Value::Integer(number)) => match i32::try_from(*number).map(f64::from) {
                Ok(number) if number > min && number <= max => return Ok(Value::Number(number)),
                Ok(_) | Err(_) => false,
            },
            (Self::Switch, Value::Switch(_)) => true,
            _ => false,
        };
        if fits { Ok(value) } else { Err(self.misfit(&found)) }
    }

    /// Checks a value that a client sends.
    ///
    /// # Errors
    /// As for [`Self::check`], or it is a relative path: the daemon works in no directory of the client's.
    pub(crate) fn sent(self, value: Value) -> Result<Value, Misfit> {
        if self == Self::Path
            && let Value::Text(text) = &value
        {
            return self.read(text);
        }
        self.check(value)
    }

    /// Returns the value as it may be shown: without what is secret in it.
    pub(crate) fn shown(self, value: &Value) -> Value {
        let Value::Text(text) = value else { return value.clone() };
        if self == Self::Secret {
            return Value::Text(REDACTED.to_owned());
        }
        Value::Text(if self == Self::Url { without_secrets(text) } else { text.clone() })
    }

    fn misfit(self, found: &str) -> Misfit {
        let message = match self {
            // A key pasted where the name of its variable belongs must not come back in a message.
            Self::Secret | Self::Variable | Self::Path => "the value does not fit".to_owned(),
            Self::Text
            | Self::Name
            | Self::Url
            | Self::Address
            | Self::Choice(_)
            | Self::Choices(_)
            | Self::Rules
            | Self::Origins
            | Self::Hosts
            | Self::Integer(..)
            | Self::Number(..)
            | Self::Switch => {
                format!("{} does not fit", found.chars().take(80).collect::<String>().trim())
            }
        };
        Misfit { message, allowed: self.allowed() }
    }

    /// Reads a value from plain text: a variable, a flag, or the argument of `config set`. A list is a TOML array, or
    /// one entry as it stands.
    ///
    /// # Errors
    /// The text does not stand for a value of this shape.
    pub(crate) fn read(self, text: &str) -> Result<Value, Misfit> {
        let misfit = |()| self.misfit(text);
        let value = match self {
            // The daemon works in no directory of the caller's: nothing could be relative to it.
            Self::Path if !text.starts_with(['/', '~']) => {
                return Err(Misfit {
                    message: "the path is relative".to_owned(),
                    allowed: "an absolute path, or one that begins with ~/".to_owned(),
                });
            }
            Self::Text
            | Self::Name
            | Self::Secret
            | Self::Url
            | Self::Variable
            | Self::Path
            | Self::Address
            | Self::Choice(_) => Value::Text(text.to_owned()),
            Self::Choices(_) | Self::Rules | Self::Origins | Self::Hosts
                if text.trim_start().starts_with('[') =>
            {
                let array: toml_edit::Value = text.trim().parse().map_err(|_| misfit(()))?;
                Value::from_toml(&array).ok_or_else(|| misfit(()))?
            }
            Self::Choices(_) | Self::Rules | Self::Origins | Self::Hosts if text.trim().is_empty() => {
                Value::List(Vec::new())
            }
            Self::Choices(_) | Self::Rules | Self::Origins | Self::Hosts => {
                Value::List(vec![text.trim().to_owned()])
            }
            Self::Integer(..) => Value::Integer(text.trim().parse().map_err(|_| misfit(()))?),
            Self::Number(..) => Value::Number(text.trim().parse().map_err(|_| misfit(()))?),
            Self::Switch => Value::Switch(text.trim().parse().map_err(|_| misfit(()))?),
        };
        self.check(value)
    }
}

/// Returns an address without what stands before the host, and without its query: keys are put into both.
pub(crate) fn without_secrets(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (rest, query) = rest.split_once('?').map_or((rest, ""), |(rest, _)| (rest, "?[redacted]"));
    let (host, path) = rest.split_once('/').map_or((rest, None), |(host, path)| (host, Some(path)));
    let host =
        host.rsplit_once('@').map_or_else(|| host.to_owned(), |(_, host)| format!("{REDACTED}@{host}"));
    let path = path.map(|path| format!("/{path}")).unwrap_or_default();
    format!("{scheme}://{host}{path}{query}")
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    rest.is_some_and(|rest| {
        !rest.is_empty() && !rest.starts_with('/') && !text.contains(|c: char| c.is_whitespace())
    })
}

fn is_variable(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 256
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// An origin is compared as a whole: it is written the way browsers write it, in lower case and without a path.
fn is_origin(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, host)| {
        let is_scheme =
            !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_lowercase() || b"+-.".contains(&b));
        let is_host = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._:[]".contains(&b);
        is_scheme && !host.is_empty() && host.bytes().all(is_host)
    })
}
