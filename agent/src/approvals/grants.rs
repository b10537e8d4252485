//! Grants: standing decisions of a person, and what they match. Not here: keeping them (events of the journal).
use tenon_protocol::ids::GrantId;
use tenon_protocol::request::Scope;

use crate::approvals::Action;
use crate::approvals::matching;
use crate::base::clock::Timestamp;
use crate::config::rule::{Rule, RuleError};

/// A standing decision.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Grant {
    /// What names it.
    pub(crate) id: GrantId,
    /// What it allows.
    pub(crate) rule: Rule,
    /// How far it reaches: this session, or this workspace from now on.
    pub(crate) scope: Scope,
    /// When it was made.
    pub(crate) created_at: Timestamp,
}

impl Grant {
    /// Makes a grant of the pattern that was shown.
    ///
    /// # Errors
    /// The pattern is no rule.
    pub(crate) fn new(
        id: GrantId,
        pattern: &str,
        scope: Scope,
        created_at: Timestamp,
    ) -> Result<Self, RuleError> {
        Ok(Self { id, rule: Rule::parse(pattern)?, scope, created_at })
    }
}

/// The grants that hold in a session.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grants(Vec<Grant>);

impl Grants {
    /// Returns the grants as a set.
    pub(crate) fn new(grants: impl IntoIterator<Item = Grant>) -> Self {
        Self(grants.into_iter().collect())
    }

    /// Returns the first grant whose rule is as wanted.
    pub(crate) fn find(&self, is_wanted: impl Fn(&Rule) -> bool) -> Option<&Grant> {
        self.0.iter().find(|grant| is_wanted(&grant.rule))
    }

    /// Returns a grant that covers the whole action, or the first of several that do together; `None` if any part is
    /// covered by none.
    pub(crate) fn matches(&self, action: &Action) -> Option<&Grant> {
        let rules: Vec<&Rule> = self.0.iter().map(|grant| &grant.rule).collect();
        let rule = matching::allowing(&rules, action)?;
        self.0.iter().find(|grant| grant.rule == *rule)
    }
}
