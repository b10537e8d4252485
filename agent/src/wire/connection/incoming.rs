//! Incoming messages find their way. Not here: the life cycle (`lifecycle`), and how a reply is written (`replies`).
use std::task::{Context, Poll};

use tenon_protocol::envelope::MessageNumber;
use tenon_protocol::error::{ErrorKind, RpcError};

use crate::wire::admission::Standing;
use crate::wire::carrier::Carrier;
use crate::wire::codec::{Frame, FramingError};
use crate::wire::connection::{Connection, End, MESSAGES_A_ROUND, UNREADABLE_MAX};
use crate::wire::message::{self, Message};

impl<C: Carrier> Connection<C> {
    /// Takes messages while the connection may be read.
    pub(super) fn poll_incoming(&mut self, context: &mut Context<'_>) -> bool {
        let mut moved = false;
        for _ in 0..MESSAGES_A_ROUND {
            if !self.may_read() {
                break;
            }
            let Poll::Ready(next) = self.carrier.poll_frame(context) else {
                break;
            };
            moved = true;
            self.framing = self.carrier.framing();
            match next {
                Some(Ok(Frame::Body(body))) => match message::parse(&body, self.framing) {
                    Ok(message) => {
                        self.unreadable = 0;
                        self.message(message, context);
                    }
                    Err(error) => self.unreadable(error.to_string()),
                },
                Some(Ok(Frame::Oversized)) => self.unreadable("the message is too large".to_owned()),
                Some(Ok(Frame::Binary)) => self.unreadable("a message is a text frame".to_owned()),
                Some(Err(error)) => self.broken(&error),
                None => self.end(End::Closed),
            }
        }
        moved
    }

    /// A body was no JSON: the stream goes on behind it, unless that happens again and again.
    fn unreadable(&mut self, reason: String) {
        self.unreadable += 1;
        self.error(None, RpcError::new(ErrorKind::ParseError, reason));
        if self.unreadable >= UNREADABLE_MAX {
            tracing::info!(
                connection = self.peer.id(),
                "closed: {UNREADABLE_MAX} unreadable messages in a row"
            );
            self.end(End::Refused);
        }
    }

    /// The stream has no place to go on from.
    fn broken(&mut self, error: &FramingError) {
        tracing::info!(connection = self.peer.id(), %error, "closed");
        match error {
            FramingError::Damaged(_) | FramingError::Frames(_) => {
                self.error(None, RpcError::new(ErrorKind::ParseError, error.to_string()));
                self.end(End::Refused);
            }
            // Whoever speaks another protocol would not understand an answer.
            FramingError::Unknown => self.end(End::Refused),
            FramingError::Io(_) => self.end(End::Lost),
        }
    }

    fn message(&mut self, message: Message<'_>, context: &mut Context<'_>) {
        if let Standing::Refused { error, .. } = &self.standing {
            if let Message::Request { id, .. } = message {
                let error = (**error).clone();
                self.error(Some(&id), error);
                self.end(End::Refused);
            }
            return;
        }
        match message {
            Message::Request { id, method, params } => self.request(&id, &method, params, context),
            Message::Notification { method, params } => {
                if !self.notification(&method, params) {
                    self.ignored += 1;
                }
            }
            Message::Response => self.ignored += 1,
            Message::Invalid { id, reason } => {
                self.error(id.as_ref(), RpcError::new(ErrorKind::InvalidRequest, reason));
            }
        }
    }

    fn request(&mut self, id: &MessageNumber, method: &str, params: Option<&str>, context: &mut Context<'_>) {
        if self.calls.contains(id) {
            let message = "the id belongs to a request that is still in flight";
            return self.error(Some(id), RpcError::new(ErrorKind::InvalidRequest, message));
        }
        if method == "initialize" {
            return self.initialize(id, params);
        }
        let caller = self.peer.caller().cloned();
        if tenon_protocol::methods::NOTIFICATIONS_IN.contains(&method)
            && (caller.is_some() || is_early(method))
        {
            self.result(id, b"null");
            self.notification(method, params);
            return;
        }
        let Some(caller) = caller else {
            return self.error(Some(id), RpcError::new(ErrorKind::NotInitialized, "initialize comes first"));
        };
        if self.is_shut {
            return self
                .error(Some(id), RpcError::new(ErrorKind::InvalidRequest, "the connection is shut down"));
        }
        if method == "shutdown" {
            self.is_shut = true;
            return self.result(id, b"null");
        }
        let call = self.peer.call(&caller, method, params);
        if let Some(reply) = self.calls.start(id, method, call, context) {
            self.reply(id, reply);
        }
    }

    /// Acts on a notification. Returns whether it is one that is known and fits.
    fn notification(&mut self, method: &str, params: Option<&str>) -> bool {
        if self.peer.caller().is_none() && !is_early(method) {
            return false;
        }
        match method {
            "$/environment" => self.peer.environment(params),
            "$/cancelRequest" => cancelled(params).is_some_and(|id| self.calls.cancel(&id)),
            "exit" => {
                self.end(End::Closed);
                true
            }
            "agent/context" => self.peer.context(params),
            "initialized" => true,
            _ => false,
        }
    }
}

/// Tells whether a notification is taken before `initialize`.
fn is_early(method: &str) -> bool {
    matches!(method, "$/environment" | "exit")
}

/// Returns which request `$/cancelRequest` names.
fn cancelled(params: Option<&str>) -> Option<MessageNumber> {
    #[derive(serde::Deserialize)]
    struct Cancel {
        id: MessageNumber,
    }
    serde_json::from_str::<Cancel>(params?).ok().map(|cancel| cancel.id)
}
