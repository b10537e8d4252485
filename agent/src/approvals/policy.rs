//! The decision about an action. Not here: whether a rule matches (`matching`), and asking anybody.
//!
//! In this order, the first that speaks decides: a configured denial, the profile's denial, a configured question,
//! a protected path, doubt about a command's text, the profile's own allowance, rules and grants that allow, and at last
//! the profile's question. Whatever would let a command run without a question needs a sandbox of level 2.
mod needs;

use crate::approvals::grants::{Grant, Grants};
use crate::approvals::proposal::propose_pattern;
use crate::approvals::shell::{self, Analysis};
use crate::approvals::trust::Trust;
use crate::approvals::{Action, Cause, Decision, Ground, hints, matching};
use crate::config::Rules;
use crate::config::profile::{Profile, Unattended, Verdict};
use crate::config::protected::is_protected;
use crate::config::rule::{Pattern, Rule};
use crate::sandbox::{Held, Level};
use crate::workspace::path::RelPath;
use crate::workspace::repository::{Part, part};

/// What counts in a session at one time; made anew when its profile, the rules, the grants, trust or the sandbox change.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    chosen: Profile,
    effective: Profile,
    rules: Rules,
    grants: Grants,
    level: Level,
    held: Held,
}

impl Policy {
    /// Makes the policy of a profile under the configured rules; an untrusted workspace caps it at `read`.
    pub(crate) fn new(profile: &Profile, rules: &Rules, trust: Trust, level: Level) -> Self {
        let (chosen, effective) = (profile.clone(), trust.cap(profile));
        let (rules, grants) = (rules.clone(), Grants::default());
        Self { chosen, effective, rules, grants, level, held: Held::No }
    }

    /// Returns the policy where commands are held in this way to the hosts that they need.
    #[must_use]
    pub(crate) fn with_held(self, held: Held) -> Self {
        Self { held, ..self }
    }

    /// Returns the policy with the grants that hold in the session and its workspace.
    #[must_use]
    pub(crate) fn with_grants(self, grants: Grants) -> Self {
        Self { grants, ..self }
    }

    /// Returns whether a question that nobody can answer is denied instead of waiting.
    pub(crate) const fn denies_unattended(&self) -> bool {
        matches!(self.effective.unattended, Unattended::Deny)
    }

    /// Returns the name of the profile that counts.
    pub(crate) fn profile(&self) -> &str {
        &self.effective.name
    }

    /// Returns where the rules stand that allow.
    pub(crate) fn allowed_in(&self) -> Option<&str> {
        self.rules.allowed_in.as_deref()
    }

    /// Returns whether no rule denies reading the path: for walks and searches, which leave out what is denied.
    pub(crate) fn may_read(&self, path: &RelPath) -> bool {
        let action = Action::Read { paths: vec![path.clone()] };
        self.effective.read != Verdict::Deny
            && matching::restricting(&self.rules.deny, &action, &Analysis::default()).is_none()
    }

    /// Returns whether a host is reached without a question.
    pub(crate) fn permits_host(&self, host: &str) -> bool {
        let action = Action::Network { hosts: vec![host.to_owned()] };
        self.decide(&action).verdict == Verdict::Allow
    }

    /// Returns whether a rule restricts commands, so that it matters which programs their words come to.
    pub(crate) fn restricts_commands(&self) -> bool {
        let mut rules = self.rules.deny.iter().chain(&self.rules.ask);
        rules.any(|rule| matches!(rule.pattern(), Pattern::Command(_)))
    }

    /// Decides about an action; about a command together with each of its needs.
    pub(crate) fn decide(&self, action: &Action) -> Decision {
        let own = self.decide_alone(action);
        let first = Ground::of(kind_of(action), &own);
        let mut decided = match action {
            Action::Command { needs, .. } if own.verdict != Verdict::Deny => self.with_needs(own, needs),
            Action::Read { .. } | Action::Write { .. } | Action::Network { .. } | Action::Command { .. } => {
                own
            }
        };
        decided.grounds.insert(0, first);
        let is_command = matches!(action, Action::Command { .. });
        if is_command && self.level == Level::Bare && decided.verdict == Verdict::Ask {
            decided.reason.push_str("; nothing confines it, as `sandbox.level` is 0");
        }
        decided
    }

