//! Keys: `credentials.json` of the state directory, key files, and which key a provider gets. Not here: logging in.
mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::base::secret::Secret;
use crate::config::environment::Environment;
use crate::config::provider::{KeySource, ProviderConfig, Wire, vendor};

pub(crate) use crate::config::credentials::store::store;

/// Longest file that can hold keys, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The keys of `credentials.json`, by provider.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Credentials(BTreeMap<String, Secret>);

/// `credentials.json`: `{"providers": {"NAME": {"key": "…"}}}`. Unknown members are left alone.
#[derive(Deserialize)]
struct File {
    #[serde(default)]
    providers: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
struct Entry {
    key: String,
}

/// Why a file with keys cannot be used. Never holds anything of the file's content.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CredentialsError {
    /// It cannot be read.
    #[error("{} cannot be read", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is no regular file, or over the limit.
    #[error("{} is no regular file of at most {FILE_BYTES_MAX} bytes", .file.display())]
    NotAFile {
        /// The file.
        file: PathBuf,
    },
    /// Others may read or write it.
    #[error("{} may be read by others: run `chmod 600` on it", .file.display())]
    Exposed {
        /// The file.
        file: PathBuf,
    },
    /// It is not the JSON it should be.
    #[error("{} is not valid at line {line}", .file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// It cannot be written.
    #[error("{} cannot be written", .file.display())]
    Unwritable {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl CredentialsError {
    /// Returns the file.
    pub(crate) fn file(&self) -> &Path {
        match self {
            Self::Unreadable { file, .. }
            | Self::NotAFile { file }
            | Self::Exposed { file }
            | Self::Malformed { file, .. }
            | Self::Unwritable { file, .. } => file,
        }
    }

    /// Returns the line that is wrong, from 1.
    pub(crate) const fn line(&self) -> usize {
        match self {
            Self::Malformed { line, .. } => *line,
            Self::Unreadable { .. }
            | Self::NotAFile { .. }
            | Self::Exposed { .. }
            | Self::Unwritable { .. } => 1,
        }
    }
}

impl Credentials {
    /// Reads the file; a missing one is no credentials.
    ///
    /// # Errors
    /// The file cannot be read, is not private to its owner, or is not valid.
    pub(crate) fn read(file: &Path) -> Result<Self, CredentialsError> {
        let Some(text) = read_private(file)? else { return Ok(Self::default()) };
        let parsed: File = serde_json::from_str(&text)
            .map_err(|error| CredentialsError::Malformed { file: file.to_owned(), line: error.line() })?;
        let keys = parsed.providers.into_iter().filter(|(_, entry)| !entry.key.is_empty());
        Ok(Self(keys.map(|(name, entry)| (name, Secret::new(entry.key))).collect()))
    }

    /// Returns every stored key.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Secret> {
        self.0.values()
    }

    /// Returns the stored key of a provider.
    pub(crate) fn get(&self, provider: &str) -> Option<&Secret> {
        self.0.get(provider)
    }

    /// Returns the providers whose key is another one than in `earlier`, and whether there is one now.
    pub(crate) fn changes_since(&self, earlier: &Self) -> Vec<(String, bool)> {
        let names: BTreeSet<&String> = self.0.keys().chain(earlier.0.keys()).collect();
        let differs = names.into_iter().filter(|name| self.0.get(*name) != earlier.0.get(*name));
        differs.map(|name| (name.clone(), self.0.contains_key(name))).collect()
    }
}

/// The text of a file that only its owner may read and write; `None` where there is none.
fn read_private(file: &Path) -> Result<Option<String>, CredentialsError> {
    match read_bounded(file)? {
        Some((_, mode)) if mode & 0o077 != 0 => Err(CredentialsError::Exposed { file: file.to_owned() }),
        read => Ok(read.map(|(text, _)| text)),
    }
}

/// The text and the mode of a regular file; `None` where there is none.
fn read_bounded(file: &Path) -> Result<Option<(String, u32)>, CredentialsError> {
    let unreadable = |source| CredentialsError::Unreadable { file: file.to_owned(), source };
    let metadata = match fs::metadata(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(unreadable)?,
    };
    if !metadata.is_file() || metadata.len() > FILE_BYTES_MAX {
        return Err(CredentialsError::NotAFile { file: file.to_owned() });
    }
    let mut text = String::new();
    let opened = fs::File::open(file).map_err(unreadable)?;
    opened.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(unreadable)?;
    Ok(Some((text, metadata.permissions().mode())))
}

/// Where a key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyPlace {
    /// A variable.
    Variable(String),
    /// A file that the configuration names.
    File(PathBuf),
    /// `credentials.json`.
    Stored,
}

