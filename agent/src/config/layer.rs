//! Layers: where values come from, and one layer's values with their places. Not here: how layers are put together
//! (`resolve`).
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::Read as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml_edit::{Document, Item, TableLike};

use crate::config::error::{ConfigError, Place, Warning, WarningKind};
use crate::config::schema;
use crate::config::value::{Shape, Value};

/// Largest configuration file, in bytes; people write them by hand.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Where a value comes from; a later layer goes before an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Layer {
    /// The program's own default.
    BuiltIn,
    /// The user's file.
    User,
    /// The workspace's file, once trusted.
    Workspace,
    /// `TENON_*` variables.
    Environment,
    /// The administrator's policy: it only narrows, and goes before all.
    Policy,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BuiltIn => "built in",
            Self::User => "user",
            Self::Workspace => "workspace",
            Self::Environment => "environment",
            Self::Policy => "policy",
        })
    }
}

/// A file and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// The file, for messages and for paths relative to it.
    pub(crate) file: PathBuf,
    /// Its text.
    pub(crate) text: String,
}

impl Source {
    /// Reads a file; a missing one is `None`. A workspace's file is read through the workspace's own access instead.
    ///
    /// # Errors
    /// The file cannot be read, is no regular file, is too large, or is not UTF-8.
    pub(crate) fn read(file: &Path) -> Result<Option<Self>, ConfigError> {
        let error = |message: String| ConfigError {
            place: Some(Place::Line { file: file.to_owned(), line: 1 }),
            key: String::new(),
            message,
            allowed: None,
        };
        let metadata = match fs::metadata(file) {
            Err(failure) if failure.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|failure| error(format!("the file cannot be read: {failure}")))?,
        };
        if !metadata.is_file() || metadata.len() > FILE_BYTES_MAX {
            return Err(error(format!("no regular file of at most {FILE_BYTES_MAX} bytes")));
        }
        let mut text = String::new();
        match fs::File::open(file).and_then(|opened| opened.take(FILE_BYTES_MAX).read_to_string(&mut text)) {
            // It went meanwhile.
            Err(failure) if failure.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|failure| error(format!("the file cannot be read: {failure}")))?,
        };
        Ok(Some(Self { file: file.to_owned(), text }))
    }
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// The value, checked against its key's shape.
    pub(crate) value: Value,
    /// Where it stands.
    pub(crate) place: Place,
}

/// One layer's values by dotted key.
pub(crate) type Entries = BTreeMap<String, Entry>;

/// Reads a file's text into values; unknown keys become warnings.
///
/// # Errors
/// The text is no TOML, or a value does not fit its key.
pub(crate) fn read(source: &Source, warnings: &mut Vec<Warning>) -> Result<Entries, ConfigError> {
    let document = Document::parse(source.text.as_str()).map_err(|error| ConfigError {
        place: Some(place(source, error.span())),
        key: String::new(),
        message: error.message().trim().replace('\n', ", "),
        allowed: None,
    })?;
    let mut entries = Entries::new();
    Reader { source, entries: &mut entries, warnings }.table("", document.as_table())?;
    Ok(entries)
}

fn place(source: &Source, span: Option<Range<usize>>) -> Place {
    Place::Line { file: source.file.clone(), line: line_of(&source.text, span) }
}

/// Returns the line, from 1, on which a span of the text begins.
pub(crate) fn line_of(text: &str, span: Option<Range<usize>>) -> usize {
    let until = span.map_or(0, |span| span.start.min(text.len()));
    memchr::memchr_iter(b'\n', &text.as_bytes()[..until]).count() + 1
}

struct Reader<'a> {
    source: &'a Source,
    entries: &'a mut Entries,
    warnings: &'a mut Vec<Warning>,
}

impl Reader<'_> {
    /// Walks a table; the depth of the walk is bounded by the table of keys.
    fn table(&mut self, prefix: &str, table: &dyn TableLike) -> Result<(), ConfigError> {
        for (name, item) in table.iter() {
            let key = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
            let span = table.key(name).and_then(toml_edit::Key::span).or_else(|| item.span());
            self.item(key, item, place(self.source, span))?;
        }
        Ok(())
    }

    fn item(&mut self, key: String, item: &Item, place: Place) -> Result<(), ConfigError> {
        // A name with a dot or a space would be taken for something else further on.
        let plain = key.split('.').all(schema::is_name);
        if let Some(table) = item.as_table_like().filter(|_| plain && schema::is_table(&key)) {
            return self.table(&key, table);
        }
        let Some(row) = schema::find(&key).filter(|_| plain) else {
            if schema::is_table(&key) {
                let allowed = if key.ends_with(".api_key") {
                    "{ env = \"NAME\" } or { file = \"PATH\" }"
                } else {
                    "a table"
                };
                let message = "the value does not fit".to_owned();
                return Err(ConfigError {
                    place: Some(place),
                    key,
                    message,
                    allowed: Some(allowed.to_owned()),
                });
            }
            self.warnings.push(unknown(key, place));
            return Ok(());
        };
        let value = item.as_value().and_then(Value::from_toml);
        let value = value.map(|value| rooted(row.shape, value, &self.source.file));
        match value.map(|value| row.shape.check(value)) {
            Some(Ok(value)) => {
                self.entries.insert(key, Entry { value, place });
                Ok(())
            }
            Some(Err(misfit)) => {
                let (message, allowed) = (misfit.message, Some(misfit.allowed));
                Err(ConfigError { place: Some(place), key, message, allowed })
            }
            None => {
                let (message, allowed) = ("the value does not fit".to_owned(), Some(row.shape.allowed()));
                Err(ConfigError { place: Some(place), key, message, allowed })
            }
        }
    }
}

/// A relative path of a file starts where that file is; `~/` stays until the home is known.
fn rooted(shape: Shape, value: Value, file: &Path) -> Value {
    let Value::Text(text) = &value else { return value };
    if shape != Shape::Path || text.is_empty() || text.starts_with("~/") {
        return value;
    }
    let root = file.parent().unwrap_or(Path::new(""));
    Value::Text(root.join(text).to_string_lossy().into_owned())
}

/// The warning for a key that nobody knows.
pub(crate) fn unknown(key: String, place: Place) -> Warning {
    let message = match schema::nearest(&key) {
        Some(nearest) => format!("unknown key, ignored; did you mean {nearest}?"),
        None => "unknown key, ignored".to_owned(),
    };
    Warning { kind: WarningKind::UnknownKey, place, key, message }
}
