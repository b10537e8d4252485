//! `agent/plan`, `agent/apply` and `agent/revert`: what their parameters say by themselves. Not here: whether what they name is
//! there.
use std::collections::BTreeSet;
use std::sync::Arc;

use tenon_protocol::apply::{ApplyParams, ApplyResult, RevertParams, RevertResult, RevertScope, Selected};
use tenon_protocol::error::RpcError;
use tenon_protocol::plan::{PlanParams, PlanResult};

use crate::daemon::{Caller, Daemon};
use crate::handlers::check::{self, invalid};

/// Files of a selection, and files that a choice is made for: as many as one change has at most.
const FILES_MAX: usize = 2_000;

/// Hunks of one file in a selection.
const HUNKS_MAX: usize = 10_000;

/// Steps of a plan in a selection.
const STEPS_MAX: usize = 1_000;

/// The longest key of a goal, in bytes: as for prompts.
const KEY_BYTES_MAX: usize = 256;

/// Asks for a plan.
pub(crate) async fn plan(
    daemon: Daemon,
    caller: Arc<Caller>,
    params: PlanParams,
) -> Result<PlanResult, RpcError> {
    check::input(&params.goal)?;
    if params.key.as_ref().is_some_and(|key| key.is_empty() || key.len() > KEY_BYTES_MAX) {
        return Err(invalid(format!("key is 1 to {KEY_BYTES_MAX} bytes long")));
    }
    daemon.plan(&caller, params).await
}

/// Applies what is staged.
pub(crate) async fn apply(
    daemon: Daemon,
    _: Arc<Caller>,
    params: ApplyParams,
) -> Result<ApplyResult, RpcError> {
    check_apply(&params)?;
    daemon.apply(params).await
}

/// Goes back.
pub(crate) async fn revert(
    daemon: Daemon,
    caller: Arc<Caller>,
    params: RevertParams,
) -> Result<RevertResult, RpcError> {
    check_revert(&params)?;
    daemon.revert(&caller, params).await
}

fn check_apply(params: &ApplyParams) -> Result<(), RpcError> {
    if params.plan_id.is_some() == params.change_id.is_some() {
        return Err(invalid("apply takes either a planId or a changeId"));
    }
    if params.plan_id.is_none() && (params.rev.is_some() || params.steps.is_some()) {
        return Err(invalid("rev and steps belong to a plan"));
    }
    let chooses = params.steps.is_some() || params.select.is_some();
    let decides = params.partial.is_some() || params.resolve.is_some() || params.run.is_some();
    let decides = decides || params.dry_run.is_some();
    if params.drop == Some(true) && (chooses || decides) {
        return Err(invalid("drop throws all of it away: nothing else can be said with it but rev"));
    }
    if let Some(steps) = &params.steps {
        let different: BTreeSet<&String> = steps.iter().collect();
        if steps.is_empty() || steps.len() > STEPS_MAX || different.len() < steps.len() {
            return Err(invalid(format!("steps are 1 to {STEPS_MAX}, each once")));
        }
    }
    check_selection(params.select.as_deref())
}

fn check_revert(params: &RevertParams) -> Result<(), RpcError> {
    let to = &params.to;
    let named = [to.checkpoint.is_some(), to.turn.is_some(), to.change.is_some(), to.seq.is_some()];
    if named.iter().filter(|named| **named).count() != 1 {
        return Err(invalid("to names exactly one of checkpoint, turn, change and seq"));
    }
    if to.seq == Some(0) {
        return Err(invalid("events are counted from 1"));
    }
    let files = params.select.is_some() || params.resolve.is_some() || params.partial.is_some();
    if params.scope == Some(RevertScope::Conversation) && files {
        return Err(invalid("select, resolve and partial are about files, and scope is conversation"));
    }
    if let Some(resolve) = &params.resolve {
        if resolve.len() > FILES_MAX {
            return Err(invalid(format!("resolve names {FILES_MAX} files at most")));
        }
        resolve.keys().try_for_each(|path| check_path(path))?;
    }
    check_selection(params.select.as_deref())
}

