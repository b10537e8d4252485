//! Profiles: named policies, the five built-in ones as a table. Not here: how a decision is made (`approvals`).
use std::collections::BTreeMap;
use std::fmt;

/// What happens to an action, from the freest to the strictest: the order is the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Verdict {
    /// It happens without a question.
    Allow,
    /// A person is asked.
    Ask,
    /// It does not happen.
    Deny,
}

impl Verdict {
    /// Returns the word used in files and on the wire.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }

    /// Returns the verdict that the word names.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        [Self::Allow, Self::Ask, Self::Deny].into_iter().find(|verdict| verdict.as_str() == word)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What becomes of a question when no client that could answer is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unattended {
    /// It waits, also over a restart.
    Wait,
    /// It is answered with a denial.
    Deny,
}

/// A named policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Profile {
    /// Its name, as configured and shown.
    pub(crate) name: String,
    /// Reading files of the workspace.
    pub(crate) read: Verdict,
    /// Writing files of the workspace.
    pub(crate) write: Verdict,
    /// Writing protected paths (`.git`, editors' and agents' own files), where `write` would allow it.
    pub(crate) protected: Verdict,
    /// Running commands.
    pub(crate) shell: Verdict,
    /// Reaching a host.
    pub(crate) network: Verdict,
    /// Sandbox level below which no command runs without a question.
    pub(crate) automatic_level_min: u8,
    /// What happens to a question that nobody can answer.
    pub(crate) unattended: Unattended,
}

impl Profile {
    /// Returns whether nothing that this profile lets happen would be stricter in `other`: choosing it instead of
    /// `other` can only narrow.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        self.read >= other.read
            && self.write >= other.write
            && self.protected >= other.protected
            && self.shell >= other.shell
            && self.network >= other.network
            && self.automatic_level_min >= other.automatic_level_min
            && self.unattended >= other.unattended
    }

    /// Returns the verdict that is the strictest of both in every respect, under this profile's name.
    pub(crate) fn capped_by(&self, cap: &Self) -> Self {
        Self {
            name: self.name.clone(),
            read: self.read.max(cap.read),
            write: self.write.max(cap.write),
            protected: self.protected.max(cap.protected),
            shell: self.shell.max(cap.shell),
            network: self.network.max(cap.network),
            automatic_level_min: self.automatic_level_min.max(cap.automatic_level_min),
            unattended: self.unattended.max(cap.unattended),
        }
    }
}

/// The profile where nobody chose one, and what a profile without `extends` builds on.
pub(crate) const DEFAULT: &str = "review";

/// One row of the table: name, read, write, protected, shell, network, level.
type Row = (&'static str, Verdict, Verdict, Verdict, Verdict, Verdict, u8);

use Verdict::{Allow, Ask, Deny};

/// The built-in profiles, from the narrowest to the widest.
const BUILT_IN: [Row; 5] = [
    ("read", Allow, Deny, Deny, Deny, Deny, 2),
    ("review", Allow, Ask, Ask, Ask, Ask, 2),
    ("edit", Allow, Allow, Ask, Ask, Ask, 2),
    ("auto", Allow, Allow, Ask, Allow, Ask, 2),
    ("full", Allow, Allow, Allow, Allow, Allow, 0),
];

/// Returns the built-in profiles by name.
pub(crate) fn built_in() -> BTreeMap<String, Profile> {
    BUILT_IN
        .into_iter()
        .map(|(name, read, write, protected, shell, network, automatic_level_min)| {
            let name = name.to_owned();
            let unattended = Unattended::Wait;
            let profile =
                Profile { name, read, write, protected, shell, network, automatic_level_min, unattended };
            (profile.name.clone(), profile)
        })
        .collect()
}

/// Returns the narrowest built-in profile, which an untrusted workspace is capped at.
pub(crate) fn read_only() -> Profile {
    let (name, read, write, protected, shell, network, automatic_level_min) = BUILT_IN[0];
    let unattended = Unattended::Wait;
    Profile { name: name.to_owned(), read, write, protected, shell, network, automatic_level_min, unattended }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_built_in_profile_lies_within_the_next() {
        let profiles = built_in();
        for pair in BUILT_IN.windows(2) {
            let (narrow, wide) = (&profiles[pair[0].0], &profiles[pair[1].0]);
            assert!(narrow.is_within(wide), "{} is not within {}", narrow.name, wide.name);
            assert!(!wide.is_within(narrow), "{} is within {}", wide.name, narrow.name);
        }
    }

    #[test]
    fn the_cap_of_full_by_read_is_read() {
        let capped = built_in()["full"].capped_by(&read_only());
        assert_eq!(Profile { name: "read".to_owned(), ..capped }, read_only());
    }
}
