//! A session's picture for a client that attaches. Not here: what it is folded from (`state`).
use tenon_protocol::cursor::Cursor;
use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::event::session::SessionChanged;
use tenon_protocol::ids::RequestId;
use tenon_protocol::open::OpenResult;
use tenon_protocol::request::{RequestItem, RequestKind};
use tenon_protocol::session::{QueuedMessage, Settings, Snapshot, SnapshotItem, TrustState};

use crate::config::environment::Variables;
use crate::config::profile;
use crate::projections::waiting::Pending;
use crate::session::actor::{Actor, Refusal};
use crate::session::answers::resolved;
use crate::turn::ports::{Answer, Fact};

/// Bytes of the items in a snapshot; older ones are paged from the log.
const ITEMS_BYTES_MAX: usize = 768 * 1024;

impl Actor {
    /// A client attaches: takes its environment and settings, and returns the picture.
    pub(crate) async fn attach(
        &mut self,
        variables: Variables,
        settings: Option<Settings>,
        title: Option<String>,
    ) -> Result<OpenResult, Refusal> {
        self.bring(variables);
        if self.state.closed
            && (title.is_some() || settings.as_ref().is_some_and(|new| *new != Settings::default()))
        {
            let error = RpcError::new(
                ErrorKind::SessionClosed,
                format!("session {} is archived: it can be looked at, not changed", self.state.id),
            );
            return Err(error
                .hint("fork it to go on: `agent/open` with `from`, or `tenon run --fork`")
                .into());
        }
        let mut changed = SessionChanged { title, ..SessionChanged::default() };
        if let Some(settings) = settings {
            self.check_profile(&settings)?;
            self.check_model(&settings)?;
            let merged = self.world.effective(&merge(&self.state.settings, settings));
            changed.settings = (merged != self.state.settings).then_some(merged);
        }
        let environment = &self.world.environment.children;
        if !environment.is_empty() && *environment != *self.state.environment && !self.brought.is_empty() {
            changed.environment = Some(environment.clone());
        }
        let mut facts = Vec::new();
        if changed != SessionChanged::default() && !self.state.closed {
            facts.push(Fact::new(changed));
        }
        let logins = self.answered_logins();
        facts.extend(logins.iter().map(|id| resolved(id, "allow")));
        if !facts.is_empty() {
            self.commit(facts).await?;
        }
        for id in logins {
            let scope = tenon_protocol::request::Scope::Once;
            self.wake(&id, &Answer { decision: "allow".to_owned(), scope, note: None });
        }
        Ok(self.picture())
    }

    /// Returns the open login requests that the keys which are there answer.
    pub(crate) fn answered_logins(&self) -> Vec<RequestId> {
        if !self.waits_for_a_key() || !self.has_key() {
            return Vec::new();
        }
        self.logins().map(|request| request.request_id.clone()).collect()
    }

    /// Tells whether a login is asked for.
    pub(crate) fn waits_for_a_key(&self) -> bool {
        self.logins().next().is_some()
    }

    fn logins(&self) -> impl Iterator<Item = &RequestItem> {
        self.state.requests.values().filter(|request| request.kind == RequestKind::Login)
    }

    /// A model that somebody names must be one that can be named; whether there is a key for it is the prompt's question.
    pub(crate) fn check_model(&self, settings: &Settings) -> Result<(), RpcError> {
        let Some(model) = &settings.model else { return Ok(()) };
        let chosen = self.world.choose(Some(model));
        chosen.map(drop).map_err(|error| {
            RpcError::new(ErrorKind::InvalidConfig, error.to_string())
                .hint("`tenon models` lists what can be named")
        })
    }

    pub(crate) fn check_profile(&self, settings: &Settings) -> Result<(), RpcError> {
        let Some(profile) = &settings.profile else { return Ok(()) };
        if self.world.config.profiles.contains_key(profile) {
            return Ok(());
        }
        let known: Vec<&str> = self.world.config.profiles.keys().map(String::as_str).collect();
        let message = format!("profile {profile} is not known: {}", known.join(", "));
        Err(RpcError::new(ErrorKind::InvalidParams, message))
    }

    /// Returns the picture at the present end of the log.
    pub(crate) fn picture(&self) -> OpenResult {
        let state = &self.state;
        let (items, before) = self.items();
        let snapshot = Snapshot {
            state: state.state(),
            settings: self.in_force(),
            trust: self.trust(),
            items,
            requests: state.requests.values().cloned().collect(),
            queue: state
                .waiting
                .steers()
                .iter()
                .map(|steer| queued(steer, true))
                .chain(state.waiting.queue().iter().map(|next| queued(next, false)))
                .collect(),
            tests: Vec::new(),
            plans: Vec::new(),
            jobs: Vec::new(),
            usage: state.usage.clone(),
            turn_id: state.turn.as_ref().map(|turn| turn.id.clone()),
            before,
        };
        OpenResult { session: state.listed.item.clone(), snapshot, cursor: state.head }
    }

    /// Returns the settings as they are in force: an untrusted workspace caps the profile.
    fn in_force(&self) -> Settings {
        let settings = self.state.settings.clone();
        if self.trust() == TrustState::Trusted || settings.trust.is_some() {
            return settings;
        }
        Settings { profile: Some(profile::read_only().name), ..settings }
    }

    /// Returns the newest items that fit, oldest first, and where the older ones are.
    fn items(&self) -> (Vec<SnapshotItem>, Option<Cursor>) {
        let mut bytes = 0;
        let fits = |item: &&SnapshotItem| {
            bytes += item.data.0.to_string().len() + item.text.len();
            bytes <= ITEMS_BYTES_MAX
        };
        let mut items: Vec<SnapshotItem> = self.state.items.iter().rev().take_while(fits).cloned().collect();
        items.reverse();
        let cut = self.state.items_cut || items.len() < self.state.items.len();
        let first = items.first().map_or(self.state.head.seq + 1, |item| item.seq);
        let before = cut.then_some(Cursor { epoch: self.state.head.epoch, seq: first });
        (items, before)
    }
}

fn queued(pending: &Pending, steer: bool) -> QueuedMessage {
    QueuedMessage {
        message_id: pending.id.clone(),
        input: pending.input.clone(),
        steer,
        by: pending.by.clone(),
    }
}

/// Puts new settings over old ones; absent members keep what they were.
pub(crate) fn merge(old: &Settings, new: Settings) -> Settings {
    Settings {
        model: new.model.or_else(|| old.model.clone()),
        profile: new.profile.or_else(|| old.profile.clone()),
        trust: new.trust.or(old.trust),
        limits: new.limits.or_else(|| old.limits.clone()),
    }
}
