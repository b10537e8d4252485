//! What a workspace's configuration may do: narrow, never widen. What would widen is left out and reported.
//! Not here: whether the workspace is trusted at all (`approvals`).
use crate::config::build::profiles;
use crate::config::error::{ConfigError, Warning, WarningKind};
use crate::config::layer::{Entries, Entry};
use crate::config::profile;
use crate::config::resolve::Merged;
use crate::config::schema::{self, Narrowing};
use crate::config::value::Value;

/// Returns the entries of `wanted` that narrow what the layers `below` it permit, and warns of each other one.
///
/// # Errors
/// The profiles of the layers below make no sense.
pub(crate) fn narrow(
    wanted: Entries,
    below: &Merged,
    warnings: &mut Vec<Warning>,
) -> Result<Entries, ConfigError> {
    let mut kept = Entries::new();
    for (key, entry) in wanted {
        match refusal(&key, &entry, below)? {
            None => {
                kept.insert(key, entry);
            }
            Some(message) => {
                let place = entry.place;
                warnings.push(Warning {
                    kind: WarningKind::Widening,
                    place,
                    key,
                    message: message.to_owned(),
                });
            }
        }
    }
    Ok(kept)
}

/// Why a workspace may not set the key to this value; `None` where it may.
fn refusal(key: &str, entry: &Entry, below: &Merged) -> Result<Option<&'static str>, ConfigError> {
    let narrowing = schema::find(key).map_or(Narrowing::Refused, |row| row.narrowing);
    Ok(match narrowing {
        Narrowing::Free | Narrowing::Add => None,
        Narrowing::Lower => {
            (!lowers(key, &entry.value, below)).then_some("a workspace may only lower this; ignored")
        }
        Narrowing::Bound => {
            (!bounds(key, &entry.value, below)).then_some("a workspace may only lower this; ignored")
        }
        Narrowing::Raise => {
            (!raises(key, &entry.value, below)).then_some("a workspace may only raise this; ignored")
        }
        Narrowing::Off => {
            (entry.value != Value::Switch(false)).then_some("a workspace may only switch this off; ignored")
        }
        Narrowing::Profile => {
            let within = within_present(&entry.value, below)?;
            (!within).then_some("a workspace may only choose a built-in profile narrower than yours; ignored")
        }
        Narrowing::Refused => Some("only your own configuration may set this, not a workspace's; ignored"),
    })
}

fn lowers(key: &str, value: &Value, below: &Merged) -> bool {
    match value {
        Value::Integer(number) => below.integer(key).is_none_or(|present| *number <= present),
        Value::Number(number) => below.number(key).is_none_or(|present| *number <= present),
        Value::Text(_) | Value::Switch(_) | Value::List(_) => false,
    }
}

/// Whether a number is not above the present one, where 0 is above all others.
fn bounds(key: &str, value: &Value, below: &Merged) -> bool {
    let height = |number: i64| if number == 0 { i64::MAX } else { number };
    matches!(value, Value::Integer(number) if below.integer(key).is_none_or(|present| height(*number) <= height(present)))
}

fn raises(key: &str, value: &Value, below: &Merged) -> bool {
    matches!(value, Value::Integer(number) if below.integer(key).is_none_or(|present| *number >= present))
}

fn within_present(value: &Value, below: &Merged) -> Result<bool, ConfigError> {
    let Value::Text(name) = value else { return Ok(false) };
    let known = profiles(below)?;
    let present = known.get(below.text("profile").unwrap_or(profile::DEFAULT));
    Ok(profile::built_in().get(name).zip(present).is_some_and(|(wanted, present)| wanted.is_within(present)))
}
