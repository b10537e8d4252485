//! A session's entry in lists, folded from its events. Not here: when it is told to whom.
use std::collections::BTreeSet;
use std::sync::Arc;

use tenon_protocol::content::{Content, plain_text};
use tenon_protocol::cursor::Cursor;
use tenon_protocol::event::EventBody;
use tenon_protocol::event::prompt::PendingOp;
use tenon_protocol::ids::{MessageId, RequestId, SessionId};
use tenon_protocol::session::{SessionItem, SessionState};

/// Characters of a title that is taken from the first message.
const TITLE_CHARS_MAX: usize = 80;

/// The title of an ephemeral session that was given none.
const EPHEMERAL: &str = "ephemeral";

/// The entry, and what it is counted from.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    /// The entry.
    pub(crate) item: SessionItem,
    open: Arc<BTreeSet<RequestId>>,
    asking: Arc<BTreeSet<RequestId>>,
    files: Arc<BTreeSet<String>>,
    waiting: Arc<BTreeSet<MessageId>>,
    busy: bool,
    /// Whether a change was announced and is not settled: who starts next has to look after it.
    changing: bool,
    closed: bool,
}

impl Listed {
    /// Makes the entry of a session without events.
    pub(crate) fn new(id: SessionId, epoch: u64) -> Self {
        let item = SessionItem {
            id,
            workspace: String::new(),
            title: String::new(),
            state: SessionState::Idle,
            model: String::new(),
            profile: String::new(),
            created_at: String::new(),
            updated_at: String::new(),
            head: Cursor { epoch, seq: 0 },
            changed_files: 0,
            cost: 0.0,
            unanswered: 0,
            parent: None,
            queued: None,
        };
        Self {
            item,
            open: Arc::default(),
            asking: Arc::default(),
            files: Arc::default(),
            waiting: Arc::default(),
            busy: false,
            changing: false,
            closed: false,
        }
    }

    /// Takes in an event at its place.
    pub(crate) fn apply(&mut self, body: &EventBody, at: &str, head: Cursor) {
        self.item.head = head;
        at.clone_into(&mut self.item.updated_at);
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "a fold takes what it is about; other events leave it alone"
        )]
        match body {
            EventBody::SessionCreated(created) => {
                self.item.workspace.clone_from(&created.workspace);
                self.item.parent.clone_from(&created.parent);
                // What is said in an ephemeral session is not told in the machine's log, which stays.
                let unnamed = if created.ephemeral == Some(true) { EPHEMERAL } else { "" };
                self.item.title = created.title.clone().unwrap_or_else(|| unnamed.to_owned());
                at.clone_into(&mut self.item.created_at);
                self.settings(&created.settings);
            }
            EventBody::SessionChanged(changed) => {
                if let Some(title) = &changed.title {
                    self.item.title.clone_from(title);
                }
                if let Some(settings) = &changed.settings {
                    self.settings(settings);
                }
            }
            EventBody::SessionClosed(_) => self.closed = true,
            EventBody::PromptAdmitted(prompt) => {
                if self.item.title.is_empty() {
                    self.item.title = title_of(&prompt.input);
                }
                Arc::make_mut(&mut self.waiting).insert(prompt.message_id.clone());
            }
            EventBody::PromptDelivered(delivered) => self.waits_no_more(&delivered.message_id),
            EventBody::PromptChanged(change) if change.op == PendingOp::Withdraw => {
                self.waits_no_more(&change.message_id);
            }
            EventBody::TurnStarted(_) => self.busy = true,
            EventBody::TurnEnded(_) => (self.busy, self.changing) = (false, false),
            EventBody::ChangeStarted(_) => self.changing = true,
            EventBody::RequestOpened(request) => {
                Arc::make_mut(&mut self.open).insert(request.request_id.clone());
                if request.turn.is_some() {
                    Arc::make_mut(&mut self.asking).insert(request.request_id.clone());
                }
            }
            EventBody::RequestResolved(resolved) => {
                Arc::make_mut(&mut self.open).remove(&resolved.request_id);
                Arc::make_mut(&mut self.asking).remove(&resolved.request_id);
            }
            EventBody::ChangeApplied(change) => {
                // What a job did is recorded beside whatever is written at that time.
                self.changing &= change.job_id.is_some();
                Arc::make_mut(&mut self.files).extend(change.files.iter().map(|file| file.path.clone()));
            }
            EventBody::UsageChanged(usage) => self.item.cost = usage.usage.cost.unwrap_or(0.0),
            _ => {}
        }
        self.count();
    }

    fn settings(&mut self, settings: &tenon_protocol::session::Settings) {
        self.item.model = settings.model.clone().unwrap_or_default();
        self.item.profile = settings.profile.clone().unwrap_or_default();
    }

    fn waits_no_more(&mut self, id: &MessageId) {
        Arc::make_mut(&mut self.waiting).remove(id);
    }

    fn count(&mut self) {
        let waiting = u64::try_from(self.waiting.len()).unwrap_or(u64::MAX);
        self.item.queued = (waiting > 0).then_some(waiting);
        self.item.changed_files = u64::try_from(self.files.len()).unwrap_or(u64::MAX);
        self.item.unanswered = u64::try_from(self.open.len()).unwrap_or(u64::MAX);
        self.item.state = if self.closed {
            SessionState::Closed
        } else if !self.busy && !self.changing {
            SessionState::Idle
        } else if self.asking.is_empty() {
            SessionState::Running
        } else {
            SessionState::Waiting
        };
    }
}

fn title_of(input: &[Content]) -> String {
    let text = plain_text(input);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("untitled");
    line.chars().filter(|c| !c.is_control()).take(TITLE_CHARS_MAX).collect()
}
