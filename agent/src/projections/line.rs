//! One line of plain text for every event: what a client shows of a type it does not know. Not here: anything a client draws.
use tenon_protocol::apply::RevertScope;
use tenon_protocol::auth::AuthState;
use tenon_protocol::change::FileChange;
use tenon_protocol::content::plain_text;
use tenon_protocol::event::EventBody;
use tenon_protocol::event::message::MessageRole;
use tenon_protocol::event::prompt::{PendingOp, PromptChanged};
use tenon_protocol::event::turn::{AttemptOutcome, Stop};
use tenon_protocol::model::Usage;
use tenon_protocol::tool::CallStatus;

use crate::base::deceptive::{is_invisible, steers};

/// Characters of a line; more is cut.
const LINE_CHARS_MAX: usize = 160;

/// Returns the event's line: one sentence or less, control characters stripped, at most 160 characters.
#[expect(clippy::too_many_lines, reason = "a table: one row an event type")]
pub(crate) fn line(body: &EventBody) -> String {
    let text = match body {
        EventBody::SessionCreated(created) => format!("session in {}", created.workspace),
        EventBody::SessionChanged(changed) => match (&changed.title, &changed.settings, &changed.item) {
            (Some(title), _, _) => format!("renamed to {title}"),
            (None, Some(settings), _) => format!(
                "now {} with profile {}",
                settings.model.as_deref().unwrap_or("no model"),
                settings.profile.as_deref().unwrap_or("default")
            ),
            (None, None, Some(item)) => format!("{} is {}", item.title, item.state),
            (None, None, None) => "environment changed".to_owned(),
        },
        EventBody::SessionStateChanged(state) => state.state.to_string(),
        EventBody::SessionReverted(reverted) => match (reverted.scope, &reverted.change_id) {
            (RevertScope::Files, None) => "went back: the files were as they had been already".to_owned(),
            (scope, _) => format!("went back ({scope})"),
        },
        EventBody::CompactionStarted(_) => "the conversation is shortened …".to_owned(),
        EventBody::CompactionEnded(ended) => match &ended.error {
            Some(error) => format!("the conversation was not shortened: {error}"),
            None => "the conversation was shortened".to_owned(),
        },
        EventBody::SessionClosed(_) => "archived".to_owned(),
        EventBody::ContextSet(context) => format!("context {} for {}", context.generation, context.model),
        EventBody::UsageChanged(usage) => usage_line(&usage.usage),
        EventBody::PromptAdmitted(prompt) => format!("{}: {}", prompt.outcome, plain_text(&prompt.input)),
        EventBody::PromptChanged(change) => prompt_changed(change),
        EventBody::PromptDelivered(_) => "message delivered".to_owned(),
        EventBody::TurnStarted(turn) => format!("turn with {} ({})", turn.model, turn.profile),
        EventBody::TurnEnded(turn) => match (turn.stop, &turn.error, &turn.limit) {
            (Stop::Limit, _, Some(limit)) => format!("turn ended: limit {limit}"),
            (stop, Some(error), _) => format!("turn ended: {stop}: {}", error.message),
            (stop, None, _) => format!("turn ended: {stop}"),
        },
        EventBody::AttemptStarted(attempt) if attempt.n > 1 => {
            format!("step {}, try {}", attempt.step, attempt.n)
        }
        EventBody::AttemptStarted(attempt) => format!("step {}", attempt.step),
        EventBody::AttemptEnded(attempt) => match (&attempt.outcome, &attempt.error, &attempt.retry_at) {
            (AttemptOutcome::Failed, Some(error), Some(at)) => format!("{}: next try at {at}", error.message),
            (AttemptOutcome::Failed, Some(error), None) => error.message.clone(),
            (outcome, _, _) => format!("answer {outcome}"),
        },
        EventBody::MessageStarted(message) => format!("{} …", message.role),
        EventBody::MessageEnded(message) if message.superseded == Some(true) => "(withdrawn)".to_owned(),
        EventBody::MessageEnded(message) => match message.role {
            MessageRole::User | MessageRole::Assistant | MessageRole::Unheard(_) => {
                plain_text(&message.content)
            }
            MessageRole::Reasoning => format!("(thinks) {}", plain_text(&message.content)),
        },
        EventBody::ToolProposed(call) => format!("{}: {}", call.name, call.title),
        EventBody::ToolStarted(call) => format!("started, allowed by {}", call.allowed_by),
        EventBody::ToolEnded(call) => match call.status {
            CallStatus::Ok => format!("ok: {}", first_line(&plain_text(&call.content))),
            status @ (CallStatus::Failed
            | CallStatus::Denied
            | CallStatus::Interrupted
            | CallStatus::Unknown
            | CallStatus::Unheard(_)) => {
                format!("{status}: {}", first_line(&plain_text(&call.content)))
            }
        },
        EventBody::JobStarted(job) => format!("$ {}", job.command),
        EventBody::JobChanged(_) => "job in the foreground".to_owned(),
        EventBody::JobEnded(job) => match (job.exit, job.signal) {
            (Some(code), _) => format!("job {}: exit code {code}", job.status),
            (None, Some(signal)) => format!("job {}: signal {signal}", job.status),
            (None, None) => format!("job {}", job.status),
        },
        EventBody::PlanChanged(plan) => match &plan.tests {
            Some(tests) => tests.summary(),
            None => format!("plan of {} steps", plan.tree.len()),
        },
        EventBody::PlanReady(plan) => format!("plan of {} steps is ready", plan.tree.len()),
        EventBody::ChangeStaged(change) => format!("staged {}", paths(&change.files)),
        EventBody::ChangeStarted(change) => format!("changes {}", paths(&change.files)),
        EventBody::ChangeApplied(change) if change.files.is_empty() => "nothing was changed".to_owned(),
        EventBody::ChangeApplied(change) if change.files.iter().any(|file| file.uncertain == Some(true)) => {
            format!("changed, perhaps by somebody else: {}", paths(&change.files))
        }
        EventBody::ChangeApplied(change) => format!("changed {}", paths(&change.files)),
        EventBody::RequestOpened(request) => format!("asks: {}", request.title),
        EventBody::RequestResolved(resolved) => format!("answered: {}", resolved.decision),
        EventBody::SessionAdded(added) => format!("new session in {}", added.item.workspace),
        EventBody::SessionRemoved(removed) => format!("session {} is gone", removed.session_id),
        EventBody::RequestAdded(added) => format!("asks: {}", added.item.title),
        EventBody::RequestRemoved(removed) => format!("request {} is answered", removed.request_id),
        EventBody::GrantAdded(added) => format!("always allowed: {}", added.item.pattern),
        EventBody::GrantRemoved(removed) => format!("grant {} is taken back", removed.grant_id),
        EventBody::WorkspaceAdded(added) => format!("{} is trusted", added.item.id),
        EventBody::WorkspaceRemoved(removed) => match removed.changes.as_deref() {
            None | Some([]) => format!("{} is no longer trusted", removed.id),
            Some([first, ..]) => format!("{} is no longer trusted: {first}", removed.id),
        },
        EventBody::ConfigChanged(changed) => format!("configuration {} is in force", changed.file),
        EventBody::ConfigRejected(rejected) => format!("configuration not taken: {}", rejected.error),
        EventBody::ModelAdded(added) => format!("model {} can be named", added.item.id),
        EventBody::ModelChanged(changed) => format!("model {} is another now", changed.item.id),
        EventBody::ModelRemoved(removed) => format!("model {} is gone", removed.id),
        EventBody::ProviderAdded(added) => format!("provider {} is there", added.item.id),
        EventBody::ProviderChanged(changed) => format!("provider {} is another now", changed.item.id),
        EventBody::ProviderRemoved(removed) => format!("provider {} is gone", removed.id),
        EventBody::ProfileAdded(added) => format!("profile {} can be named", added.item.id),
        EventBody::ProfileChanged(changed) => format!("profile {} is another now", changed.item.id),
        EventBody::ProfileRemoved(removed) => format!("profile {} is gone", removed.id),
        EventBody::CommandAdded(added) => {
            format!("command /{} is there{}", added.item.id, at(added.workspace.as_ref()))
        }
        EventBody::CommandChanged(changed) => {
            format!("command /{} is another now{}", changed.item.id, at(changed.workspace.as_ref()))
        }
        EventBody::CommandRemoved(removed) => {
            format!("command /{} is gone{}", removed.id, at(removed.workspace.as_ref()))
        }
        EventBody::SkillAdded(added) => {
            format!("skill /{} is there{}", added.item.id, at(added.workspace.as_ref()))
        }
        EventBody::SkillChanged(changed) => {
            format!("skill /{} is another now{}", changed.item.id, at(changed.workspace.as_ref()))
        }
        EventBody::SkillRemoved(removed) => {
            format!("skill /{} is gone{}", removed.id, at(removed.workspace.as_ref()))
        }
        EventBody::AuthRequired(required) => {
            format!("{} needs a key: {}", required.provider, required.how)
        }
        EventBody::AuthChanged(changed) if changed.state == AuthState::LoggedIn => {
            format!("a key for {} is stored", changed.provider)
        }
        EventBody::AuthChanged(changed) => format!("no key for {} is stored any more", changed.provider),
        EventBody::AgentChanged(changed) => {
            format!(
                "the agent is version {} now (build {})",
                changed.instance.version, changed.instance.build
            )
        }
        EventBody::AgentDraining(draining) if draining.hand_over == Some(true) => {
            format!("a newer agent takes over when {} turns stand at a safe point", draining.running)
        }
        EventBody::AgentDraining(draining) => format!("leaving when {} turns have ended", draining.running),
        EventBody::Notice(notice) => notice.message.clone(),
    };
    clean(&text)
}

