//! Requests: asked by the turn, answered by people, bound to what was shown. Not here: who is asked what (`turn::call`).
use tenon_protocol::answer::AnswerParams;
use tenon_protocol::apply::Selected;
use tenon_protocol::change::ConflictKind;
use tenon_protocol::error::{ErrorKind, Retry, RpcError};
use tenon_protocol::event::all::{GrantAdded, GrantItem, WorkspaceAdded};
use tenon_protocol::event::session::{By, RequestResolved};
use tenon_protocol::ids::{GrantId, RequestId};
use tenon_protocol::open::SeqResult;
use tenon_protocol::request::{RequestItem, RequestKind, RequestOption, Scope, Subject};
use tenon_protocol::session::TrustState;

use crate::base::digest::Digest;
use crate::base::{ids, uri};
use crate::journal::{AppendError, ItemKind, ItemWrite};
use crate::session::actor::{Actor, Beside, Refusal};
use crate::session::command::Reply;
use crate::session::trusted;
use crate::turn::ports::{Answer, Fact};
use crate::turn::unsaved::CLEAN;
use crate::workspace::path::RelPath;

impl Actor {
    /// Opens a request of the turn and keeps its asker waiting; takes up one that is open or answered already.
    pub(crate) async fn ask(
        &mut self,
        request: RequestItem,
        reply: Reply<Answer>,
    ) -> Result<(), AppendError> {
        if let Some(done) = self.state.answered(&request) {
            let (decision, note, select) = (done.decision.clone(), done.note.clone(), done.select.clone());
            let _gone = reply.send(Answer { decision, scope: Scope::Once, note, select });
            return Ok(());
        }
        if request.kind == RequestKind::Login {
            // A key that came between the try and its question: nobody needs to be asked.
            self.refresh_world();
            if self.has_key() {
                let _gone = reply.send(Answer::plain("allow"));
                return Ok(());
            }
        }
        let open = self.state.open_request(&request).map(|open| open.request_id.clone());
        let id = open.clone().unwrap_or_else(|| request.request_id.clone());
        if open.is_none() {
            let mut facts = self.outdated(&request);
            facts.push(Fact::new(request));
            self.commit(facts).await?;
        }
        let now = self.resources.clock.now();
        if let Some(turn) = &mut self.turn {
            turn.waited.1.get_or_insert(now);
            turn.asking.entry(id).or_default().push(reply);
        }
        Ok(())
    }

    /// Resolves questions of the same call whose digest is not true any more.
    fn outdated(&self, request: &RequestItem) -> Vec<Fact> {
        let same_call = |open: &&RequestItem| open.call_id.is_some() && open.call_id == request.call_id;
        let outdated = self.state.requests.values().filter(same_call);
        outdated.map(|open| resolved(&open.request_id, "outdated")).collect()
    }

    /// Takes an answer: the first committed one wins.
    pub(crate) async fn answer(
        &mut self,
        params: AnswerParams,
        by: Option<By>,
    ) -> Result<SeqResult, Refusal> {
        let Some(request) = self.state.requests.get(&params.request_id).cloned() else {
            return Err(self.too_late(&params.request_id).into());
        };
        let choice = Choice::of(&request, &params)?;
        let select = selection(&request, &params, &choice)?;
        let mut beside = Beside::default();
        let mut granted = Vec::new();
        if choice.allows && choice.scope == Scope::Always && request.kind == RequestKind::Approval {
            // One line of the pattern is one grant: what a command needs is granted, and taken back, piece by piece.
            let patterns = choice.pattern.iter().flat_map(|pattern| pattern.lines());
            granted.extend(patterns.map(|pattern| self.grant(pattern.to_owned(), &mut beside)));
        }
        let mut trusted = None;
        if request.kind == RequestKind::Trust && choice.allows {
            let Some(item) = self.trust_shown(&request).await? else {
                let message =
                    "what trust would enable has changed since it was asked about; it is asked again";
                return Err(RpcError::new(ErrorKind::ContentModified, message).retry(Retry::Never).into());
            };
            beside.items.push(trusted::entry(&item.id, Some(&item)));
            beside.machine.push(Fact::new(WorkspaceAdded { item: item.clone() }));
            trusted = Some(item);
        }
        let fact = RequestResolved {
            request_id: request.request_id.clone(),
            decision: choice.decision.clone(),
            scope: Some(choice.scope),
            by,
            pattern: choice.pattern.clone(),
            form: params.form,
            note: params.note.clone(),
            select: select.clone(),
        };
        self.commit_with(vec![Fact::new(fact)], beside).await?;
        for grant in granted {
            self.resources.standing.grant(grant);
        }
        if let Some(item) = trusted {
            self.resources.standing.trust(item);
        }
        // Of a conflict's choices none is a plain yes.
        let plain = choice.allows && request.kind != RequestKind::Conflict;
        let decision = if plain { "allow".to_owned() } else { choice.decision };
        let seq = self.state.head.seq;
        let answer = Answer { decision, scope: choice.scope, note: params.note, select };
        self.wake(&request.request_id, &answer);
        self.apply_answered(&request.request_id, &answer.decision).await?;
        Ok(SeqResult { seq })
    }

