//! Playing the demonstration: a client like any other, which answers every question with yes and says so. Not here: what
//! is played (`project`).
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use tenon_client::{Client, ClientOptions, Endpoint, Item, ObserveOptions, Start, Subscription};
use tenon_protocol::admin::{AdminOp, AdminParams};
use tenon_protocol::answer::AnswerParams;
use tenon_protocol::content::{Content, plain_text};
use tenon_protocol::event::message::MessageRole;
use tenon_protocol::event::turn::{Stop, TurnEnded};
use tenon_protocol::event::{Envelope, EventBody};
use tenon_protocol::ids::{CallId, SessionId};
use tenon_protocol::log::{After, LogParams};
use tenon_protocol::methods::{Admin, Answer, Log, Open};
use tenon_protocol::open::OpenParams;
use tenon_protocol::prompt::PromptParams;
use tenon_protocol::request::{RequestItem, Subject};
use tenon_protocol::session::{Settings, TrustSetting};
use tenon_protocol::tool::CallStatus;

use crate::cli::demo::project::{MODEL, PROMPT};
use crate::cli::demo::reverted;
use crate::cli::demo::scratch::Scratch;
use crate::cli::demo::staged;
use crate::cli::failure::Failure;
use crate::cli::log::person;
use crate::cli::run::ask::Question;
use crate::cli::run::patch;
use crate::cli::run::signals::Signals;
use crate::cli::surroundings::{Presence, hello};
use crate::cli::terminal::{Terminal, safe, safe_line};
use crate::config::environment::Variables;

/// How long the whole may take; it takes about two seconds.
const PLAY_TIMEOUT: Duration = Duration::from_mins(1);

/// Lines shown of what a call returned.
const RESULT_LINES_MAX: usize = 6;

/// What became of the demonstration.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Played {
    /// The process id of its agent.
    pub(crate) agent: Option<u32>,
    /// Whether a person interrupted it.
    pub(crate) interrupted: bool,
}

/// What has been seen so far.
pub(super) struct Seen {
    terminal: Terminal,
    titles: BTreeMap<CallId, String>,
    /// While the model writes: what came in between, since pure calls run before its message is whole.
    held: Option<Vec<String>>,
    /// The patch of the approved edit.
    patch: Option<String>,
    ended: Option<TurnEnded>,
}

/// Starts the demonstration's agent, plays, and tells the agent to leave.
pub(crate) async fn play(
    scratch: &Scratch,
    program: &Path,
    ambient: &Variables,
    terminal: Terminal,
) -> Result<Played, Failure> {
    let mut signals = Signals::listen()?;
    let variables = scratch.variables(ambient);
    let start = Start { program: program.to_owned(), environment: variables.clone(), build: None };
    let endpoint = Endpoint { state_dir: scratch.state_dir(), start: Some(start) };
    let options = ClientOptions { hello: hello(Presence::Asking), environment: variables, waiting: None };
    let client = tokio::select! {
        client = Client::connect(endpoint, options) => client?,
        () = signals.next() => return Ok(Played { agent: None, interrupted: true }),
    };
    let agent = Some(client.agent().await?.instance.pid);
    let outcome = tokio::select! {
        outcome = turn(&client, scratch, terminal) => outcome.map(|()| false),
        () = signals.next() => Ok(true),
        () = tokio::time::sleep(PLAY_TIMEOUT) => Err(Failure::failed("the demonstration took too long")),
    };
    let leave = AdminParams::of(AdminOp::Stop);
    // Whether it answers or not, the caller waits for its end.
    client.call::<Admin>(&leave).await.ok();
    Ok(Played { agent, interrupted: outcome? })
}

async fn turn(client: &Client, scratch: &Scratch, terminal: Terminal) -> Result<(), Failure> {
    let project = scratch.project().display().to_string();
    let settings = Settings {
        model: Some(MODEL.to_owned()),
        profile: Some("review".to_owned()),
        trust: Some(TrustSetting::Session),
        limits: None,
    };
    let params =
        OpenParams { workspace: Some(project.clone()), settings: Some(settings), ..OpenParams::default() };
    let opened = client.call::<Open>(&params).await?;
    let session = opened.session.id;
    terminal.line(&format!("A sample project in {project}, a scripted model, the real agent.\n"))?;
    terminal.line(&format!("{} {PROMPT}\n", terminal.bold("you:")))?;
    let mut events =
        client.observe(session.as_str(), After::Cursor(opened.cursor), ObserveOptions::default()).await?;
    client.prompt(PromptParams::new(session.clone(), vec![Content::text(PROMPT)])).await?;
    let mut seen = Seen::new(terminal);
    follow(client, &mut events, &mut seen).await?;
    let Some(patch) = &seen.patch else { return Err(Failure::failed("the demonstration changed nothing")) };
    terminal.line(&format!("\n{}", terminal.bold("What changed")))?;
    terminal.print(&patch::render(terminal, patch))?;
    let applied = staged::play(client, &session, &mut events, terminal).await?;
    reverted::play(client, scratch, &session, applied, terminal).await?;
    log(client, &session, terminal).await
}

