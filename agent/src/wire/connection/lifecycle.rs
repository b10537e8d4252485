//! `initialize` on a connection. Not here: what it says (`router::lifecycle`), which dialect it is (`dialects`).
use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use tenon_protocol::envelope::MessageNumber;
use tenon_protocol::error::{ErrorKind, RpcError};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::dialects::{self, Dialect};
use crate::wire::connection::Connection;

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Connection<R, W> {
    /// Takes `initialize`. Nothing is read until it is answered, so requests behind it in one write find it done.
    pub(super) fn initialize(&mut self, id: &MessageNumber, params: Option<&str>, context: &mut Context<'_>) {
        if self.peer.caller().is_some() {
            let message = "the connection is initialized already";
            return self.error(Some(id), RpcError::new(ErrorKind::InvalidRequest, message));
        }
        let introduction = match dialects::detect(params) {
            Ok(Dialect::Native(introduction)) => introduction,
            Ok(Dialect::Foreign(foreign)) => return self.error(Some(id), dialects::refusal(foreign)),
            Err(error) => return self.error(Some(id), error),
        };
        let handshake = self.peer.initialize(*introduction).boxed();
        self.handshake = Some((id.clone(), handshake));
        self.poll_handshake(context);
    }

    pub(super) fn poll_handshake(&mut self, context: &mut Context<'_>) -> bool {
        let Some((_, handshake)) = &mut self.handshake else {
            return false;
        };
        let Poll::Ready(outcome) = handshake.as_mut().poll(context) else {
            return false;
        };
        if let Some((id, _)) = self.handshake.take() {
            match outcome {
                Ok((caller, result)) => {
                    self.peer.introduced(caller);
                    self.standing.settle();
                    self.greeting = None;
                    self.result(&id, &result);
                }
                Err(error) => {
                    self.peer.refused();
                    self.error(Some(&id), error);
                }
            }
        }
        true
    }
}
