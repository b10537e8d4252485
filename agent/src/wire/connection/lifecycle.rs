//! `initialize` on a connection. Not here: what it says (`router::lifecycle`), which dialect it is (`dialects`).
use bytes::Bytes;
use tenon_protocol::envelope::MessageNumber;
use tenon_protocol::error::{ErrorKind, RpcError};

use crate::dialects::{self, Dialect};
use crate::wire::carrier::Carrier;
use crate::wire::connection::Connection;

impl<C: Carrier> Connection<C> {
    /// Takes `initialize` and answers it at once, so requests behind it in one write find it done.
    pub(super) fn initialize(&mut self, id: &MessageNumber, params: Option<&str>) {
        match self.introduce(params) {
            Ok(result) => {
                self.standing.settle();
                self.greeting = None;
                self.result(id, &result);
            }
            Err(error) => self.error(Some(id), error),
        }
    }

    fn introduce(&mut self, params: Option<&str>) -> Result<Bytes, RpcError> {
        if self.peer.caller().is_some() {
            return Err(RpcError::new(ErrorKind::InvalidRequest, "the connection is initialized already"));
        }
        match dialects::detect(params)? {
            Dialect::Native(introduction) => self.peer.initialize(*introduction),
            Dialect::Foreign(foreign) => Err(dialects::refusal(foreign)),
        }
    }
}