    fn too_late(&self, id: &RequestId) -> RpcError {
        let Some(done) = self.state.resolved.iter().rev().find(|done| done.item.request_id == *id) else {
            return RpcError::new(ErrorKind::RequestNotFound, format!("request {id} is not known"));
        };
        already(id, done.by.as_ref(), &done.decision)
    }

    /// Tells everyone who waits for an answer.
    pub(crate) fn wake(&mut self, id: &RequestId, answer: &Answer) {
        let now = self.resources.clock.now();
        let Some(turn) = &mut self.turn else { return };
        for reply in turn.asking.remove(id).unwrap_or_default() {
            let _gone = reply.send(answer.clone());
        }
        if turn.asking.is_empty()
            && let Some(since) = turn.waited.1.take()
        {
            turn.waited.0 += now.since(since);
        }
    }

    fn grant(&self, pattern: String, beside: &mut Beside) -> GrantItem {
        let id: GrantId = ids::new(&*self.resources.entropy);
        let workspace = self.state.listed.item.workspace.clone();
        let created_at = self.resources.clock.now().to_rfc3339();
        let item = GrantItem { id, pattern, workspace, created_at };
        beside.items.push(ItemWrite {
            kind: ItemKind::Grant,
            id: item.id.to_string(),
            group: item.workspace.clone(),
            json: serde_json::to_string(&item).ok(),
        });
        beside.machine.push(Fact::new(GrantAdded { item: item.clone() }));
        item
    }

    /// Tells whether the workspace is trusted.
    pub(crate) fn trust(&self) -> TrustState {
        if self.resources.standing.trusts(&self.state.listed.item.workspace) {
            TrustState::Trusted
        } else if self.trust_request().is_some() {
            TrustState::Pending
        } else {
            TrustState::Untrusted
        }
    }

    /// Somebody saved or closed a file, or opened one: questions about files that are saved now are answered by that.
    pub(crate) async fn unsaved_changed(&mut self) -> Result<(), AppendError> {
        if !self.state.requests.values().any(|request| request.kind == RequestKind::Conflict) {
            return Ok(());
        }
        let unsaved = self.resources.board.unsaved_in(&self.state.id, &self.root);
        let is_over = |request: &&RequestItem| {
            let Subject::Conflict { conflicts } = &request.subject else { return false };
            conflicts.iter().all(|conflict| {
                let path = RelPath::from_wire(&conflict.path, conflict.path_encoded == Some(true));
                conflict.kind == ConflictKind::Dirty && path.is_ok_and(|path| !unsaved.0.contains_key(&path))
            })
        };
        let over: Vec<RequestId> =
            self.state.requests.values().filter(is_over).map(|request| request.request_id.clone()).collect();
        if over.is_empty() {
            return Ok(());
        }
        self.commit(over.iter().map(|id| resolved(id, CLEAN)).collect()).await?;
        for id in &over {
            self.wake(id, &Answer::plain(CLEAN));
            self.apply_answered(id, CLEAN).await?;
        }
        Ok(())
    }

    pub(crate) fn trust_request(&self) -> Option<&RequestItem> {
        self.state.requests.values().find(|request| request.kind == RequestKind::Trust)
    }

    /// Returns the question whether a workspace is trusted; `enables` is what trust would enable, and `shown` what the answer
    /// is bound to.
    pub(crate) fn trust_question(&self, enables: Vec<String>, shown: &Digest, reason: &str) -> Fact {
        let workspace = uri::of_path(self.root.path());
        let request_id: RequestId = ids::new(&*self.resources.entropy);
        let option = |id: &str, label: &str, scope| RequestOption {
            id: id.to_owned(),
            label: label.to_owned(),
            scope: Some(scope),
            pattern: None,
        };
        Fact::new(RequestItem {
            request_id,
            kind: RequestKind::Trust,
            title: format!("trust {}?", self.root.path().display()),
            subject: Subject::Trust { workspace, enables },
            options: vec![
                option("allow", "Trust it", Scope::Always),
                option("deny", "Stay read-only", Scope::Session),
            ],
            session: self.state.id.clone(),
            digest: Some(shown.to_string()),
            call_id: None,
            turn: None,
            reason: Some(reason.to_owned()),
        })
    }

