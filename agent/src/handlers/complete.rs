//! `agent/complete`. Not here: what there is to complete with.
use std::sync::Arc;

use tenon_protocol::complete::{CompleteParams, CompleteResult};
use tenon_protocol::error::RpcError;

use crate::daemon::{Caller, Daemon};
use crate::handlers::check::invalid;

/// Completes a mention or a command.
pub(crate) async fn complete(
    daemon: Daemon,
    _: Arc<Caller>,
    params: CompleteParams,
) -> Result<CompleteResult, RpcError> {
    let at = place(&params)?;
    daemon.complete(params, at).await
}

/// Returns the place as an offset that stands between two characters of the text.
fn place(params: &CompleteParams) -> Result<usize, RpcError> {
    let length = params.text.len();
    let at = usize::try_from(params.at).ok().filter(|at| *at <= length);
    let at =
        at.ok_or_else(|| invalid(format!("at {} is behind the {length} bytes of the text", params.at)))?;
    if params.text.is_char_boundary(at) {
        return Ok(at);
    }
    Err(invalid(format!("at {at} is inside a character: count bytes of UTF-8, up to a whole character")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_stands_between_two_characters() {
        let check = |text: &str, at| {
            place(&CompleteParams { text: text.to_owned(), at, session_id: None, workspace: None }).is_ok()
        };
        assert!(check("", 0) && check("ä", 0) && check("ä", 2) && check("@a", 1));
        assert!(!check("", 1) && !check("ä", 1) && !check("a", u64::MAX));
    }
}
