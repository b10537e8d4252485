//! The administrator's policy: a file that may only narrow what every user of the machine permits. Not here: what narrowing is
//! (`narrow`), and how it meets the other layers (`resolve`).
//!
//! It stands above the user's file, variables and settings of sessions. Whoever could write it could also weaken it, so it
//! counts only where nobody but root can: the file and every folder above it. One that is there and does not count is an
//! error, and nothing is permitted until it is mended; no policy is what a machine without the file has.
//!
//! A second file, named by a variable, comes on top of it. It can narrow too and nothing else, so that whoever names one
//! takes something from themselves alone; tests use it, and scripts that want less than the user permits.
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::config::environment::Variables;
use crate::config::error::{ConfigError, Place};
use crate::config::layer::{self, Entries, Source};
use crate::config::resolve::Merged;
use crate::config::schema::{self, Narrowing};
use crate::config::value::Value;
use crate::config::{Config, profile};

/// Where an administrator puts it.
const FILE: &str = "/etc/tenon/policy.toml";

/// The variable that names a second one.
const VARIABLE: &str = "TENON_POLICY_FILE";

/// Links that are followed from a name to the file; more is a circle.
const LINKS_MAX: usize = 8;

/// Where policies are, the administrator's first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Policies {
    own: PathBuf,
    further: Option<PathBuf>,
}

