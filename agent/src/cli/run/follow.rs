//! Following a turn to its end: events, questions, interrupts, the clock. Not here: how any of it looks (`view`).
use std::collections::VecDeque;
use std::future::pending;
use std::time::Duration;

use tenon_client::{Client, ClientError, Item, ObserveOptions, Subscription};
use tenon_protocol::answer::AnswerParams;
use tenon_protocol::content::Content;
use tenon_protocol::error::ErrorKind;
use tenon_protocol::event::message::MessageRole;
use tenon_protocol::event::turn::Stop;
use tenon_protocol::event::{Envelope, EventBody};
use tenon_protocol::ids::RequestId;
use tenon_protocol::log::After;
use tenon_protocol::methods::{Answer, Interrupt};
use tenon_protocol::model::Usage;
use tenon_protocol::prompt::InterruptParams;
use tenon_protocol::request::{RequestItem, RequestKind};
use tenon_protocol::session::SessionState;
use tokio::time::{Instant, Interval, sleep_until};

use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, FailureKind};
use crate::cli::fetch;
use crate::cli::run::ask::{Heard, Question, nobody};
use crate::cli::run::begin::{Begun, admit, discard, goal};
use crate::cli::run::ending::{Cause, Circumstances, RunEnded, failure};
use crate::cli::run::person::Person;
use crate::cli::run::planned;
use crate::cli::run::progress::Progress;
use crate::cli::run::signals::Signals;
use crate::cli::run::view::View;
use crate::cli::terminal::Terminal;

/// How long a turn may take to end after `--timeout` interrupted it: a command gets a moment to end in good order.
const GRACE: Duration = Duration::from_secs(5);

/// How often the progress line moves.
const TICK: Duration = Duration::from_millis(100);

/// A run that follows its turn.
pub(crate) struct Follow {
    client: Client,
    view: View,
    person: Option<Person>,
    signals: Signals,
    begun: Begun,
    progress: Progress,
    circumstances: Circumstances,
    deadline: Option<Instant>,
    ticker: Interval,
    questions: VecDeque<Question>,
    /// Whether the first question stands on the screen.
    asking: bool,
}

/// What is asked of a run that plans.
#[derive(Clone, Debug)]
pub(crate) struct Planning {
    /// The plan that is to be changed: its id, or the newest.
    pub(crate) revise: Option<String>,
    /// Where the plan is shown.
    pub(crate) terminal: Terminal,
    /// Whether nothing but the patch is.
    pub(crate) quiet: bool,
}

/// One thing that happened.
enum Happening {
    Item(Box<Result<Item, ClientError>>),
    Signal,
    Deadline,
    Tick,
    Line(Option<String>),
}

impl Follow {
    pub(crate) fn new(
        client: Client,
        view: View,
        person: Option<Person>,
        signals: Signals,
        begun: Begun,
        timeout: Option<Duration>,
    ) -> Self {
        let (attended, capped) = (person.is_some(), begun.capped);
        Self {
            progress: Progress::new(begun.session.clone()),
            circumstances: Circumstances { attended, capped, ..Circumstances::default() },
            deadline: timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
            ticker: tokio::time::interval(TICK),
            questions: VecDeque::new(),
            asking: false,
            client,
            view,
            person,
            signals,
            begun,
        }
    }

    /// Sends the prompt, follows its turn to the end and says how it went.
    pub(crate) async fn turn(
        mut self,
        prompt: Vec<Content>,
        planning: Option<Planning>,
    ) -> Result<Exit, Failure> {
        let outcome = self.drive(prompt, planning.as_ref()).await;
        let told = match (&outcome, &self.progress.ended) {
            (Ok(()), Some(ended)) => failure(ended, &self.circumstances),
            (Ok(()), None) => None,
            (Err(failure), _) => Some(failure.clone()),
        };
        let exit = told.as_ref().map_or(Exit::Done, Failure::exit);
        self.view.ended(&self.ended(exit))?;
        if let (View::Text(_), Some(planning), Some(plan)) = (&self.view, &planning, &self.progress.ready) {
            planned::show(&self.client, &self.begun.session, plan, planning.terminal, planning.quiet).await?;
        }
        told.map_or(Ok(Exit::Done), Err)
    }

    fn ended(&self, exit: Exit) -> RunEnded {
        let ended = self.progress.ended.as_ref();
        let stop = ended.map_or(
            if self.circumstances.cause.is_some() { Stop::Interrupted } else { Stop::Failed },
            |ended| ended.stop,
        );
        let usage = ended.map_or_else(Usage::default, |ended| ended.usage.clone());
        let text = self.progress.answer().map(str::to_owned);
        RunEnded { exit: exit.code(), stop, text, cost: usage.cost, usage }
    }

