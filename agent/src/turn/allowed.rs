//! What let each part of a call happen, as the log tells it. Not here: the decision (`approvals`), and asking (`call`).
use tenon_protocol::event::tool::Allowance;
use tenon_protocol::ids::RequestId;
use tenon_protocol::tool::AllowedBy;

use crate::approvals::{Cause, Ground, Policy};
use crate::config::profile::Verdict;

/// Returns what let each part happen: what was asked about, the answer of a person; the rest what the policy says. Parts that
/// were asked about are not among it without a request.
pub(super) fn allowances(grounds: &[Ground], policy: &Policy, request: Option<&RequestId>) -> Vec<Allowance> {
    grounds.iter().filter_map(|ground| allowance(ground, policy, request)).collect()
}

fn allowance(ground: &Ground, policy: &Policy, request: Option<&RequestId>) -> Option<Allowance> {
    let (by, name) = match (ground.verdict, ground.cause) {
        (Verdict::Allow, Cause::Rule) => (AllowedBy::Rule, ground.rule.clone()),
        (Verdict::Allow, Cause::Grant) => (AllowedBy::Grant, ground.rule.clone()),
        (Verdict::Allow, _) => (AllowedBy::Profile, Some(policy.profile().to_owned())),
        (Verdict::Ask | Verdict::Deny, _) => {
            request?;
            (AllowedBy::Request, None)
        }
    };
    let from = (by == AllowedBy::Rule).then(|| policy.allowed_in().map(str::to_owned)).flatten();
    let request_id = request.filter(|_| by == AllowedBy::Request).cloned();
    Some(Allowance { what: ground.what.clone(), by, name, from, grant_id: ground.grant.clone(), request_id })
}
