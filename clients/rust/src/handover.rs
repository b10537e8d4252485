//! A newer build takes over from an older agent: asks it to leave, and waits until it has. Not here: which one is newer
//! (`build`), and starting the newer one (`endpoint`).
use std::time::Duration;

use tenon_protocol::admin::{AdminOp, AdminParams};
use tenon_protocol::event::EventBody;
use tenon_protocol::event::all::AgentDraining;
use tenon_protocol::handshake::Instance;
use tenon_protocol::log::After;
use tenon_protocol::methods::Admin;

use crate::client::Client;
use crate::connection::Link;
use crate::error::ClientError;
use crate::subscription::{Item, ObserveOptions};

/// How long an older agent may take until its turns stand at a safe point. The agent stays when nobody waits any longer, so
/// a command that runs for an hour costs nobody more than this, once a command.
const SAFE_POINT_TIMEOUT: Duration = Duration::from_secs(30);

/// What a client waits for, for whoever shows it to a person.
#[derive(Clone, Debug, PartialEq)]
pub enum Waiting {
    /// An older agent leaves as soon as its turns stand at a safe point.
    HandOver {
        /// The older agent.
        from: Instance,
        /// How many of its turns run.
        running: u64,
    },
    /// They did not in time: the older agent stays, and this client goes on with it.
    Kept {
        /// The older agent.
        by: Instance,
    },
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HandedOver {
    /// The older agent is gone.
    Gone,
    /// It stays. The connection has to end, or it would go on leaving.
    Kept,
}

/// Asks the agent at the other end to leave to a newer one, and waits until it has, or until it is too long.
pub(crate) async fn hand_over(link: &mut Link, tell: Option<fn(&Waiting)>) -> HandedOver {
    let from = link.greeting().hello.instance.clone();
    let tell = |waiting: &Waiting| {
        if let Some(tell) = tell {
            tell(waiting);
        }
    };
    let (client, mut orders) = Client::made();
    let told = |running| tell(&Waiting::HandOver { from: from.clone(), running });
    tokio::select! {
        () = link.serve(&mut orders) => HandedOver::Gone,
        // It does not know the operation, or forbids it.
        _refused = ask(&client, told) => HandedOver::Kept,
        () = tokio::time::sleep(SAFE_POINT_TIMEOUT) => {
            tell(&Waiting::Kept { by: from.clone() });
            HandedOver::Kept
        }
    }
}

/// Asks, and tells how many turns run until the connection ends. Returns only when the agent refuses.
async fn ask(client: &Client, told: impl Fn(u64)) -> Result<(), ClientError> {
    let types = vec!["agent.draining".to_owned()];
    let options = ObserveOptions { types, delta: Some(false), ..ObserveOptions::default() };
    let mut events = client.observe("all", After::Now, options).await?;
    let params = AdminParams::of(AdminOp::HandOver);
    let result = client.call::<Admin>(&params).await?;
    told(result.running.unwrap_or(0));
    loop {
        let Item::Event(event) = events.next().await? else { continue };
        if let Some(EventBody::AgentDraining(AgentDraining { running, .. })) = event.body() {
            told(running);
        }
    }
}
