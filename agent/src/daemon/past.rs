//! What a session did, as lists: changes, checkpoints, plans. Read from its log, newest first. Not here: comparing and going back
//! (`changes`).
use std::collections::BTreeSet;

use tenon_protocol::apply::{ChangeItem, CheckpointItem};
use tenon_protocol::cursor::Cursor;
use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::event::{Envelope, EventBody};
use tenon_protocol::ids::SessionId;
use tenon_protocol::json::Json;
use tenon_protocol::list::{ListParams, ListResult};
use tenon_protocol::plan::PlanItem;

use crate::daemon::Daemon;
use crate::daemon::doors::read_error;
use crate::daemon::lists::PAGE_BYTES_MAX;
use crate::journal::{LogId, PageLimits, TypeFilter};
use crate::projections::cut::size;

/// Items of a page where the client does not say.
const LIMIT_DEFAULT: u64 = 100;

impl Daemon {
    /// Lists what a session did of one kind: `change`, `checkpoint` or `plan`.
    pub(crate) async fn past(&self, params: &ListParams) -> Result<ListResult, RpcError> {
        let invalid = |reason: String| RpcError::new(ErrorKind::InvalidParams, reason);
        let session = params.session_id.as_ref().ok_or_else(|| {
            let error = invalid(format!("each session has {}s of its own: give a `sessionId`", params.kind));
            error.hint("`agent/list` with kind `session` tells which sessions there are")
        })?;
        let journal = &self.0.resources.journal;
        let log = LogId::Session(session.clone());
        let ends = journal.ends(&log).await.map_err(|error| read_error(&error))?;
        let behind = Cursor { epoch: ends.head.epoch, seq: ends.head.seq + 1 };
        let after = match &params.after {
            Some(seq) => {
                let seq = seq.parse::<u64>().ok().filter(|seq| *seq <= behind.seq);
                let seq =
                    seq.ok_or_else(|| invalid("`after` is not the `next` of an earlier page".to_owned()))?;
                Cursor { seq, ..behind }
            }
            None => behind,
        };
        let plans = params.kind == "plan";
        // What is listed of a plan is its newest revision, so that older ones have to be told from it.
        let mut before = if plans { behind } else { after };
        let types: &[&str] = if plans { &["plan.changed", "plan.ready"] } else { &["change.applied"] };
        let types = TypeFilter::new(types.iter().map(ToString::to_string).collect());
        let wanted = usize::try_from(params.limit.unwrap_or(LIMIT_DEFAULT)).unwrap_or(usize::MAX);
        let (mut items, mut seen) = (Vec::new(), BTreeSet::new());
        let (mut bytes, mut last): (usize, Option<u64>) = (0, None);
        loop {
            let page = journal.read_before(&log, before, PageLimits::MAX, Some(&types)).await;
            let page = page.map_err(|error| read_error(&error))?;
            let events = page.events.iter().rev();
            for event in events.filter_map(|event| serde_json::from_slice::<Envelope>(event.bytes()).ok()) {
                let Some((id, item)) = item(&params.kind, session, &event) else { continue };
                if !seen.insert(id) || event.seq.is_none_or(|seq| seq >= after.seq) {
                    continue;
                }
                let takes = size(&item);
                if let Some(last) = last.filter(|_| bytes + takes > PAGE_BYTES_MAX) {
                    return self.page_of(items, Some(last.to_string())).await;
                }
                items.push(item);
                if items.len() == wanted {
                    let next = event.seq.map(|seq| seq.to_string());
                    return self.page_of(items, next).await;
                }
                bytes += takes;
                last = event.seq;
            }
            if !page.more {
                return self.page_of(items, None).await;
            }
            before = page.next;
        }
    }

    async fn page_of(&self, items: Vec<Json>, next: Option<String>) -> Result<ListResult, RpcError> {
        let ends = self.0.resources.journal.ends(&LogId::All).await;
        Ok(ListResult { items, rev: ends.map_or(0, |ends| ends.head.seq), next })
    }
}

/// Makes an item of an event, with its id.
fn item(kind: &str, session: &SessionId, event: &Envelope) -> Option<(String, Json)> {
    let (seq, at, session, turn) =
        (event.seq?, event.at.clone().unwrap_or_default(), session.clone(), event.turn.clone());
    let (id, item) = match (event.body()?, kind) {
        (EventBody::ChangeApplied(change), "change") => {
            // A job's is no turn's, also where one ran at that time.
            let turn = turn.filter(|_| change.job_id.is_none());
            let item = ChangeItem {
                id: change.change_id.clone(),
                checkpoint_id: change.checkpoint_id,
                session,
                files: change.files,
                uncovered: change.uncovered,
                seq,
                at,
                turn,
                call_id: change.call_id,
                job_id: change.job_id,
            };
            (change.change_id.to_string(), Json::from_serialize(&item))
        }
        (EventBody::ChangeApplied(change), _) => {
            let id = change.checkpoint_id.to_string();
            let turn = turn.filter(|_| change.job_id.is_none());
            let (change_id, checkpoint_id) = (change.change_id, change.checkpoint_id);
            (
                id,
                Json::from_serialize(&CheckpointItem {
                    id: checkpoint_id,
                    change_id,
                    session,
                    seq,
                    at,
                    turn,
                }),
            )
        }
        (EventBody::PlanChanged(plan), _) => {
            let id = plan.plan_id.to_string();
            let item = PlanItem {
                id: plan.plan_id,
                session,
                rev: plan.rev,
                tree: plan.tree,
                seq,
                at,
                change_id: plan.change_id,
                applied: plan.applied,
                dropped: plan.dropped,
            };
            (id, Json::from_serialize(&item))
        }
        (EventBody::PlanReady(plan), _) => {
            let item = PlanItem {
                id: plan.plan_id,
                session,
                rev: plan.rev,
                tree: plan.tree,
                seq,
                at,
                change_id: Some(plan.change_id),
                applied: None,
                dropped: None,
            };
            (item.id.to_string(), Json::from_serialize(&item))
        }
        _ => return None,
    };
    Some((id, item))
}
