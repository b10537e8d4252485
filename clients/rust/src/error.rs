//! What can go wrong between a client and the agent. Not here: what to tell a person to do about it.
use std::path::PathBuf;

use tenon_protocol::error::RpcError;

/// Why something did not work.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens, and nothing was to be started.
    #[error("no agent is running at {}", .socket.display())]
    NotRunning {
        /// The socket.
        socket: PathBuf,
    },
    /// The socket is there and cannot be used.
    #[error("the agent at {} cannot be reached", .socket.display())]
    Unreachable {
        /// The socket.
        socket: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The socket belongs to somebody else; nothing was sent.
    #[error("the agent at {} runs as another user (uid {uid})", .socket.display())]
    ForeignOwner {
        /// The socket.
        socket: PathBuf,
        /// Whose it is.
        uid: u32,
    },
    /// The program could not be started.
    #[error("the agent could not be started from {}", .program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The agent started and says why it cannot go on.
    #[error("the agent could not start: {0}")]
    Start(String),
    /// The agent was started and cannot be reached in time.
    #[error("the agent did not become ready within {0} seconds")]
    StartTimeout(u64),
    /// The agent left in good order while this client was connected; it is not started again behind a person's back.
    #[error("the agent was stopped")]
    Left,
    /// The connection ended before the answer came; whether the request was carried out is not known.
    #[error("the connection to the agent was lost")]
    Disconnected,
    /// The answer did not come in the time that the caller gave it; whether the request was carried out is not known.
    #[error("{method} was not answered within {} seconds", .within.as_secs_f64())]
    TimedOut {
        /// The method.
        method: String,
        /// The time.
        within: std::time::Duration,
    },
    /// The agent took the connection and did not answer the handshake.
    #[error("the agent does not answer")]
    Silent,
    /// The agent sent something that is no message of the protocol.
    #[error("the agent sent what is no message of the protocol: {0}")]
    Malformed(String),
    /// A result has another shape than its method promises.
    #[error("the result of {method} has an unexpected shape: {message}")]
    UnexpectedResult {
        /// The method.
        method: String,
        /// What is wrong.
        message: String,
    },
    /// Parameters cannot be written as JSON, or are larger than a message may be.
    #[error("the parameters of {method} cannot be sent: {message}")]
    Unsendable {
        /// The method.
        method: String,
        /// Why.
        message: String,
    },
    /// The subscription has ended; its last item said why.
    #[error("the subscription has ended")]
    Ended,
    /// There is no directory for the state: neither `TENON_STATE_DIR` nor `HOME` names an absolute one.
    #[error("there is no state directory: TENON_STATE_DIR, XDG_STATE_HOME or HOME must be an absolute path")]
    NoStateDir,
    /// The agent refused the request.
    #[error(transparent)]
    Rpc(#[from] RpcError),
}

impl ClientError {
    /// Tells whether the connection was lost: the same may work on the next one.
    pub fn is_loss(&self) -> bool {
        matches!(self, Self::Disconnected | Self::Silent)
    }
}