/// Follows the turn to its end.
pub(super) async fn follow(
    client: &Client,
    events: &mut Subscription,
    seen: &mut Seen,
) -> Result<(), Failure> {
    while seen.ended.is_none() {
        let Item::Event(event) = events.next().await? else { continue };
        seen.event(client, &event).await?;
    }
    match &seen.ended {
        Some(ended) if ended.stop == Stop::Done => Ok(()),
        Some(TurnEnded { error: Some(error), .. }) => Err(Failure::failed(error.message.clone())),
        Some(_) | None => Err(Failure::failed("the demonstration did not come to its end")),
    }
}

impl Seen {
    /// Begins before anything was seen.
    pub(super) fn new(terminal: Terminal) -> Self {
        Self { terminal, titles: BTreeMap::new(), held: None, patch: None, ended: None }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "it shows what tells the story and lets the rest pass"
    )]
    async fn event(&mut self, client: &Client, event: &Envelope) -> Result<(), Failure> {
        let Some(body) = event.body() else { return Ok(()) };
        match body {
            EventBody::MessageStarted(message) if message.role == MessageRole::Assistant => {
                self.held.get_or_insert_default();
            }
            EventBody::MessageEnded(message) if message.role == MessageRole::Assistant => {
                let text = plain_text(&message.content);
                if !text.is_empty() {
                    self.terminal.line(&format!("{} {}", self.terminal.bold("agent:"), safe(&text)))?;
                }
                for line in self.held.take().unwrap_or_default() {
                    self.terminal.line(&line)?;
                }
            }
            EventBody::ToolProposed(tool) => {
                self.titles.insert(tool.call_id, safe_line(&tool.title).into_owned());
            }
            EventBody::ToolEnded(tool) => {
                self.result(&tool.call_id, tool.status, &plain_text(&tool.content))?;
            }
            EventBody::RequestOpened(item) => self.request(client, item).await?,
            EventBody::TurnEnded(ended) => self.ended = Some(ended),
            _ => {}
        }
        Ok(())
    }

    fn result(&mut self, call: &CallId, status: CallStatus, text: &str) -> Result<(), Failure> {
        let title = self.titles.remove(call).unwrap_or_default();
        let mark = match status {
            CallStatus::Ok => self.terminal.green("✓"),
            CallStatus::Failed
            | CallStatus::Denied
            | CallStatus::Interrupted
            | CallStatus::Unknown
            | CallStatus::Unheard(_) => self.terminal.red("✗"),
        };
        let first = format!("  {mark} {title}");
        self.line(first)?;
        for line in text.lines().take(RESULT_LINES_MAX) {
            let line = safe_line(line);
            self.line(format!("    {}", self.terminal.faint(&line)))?;
        }
        let more = text.lines().count().saturating_sub(RESULT_LINES_MAX);
        if more > 0 {
            self.line(format!("    {}", self.terminal.faint(&format!("… {more} more lines"))))?;
        }
        Ok(())
    }

    /// Prints a line, behind what the model is writing.
    fn line(&mut self, line: String) -> Result<(), Failure> {
        match &mut self.held {
            Some(held) => held.push(line),
            None => self.terminal.line(&line)?,
        }
        Ok(())
    }

    async fn request(&mut self, client: &Client, item: RequestItem) -> Result<(), Failure> {
        if let Subject::Edit { patch, .. } = &item.subject {
            self.patch = Some(patch.clone());
        }
        let request_id = item.request_id.clone();
        let question = Question::new(item);
        let terminal = self.terminal;
        let answer = terminal.green("y (the demonstration says yes; you would be asked)").into_owned();
        terminal.line(&format!("{}{}{answer}", question.render(terminal), question.prompt(terminal)))?;
        let (decision, note) = ("allow".to_owned(), Some("allowed by the demonstration".to_owned()));
        let params =
            AnswerParams { request_id, decision, scope: None, pattern: None, form: None, note, select: None };
        client.call::<Answer>(&params).await?;
        Ok(())
    }
}

/// Prints what of the log tells the story: every event is there, these are those a person follows.
async fn log(client: &Client, session: &SessionId, terminal: Terminal) -> Result<(), Failure> {
    const TOLD: [&str; 9] = [
        "prompt.admitted",
        "turn.started",
        "tool.ended",
        "request.opened",
        "request.resolved",
        "change.applied",
        "plan.ready",
        "session.reverted",
        "turn.ended",
    ];
    let params = LogParams {
        session_id: session.to_string(),
        after: None,
        before: None,
        limit: Some(1_000),
        types: Some(TOLD.map(str::to_owned).to_vec()),
    };
    let page = client.call::<Log>(&params).await?;
    terminal.line(&format!("\n{}", terminal.bold("The log, which every client can replay")))?;
    for event in page.events.iter().filter_map(|event| event.parse::<Envelope>().ok()) {
        terminal.line(&person(&event))?;
    }
    Ok(())
}
