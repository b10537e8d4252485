//! Changing a configuration file: comments and order stay, the whole is checked before it is written. Not here: what
//! is valid (`schema`, `build`).
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, Table, TableLike};

use crate::base::ids::{self, SystemEntropy};
use crate::config::error::{ConfigError, Place, Warning, WarningKind};
use crate::config::layer::{self, Source};
use crate::config::resolve::Layers;
use crate::config::value::Value;

/// Why a file was not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EditError {
    /// The file, or what it would become, is not valid.
    #[error(transparent)]
    Invalid(#[from] ConfigError),
    /// The file could not be written.
    #[error("{} cannot be written", .file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Makes changes in the user's file, all of them or none; returns what is in it now. Makes the file where there is none; a key
/// that goes and is not there is no error.
///
/// The file is replaced in one step and is then readable by its owner alone.
///
/// # Errors
/// A value does not fit, the file would not be valid with it, or it cannot be written. The file is then as it was.
pub(crate) fn user(file: &Path, changes: &[(String, Option<Value>)]) -> Result<Source, EditError> {
    change(file, changes, |source| {
        Layers { user: Some(source.clone()), ..Layers::default() }.resolve().map(drop)
    })
}

/// Makes changes in a workspace's file, all of them or none; returns what is in it now. `below` is the user's.
///
/// # Errors
/// As for [`user`], and a change would widen what is permitted.
pub(crate) fn workspace(
    file: &Path,
    below: Option<&Source>,
    changes: &[(String, Option<Value>)],
) -> Result<Source, EditError> {
    change(file, changes, |source| {
        let layers = Layers { user: below.cloned(), workspace: Some(source.clone()), ..Layers::default() };
        let widening = |warning: &Warning| {
            warning.kind == WarningKind::Widening
                && changes.iter().any(|(key, value)| *key == warning.key && value.is_some())
        };
        match layers.resolve()?.warnings.into_iter().find(widening) {
            Some(Warning { place, key, message, .. }) => {
                let message = message.trim_end_matches("; ignored").to_owned();
                Err(ConfigError { place: Some(place), key, message, allowed: None })
            }
            None => Ok(()),
        }
    })
}

fn change(
    file: &Path,
    changes: &[(String, Option<Value>)],
    check: impl FnOnce(&Source) -> Result<(), ConfigError>,
) -> Result<Source, EditError> {
    let present = Source::read(file)?.map(|source| source.text).unwrap_or_default();
    let mut document: DocumentMut = present.parse().map_err(|error: toml_edit::TomlError| {
        let line = layer::line_of(&present, error.span());
        let place = Some(Place::Line { file: file.to_owned(), line });
        ConfigError { place, key: String::new(), message: error.message().to_owned(), allowed: None }
    })?;
    for (key, value) in changes {
        let segments: Vec<&str> = key.split('.').collect();
        let blocked = || ConfigError {
            place: Some(Place::Line { file: file.to_owned(), line: 1 }),
            key: key.clone(),
            message: "a value stands where a table is needed".to_owned(),
            allowed: None,
        };
        match value {
            Some(value) => insert(document.as_table_mut(), &segments, value).ok_or_else(blocked)?,
            None => remove(document.as_table_mut(), &segments),
        }
    }
    let source = Source { file: file.to_owned(), text: document.to_string() };
    check(&source)?;
    if source.text != present {
        write(file, &source.text).map_err(|source| EditError::Write { file: file.to_owned(), source })?;
    }
    Ok(source)
}

/// Puts the value in; `None` where something that is no table is in the way.
fn insert(table: &mut dyn TableLike, segments: &[&str], value: &Value) -> Option<()> {
    let (first, rest) = segments.split_first()?;
    if rest.is_empty() {
        let mut new = value.to_toml();
        if let Some(old) = table.get(first).and_then(Item::as_value) {
            *new.decor_mut() = old.decor().clone();
        }
        // Assigned in place, so that comments before the key stay where they are.
        match table.get_mut(first) {
            Some(item) => *item = Item::Value(new),
            None => {
                table.insert(first, Item::Value(new));
            }
        }
        return Some(());
    }
    if table.get(first).is_none_or(Item::is_none) {
        let mut new = Table::new();
        new.set_implicit(rest.len() > 1);
        table.insert(first, Item::Table(new));
    }
    insert(table.get_mut(first)?.as_table_like_mut()?, rest, value)
}

fn remove(table: &mut dyn TableLike, segments: &[&str]) {
    let Some((first, rest)) = segments.split_first() else { return };
    if rest.is_empty() {
        table.remove(first);
    } else if let Some(inner) = table.get_mut(first).and_then(Item::as_table_like_mut) {
        remove(inner, rest);
    }
}

/// Replaces the file in one step: a new file of mode 0600 beside it, synced, renamed. A link stays a link: what it
/// names is replaced.
pub(in crate::config) fn write(file: &Path, text: &str) -> io::Result<()> {
    let target = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let directory = target.parent().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let fresh = directory.join(format!(".config.{}.tmp", ids::unique(&SystemEntropy)));
    let result = write_new(&fresh, text).and_then(|()| fs::rename(&fresh, &target));
    if result.is_err() {
        // The first error is the one to tell; a file that was never made cannot be removed.
        drop(fs::remove_file(&fresh));
    }
    result?;
    fs::File::open(directory)?.sync_all()
}

fn write_new(file: &Path, text: &str) -> io::Result<()> {
    let mut opened = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    opened.write_all(text.as_bytes())?;
    opened.sync_all()
}

#[cfg(test)]
mod tests;
