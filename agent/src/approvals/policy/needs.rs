//! The needs of a command: each is decided for itself, and the strictest decision counts. Not here: the command's own text.
//!
//! A need to write opens a path to a program, and not to an edit that a person could read. So a grant or a rule that allows it
//! has to name it letter by letter, or a folder above it: `write:**` is about edits and opens nothing.
use crate::approvals::policy::{Policy, by_grant, by_rule, decision};
use crate::approvals::{Action, Cause, Decision, Ground};
use crate::config::profile::Verdict;
use crate::config::protected::is_protected;
use crate::config::rule::{Pattern, Rule};
use crate::sandbox::{Held, Level, Needs};

impl Policy {
    /// Returns the decision about a command that is not denied by itself, with its needs.
    pub(super) fn with_needs(&self, own: Decision, needs: &Needs) -> Decision {
        let write = needs.write.iter().map(|path| (format!("write:{path}"), self.decide_needed_path(path)));
        let hosts = needs.net.iter().map(|host| {
            let action = Action::Network { hosts: vec![host.clone()] };
            (format!("net:{host}"), self.decide_alone(&action))
        });
        let decided: Vec<(String, Decision)> = write.chain(hosts).collect();
        if let Some((need, denied)) = decided.iter().find(|(_, one)| one.verdict == Verdict::Deny) {
            let reason = format!("it needs {need}, and {}", denied.reason);
            return Decision { reason, ..denied.clone() };
        }
        let asked: Vec<&(String, Decision)> =
            decided.iter().filter(|(_, one)| one.verdict == Verdict::Ask).collect();
        let grounds: Vec<Ground> = decided.iter().map(|(need, one)| Ground::of(need, one)).collect();
        if asked.is_empty() {
            return Decision { grounds, ..own };
        }
        let names: Vec<&str> = asked.iter().map(|(need, _)| need.as_str()).collect();
        let needed = format!("it needs {}{}", names.join(", "), self.not_confined(needs));
        let (reason, cause, own_offer) = match own.verdict {
            Verdict::Ask => (format!("{}; {needed}", own.reason), own.cause, Some(own.offer)),
            Verdict::Allow | Verdict::Deny => (needed, Cause::Need, None),
        };
        let offers = own_offer.into_iter().chain(asked.iter().map(|(_, one)| one.offer.clone()));
        // All that is asked about, or nothing: half a grant would ask again.
        let offer = offers.collect::<Option<Vec<String>>>().map(|offers| offers.join("\n"));
        Decision { offer, rule: own.rule, grounds, ..decision(Verdict::Ask, cause, reason) }
    }

    /// What a sandbox that is too weak does not hold the command to.
    fn not_confined(&self, needs: &Needs) -> &'static str {
        match self.level {
            // Every question about a command says so there.
            Level::Bare => "",
            Level::Clean => "; at sandbox level 1 nothing confines it to that",
            Level::Confined | Level::Isolated if needs.net.is_empty() => "",
            Level::Confined | Level::Isolated => match self.held {
                Held::No => "; it then reaches every host, not only these",
                Held::ToPort => {
                    "; at sandbox level 2 it could also reach others, at one port that is chosen at random"
                }
                Held::ToHosts => "",
            },
        }
    }

    fn decide_needed_path(&self, path: &str) -> Decision {
        if let Some(rule) = self.rules.deny.iter().find(|rule| is_about(rule, path)) {
            return by_rule(Verdict::Deny, rule);
        }
        if self.effective.write == Verdict::Deny {
            return self.denied(&Action::Write { paths: Vec::new() });
        }
        if let Some(rule) = self.rules.ask.iter().find(|rule| is_about(rule, path)) {
            return by_rule(Verdict::Ask, rule);
        }
        if self.effective.protected == Verdict::Allow {
            return decision(
                Verdict::Allow,
                Cause::Profile,
                format!("the profile {} allows it", self.effective.name),
            );
        }
        if let Some(rule) = self.rules.allow.iter().find(|rule| opens(rule, path)) {
            return by_rule(Verdict::Allow, rule);
        }
        if let Some(grant) = self.grants.find(|rule| opens(rule, path)) {
            return by_grant(grant);
        }
        let what = if is_protected(path) { "protected" } else { "outside of the workspace" };
        let offer = Some(format!("write:{path}"))
            .filter(|pattern| is_literal(path) && Rule::parse(pattern).is_ok_and(|rule| opens(&rule, path)));
        Decision { offer, ..decision(self.effective.protected, Cause::Need, format!("{path} is {what}")) }
    }
}

/// Whether a rule that restricts is about a path, or about everything beneath it.
fn is_about(rule: &Rule, path: &str) -> bool {
    let Pattern::Write(glob) = rule.pattern() else { return false };
    // A name that nobody has: only a pattern for everything matches it.
    glob.matches_folded(path) || glob.matches_folded(&format!("{path}/\u{1}/\u{1}"))
}

/// Whether a rule that allows names a path, or a folder above it, letter by letter.
fn opens(rule: &Rule, path: &str) -> bool {
    let Some(named) = rule.text().strip_prefix("write:").map(str::trim) else { return false };
    let named = named.strip_prefix("./").unwrap_or(named);
    let named = named.strip_suffix("/**").unwrap_or(named);
    is_literal(named) && path.strip_prefix(named).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn is_literal(path: &str) -> bool {
    !path.is_empty() && !path.contains(['*', '?', '[', ']', '{', '}', '\\', '!'])
}