fn at(workspace: Option<&String>) -> String {
    workspace.map(|workspace| format!(" in {workspace}")).unwrap_or_default()
}

fn paths(files: &[FileChange]) -> String {
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    paths.join(", ")
}

fn prompt_changed(change: &PromptChanged) -> String {
    match (change.op, &change.input, change.position) {
        (PendingOp::Withdraw, _, _) => "waiting message withdrawn".to_owned(),
        (PendingOp::Replace, input, _) => {
            format!("waiting message replaced: {}", plain_text(input.as_deref().unwrap_or_default()))
        }
        (PendingOp::Promote, _, None) => "waiting message joins the turn".to_owned(),
        (PendingOp::Promote, _, Some(position)) => format!("waiting message goes to place {position}"),
        (PendingOp::Requeue, _, _) => "the turn ended without this message; it waits for the next".to_owned(),
        (PendingOp::Unheard(op), _, _) => format!("waiting message: {}", op.as_str()),
    }
}

/// Returns usage as people read it.
fn usage_line(usage: &Usage) -> String {
    let mark = if usage.estimated { "about " } else { "" };
    let cost = usage.cost.map(|cost| format!(", ${cost:.4}")).unwrap_or_default();
    format!("{mark}{} tokens in, {} out{cost}", usage.input_tokens, usage.output_tokens)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// White space of any kind becomes a blank, other control characters and the ones that turn text around go.
fn clean(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(LINE_CHARS_MAX * 2));
    let mut chars = 0;
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
            chars += 1;
        }
        for c in word.chars().filter(|c| !hidden(*c)) {
            if chars == LINE_CHARS_MAX {
                line.push('…');
                return line;
            }
            line.push(c);
            chars += 1;
        }
    }
    line
}

fn hidden(c: char) -> bool {
    steers(c) || is_invisible(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_without_tricks() {
        assert_eq!(clean("a\nb\t c\u{1b}[31m \u{202e}d"), "a b c[31m d");
        assert_eq!(clean(&"x".repeat(500)).chars().count(), LINE_CHARS_MAX + 1);
    }
}
