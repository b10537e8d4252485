//! Who sends a request. Not here: how it is known (`router`).
use std::collections::BTreeMap;

use tenon_protocol::event::session::By;
use tenon_protocol::handshake::{ClientInfo, Role};

/// The connection a request came over, as far as methods care.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The connection.
    pub(crate) id: u64,
    /// Who says to be there.
    pub(crate) client: ClientInfo,
    /// What it may do.
    pub(crate) role: Role,
    /// Whether it can show a person a request.
    pub(crate) can_answer: bool,
    /// Whether it wants events in their short form.
    pub(crate) quiet: bool,
    /// Whether its subscriptions get deltas where they do not say.
    pub(crate) delta_default: bool,
    /// How many delta messages a second it wants at most; 0 where it does not say.
    pub(crate) delta_per_second: u32,
    /// The experimental items it asked for, of those there are.
    pub(crate) experimental: Vec<String>,
    /// What it sent in `$/environment`.
    pub(crate) variables: BTreeMap<String, String>,
}

impl Caller {
    /// Returns the caller as events name it.
    pub(crate) fn by(&self) -> By {
        By::from(&self.client)
    }
}
