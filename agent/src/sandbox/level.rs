//! The levels of confinement, and what is known of which of them can be had. Not here: finding that out (`probe`), and which
//! level a command needs (`approvals`).
use std::borrow::Cow;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How strongly a command is confined; a higher level holds everything that a lower one does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    /// 0: the person asked for no sandbox: a supervised tree with a clean environment, and no limits. Nothing may be allowed
    /// automatically, as at level 1.
    Bare = 0,
    /// 1: also limits of what it may take of the machine. Nothing may be allowed automatically.
    Clean = 1,
    /// 2: also Landlock and seccomp: no network, writes only where they belong.
    Confined = 2,
    /// 3: also namespaces of its own, in which only the workspace can be written.
    Isolated = 3,
}

impl Level {
    /// Returns the number that the protocol and the configuration use.
    pub(crate) const fn number(self) -> u8 {
        self as u8
    }

    /// Returns the level of a number.
    pub(crate) fn of_number(number: i64) -> Option<Self> {
        [Self::Bare, Self::Clean, Self::Confined, Self::Isolated]
            .into_iter()
            .find(|level| i64::from(level.number()) == number)
    }
}

/// A part of the sandbox that is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Missing {
    /// The part, in one word.
    pub(crate) name: Cow<'static, str>,
    /// The lowest level that needs it.
    pub(crate) level: Level,
    /// Why it is not there, for people.
    pub(crate) reason: String,
}

/// What this machine can do for a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Probe {
    /// The highest level that can be had.
    pub(crate) level: Level,
    /// What is missing, for levels that cannot be had.
    pub(crate) missing: Vec<Missing>,
    /// The program that makes the namespaces of level 3.
    pub(crate) bubblewrap: Option<PathBuf>,
    /// The agent's own folders, which no command at level 3 sees.
    pub(crate) own: Vec<PathBuf>,
    /// Whether a command at level 2 can be kept to one port.
    pub(crate) knows_ports: bool,
}

/// How a command is held to the hosts that it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// Not at all: it reaches every host.
    No,
    /// To one port, whoever listens there: its door is at that port.
    ToPort,
    /// To its door, which lets it reach these hosts and no others.
    ToHosts,
}

impl Probe {
    /// Returns how commands that are to be confined at least so strongly are held to the hosts that they need.
    pub(crate) fn held(&self, demanded: Level) -> Held {
        match self.at_least(demanded) {
            Some(Level::Confined) if self.knows_ports => Held::ToPort,
            Some(Level::Isolated) => Held::ToHosts,
            Some(Level::Bare | Level::Clean | Level::Confined) | None => Held::No,
        }
    }

    /// Returns what is missing as the protocol tells it: `name: reason`.
    pub(crate) fn missing_texts(&self) -> Vec<String> {
        self.missing.iter().map(|missing| format!("{}: {}", missing.name, missing.reason)).collect()
    }

    /// Returns the level that a command gets which is to be confined at least so strongly; `None` where there is none.
    pub(crate) fn at_least(&self, demanded: Level) -> Option<Level> {
        let lacks = |level: Level| self.missing.iter().any(|missing| missing.level == level);
        [Level::Bare, Level::Clean, Level::Confined, Level::Isolated]
            .into_iter()
            .find(|level| *level >= demanded && *level <= self.level && !lacks(*level))
    }

    /// Returns what a machine without any part of it has.
    #[cfg(test)]
    pub(crate) fn nothing() -> Self {
        let missing = |name, level| Missing {
            name: Cow::Borrowed(name),
            level,
            reason: "it is not looked for in this test".to_owned(),
        };
        Self {
            level: Level::Clean,
            missing: vec![missing("landlock", Level::Confined), missing("bubblewrap", Level::Isolated)],
            bubblewrap: None,
            own: Vec::new(),
            knows_ports: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_that_lacks_something_is_passed_over_and_never_for_a_lower_one() {
        let nothing = Probe::nothing();
        assert_eq!(nothing.at_least(Level::Bare), Some(Level::Bare));
        assert_eq!(nothing.at_least(Level::Clean), Some(Level::Clean));
        assert_eq!(nothing.at_least(Level::Confined), None);
        assert_eq!(nothing.missing_texts().len(), 2);
        let old_landlock =
            Probe { level: Level::Isolated, missing: nothing.missing[..1].to_vec(), ..nothing };
        assert_eq!(old_landlock.at_least(Level::Clean), Some(Level::Clean));
        assert_eq!(old_landlock.at_least(Level::Confined), Some(Level::Isolated));
        assert_eq!(old_landlock.at_least(Level::Isolated), Some(Level::Isolated));
    }

    #[test]
    fn numbers_name_levels() {
        assert_eq!(Level::of_number(3), Some(Level::Isolated));
        assert_eq!(Level::of_number(0), Some(Level::Bare));
        assert!([4, -1].into_iter().all(|number| Level::of_number(number).is_none()));
    }
}