/// What is known about a provider's key.
#[derive(Clone, Debug)]
pub(crate) enum KeyState {
    /// The provider takes none.
    NotNeeded,
    /// Here it is.
    Found {
        /// The key.
        key: Secret,
        /// Where it comes from.
        place: KeyPlace,
    },
    /// It is needed and not there.
    Missing {
        /// What to do about it, as one clause.
        how: String,
    },
}

impl ProviderConfig {
    /// Returns the provider's key: from the variable or file that its configuration names, else the vendor's own
    /// variable, else what `credentials.json` of the state directory holds.
    ///
    /// Reads the key file where one is configured.
    pub(crate) fn key(&self, environment: &Environment, credentials: &Credentials) -> KeyState {
        let name = &self.name;
        let stored = || {
            let key = credentials.get(name).cloned()?;
            Some(KeyState::Found { key, place: KeyPlace::Stored })
        };
        let how = |variable: &str| {
            format!(
                "run `tenon auth login {name}`, set {variable}, or name a key file as `providers.{name}.api_key`"
            )
        };
        if self.wire == Wire::Script {
            return KeyState::NotNeeded;
        }
        match &self.api_key {
            KeySource::Variable(variable) => {
                let found = from_variable(variable, environment).or_else(stored);
                found.unwrap_or_else(|| KeyState::Missing { how: how(variable) })
            }
            KeySource::File(file) => from_file(file),
            KeySource::Default => {
                let Some(vendor) = vendor(name) else { return stored().unwrap_or(KeyState::NotNeeded) };
                let moved = self.base_url.as_deref() != Some(vendor.base_url);
                let found = from_variable(vendor.key_variable, environment).or_else(stored);
                found.unwrap_or_else(|| {
                    if moved {
                        // Someone's own server under the vendor's name: many want no key.
                        return KeyState::NotNeeded;
                    }
                    KeyState::Missing { how: how(vendor.key_variable) }
                })
            }
        }
    }
}

impl ProviderConfig {
    /// Returns every secret of the provider: its key, the headers that hold one, and the password of its address.
    ///
    /// Reads the key file where one is configured.
    pub(crate) fn secrets(&self, environment: &Environment, credentials: &Credentials) -> Vec<Secret> {
        let mut secrets = Vec::new();
        if let KeyState::Found { key, .. } = self.key(environment, credentials) {
            secrets.push(key);
        }
        let headers = self.headers.iter().filter(|(name, _)| holds_key(name));
        // `Bearer KEY`: the scheme is no secret.
        secrets.extend(headers.filter_map(|(_, value)| value.split_whitespace().last()).map(Secret::new));
        secrets.extend(self.base_url.as_deref().and_then(password).map(Secret::new));
        secrets
    }
}

/// Whether a header's name says that its value is a secret.
fn holds_key(header: &str) -> bool {
    let header = header.to_ascii_lowercase();
    ["auth", "key", "token", "secret", "cookie", "password"].iter().any(|part| header.contains(part))
}

/// Returns the password in an address, as it is written.
fn password(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    authority.rsplit_once('@')?.0.split_once(':').map(|(_, password)| password)
}

fn from_variable(variable: &str, environment: &Environment) -> Option<KeyState> {
    let key = environment.secrets.get(variable).cloned()?;
    Some(KeyState::Found { key, place: KeyPlace::Variable(variable.to_owned()) })
}

fn from_file(file: &Path) -> KeyState {
    let how = |what: &str| KeyState::Missing { how: format!("{what} {}", file.display()) };
    match read_bounded(file) {
        Ok(Some((text, _))) if !text.trim().is_empty() => {
            KeyState::Found { key: Secret::new(text.trim()), place: KeyPlace::File(file.to_owned()) }
        }
        Ok(Some(_)) => how("put the key into the empty file"),
        Ok(None) => how("put the key into the file"),
        Err(error) => KeyState::Missing { how: format!("make the key file readable: {error}") },
    }
}

#[cfg(test)]
mod tests;
