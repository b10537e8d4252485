//! How one command is confined: plain data, complete, written by `launch` and carried to the helper. Not here: carrying it out
//! (`confine`, `bubblewrap`).
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::sandbox::level::Level;

/// How one command is confined. Paths are absolute, and links in them are resolved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Confinement {
    /// How strongly.
    pub(crate) level: Level,
    /// The folder it works in, with all that is in it; protected paths that are there excepted.
    pub(crate) workspace: PathBuf,
    /// What else it may write, files or folders; also protected paths of the workspace. What does not exist is left out.
    pub(crate) writable: Vec<PathBuf>,
    /// Caches of which it has copies, at level 3.
    pub(crate) copies: Vec<PathBuf>,
    /// Whom it may talk to.
    pub(crate) network: Network,
    /// Whether it may talk to programs of this machine through their sockets.
    pub(crate) unix_sockets: bool,
    /// How many processes and threads it may have, where the kernel counts them for it alone.
    pub(crate) threads: Option<u64>,
    /// How large its private `/tmp` may become, in bytes; `None` leaves that to the kernel.
    pub(crate) tmp_bytes: Option<u64>,
}

/// Whom a command may talk to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Network {
    /// Nobody; at level 3 it has a loopback of its own, where what it starts itself can be reached.
    Off,
    /// Whomever the agent lets it reach, through a door that the agent serves.
    Door {
        /// Hosts of its own network, which are reached without it.
        direct: Vec<String>,
    },
    /// Whoever the machine can reach: at level 2, where a command cannot be kept to a door.
    Machine,
}
