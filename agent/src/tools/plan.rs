//! The tool `plan`: the steps of the work, for people to follow. Not here: staging (`changes`) and where steps are kept.
use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};
use tenon_protocol::event::change::{PlanStep, StepStatus};
use tenon_protocol::tool::ToolKind;

use crate::tools::arguments::{one_line, parse};
use crate::tools::fingerprint::Fingerprint;
use crate::tools::limits::{STEP_CHARS_MAX, STEP_FILES_BYTES_MAX, STEPS_MAX};
use crate::tools::prepared::{Access, Outcome, Prepared, ToolFailure, Work};
use crate::tools::{Boxed, Descriptor, RunContext, Tool, ToolContext};

/// Keeps the plan.
#[derive(Debug)]
pub(super) struct Plan;

#[derive(Debug, Deserialize)]
struct Arguments {
    #[serde(alias = "todos")]
    steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
struct Step {
    #[serde(default)]
    id: Option<String>,
    #[serde(alias = "content", alias = "text")]
    title: String,
    #[serde(default)]
    status: Status,
    #[serde(default)]
    files: Vec<String>,
}

/// How far a step is, also in other words that models know.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    #[default]
    #[serde(alias = "todo")]
    Pending,
    #[serde(alias = "in_progress")]
    Active,
    #[serde(alias = "completed")]
    Done,
    #[serde(alias = "cancelled")]
    Dropped,
}

impl Tool for Plan {
    fn descriptor(&self) -> Descriptor {
        Descriptor {
            name: "plan",
            kind: ToolKind::Plan,
            description: "Show the person your plan for work of three steps or more, and keep it current: all steps each time, \
                          one of them active.",
            parameters: json!({
                "type": "object",
                "properties": {
                    "steps": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {
                                "id": {"type": "string", "description": "short, never changed"},
                                "title": {"type": "string"},
                                "status": {"type": "string", "enum": ["pending", "active", "done", "dropped"]},
                                "files": {"type": "array", "items": {"type": "string"}}
                            },
                            "required": ["id", "title", "status"]
                        }
                    }
                },
                "required": ["steps"]
            }),
        }
    }

    fn title(&self, arguments: &Value) -> String {
        let steps = arguments.get("steps").and_then(Value::as_array);
        let active = steps.into_iter().flatten().find(|step| {
            step.get("status").and_then(Value::as_str).is_some_and(|word| word == StepStatus::Active.as_str())
        });
        match active.and_then(|step| step.get("title")).and_then(Value::as_str) {
            Some(title) => one_line(&format!("plan: {title}")),
            None => "plan".to_owned(),
        }
    }

    fn prepare<'a>(
        &'a self,
        _: &'a ToolContext,
        arguments: &'a Value,
    ) -> Boxed<'a, Result<Prepared, ToolFailure>> {
        Box::pin(std::future::ready(
            parse("plan", "steps: [{id, title, status, files?}]", arguments).and_then(prepared),
        ))
    }
}

fn prepared(Arguments { steps }: Arguments) -> Result<Prepared, ToolFailure> {
    if steps.len() > STEPS_MAX {
        return Err(ToolFailure::new(format!(
            "a plan has at most {STEPS_MAX} steps, this one has {}",
            steps.len()
        )));
    }
    let files: usize = steps.iter().flat_map(|step| &step.files).map(String::len).sum();
    if files > STEP_FILES_BYTES_MAX {
        return Err(ToolFailure::new(format!(
            "the files of a plan take at most {STEP_FILES_BYTES_MAX} bytes, these {files}: name folders"
        )));
    }
    let mut ids = BTreeSet::new();
    let mut fingerprint = Fingerprint::of("plan");
    let mut tree = Vec::with_capacity(steps.len());
    for (number, step) in (1..).zip(steps) {
        let Step { id, title, status, files } = step;
        let id = id.filter(|id| !id.is_empty()).unwrap_or_else(|| format!("{number}"));
        if id.chars().count() > STEP_CHARS_MAX {
            return Err(ToolFailure::new(format!(
                "an id has at most {STEP_CHARS_MAX} characters: number the steps"
            )));
        }
        if title.trim().is_empty() || title.chars().count() > STEP_CHARS_MAX {
            return Err(ToolFailure::new(format!(
                "step `{id}` needs a title of 1 to {STEP_CHARS_MAX} characters"
            )));
        }
        if !ids.insert(id.clone()) {
            return Err(ToolFailure::new(format!("two steps have the id `{id}`")));
        }
        let status = match status {
            Status::Pending => StepStatus::Pending,
            Status::Active => StepStatus::Active,
            Status::Done => StepStatus::Done,
            Status::Dropped => StepStatus::Dropped,
        };
        fingerprint = fingerprint.with(&id).with(&title).with(status.as_str()).with_number(files.len());
        fingerprint = files.iter().fold(fingerprint, Fingerprint::with);
        tree.push(PlanStep { id, title, status, files, edits: None });
    }
    Ok(Prepared::pure(Access::Nothing, fingerprint.digest(), Keep(tree)))
}

/// Hands the steps to the session.
#[derive(Debug)]
struct Keep(Vec<PlanStep>);

impl Work for Keep {
    fn run(self: Box<Self>, _: RunContext) -> Boxed<'static, Outcome> {
        let wanted = self.0.iter().filter(|step| step.status != StepStatus::Dropped).count();
        let done = self.0.iter().filter(|step| step.status == StepStatus::Done).count();
        let mut outcome = Outcome::ok(format!("ok: {done} of {wanted} done"));
        outcome.plan = Some(self.0);
        Box::pin(std::future::ready(outcome))
    }
}