    fn decide_alone(&self, action: &Action) -> Decision {
        let analysis = match action {
            Action::Command { command, programs, .. } => shell::analyse(command).with_programs(programs),
            Action::Read { .. } | Action::Write { .. } | Action::Network { .. } => Analysis::default(),
        };
        if let Some(rule) = matching::restricting(&self.rules.deny, action, &analysis) {
            return by_rule(Verdict::Deny, rule);
        }
        let base = verdict_of(&self.effective, action);
        if base == Verdict::Deny {
            return self.denied(action);
        }
        if let Some(rule) = matching::restricting(&self.rules.ask, action, &analysis) {
            return by_rule(Verdict::Ask, rule);
        }
        if let Some(decision) = self.protected(action).or_else(|| self.doubtful(&analysis)) {
            return decision;
        }
        let allowed = match base {
            Verdict::Allow => Some(self.by_profile(Verdict::Allow, action)),
            Verdict::Ask | Verdict::Deny => self.lifted(action),
        };
        if let Some(allowed) = allowed {
            return self.unless_too_weak(action, allowed);
        }
        let offer = propose_pattern(action).filter(|_| self.level_suffices(action));
        Decision { offer, ..self.by_profile(Verdict::Ask, action) }
    }

    /// Decides about a file that a command wrote which was allowed itself; `None`: nothing speaks against it. Rules that
    /// restrict writing hold, and so does the question about protected paths, but for what git records about the history.
    pub(crate) fn decide_written(&self, path: &RelPath) -> Option<Decision> {
        let action = Action::Write { paths: vec![path.clone()] };
        let analysis = Analysis::default();
        if let Some(rule) = matching::restricting(&self.rules.deny, &action, &analysis) {
            return Some(by_rule(Verdict::Deny, rule));
        }
        let asks = matching::restricting(&self.rules.ask, &action, &analysis);
        let asks = asks.map(|rule| by_rule(Verdict::Ask, rule));
        let is_protected = part(path) != Some(Part::Data);
        asks.or_else(|| if is_protected { self.protected(&action) } else { None })
    }

    fn denied(&self, action: &Action) -> Decision {
        if verdict_of(&self.chosen, action) == Verdict::Deny {
            return self.by_profile(Verdict::Deny, action);
        }
        let reason =
            "the workspace is not trusted, so nothing but reading is allowed; `tenon trust` lifts that";
        decision(Verdict::Deny, Cause::Untrusted, reason.to_owned())
    }

    /// The question about a protected path: no rule and no grant answers it.
    fn protected(&self, action: &Action) -> Option<Decision> {
        let Action::Write { paths } = action else { return None };
        let path = paths.iter().map(|path| path.to_wire().0).find(|path| is_protected(path))?;
        (self.effective.protected != Verdict::Allow).then(|| {
            let reason = format!("{path} is protected: writing it can make other programs run something");
            decision(self.effective.protected, Cause::Protected, reason)
        })
    }

    /// The question about a command of which it cannot be told whether a rule forbids it.
    fn doubtful(&self, analysis: &Analysis) -> Option<Decision> {
        let restricting = || self.rules.deny.iter().chain(&self.rules.ask);
        // Of paths and hosts the words tell, as long as they are what the text shows.
        let matters = |rule: &Rule| analysis.hides_words || matches!(rule.pattern(), Pattern::Command(_));
        if let Some(why) = analysis.unsure.filter(|_| restricting().any(matters)) {
            let reason = format!("it cannot be told whether a rule forbids this command: {why}");
            return Some(decision(Verdict::Ask, Cause::Unclear, reason));
        }
        let (rule, what) = hints::hinted(restricting(), analysis)?;
        let reason = format!("the command names {what} that the rule `{}` is about", rule.text());
        Some(Decision { rule: Some(rule.text().to_owned()), ..decision(Verdict::Ask, Cause::Rule, reason) })
    }