    /// Trust was given or taken back somewhere: resolves the open question and reads the configuration anew.
    pub(crate) async fn trust_changed(&mut self) -> Result<(), AppendError> {
        self.refresh_world();
        self.resolve_trust().await
    }

    /// Resolves the open question for trust, if the workspace is trusted.
    pub(crate) async fn resolve_trust(&mut self) -> Result<(), AppendError> {
        let trusted = self.resources.standing.trusts(&self.state.listed.item.workspace);
        let open = self.trust_request().map(|request| request.request_id.clone());
        match open {
            Some(id) if trusted => self.commit(vec![resolved(&id, "allow")]).await,
            _ => Ok(()),
        }
    }
}

/// Returns what everybody is told whose answer came second.
pub(crate) fn already(id: &RequestId, by: Option<&By>, decision: &str) -> RpcError {
    let message = format!("request {id} was answered already: {decision}");
    let error = RpcError::new(ErrorKind::AlreadyResolved, message).retry(Retry::Never);
    error.with("by", by).with("decision", decision)
}

/// Returns the fact that the agent itself resolved a request.
pub(crate) fn resolved(id: &RequestId, decision: &str) -> Fact {
    Fact::new(RequestResolved {
        request_id: id.clone(),
        decision: decision.to_owned(),
        scope: None,
        by: None,
        pattern: None,
        form: None,
        note: None,
        select: None,
    })
}

/// Returns which hunks are allowed, where not all of the edit is. A selection that makes no sense decides nothing.
fn selection(
    request: &RequestItem,
    params: &AnswerParams,
    choice: &Choice,
) -> Result<Option<Vec<Selected>>, RpcError> {
    let Some(select) = &params.select else { return Ok(None) };
    let invalid = |message: &str| Err(RpcError::new(ErrorKind::InvalidParams, message));
    let Subject::Edit { files, .. } = &request.subject else {
        return invalid("select is for requests about an edit");
    };
    if !choice.allows || choice.scope != Scope::Once {
        return invalid("select goes with an edit that is allowed once");
    }
    let mut all = true;
    let mut chosen = 0;
    for file in files {
        let numbers: Vec<u32> = file.hunks.iter().map(|hunk| hunk.n).collect();
        let mut named = select.iter().filter(|one| one.path == file.path);
        let hunks = match named.next() {
            None => Vec::new(),
            Some(one) => one.hunks.clone().unwrap_or_else(|| numbers.clone()),
        };
        if named.next().is_some() || hunks.iter().any(|hunk| !numbers.contains(hunk)) {
            return invalid("select names a file twice, or a hunk that is not there");
        }
        all &= numbers.iter().all(|number| hunks.contains(number));
        chosen += hunks.len();
    }
    if chosen == 0 || select.iter().any(|one| files.iter().all(|file| file.path != one.path)) {
        return invalid("select names nothing of the edit; `deny` refuses all of it");
    }
    Ok((!all).then(|| select.clone()))
}

/// An answer that was understood.
struct Choice {
    decision: String,
    allows: bool,
    scope: Scope,
    pattern: Option<String>,
}

impl Choice {
    /// Understands an answer: `allow`, `deny`, or the id of an option; anything else decides nothing.
    fn of(request: &RequestItem, params: &AnswerParams) -> Result<Self, RpcError> {
        let option = request.options.iter().find(|option| option.id == params.decision);
        let allows = match (params.decision.as_str(), option) {
            ("deny" | "never", _) => false,
            ("allow", _) if request.kind != RequestKind::Conflict => true,
            (_, Some(_)) => true,
            (other, None) => {
                let known: Vec<&str> = request.options.iter().map(|option| option.id.as_str()).collect();
                let message = format!("{other} is no decision of request {}", request.request_id);
                return Err(RpcError::new(ErrorKind::InvalidParams, message).with("options", &known));
            }
        };
        let scope = params.scope.or(option.and_then(|option| option.scope)).unwrap_or(Scope::Once);
        let shown =
            |pattern: &String| request.options.iter().any(|option| option.pattern.as_ref() == Some(pattern));
        let pattern = match &params.pattern {
            Some(pattern) if !shown(pattern) => {
                let message = format!("pattern {pattern} was not offered by request {}", request.request_id);
                return Err(RpcError::new(ErrorKind::InvalidParams, message));
            }
            Some(pattern) => Some(pattern.clone()),
            None if scope == Scope::Once => None,
            None => request.options.iter().find_map(|option| option.pattern.clone()),
        };
        Ok(Self { decision: params.decision.clone(), allows, scope, pattern })
    }
}
