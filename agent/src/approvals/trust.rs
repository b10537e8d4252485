//! Trust: what an untrusted workspace is capped at. Not here: keeping who is trusted (an event of the `all` log).
use tenon_protocol::session::{TrustSetting, TrustState};

use crate::config::profile::{self, Profile};

/// How far a workspace is trusted in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trust {
    /// What the agent has on record.
    pub(crate) state: TrustState,
    /// What the session's own settings say.
    pub(crate) setting: Option<TrustSetting>,
}

impl Trust {
    /// Returns whether the workspace's configuration may be read. A session's setting never makes it so.
    pub(crate) const fn reads_configuration(self) -> bool {
        matches!(self.state, TrustState::Trusted)
    }

    /// Returns whether the profile is capped at `read`.
    pub(crate) const fn is_capped(self) -> bool {
        !matches!((self.state, self.setting), (TrustState::Trusted, _) | (_, Some(TrustSetting::Session)))
    }

    /// Returns the profile that counts: the chosen one, or its part that lies within `read`.
    pub(crate) fn cap(self, chosen: &Profile) -> Profile {
        if !self.is_capped() {
            return chosen.clone();
        }
        let read = profile::read_only();
        Profile { name: read.name.clone(), ..chosen.capped_by(&read) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trusted_workspace_or_the_sessions_own_word_lifts_the_cap() {
        let full = &profile::built_in()["full"];
        for state in [TrustState::Untrusted, TrustState::Pending] {
            let untrusted = Trust { state, setting: None };
            assert_eq!(untrusted.cap(full), profile::read_only());
            let lifted = Trust { state, setting: Some(TrustSetting::Session) };
            assert_eq!(&lifted.cap(full), full);
            assert!(!lifted.reads_configuration() && !untrusted.reads_configuration());
        }
        let trusted = Trust { state: TrustState::Trusted, setting: None };
        assert_eq!(&trusted.cap(full), full);
        assert!(trusted.reads_configuration());
    }
}