fn check_selection(select: Option<&[Selected]>) -> Result<(), RpcError> {
    let Some(select) = select else { return Ok(()) };
    let paths: BTreeSet<&String> = select.iter().map(|selected| &selected.path).collect();
    if select.is_empty() || select.len() > FILES_MAX || paths.len() < select.len() {
        return Err(invalid(format!("select names 1 to {FILES_MAX} files, each once")));
    }
    for selected in select {
        check_path(&selected.path)?;
        let Some(hunks) = &selected.hunks else { continue };
        let different: BTreeSet<u32> = hunks.iter().copied().collect();
        if hunks.is_empty() || hunks.len() > HUNKS_MAX || different.len() < hunks.len() {
            return Err(invalid(format!("hunks of {} are 1 to {HUNKS_MAX}, each once", selected.path)));
        }
    }
    Ok(())
}

/// A path stands as events name it: relative to the workspace, without a detour.
fn check_path(path: &str) -> Result<(), RpcError> {
    let plain = path.split('/').all(|name| !matches!(name, "" | "." | "..")) && !path.contains('\0');
    if plain {
        return Ok(());
    }
    Err(invalid(format!(
        "{path} is no path as events name it: relative to the workspace, without `.` and `..`"
    )))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn applies(more: &Value) -> bool {
        let mut params = json!({"sessionId": "s_1"});
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(params).is_ok_and(|params| check_apply(&params).is_ok())
    }

    fn reverts(more: &Value) -> bool {
        let mut params = json!({"sessionId": "s_1", "to": {"turn": "t_1"}});
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(params).is_ok_and(|params| check_revert(&params).is_ok())
    }

    #[test]
    fn what_is_applied_is_named_once_and_plainly() {
        assert!(applies(&json!({"planId": "p_1", "rev": 2, "steps": ["a", "b"], "run": "tests"})));
        assert!(applies(
            &json!({"changeId": "c_1", "select": [{"path": "src/a.rs", "hunks": [0, 2]}, {"path": "b"}]})
        ));
        assert!(applies(&json!({"planId": "p_1", "drop": true, "rev": 1})));
        for wrong in [
            json!({}),
            json!({"planId": "p_1", "changeId": "c_1"}),
            json!({"changeId": "c_1", "steps": ["a"]}),
            json!({"changeId": "c_1", "rev": 1}),
            json!({"planId": "p_1", "steps": []}),
            json!({"planId": "p_1", "steps": ["a", "a"]}),
            json!({"planId": "p_1", "drop": true, "run": "tests"}),
            json!({"planId": "p_1", "resolve": "guess"}),
            json!({"planId": "p_1", "select": []}),
            json!({"planId": "p_1", "select": [{"path": "a"}, {"path": "a"}]}),
            json!({"planId": "p_1", "select": [{"path": "../a"}]}),
            json!({"planId": "p_1", "select": [{"path": "/a"}]}),
            json!({"planId": "p_1", "select": [{"path": "a", "hunks": []}]}),
            json!({"planId": "p_1", "select": [{"path": "a", "hunks": [1, 1]}]}),
            json!({"planId": "p_1", "select": [{"path": "a", "hunks": [-1]}]}),
        ] {
            assert!(!applies(&wrong), "{wrong}");
        }
    }

    #[test]
    fn a_revert_goes_to_one_place() {
        assert!(reverts(&json!({"dryRun": true, "resolve": {"a": "keep", "b/c": "ours-after-backup"}})));
        assert!(reverts(&json!({"to": {"seq": 1}, "scope": "both"})));
        for wrong in [
            json!({"to": {}}),
            json!({"to": {"turn": "t_1", "seq": 2}}),
            json!({"to": {"seq": 0}}),
            json!({"scope": "conversation", "select": [{"path": "a"}]}),
            json!({"scope": "everything"}),
            json!({"resolve": {"../a": "keep"}}),
            json!({"resolve": {"a": "guess"}}),
        ] {
            assert!(!reverts(&wrong), "{wrong}");
        }
    }
}
