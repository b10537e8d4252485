//! What a snapshot shows of a session, and how it is kept below its limit: the newest things are read from the log, large ones
//! are shortened, and older ones are paged from the log. Not here: what attaching changes (`snapshot`).
use serde::Serialize;
use serde::de::DeserializeOwned;
use tenon_protocol::cursor::Cursor;
use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::event::change::{PlanChanged, StepStatus};
use tenon_protocol::json::Json;
use tenon_protocol::open::OpenResult;
use tenon_protocol::session::{QueuedMessage, Settings, Snapshot, SnapshotItem, TrustState};
use tenon_protocol::version::SNAPSHOT_BYTES_MAX;

use crate::config::profile;
use crate::journal::{Journal, LogId, PageLimits, ReadError, TypeFilter};
use crate::projections::cut::{shorten, size};
use crate::projections::waiting::Pending;
use crate::session::actor::Actor;
use crate::session::apply::{Chosen, changed};
use crate::session::descendants;
use crate::session::state::State;
use crate::workspace::harness;

/// Closing events that a snapshot shows; older ones are paged from the log.
const ITEMS_MAX: usize = 200;

/// The types of them.
const ITEM_TYPES: [&str; 4] = ["message.ended", "tool.proposed", "tool.ended", "change.applied"];

/// Plans that a snapshot shows; `agent/list` has them all.
const PLANS_MAX: usize = 16;

/// Bytes of one item; a larger one is shortened, so that one file does not hide the conversation.
const ITEM_BYTES_MAX: usize = 64 << 10;

/// Bytes of the open requests (the session's, and its descendants'), of the messages that wait, of the todo list, of the plans, and of the jobs. What exceeds them is shortened, each by its share.
const REQUESTS_BYTES_MAX: usize = 192 << 10;
const QUEUE_BYTES_MAX: usize = 192 << 10;
const PLAN_BYTES_MAX: usize = 64 << 10;
const JOBS_BYTES_MAX: usize = 64 << 10;

/// Events that are looked at for a page of items.
const PAGE: PageLimits = PageLimits { events: 64, bytes: 1 << 20, scanned: 2_000 };

impl Actor {
    /// Returns the picture at the present end of the log: at most 1 MiB.
    ///
    /// # Errors
    /// The log cannot be read.
    pub(crate) async fn picture(&mut self) -> Result<OpenResult, RpcError> {
        let (state, journal) = (&self.state, &self.resources.journal);
        let mut requests: Vec<_> = state.requests.values().cloned().collect();
        fit(&mut requests, REQUESTS_BYTES_MAX);
        let steers = state.waiting.steers().iter().map(|steer| queued(steer, true));
        let mut queue: Vec<_> =
            steers.chain(state.waiting.queue().iter().map(|next| queued(next, false))).collect();
        fit(&mut queue, QUEUE_BYTES_MAX);
        let mut jobs: Vec<_> = state.jobs.values().cloned().collect();
        fit(&mut jobs, JOBS_BYTES_MAX);
        let unreadable = |error: ReadError| {
            RpcError::new(ErrorKind::Internal, format!("session {} cannot be read: {error}", state.id))
        };
        let mut below = descendants::requests(journal, &state.id).await.map_err(unreadable)?;
        fit(&mut below, REQUESTS_BYTES_MAX);
        let mut snapshot = Snapshot {
            state: state.state(),
            settings: self.in_force(),
            trust: self.trust(),
            items: Vec::new(),
            requests,
            queue,
            tests: harness::names(self.root.path()).into_iter().map(str::to_owned).collect(),
            plans: plan(state, journal).await.map_err(unreadable)?.into_iter().chain(staged(state)).collect(),
            jobs: jobs.iter().map(Json::from_serialize).collect(),
            usage: state.usage.clone(),
            turn_id: state.turn.as_ref().map(|turn| turn.id.clone()),
            descendant_requests: (!below.is_empty()).then_some(below),
            before: Some(state.head),
        };
        // A separator an item is all that comes on top.
        let room = SNAPSHOT_BYTES_MAX.saturating_sub(size(&snapshot) + ITEMS_MAX);
        (snapshot.items, snapshot.before) = items(state, journal, room).await.map_err(unreadable)?;
        Ok(OpenResult { session: state.listed.item.clone(), snapshot, cursor: state.head })
    }

    /// Returns the settings as they are in force: an untrusted workspace caps the profile.
    fn in_force(&self) -> Settings {
        let settings = self.state.settings.clone();
        if self.trust() == TrustState::Trusted || settings.trust.is_some() {
            return settings;
        }
        Settings { profile: Some(profile::read_only().name), ..settings }
    }
}

