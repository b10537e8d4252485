//! A client attaches: brings its environment, keys and settings. Not here: the picture it gets (`picture`).
use tenon_protocol::error::{ErrorKind, Retry, RpcError};
use tenon_protocol::event::session::SessionChanged;
use tenon_protocol::ids::{RequestId, SessionId};
use tenon_protocol::open::OpenResult;
use tenon_protocol::request::{RequestItem, RequestKind};
use tenon_protocol::session::Settings;

use crate::config::environment::Variables;
use crate::session::actor::{Actor, Refusal};
use crate::session::answers::resolved;
use crate::turn::ports::{Answer, Fact};

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
                .retry(Retry::Never)
                .hint("fork it to go on: `agent/open` with `from`, or `tenon run --fork`")
                .into());
        }
        let mut changed = SessionChanged { title, ..SessionChanged::default() };
        if let Some(settings) = settings {
            self.check_profile(&settings)?;
            self.check_model(&settings)?;
            let merged = self.world.effective(&merge(&self.state.settings, settings));
            changed.settings = (merged != self.state.settings).then_some(merged);
            if changed.settings.is_some() && self.state.turn.is_some() {
                return Err(mid_turn(&self.state.id).into());
            }
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
            self.wake(&id, &Answer::plain("allow"));
        }
        Ok(self.picture().await?)
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
}

/// Whoever opens a session with other settings is not to find that the turn that runs goes on with the old ones.
fn mid_turn(id: &SessionId) -> RpcError {
    let message = format!("a turn works in session {id}: it cannot be opened with other settings now");
    RpcError::new(ErrorKind::SessionBusy, message)
        .retry(Retry::Later)
        .hint("open it without `settings`, wait for the turn, or change them from its end on with `agent/configure`")
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