    async fn drive(&mut self, prompt: Vec<Content>, planning: Option<&Planning>) -> Result<(), Failure> {
        self.refuse_to_wait_for_nobody()?;
        if self.person.is_none() && self.circumstances.capped && planning.is_none() {
            self.view.say("the workspace is not trusted: reading only (`tenon trust` changes that)");
        }
        let options = ObserveOptions { tree: true, attach: true, ..ObserveOptions::default() };
        let session = self.begun.session.clone();
        let mut events =
            self.client.observe(session.as_str(), After::Cursor(self.begun.cursor), options).await?;
        for item in std::mem::take(&mut self.begun.requests) {
            self.request(item, false).await?;
        }
        // Trust decides what the turn may do, so it is settled before the turn starts.
        while self.questions.iter().any(|question| question.item.kind == RequestKind::Trust) {
            self.step(&mut events).await?;
        }
        let (client, progress) = (&self.client, &mut self.progress);
        let admitting = async {
            match planning {
                None => progress.admitted(&admit(client, &session, prompt).await?),
                Some(Planning { revise, .. }) => {
                    progress.planned(&goal(client, &session, prompt, revise.as_deref()).await?);
                }
            }
            Ok(())
        };
        tokio::select! {
            admitted = admitting => match admitted {
                Ok(()) => {}
                Err(failure) => {
                    // Nothing was said in it yet, so nobody wants to find it in a list.
                    if self.begun.new {
                        discard(&self.client, &session).await;
                    }
                    return Err(failure);
                }
            },
            () = self.signals.next() => return Err(interrupted()),
        }
        while self.progress.ended.is_none() {
            self.step(&mut events).await?;
        }
        Ok(())
    }

    /// A session that waits for a person would keep this run waiting behind it, and there is none.
    fn refuse_to_wait_for_nobody(&self) -> Result<(), Failure> {
        if self.person.is_some() || self.begun.state != SessionState::Waiting {
            return Ok(());
        }
        let message = format!("session {} waits for an answer", self.begun.session);
        Err(Failure::new(FailureKind::Unattended, message)
            .hint("`tenon requests` shows the question, `tenon requests answer ID allow` answers it"))
    }

    async fn step(&mut self, events: &mut Subscription) -> Result<(), Failure> {
        self.show_question();
        match self.happening(events).await {
            Happening::Item(item) => match *item {
                Ok(item) => self.item(item).await,
                Err(error) => Err(self.lost(error)),
            },
            Happening::Signal => self.interrupt().await,
            Happening::Deadline => self.time_is_over().await,
            Happening::Tick => {
                self.view.tick();
                Ok(())
            }
            Happening::Line(Some(line)) => self.hear(&line).await,
            Happening::Line(None) => self.person_left().await,
        }
    }

