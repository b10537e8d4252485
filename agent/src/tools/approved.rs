//! The proof that a call may run. Not here: the decision.
use tenon_protocol::event::tool::Allowance;

use crate::tools::prepared::Prepared;

/// A prepared call that a recorded decision allowed. Only `turn::call` makes one, after that decision; tidy holds it to that.
#[derive(Debug)]
pub(crate) struct Approved {
    prepared: Prepared,
    allowed_by: String,
    allowed: Vec<Allowance>,
}

impl Approved {
    /// Takes a call together with what allowed it, in words and part by part: a profile, a rule, a grant or a person.
    pub(crate) const fn by(prepared: Prepared, allowed_by: String, allowed: Vec<Allowance>) -> Self {
        Self { prepared, allowed_by, allowed }
    }

    /// Returns what allowed each part of it.
    pub(crate) fn allowed(&self) -> &[Allowance] {
        &self.allowed
    }

    /// Returns what allowed it.
    pub(crate) fn allowed_by(&self) -> &str {
        &self.allowed_by
    }

    /// Returns the call as it was prepared.
    pub(crate) const fn prepared(&self) -> &Prepared {
        &self.prepared
    }

    /// Runs it.
    pub(crate) fn run(
        self,
        context: crate::tools::RunContext,
    ) -> crate::tools::Boxed<'static, crate::tools::Outcome> {
        self.prepared.work.run(context)
    }
}
