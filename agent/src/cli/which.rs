//! Which session a command means. Not here: what it does with it.
use clap::Args;
use tenon_client::Client;

use crate::cli::failure::Failure;
use crate::cli::run::newest;
use crate::cli::surroundings::Surroundings;

/// A session, named in either of two ways.
#[derive(Args, Debug)]
pub(crate) struct Which {
    /// The session, or `all` for the machine's log; the newest of the workspace if absent
    #[arg(value_name = "SESSION", conflicts_with = "session")]
    named: Option<String>,
    /// The same, as other commands take it
    #[arg(long, value_name = "ID")]
    session: Option<String>,
}

impl Which {
    /// Returns the name that was given.
    pub(crate) fn name(&self) -> Option<&str> {
        self.named.as_deref().or(self.session.as_deref())
    }
}

/// Returns the session that was named, else the newest of the workspace.
pub(crate) async fn session_or_newest(
    client: &Client,
    surroundings: &Surroundings,
    named: Option<&str>,
) -> Result<String, Failure> {
    match named {
        Some(session) => Ok(session.to_owned()),
        None => Ok(newest(client, &surroundings.workspace_uri()?).await?.id.to_string()),
    }
}