    /// The allowance by a rule or a grant that lifts the profile's question.
    fn lifted(&self, action: &Action) -> Option<Decision> {
        let rules: Vec<&Rule> = self.rules.allow.iter().collect();
        if let Some(rule) = matching::allowing(&rules, action) {
            return Some(by_rule(Verdict::Allow, rule));
        }
        self.grants.matches(action).map(by_grant)
    }

    fn level_suffices(&self, action: &Action) -> bool {
        match action {
            Action::Command { .. } => self.level.number() >= self.effective.automatic_level_min,
            // The agent asks itself, and looks at every address.
            Action::Read { .. } | Action::Write { .. } | Action::Network { .. } => true,
        }
    }

    /// Turns an allowance into a question where the sandbox is too weak for a command to run by itself.
    fn unless_too_weak(&self, action: &Action, allowed: Decision) -> Decision {
        if self.level_suffices(action) {
            return allowed;
        }
        let (level, needed) = (self.level.number(), self.effective.automatic_level_min);
        let but = format!(
            "but the sandbox level is {level}, and commands run without a question from level {needed} on"
        );
        let reason = format!("{}, {but}", allowed.reason);
        Decision { rule: allowed.rule, ..decision(Verdict::Ask, Cause::SandboxLevel, reason) }
    }

    fn by_profile(&self, verdict: Verdict, action: &Action) -> Decision {
        let name = &self.effective.name;
        let what = match action {
            Action::Read { .. } => "reading",
            Action::Write { .. } => "edits",
            Action::Network { .. } => "reaching hosts",
            Action::Command { .. } => "commands",
        };
        let reason = match verdict {
            Verdict::Allow => format!("the profile {name} allows {what}"),
            Verdict::Ask => format!("the profile {name} asks before {what}"),
            Verdict::Deny => format!("the profile {name} does not allow {what}"),
        };
        decision(verdict, Cause::Profile, reason)
    }
}

const fn kind_of(action: &Action) -> &'static str {
    match action {
        Action::Read { .. } => "read",
        Action::Write { .. } => "edit",
        Action::Network { .. } => "network",
        Action::Command { .. } => "command",
    }
}

const fn verdict_of(profile: &Profile, action: &Action) -> Verdict {
    match action {
        Action::Read { .. } => profile.read,
        Action::Write { .. } => profile.write,
        Action::Network { .. } => profile.network,
        Action::Command { .. } => profile.shell,
    }
}

fn by_grant(grant: &Grant) -> Decision {
    let pattern = grant.rule.text().to_owned();
    let reason = format!("granted: `{pattern}`");
    // One of this session alone has no name.
    let id = Some(grant.id.clone()).filter(|id| !id.as_str().is_empty());
    Decision { rule: Some(pattern), grant: id, ..decision(Verdict::Allow, Cause::Grant, reason) }
}

fn by_rule(verdict: Verdict, rule: &Rule) -> Decision {
    let text = rule.text();
    let reason = match verdict {
        Verdict::Allow => format!("the rule `{text}` allows it"),
        Verdict::Ask => format!("the rule `{text}` asks about it"),
        Verdict::Deny => format!("the rule `{text}` denies it"),
    };
    Decision { rule: Some(text.to_owned()), ..decision(verdict, Cause::Rule, reason) }
}

const fn decision(verdict: Verdict, cause: Cause, reason: String) -> Decision {
    Decision { verdict, cause, reason, rule: None, grant: None, grounds: Vec::new(), offer: None }
}

#[cfg(test)]
mod tests;