    /// Waits for the next thing. Whatever loses the race has taken nothing: receiving is all or nothing everywhere here.
    async fn happening(&mut self, events: &mut Subscription) -> Happening {
        let ticks = self.view.ticks();
        let (deadline, asking) = (self.deadline, self.asking);
        let person = &mut self.person;
        let line = async {
            match person {
                Some(person) if asking => person.line().await,
                _ => pending().await,
            }
        };
        let over = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => pending().await,
            }
        };
        tokio::select! {
            item = events.next() => Happening::Item(Box::new(item)),
            () = self.signals.next() => Happening::Signal,
            () = over => Happening::Deadline,
            _ = self.ticker.tick(), if ticks => Happening::Tick,
            line = line => Happening::Line(line),
        }
    }

    async fn item(&mut self, item: Item) -> Result<(), Failure> {
        match item {
            Item::Delta(delta) => self.view.delta(&delta),
            Item::Event(event) => self.event(&event).await,
            Item::Local(event) if event.kind == "observe.closed" => {
                Err(Failure::new(FailureKind::NoSession, "the session was deleted while its turn ran"))
            }
            Item::Local(_) => Ok(()),
            // What became of the turn cannot be told from what is left of the log.
            Item::Reset(_) => {
                Err(Failure::failed("the agent lost events of this turn").hint(self.how_to_go_on()))
            }
        }
    }

    async fn event(&mut self, event: &Envelope) -> Result<(), Failure> {
        let mut body = event.body();
        if let Some(EventBody::MessageEnded(message)) = &mut body
            && message.role == MessageRole::Assistant
            && self.progress.is_own(event)
        {
            fetch::bring(&self.client, &mut message.content).await?;
        }
        self.progress.event(event, body.as_ref());
        let own = self.progress.is_own(event);
        self.view.event(event, body.as_ref(), own)?;
        match body {
            Some(EventBody::RequestOpened(item)) => {
                let ours = own || !self.progress.is_session(event);
                self.request(item, ours).await
            }
            Some(EventBody::RequestResolved(resolved)) => {
                self.resolved(&resolved.request_id);
                Ok(())
            }
            Some(_) => Ok(()),
            None if event.kind == "request.opened" && own => self.unknown_request(event).await,
            None => Ok(()),
        }
    }

    /// A request was opened, or was open before. `ours`: it belongs to the turn of this run or one beneath it.
    async fn request(&mut self, item: RequestItem, ours: bool) -> Result<(), Failure> {
        if self.person.is_some() {
            self.questions.push_back(Question::new(item));
            return Ok(());
        }
        match item.kind {
            // Never keeps a turn waiting, so there is nothing to answer.
            RequestKind::Trust => Ok(()),
            RequestKind::Limit | RequestKind::Login if ours => self.answer(nobody(item.request_id)).await,
            RequestKind::Approval
            | RequestKind::Question
            | RequestKind::Recovery
            | RequestKind::Conflict
            | RequestKind::Unheard(_)
                if ours =>
            {
                self.deny_for_nobody(item.request_id).await
            }
            // Another turn's: its own clients answer it.
            RequestKind::Limit
            | RequestKind::Login
            | RequestKind::Approval
            | RequestKind::Question
            | RequestKind::Recovery
            | RequestKind::Conflict
            | RequestKind::Unheard(_) => Ok(()),
        }
    }

    async fn deny_for_nobody(&mut self, request: RequestId) -> Result<(), Failure> {
        self.circumstances.denied += 1;
        self.answer(nobody(request)).await
    }

    /// A request of a kind this build does not know cannot be shown, so it is never allowed.
    async fn unknown_request(&mut self, event: &Envelope) -> Result<(), Failure> {
        self.view.say(&event.text);
        match event.data.0.get("requestId").and_then(|id| id.as_str()) {
            Some(id) => self.deny_for_nobody(id.into()).await,
            None => Ok(()),
        }
    }

    fn resolved(&mut self, request: &RequestId) {
        let was_first = self.questions.front().is_some_and(|question| question.item.request_id == *request);
        self.questions.retain(|question| question.item.request_id != *request);
        if was_first && self.asking {
            self.asking = false;
            self.view.asked();
            self.view.say("answered elsewhere");
        }
    }

    fn show_question(&mut self) {
        let (Some(person), Some(question), false) = (&mut self.person, self.questions.front(), self.asking)
        else {
            return;
        };
        if let View::Text(view) = &mut self.view {
            let terminal = view.terminal();
            view.ask(&format!("{}{}", question.render(terminal), question.prompt(terminal)));
        }
        person.ask();
        self.asking = true;
    }

    async fn hear(&mut self, line: &str) -> Result<(), Failure> {
        let (Some(question), Some(person)) = (self.questions.front_mut(), &mut self.person) else {
            return Ok(());
        };
        match question.hear(line) {
            Heard::Answer(answer) => {
                self.questions.pop_front();
                self.asking = false;
                self.view.asked();
                self.answer(answer).await
            }
            Heard::Nothing | Heard::Reason => {
                if let View::Text(view) = &mut self.view {
                    let terminal = view.terminal();
                    view.ask(&question.prompt(terminal));
                }
                person.ask();
                Ok(())
            }
        }
    }

    /// The terminal closed: from here on nobody is asked.
    async fn person_left(&mut self) -> Result<(), Failure> {
        self.person = None;
        self.asking = false;
        self.view.asked();
        for question in std::mem::take(&mut self.questions) {
            self.request(question.item, true).await?;
        }
        Ok(())
    }

    async fn answer(&mut self, answer: AnswerParams) -> Result<(), Failure> {
        match self.client.call::<Answer>(&answer).await {
            Ok(_) => Ok(()),
            Err(ClientError::Rpc(error)) if error.is(ErrorKind::AlreadyResolved) => {
                self.view.say("answered elsewhere");
                Ok(())
            }
            // The turn went on without it, or the connection broke: then the request is opened again by the replay.
            Err(ClientError::Rpc(error)) if error.is(ErrorKind::RequestNotFound) => Ok(()),
            Err(ClientError::Disconnected) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn interrupt(&mut self) -> Result<(), Failure> {
        let again = self.circumstances.cause.is_some();
        let running = self.progress.turn.is_some();
        self.circumstances.cause.get_or_insert(Cause::Interrupt);
        self.questions.clear();
        self.asking = false;
        self.view.asked();
        if again || !running || !self.end_turn().await {
            return Err(interrupted());
        }
        self.view.say("interrupting; a second time leaves at once");
        Ok(())
    }

    async fn time_is_over(&mut self) -> Result<(), Failure> {
        let again = self.circumstances.cause.is_some();
        self.circumstances.cause.get_or_insert(Cause::Timeout);
        self.deadline = Instant::now().checked_add(GRACE);
        if again || self.progress.turn.is_none() || !self.end_turn().await {
            return Err(Failure::new(FailureKind::Limit, "the time of --timeout is over"));
        }
        Ok(())
    }

    /// Asks the agent to end the turn; `false` if it cannot be reached.
    async fn end_turn(&self) -> bool {
        let params = InterruptParams {
            session_id: self.begun.session.clone(),
            turn_id: self.progress.turn.clone(),
            jobs: None,
            drop: None,
        };
        match self.client.call::<Interrupt>(&params).await {
            Ok(_) => true,
            // It ended by itself in this moment: its last event is on the way.
            Err(ClientError::Rpc(error)) => error.is(ErrorKind::NoTurn),
            Err(_) => false,
        }
    }

    fn lost(&self, error: ClientError) -> Failure {
        Failure::from(error).hint(self.how_to_go_on())
    }

    fn how_to_go_on(&self) -> String {
        format!("nothing is lost: `tenon log {}` shows it", self.begun.session)
    }
}

fn interrupted() -> Failure {
    Failure::new(FailureKind::Interrupted, "interrupted")
}
