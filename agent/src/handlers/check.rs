//! What several handlers check of their parameters. Not here: anything that needs the state of a session.
use tenon_protocol::content::Content;
use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::version::INPUT_BYTES_MAX;

use crate::projections::cut::size;

/// Items of one page of a list or a log.
pub(super) const PAGE_MAX: u64 = 1_000;

/// Pieces of one message: more files than anybody mentions.
const INPUT_LEN_MAX: usize = 256;

/// Returns error -32602 with this reason.
pub(super) fn invalid(reason: impl Into<String>) -> RpcError {
    RpcError::new(ErrorKind::InvalidParams, reason)
}

/// Checks the limit of a page.
pub(super) fn limit(limit: Option<u64>) -> Result<(), RpcError> {
    match limit {
        Some(limit) if limit == 0 || limit > PAGE_MAX => Err(invalid(format!("limit is 1 to {PAGE_MAX}"))),
        Some(_) | None => Ok(()),
    }
}

/// Checks that a text of a client is at most so many bytes long.
pub(crate) fn length(name: &str, text: Option<&String>, bytes_max: usize) -> Result<(), RpcError> {
    match text {
        Some(text) if text.len() > bytes_max => {
            Err(invalid(format!("{name} has {} bytes, and may have {bytes_max}", text.len())))
        }
        Some(_) | None => Ok(()),
    }
}

/// Checks that a message is one that fits into an event.
pub(super) fn input(input: &[Content]) -> Result<(), RpcError> {
    if input.is_empty() {
        return Err(invalid("input is empty"));
    }
    if input.len() > INPUT_LEN_MAX {
        return Err(invalid(format!("input has {} pieces, and may have {INPUT_LEN_MAX}", input.len())));
    }
    let bytes = size(&input);
    if bytes > INPUT_BYTES_MAX {
        let reason = format!("input takes {bytes} bytes as JSON, and may take {INPUT_BYTES_MAX}");
        return Err(invalid(reason).hint(
            "put a long text into a file of the workspace and name the file; make a smaller copy of an image",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_bounded_in_pieces_and_in_bytes_as_they_are_sent() {
        let text = |bytes: usize| vec![Content::text("x".repeat(bytes))];
        let around = size(&text(0));
        assert!(input(&text(INPUT_BYTES_MAX - around)).is_ok());
        assert!(input(&text(INPUT_BYTES_MAX - around + 1)).is_err());
        assert!(input(&[Content::text("\u{1}".repeat(INPUT_BYTES_MAX / 2))]).is_err(), "escapes count");
        assert!(input(&vec![Content::text("x"); INPUT_LEN_MAX]).is_ok());
        assert!(input(&vec![Content::text("x"); INPUT_LEN_MAX + 1]).is_err());
        assert!(input(&[]).is_err());
        assert!(length("title", Some(&"x".repeat(9)), 8).is_err());
        assert!(length("title", Some(&"x".repeat(8)), 8).is_ok() && length("title", None, 8).is_ok());
    }
}