/// Returns the plans of which something can still be applied, and the one that the running turn makes, as `plan.changed` tells
/// them; the newest first, as many as there is room for.
fn staged(state: &State) -> Vec<Json> {
    let mut plans: Vec<(u64, Json)> = Vec::new();
    if let Some((id, draft)) = state.plans.making() {
        let (plan_id, rev, tree) = (id.clone(), draft.rev, draft.tree.clone());
        let told =
            PlanChanged { plan_id, rev, tree, change_id: None, applied: None, dropped: None, tests: None };
        plans.push((u64::MAX, Json::from_serialize(&told)));
    }
    let making = state.plans.making().map(|(id, _)| id);
    let open = state.plans.all().filter(|(id, plan)| plan.is_open() && making != Some(id));
    plans.extend(
        open.map(|(id, plan)| (plan.seq, Json::from_serialize(&changed(id.clone(), plan, &Chosen::new())))),
    );
    plans.sort_by_key(|(seq, _)| std::cmp::Reverse(*seq));
    plans.truncate(PLANS_MAX);
    let share = PLAN_BYTES_MAX / plans.len().max(1);
    plans
        .into_iter()
        .map(|(_, mut json)| {
            shorten(&mut json, share);
            json
        })
        .collect()
}

/// Returns the todo list, as long as a step of it is not done.
async fn plan(state: &State, journal: &Journal) -> Result<Option<Json>, ReadError> {
    let Some(plan) = &state.plan else { return Ok(None) };
    let before = Cursor { epoch: state.head.epoch, seq: plan.seq - 1 };
    let log = LogId::Session(state.id.clone());
    let page = journal.read_after(&log, before, PageLimits::events(1), None).await?;
    let item =
        page.events.first().and_then(|event| serde_json::from_slice::<SnapshotItem>(event.bytes()).ok());
    let Some(mut data) = item.map(|item| item.data) else { return Ok(None) };
    let open = |step: &tenon_protocol::event::change::PlanStep| {
        !matches!(step.status, StepStatus::Done | StepStatus::Dropped)
    };
    let is_open = data.parse::<PlanChanged>().is_ok_and(|plan| plan.tree.iter().any(open));
    shorten(&mut data, PLAN_BYTES_MAX);
    Ok(is_open.then_some(data))
}

/// Returns the newest items that fit, oldest first, and where the older ones are.
async fn items(
    state: &State,
    journal: &Journal,
    mut room: usize,
) -> Result<(Vec<SnapshotItem>, Option<Cursor>), ReadError> {
    let head = state.head;
    let log = LogId::Session(state.id.clone());
    let types = TypeFilter::new(ITEM_TYPES.map(str::to_owned).to_vec());
    let wanted = usize::try_from(state.shown).unwrap_or(ITEMS_MAX).min(ITEMS_MAX);
    let mut items: Vec<SnapshotItem> = Vec::new();
    let mut before = Cursor { epoch: head.epoch, seq: head.seq + 1 };
    'reading: while items.len() < wanted {
        let page = journal.read_before(&log, before, PAGE, Some(&types)).await?;
        for event in page.events.iter().rev() {
            let Some(item) = shown(event.bytes()) else { continue };
            let taken = size(&item);
            if taken > room || items.len() == wanted {
                break 'reading;
            }
            room -= taken;
            items.push(item);
        }
        if !page.more {
            break;
        }
        before = page.next;
    }
    items.reverse();
    let is_cut = u64::try_from(items.len()).unwrap_or(u64::MAX) < state.shown;
    let first = items.first().map_or(head.seq + 1, |item| item.seq);
    Ok((items, is_cut.then_some(Cursor { epoch: head.epoch, seq: first })))
}

/// Reads an item from its event; `None` for a message that was withdrawn.
fn shown(event: &[u8]) -> Option<SnapshotItem> {
    let mut item: SnapshotItem = serde_json::from_slice(event).ok()?;
    if item.data.0.get("superseded").is_some_and(|superseded| *superseded == true) {
        return None;
    }
    if event.len() > ITEM_BYTES_MAX {
        item.cut = shorten(&mut item.data, ITEM_BYTES_MAX).then_some(true);
    }
    Some(item)
}

/// Shortens the largest of a list until the whole takes at most `bytes_max`.
fn fit<T: Serialize + DeserializeOwned>(list: &mut [T], bytes_max: usize) {
    if list.is_empty() || size(&list) <= bytes_max {
        return;
    }
    let share = bytes_max / list.len();
    for element in list {
        let mut json = Json::from_serialize(element);
        if shorten(&mut json, share)
            && let Ok(short) = json.parse()
        {
            *element = short;
        }
    }
}

fn queued(pending: &Pending, steer: bool) -> QueuedMessage {
    QueuedMessage {
        message_id: pending.id.clone(),
        input: pending.input.clone(),
        steer,
        by: pending.by.clone(),
        plan_id: pending.plan.clone(),
    }
}
