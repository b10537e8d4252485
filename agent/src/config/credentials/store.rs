//! Writing `credentials.json`: one key put in or taken out, everything else as it was. Not here: whether a key is good.
use std::collections::BTreeMap;
use std::path::Path;

use serde_json::value::{RawValue, to_raw_value};

use crate::base::secret::Secret;
use crate::config::credentials::{CredentialsError, read_private};
use crate::config::edit;

/// Members as they stand in the file: what this build does not know is written back byte for byte.
type Members = BTreeMap<String, Box<RawValue>>;

/// Puts a provider's key into the file, or takes it out; returns whether one was there before.
///
/// The file is replaced in one step and is readable by its owner alone.
///
/// # Errors
/// The file cannot be read as [`crate::config::credentials::Credentials::read`] would, or cannot be written. It is then
/// as it was.
pub(crate) fn store(file: &Path, provider: &str, key: Option<&Secret>) -> Result<bool, CredentialsError> {
    let malformed = |line| CredentialsError::Malformed { file: file.to_owned(), line };
    let broken = |error: serde_json::Error| malformed(error.line());
    let mut all: Members = match read_private(file)? {
        Some(text) => serde_json::from_str(&text).map_err(broken)?,
        None => Members::new(),
    };
    let mut providers = members(all.get("providers").map(AsRef::as_ref)).map_err(broken)?;
    let mut entry = members(providers.get(provider).map(AsRef::as_ref)).map_err(broken)?;
    let had = match key {
        Some(key) => {
            let had = entry.insert("key".to_owned(), to_raw_value(key.expose()).map_err(broken)?);
            providers.insert(provider.to_owned(), to_raw_value(&entry).map_err(broken)?);
            had.is_some()
        }
        None => providers.remove(provider).is_some(),
    };
    if key.is_none() && !had {
        return Ok(false);
    }
    all.insert("providers".to_owned(), to_raw_value(&providers).map_err(broken)?);
    let mut text = serde_json::to_string_pretty(&all).map_err(broken)?;
    text.push('\n');
    edit::write(file, &text)
        .map_err(|source| CredentialsError::Unwritable { file: file.to_owned(), source })?;
    Ok(had)
}

fn members(raw: Option<&RawValue>) -> Result<Members, serde_json::Error> {
    raw.map_or_else(|| Ok(Members::new()), |raw| serde_json::from_str(raw.get()))
}
