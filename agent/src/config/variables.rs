//! `TENON_*` variables: `TENON_` and the key in capitals, with `_` for `.` and `-`: `TENON_LIMITS_STEPS`,
//! `TENON_PROVIDERS_LOCAL_BASE_URL`. Not here: reading the environment (`environment`).
use crate::config::environment::{SETTING_PREFIX, Variables};
use crate::config::error::{ConfigError, Place, Warning};
use crate::config::layer::{Entries, Entry, unknown};
use crate::config::schema::{self, KEYS, Key};

/// Our variables that are no settings of the configuration.
const OTHERS: &[&str] = &["TENON_STATE_DIR", "TENON_LOG", "TENON_POLICY_FILE"];

/// Returns the variable of a key.
pub(crate) fn variable_of(key: &str) -> String {
    format!("{SETTING_PREFIX}{}", key.replace(['.', '-'], "_").to_ascii_uppercase())
}

/// Reads the settings among the variables. `known` are the keys that files set: a provider `my-server` of theirs is
/// what `TENON_PROVIDERS_MY_SERVER_…` means, where otherwise it would be `my_server`.
///
/// # Errors
/// A value does not fit its key.
pub(crate) fn read(
    variables: &Variables,
    known: &Entries,
    warnings: &mut Vec<Warning>,
) -> Result<Entries, ConfigError> {
    let mut entries = Entries::new();
    for (name, text) in variables {
        let is_setting = name.starts_with(SETTING_PREFIX) && !name.starts_with("TENON__");
        // An empty variable is how one is unset for one command.
        if !is_setting || OTHERS.contains(&name.as_str()) || text.is_empty() {
            continue;
        }
        let place = Place::Variable(name.clone());
        let Some((key, row)) = key_of(name, known) else {
            let guess = name.trim_start_matches(SETTING_PREFIX).to_ascii_lowercase().replacen('_', ".", 1);
            warnings.push(unknown(guess, place));
            continue;
        };
        match row.shape.read(text) {
            Ok(value) => {
                entries.insert(key, Entry { value, place });
            }
            Err(misfit) => {
                let allowed = Some(misfit.allowed);
                return Err(ConfigError { place: Some(place), key, message: misfit.message, allowed });
            }
        }
    }
    Ok(entries)
}

/// The key that a variable names; of several the one with the longest fixed part.
fn key_of(variable: &str, known: &Entries) -> Option<(String, &'static Key)> {
    if let Some(key) = known.keys().find(|key| variable_of(key) == variable) {
        return schema::find(key).map(|row| (key.clone(), row));
    }
    let candidates = KEYS.iter().filter_map(|row| Some((fill(row.name, variable, known)?, row)));
    candidates.max_by_key(|(_, row)| row.name.len())
}

/// Fills the `*` of a pattern from the variable: `None` where it does not fit. A pattern with two stars (headers) has
/// no variable.
fn fill(pattern: &str, variable: &str, known: &Entries) -> Option<String> {
    let Some((head, tail)) = pattern.split_once('*') else {
        return (variable_of(pattern) == variable).then(|| pattern.to_owned());
    };
    if tail.contains('*') {
        return None;
    }
    let upper = |part: &str| part.replace('.', "_").to_ascii_uppercase();
    let middle =
        variable.strip_prefix(SETTING_PREFIX)?.strip_prefix(&upper(head))?.strip_suffix(&upper(tail))?;
    let same = |name: &&str| name.replace('-', "_").to_ascii_uppercase() == middle;
    let named = known.keys().filter_map(|key| key.strip_prefix(head)?.split('.').next()).find(same);
    let name = named.map_or_else(|| middle.to_ascii_lowercase(), str::to_owned);
    schema::is_name(&name).then(|| format!("{head}{name}{tail}"))
}
