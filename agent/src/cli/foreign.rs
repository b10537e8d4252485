//! `tenon acp` and `tenon lsp`: the explicit forms of dialects that this build lacks. Whoever starts them gets a sentence and
//! an exit code, and its first request an answer. Not here: the dialects, and telling them from each other on the socket.
use std::io::{self, IsTerminal as _, Write as _};

use clap::Args;
use serde_json::json;
use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::version::PROTOCOL;

use crate::cli::attach::opening::Opening;
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, FailureKind};

/// What to do instead.
const HINT: &str = "`tenon attach` speaks the agent's own protocol on standard input and output";

/// The arguments of `tenon acp` and `tenon lsp`. Whatever an editor passes is taken, so that it gets its answer.
#[derive(Args, Debug)]
pub(crate) struct ForeignArgs {
    /// Ignored
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _ignored: Vec<String>,
}

/// Runs the command for the dialect of this name: answers the first request with 1005, if one comes, and fails.
pub(crate) fn run(dialect: &str) -> Result<Exit, Failure> {
    let message = format!("this build of tenon does not speak {dialect}");
    if !io::stdin().is_terminal() {
        let opening = Opening::read(&mut io::stdin().lock()).unwrap_or_default();
        if let (Some(framing), Some(id)) = (opening.framing, opening.id) {
            let error = RpcError::new(ErrorKind::UnsupportedProtocol, &*message)
                .with("supported", [PROTOCOL])
                .hint(HINT);
            let answer = framing.frame(&json!({"jsonrpc": "2.0", "id": id, "error": error}));
            let mut stdout = io::stdout().lock();
            // Where nobody takes it, the exit code is left.
            stdout.write_all(&answer).and_then(|()| stdout.flush()).ok();
        }
    }
    Err(Failure::new(FailureKind::Failed, message).hint(HINT))
}
