//! The levels of confinement, and the probe that says which of them this machine has. Not here: which level a command
//! needs (`approvals`).

/// How strongly a command is confined; a higher level holds everything that a lower one does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(crate) enum Level {
    /// 1: a supervised tree and a clean environment. Nothing may be allowed automatically.
    Clean = 1,
    /// 2: also Landlock and seccomp: no network, writes only where they belong.
    Confined = 2,
    /// 3: also namespaces of its own and an overlay over the workspace.
    Isolated = 3,
}

impl Level {
    /// Returns the number that the protocol and the configuration use.
    pub(crate) const fn number(self) -> u8 {
        self as u8
    }
}

/// A part of the sandbox that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    /// The part, in one word.
    pub(crate) name: &'static str,
    /// The lowest level that needs it.
    pub(crate) level: Level,
    /// Why it is not there, for people.
    pub(crate) reason: &'static str,
}

/// What this machine can do for a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Probe {
    /// The highest level that can be had.
    pub(crate) level: Level,
    /// What is missing for the levels above it.
    pub(crate) missing: &'static [Missing],
}

impl Probe {
    /// Returns what is missing as the protocol tells it: `name: reason`.
    pub(crate) fn missing_texts(&self) -> Vec<String> {
        self.missing.iter().map(|missing| format!("{}: {}", missing.name, missing.reason)).collect()
    }
}

const NOT_BUILT: &str = "this version of tenon does not use it yet";

/// Says which level commands can have here. Costs nothing: no part of levels 2 and 3 is in this version, so there is
/// nothing to try.
pub(crate) const fn probe() -> Probe {
    Probe {
        level: Level::Clean,
        missing: &[
            Missing { name: "landlock", level: Level::Confined, reason: NOT_BUILT },
            Missing { name: "seccomp", level: Level::Confined, reason: NOT_BUILT },
            Missing { name: "namespaces", level: Level::Isolated, reason: NOT_BUILT },
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_probe_never_claims_a_level_that_misses_a_part() {
        let probe = probe();
        assert!(probe.missing.iter().all(|missing| missing.level > probe.level));
        assert_eq!(probe.missing_texts().len(), probe.missing.len());
    }
}
