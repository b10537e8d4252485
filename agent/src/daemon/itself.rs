//! Telling that the agent is another one than the last that ran on this state directory. Not here: taking over from it (`drain`).
use serde::Serialize;
use tenon_protocol::event::all::AgentChanged;
use tenon_protocol::handshake::Can;

use crate::daemon::Daemon;
use crate::journal::{Batch, ItemKind, ItemWrite, LogId};

/// The id of the one entry.
const ENTRY: &str = "agent";

/// What makes an agent another one: not when it started, and as which process.
#[derive(Serialize)]
struct Itself<'a> {
    version: &'a str,
    build: &'a str,
    can: &'a Can,
}

impl Daemon {
    /// Tells the `all` log that this agent is of another version or build than the last one, or can do other things; the first of
    /// a state directory tells nothing. Where it cannot be told, the next agent does.
    pub(crate) async fn tell_itself(&self) {
        let (instance, can) = self.hello();
        let itself = Itself { version: &instance.version, build: &instance.build, can: &can };
        let Ok(now) = serde_json::to_string(&itself) else { return };
        let Ok(before) = self.0.resources.journal.item(ItemKind::Agent, ENTRY).await else { return };
        if before.as_ref() == Some(&now) {
            return;
        }
        let (id, group) = (ENTRY.to_owned(), String::new());
        let entry = ItemWrite { kind: ItemKind::Agent, id, group, json: Some(now) };
        let kept = if before.is_some() {
            self.machine(AgentChanged { instance, can }.into(), vec![entry]).await.map(drop)
        } else {
            let batch = Batch { items: vec![entry], ..Batch::of(LogId::All, Vec::new()) };
            let kept = self.0.resources.journal.append(batch).await;
            kept.map(drop).map_err(|error| crate::session::actor::storage(&error))
        };
        if let Err(error) = kept {
            tracing::warn!(%error, "that the agent is another one could not be told");
        }
    }
}
