//! The ports of a turn, implemented as commands to the session's actor. Not here: what the actor does with them.
use std::sync::Arc;
use std::time::Duration;

use tenon_protocol::ids::{CallId, SessionId, TurnId};
use tenon_protocol::request::RequestItem;
use tenon_protocol::signal::Delta;
use tokio::sync::{mpsc, oneshot};

use crate::base::ids::{self, Entropy, SharedEntropy};
use crate::feed::SignalHub;
use crate::journal::Blobs;
use crate::session::command::{Command, Reply, TurnCommand};
use crate::session::prefix::digest_of;
use crate::tools::Boxed;
use crate::turn::ports::{
    Answer, Ask, BeginFailure, CallView, Commit, Contents, Ended, Fact, PortClosed, Ports, TurnEnd, View,
};

/// A turn's way to its session.
#[derive(Clone, Debug)]
pub(crate) struct SessionPorts {
    /// The session.
    pub(crate) session: SessionId,
    /// The turn.
    pub(crate) turn: TurnId,
    /// The actor's mailbox.
    pub(crate) commands: mpsc::Sender<Command>,
    /// Where deltas go.
    pub(crate) signals: Arc<SignalHub>,
    /// Where ids come from.
    pub(crate) entropy: SharedEntropy,
    /// Where large contents are.
    pub(crate) blobs: Blobs,
}

impl SessionPorts {
    async fn tell<T>(&self, make: impl FnOnce(Reply<T>) -> TurnCommand) -> Result<T, PortClosed> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::Turn(make(reply))).await.map_err(|_| PortClosed)?;
        answer.await.map_err(|_| PortClosed)
    }
}

impl Commit for SessionPorts {
    fn commit(&self, facts: Vec<Fact>) -> Boxed<'_, Result<(), PortClosed>> {
        Box::pin(async move { self.tell(|reply| TurnCommand::Commit { facts, reply }).await? })
    }

    fn begin_attempt(&self, step: u32, attempt: u32) -> Boxed<'_, Result<View, BeginFailure>> {
        Box::pin(async move { self.tell(|reply| TurnCommand::BeginAttempt { step, attempt, reply }).await? })
    }

    fn end(&self, end: TurnEnd) -> Boxed<'_, Result<Ended, PortClosed>> {
        Box::pin(async move { self.tell(|reply| TurnCommand::End { end, reply }).await? })
    }

    fn signal(&self, delta: Delta) {
        self.signals.send(delta);
    }

    fn watchers(&self) -> usize {
        self.signals.listeners()
    }
}

impl Ask for SessionPorts {
    fn ask(&self, request: RequestItem) -> Boxed<'_, Result<Answer, PortClosed>> {
        let request = Box::new(request);
        Box::pin(self.tell(|reply| TurnCommand::Ask { request, reply }))
    }

    fn call_view(&self) -> Boxed<'_, Result<CallView, PortClosed>> {
        Box::pin(self.tell(|reply| TurnCommand::CallView { reply }))
    }

    fn waited(&self) -> Boxed<'_, Result<Duration, PortClosed>> {
        Box::pin(self.tell(|reply| TurnCommand::Waited { reply }))
    }
}

impl Contents for SessionPorts {
    fn content(&self, reference: String) -> Boxed<'_, Result<Vec<u8>, String>> {
        Box::pin(async move {
            let digest = digest_of(&reference).ok_or("it is no reference")?;
            self.blobs.get_async(digest).await.map_err(|error| error.to_string())
        })
    }
}

impl Ports for SessionPorts {
    fn session(&self) -> &SessionId {
        &self.session
    }

    fn turn(&self) -> &TurnId {
        &self.turn
    }

    fn new_call(&self) -> CallId {
        ids::new(&*self.entropy)
    }

    fn entropy(&self) -> &dyn Entropy {
        &*self.entropy
    }
}
