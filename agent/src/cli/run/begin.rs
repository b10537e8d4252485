//! Opening the session of a run, and sending its prompt. Not here: what becomes of it.
use tenon_client::Client;
use tenon_protocol::content::Content;
use tenon_protocol::cursor::Cursor;
use tenon_protocol::ids::{PlanId, SessionId};
use tenon_protocol::list::{ListFilter, ListParams};
use tenon_protocol::methods::{Close, List, Open, Plan};
use tenon_protocol::open::{CloseHow, CloseParams, ForkFrom, OpenParams};
use tenon_protocol::plan::{PlanParams, PlanResult};
use tenon_protocol::prompt::{PromptParams, PromptResult};
use tenon_protocol::request::RequestItem;
use tenon_protocol::session::{SessionItem, SessionLimits, SessionState, Settings, TrustSetting, TrustState};

use crate::cli::failure::{Failure, FailureKind};
use crate::cli::plan::{self, LAST};
use crate::cli::surroundings::Surroundings;

/// What the arguments ask of the session.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wishes {
    pub(crate) model: Option<String>,
    pub(crate) profile: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) fork: Option<ForkFrom>,
    pub(crate) ephemeral: bool,
    pub(crate) continue_newest: bool,
    /// The newest session of the workspace, or a new one where there is none.
    pub(crate) newest_or_new: bool,
    pub(crate) max_steps: Option<u32>,
    pub(crate) max_cost: Option<f64>,
}

/// The session as it was when it was opened.
#[derive(Clone, Debug)]
pub(crate) struct Begun {
    pub(crate) session: SessionId,
    /// Where to observe from.
    pub(crate) cursor: Cursor,
    pub(crate) state: SessionState,
    /// Whether the workspace's trust caps the profile in this run.
    pub(crate) capped: bool,
    /// Requests nobody has answered yet.
    pub(crate) requests: Vec<RequestItem>,
    /// Whether this run made it.
    pub(crate) new: bool,
}

/// Reads `SESSION` or `SESSION@SEQ`.
pub(crate) fn fork(text: &str) -> Result<ForkFrom, String> {
    let Some((id, seq)) = text.split_once('@') else {
        return Ok(ForkFrom { session_id: text.into(), at: None });
    };
    let at = seq.parse().map_err(|_| "SESSION or SESSION@SEQ expected, such as s_…@57".to_owned())?;
    Ok(ForkFrom { session_id: id.into(), at: Some(at) })
}

/// Opens the session the arguments name, or a new one.
pub(crate) async fn open(
    client: &Client,
    surroundings: &Surroundings,
    wishes: &Wishes,
) -> Result<Begun, Failure> {
    let workspace = surroundings.workspace_uri()?;
    let session_id = match &wishes.session {
        Some(id) => Some(SessionId::from(id.as_str())),
        None if wishes.continue_newest => Some(newest(client, &workspace).await?.id),
        None if wishes.newest_or_new && wishes.fork.is_none() => match newest(client, &workspace).await {
            Ok(session) => Some(session.id),
            Err(none) if none.kind == FailureKind::NoSession => None,
            Err(failure) => return Err(failure),
        },
        None => None,
    };
    let new = session_id.is_none();
    let params = OpenParams {
        // A fork works where its parent does, wherever it is made.
        workspace: (new && wishes.fork.is_none()).then_some(workspace),
        session_id,
        from: wishes.fork.clone(),
        settings: Some(settings(wishes)),
        ephemeral: wishes.ephemeral.then_some(true),
        ..OpenParams::default()
    };
    let opened = client.call::<Open>(&params).await?;
    let trusted = opened.snapshot.trust == TrustState::Trusted;
    Ok(Begun {
        session: opened.session.id,
        cursor: opened.cursor,
        state: opened.snapshot.state,
        capped: !trusted && wishes.profile.is_none(),
        requests: opened.snapshot.requests,
        new,
    })
}

/// Deletes a session in which nothing was said. That it stays when this fails does no harm.
pub(crate) async fn discard(client: &Client, session: &SessionId) {
    let params = CloseParams { session_id: session.clone(), how: CloseHow::Delete };
    let _stays = client.call::<Close>(&params).await;
}

/// Returns the newest session of a workspace, a `file://` URI.
///
/// # Errors
/// It has none.
pub(crate) async fn newest(client: &Client, workspace: &str) -> Result<SessionItem, Failure> {
    let filter = ListFilter { workspace: Some(workspace.to_owned()), ..ListFilter::default() };
    let params = ListParams { filter: Some(filter), limit: Some(1), ..ListParams::of("session") };
    let listed = client.call::<List>(&params).await?;
    let item = listed.items.first().and_then(|item| item.parse::<SessionItem>().ok());
    item.ok_or_else(|| {
        Failure::new(FailureKind::NoSession, "there is no session in this workspace yet")
            .hint("`tenon sessions` lists those of all workspaces")
    })
}

/// Sends the prompt.
pub(crate) async fn admit(
    client: &Client,
    session: &SessionId,
    input: Vec<Content>,
) -> Result<PromptResult, Failure> {
    Ok(client.prompt(PromptParams::new(session.clone(), input)).await?)
}

/// Sends the goal of a plan.
pub(crate) async fn goal(
    client: &Client,
    session: &SessionId,
    goal: Vec<Content>,
    revise: Option<&str>,
) -> Result<PlanResult, Failure> {
    let revise = match revise {
        Some(LAST) => Some(plan::newest(client, session.as_str(), true).await?.id),
        other => other.map(PlanId::from),
    };
    let params = PlanParams { session_id: session.clone(), goal, revise, key: None };
    Ok(client.call::<Plan>(&params).await?)
}

fn settings(wishes: &Wishes) -> Settings {
    let limits = SessionLimits { steps: wishes.max_steps, cost_usd: wishes.max_cost, turn_timeout_s: None };
    Settings {
        model: wishes.model.clone(),
        profile: wishes.profile.clone(),
        // Naming a profile is the person's word for this run: it lifts the cap of an untrusted workspace, no more.
        trust: wishes.profile.is_some().then_some(TrustSetting::Session),
        limits: (limits != SessionLimits::default()).then_some(limits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fork_names_a_session_and_may_name_a_place() {
        let from = |text| fork(text).map(|from| (from.session_id.to_string(), from.at));
        assert_eq!(from("s_1"), Ok(("s_1".to_owned(), None)));
        assert_eq!(from("s_1@57"), Ok(("s_1".to_owned(), Some(57))));
        assert!(from("s_1@last").is_err());
    }

    #[test]
    fn nothing_asked_is_nothing_set() {
        assert_eq!(settings(&Wishes::default()), Settings::default());
    }

    #[test]
    fn a_profile_by_name_lifts_the_cap_for_the_session() {
        let wishes = Wishes { profile: Some("edit".to_owned()), max_steps: Some(3), ..Wishes::default() };
        let settings = settings(&wishes);
        assert_eq!(settings.trust, Some(TrustSetting::Session));
        assert_eq!(settings.limits.and_then(|limits| limits.steps), Some(3));
    }
}