impl Policies {
    /// Returns the policies of a process with these variables.
    pub(crate) fn of(variables: &Variables) -> Self {
        let further = variables.get(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
        Self { own: PathBuf::from(FILE), further }
    }

    /// Reads them.
    ///
    /// # Errors
    /// One cannot be read, or does not count; the further one that was named must be there.
    pub(crate) fn read(&self) -> Result<Vec<Source>, ConfigError> {
        let mut found = Vec::new();
        if let Some(source) = read_owned(&self.own)? {
            found.push(source);
        }
        if let Some(file) = &self.further {
            let source = Source::read(file)?;
            found.push(
                source.ok_or_else(|| refused(file, &format!("{VARIABLE} names it, and it is not there")))?,
            );
        }
        Ok(found)
    }
}

/// Reads the administrator's file; `None` where there is none.
fn read_owned(file: &Path) -> Result<Option<Source>, ConfigError> {
    match fs::symlink_metadata(file) {
        Ok(_) => {}
        Err(error)
            if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(refused(file, &format!("it cannot be looked at: {error}"))),
    }
    check_owned(file, LINKS_MAX)?;
    let source = Source::read(file)?;
    source.map(Some).ok_or_else(|| refused(file, "it went away while it was read"))
}

/// Returns what a policy says.
///
/// # Errors
/// It cannot be read, or says something that a policy cannot: a rule that is spelled wrong must not be missed.
pub(crate) fn entries(source: &Source) -> Result<Entries, ConfigError> {
    let mut warnings = Vec::new();
    let entries = layer::read(source, &mut warnings)?;
    let unknown =
        warnings.into_iter().next().map(|warning| (warning.key, Some(warning.place), warning.message));
    let unfit = entries.iter().find_map(|(key, entry)| {
        let row = schema::find(key)?;
        let why = match row.narrowing {
            Narrowing::Add | Narrowing::Lower | Narrowing::Bound | Narrowing::Raise => return None,
            Narrowing::Off if entry.value == Value::Switch(false) => return None,
            Narrowing::Profile if is_built_in(&entry.value) => return None,
            Narrowing::Off => "a policy can only switch this off",
            Narrowing::Profile => "a policy can only name a built-in profile",
            Narrowing::Free | Narrowing::Refused => "a policy cannot set this",
        };
        Some((key.clone(), Some(entry.place.clone()), why.to_owned()))
    });
    match unknown.or(unfit) {
        None => Ok(entries),
        Some((key, place, message)) => {
            let message =
                format!("the administrator's policy does not count, so nothing is permitted: {message}");
            Err(ConfigError { place, key, message, allowed: None })
        }
    }
}

fn is_built_in(value: &Value) -> bool {
    matches!(value, Value::Text(name) if profile::built_in().contains_key(name))
}

/// Binds a configuration to a policy's profile and limits: no profile permits more than the policy's, whatever a session
/// chooses.
pub(crate) fn bind(config: &mut Config, policy: &Merged) {
    let cap = policy.text("profile").and_then(|name| profile::built_in().get(name).cloned());
    if let Some(cap) = cap {
        for profile in config.profiles.values_mut() {
            *profile = profile.capped_by(&cap);
        }
    }
    let whole = |key: &str| policy.integer(key);
    let ceiling = &mut config.ceiling;
    let steps = whole("limits.steps").and_then(|steps| u32::try_from(steps).ok());
    let seconds = whole("limits.turn_timeout_s").and_then(|seconds| u64::try_from(seconds).ok());
    ceiling.steps = ceiling.steps.into_iter().chain(steps).min();
    ceiling.turn_timeout_s = ceiling.turn_timeout_s.into_iter().chain(seconds).min();
    ceiling.cost_usd = ceiling.cost(policy.number("limits.cost_usd"));
}

/// Checks that nobody but root can change what a name leads to.
fn check_owned(file: &Path, links: usize) -> Result<(), ConfigError> {
    for place in file.ancestors().filter(|place| !place.as_os_str().is_empty()) {
        let metadata = fs::symlink_metadata(place)
            .map_err(|error| refused(file, &format!("{} cannot be looked at: {error}", place.display())))?;
        if metadata.is_symlink() {
            let target = fs::read_link(place)
                .map_err(|error| refused(file, &format!("{} cannot be read: {error}", place.display())))?;
            if links == 0 {
                return Err(refused(file, "its links lead in a circle"));
            }
            if metadata.uid() != 0 {
                return Err(refused(
                    file,
                    &format!("{} belongs to somebody else than root", place.display()),
                ));
            }
            check_owned(&place.parent().unwrap_or(Path::new("/")).join(target), links - 1)?;
            continue;
        }
        // A folder like /tmp, in which everybody may make names and nobody may move those of others, is no place for it either.
        if metadata.uid() != 0 || metadata.mode() & 0o022 != 0 {
            let why = format!("{} can be changed by somebody else than root", place.display());
            return Err(refused(file, &why));
        }
    }
    Ok(())
}

fn refused(file: &Path, why: &str) -> ConfigError {
    ConfigError {
        place: Some(Place::Line { file: file.to_owned(), line: 1 }),
        key: String::new(),
        message: format!("the administrator's policy does not count, so nothing is permitted: {why}"),
        allowed: Some("a file of root in folders of root, that nobody else may write".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::resolve::Layers;

    #[test]
    fn what_others_can_change_does_not_count() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("policy.toml");
        assert_eq!(read_owned(&file), Ok(None));
        fs::write(&file, "").unwrap();
        // The folder for temporary files is everybody's.
        let why = read_owned(&file).unwrap_err().to_string();
        assert!(why.contains("can be changed by somebody else than root"), "{why}");
        // The control: files of the system count, where root is root.
        let is_roots = fs::metadata("/").unwrap().uid() == 0;
        assert!(!is_roots || read_owned(Path::new("/etc/passwd")).unwrap().is_some());
    }

    #[test]
    fn a_link_is_followed_and_checked() {
        let temp = tempfile::tempdir().unwrap();
        let link = temp.path().join("link");
        std::os::unix::fs::symlink("link", &link).unwrap();
        assert!(read_owned(&link).is_err());
    }

    fn resolved(user: &str, policy: &str) -> Result<Config, ConfigError> {
        let source = |name: &str, text: &str| Source { file: PathBuf::from(name), text: text.to_owned() };
        let layers = Layers {
            user: Some(source("/user", user)),
            policies: vec![source("/policy", policy)],
            environment: Variables::from([("TENON_LIMITS_STEPS".to_owned(), "40".to_owned())]),
            ..Layers::default()
        };
        layers.resolve().map(|resolved| resolved.config)
    }

    #[test]
    fn a_policy_narrows_every_profile_and_limit_and_adds_rules() {
        let user = "profile = \"full\"\n[rules]\nallow = [\"x\"]\ndeny = [\"y\"]\n[profiles.own]\nextends = \"full\"\n";
        let policy = "profile = \"edit\"\n[limits]\nsteps = 10\ncost_usd = 1.5\n[rules]\ndeny = [\"z *\"]\nask = [\"w\"]\n";
        let config = resolved(user, policy).unwrap();
        let edit = &profile::built_in()["edit"];
        for (name, profile) in &config.profiles {
            assert!(profile.is_within(edit), "{name}");
        }
        let texts = |rules: &[crate::config::rule::Rule]| {
            rules.iter().map(|rule| rule.text().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(
            (texts(&config.rules.deny), texts(&config.rules.ask)),
            (vec!["y".into(), "z *".into()], vec!["w".into()])
        );
        assert_eq!(
            (config.limits.steps, config.ceiling.steps(1000), config.ceiling.cost(None)),
            (10, 10, Some(1.5))
        );
        // The control: without it nothing is narrowed.
        let free = resolved(user, "").unwrap();
        assert_eq!(free.profiles["full"], profile::built_in()["full"]);
        assert_eq!((free.limits.steps, free.ceiling.steps(1000), free.ceiling.cost(None)), (40, 1000, None));
        // What is narrower already stays so.
        let narrow = resolved("profile = \"read\"\n[limits]\nsteps = 5\n", policy).unwrap();
        assert_eq!(narrow.profile, "read");
    }

    #[test]
    fn a_policy_that_says_what_it_cannot_permits_nothing() {
        for policy in [
            "[rules]\ndney = [\"x\"]",
            "[rules]\nallow = [\"x\"]",
            "profile = \"own\"",
            "[sandbox]\nunix_sockets = true",
            "model = \"a/b\"",
            "[providers.x]\nwire = \"script\"",
            "not toml",
        ] {
            let error = resolved("", policy).unwrap_err().to_string();
            assert!(policy == "not toml" || error.contains("nothing is permitted"), "{policy}: {error}");
        }
    }

    #[test]
    fn a_further_policy_has_to_be_there() {
        let variables = Variables::from([(VARIABLE.to_owned(), "/nowhere/policy.toml".to_owned())]);
        let policies = Policies { own: PathBuf::from("/nowhere/etc"), ..Policies::of(&variables) };
        assert!(policies.read().unwrap_err().to_string().contains("is not there"));
        let none = Policies { own: PathBuf::from("/nowhere/etc"), further: None };
        assert_eq!(none.read(), Ok(Vec::new()));
    }
}
