//! What a message holds: what it names must be there when it is admitted. Not here: what the model is shown of it (`turns`).
use tenon_protocol::content::{Content, LineRange};
use tenon_protocol::error::{ErrorKind, Retry, RpcError};
use tenon_protocol::version::INPUT_BYTES_MAX;

use crate::base::{base64, uri};
use crate::session::actor::Actor;
use crate::session::prefix::digest_of;

impl Actor {
    /// Checks that what an input names is there, and returns it with the files named relative to the workspace.
    ///
    /// # Errors
    /// -32602 with the first piece that cannot be resolved.
    pub(crate) fn checked_input(&self, mut input: Vec<Content>) -> Result<Vec<Content>, RpcError> {
        let wrong = |reason: String| RpcError::new(ErrorKind::InvalidParams, reason).retry(Retry::Never);
        if input.is_empty() {
            return Err(wrong("input is empty".to_owned()));
        }
        let mut whole = 0;
        for piece in &mut input {
            match piece {
                Content::File { path, range } => {
                    *path = self.file_of(path).map_err(wrong)?;
                    check_range(path, range.as_ref()).map_err(wrong)?;
                }
                Content::Selection { path, range, .. } => check_range(path, Some(range)).map_err(wrong)?,
                Content::Image { data: Some(data), reference, .. } => {
                    let plain = canonical(data);
                    *data = plain.ok_or_else(|| wrong("the data of an image is not base64".to_owned()))?;
                    *reference = None;
                }
                Content::Image { data: None, reference: Some(reference), .. } => {
                    whole += self.kept(reference).map_err(wrong)?.len();
                }
                Content::Image { data: None, reference: None, .. } => {
                    return Err(wrong("an image comes without its data".to_owned())
                        .hint("send its bytes in base64 as `data`"));
                }
                Content::Ref { reference, bytes, whole: shown, .. } => {
                    let kept = self.kept(reference).map_err(wrong)?;
                    *bytes = u64::try_from(kept.len()).unwrap_or(u64::MAX);
                    if *shown == Some(true) {
                        std::str::from_utf8(&kept).map_err(|_| wrong(format!("{reference} is no text")))?;
                        whole += kept.len();
                    }
                }
                // A message has none of a type that is not known here.
                Content::Text { .. } | Content::Unheard(_) => {}
            }
        }
        if whole > INPUT_BYTES_MAX {
            let reason = format!("input refers to {whole} bytes that the model would be shown");
            return Err(wrong(format!("{reason}, and may refer to {INPUT_BYTES_MAX}"))
                .hint("without `whole` the model is told where a content is, and reads what it needs"));
        }
        Ok(input)
    }

    /// Returns the name of a file in the workspace. A `file://` URI and an absolute path are taken too.
    fn file_of(&self, named: &str) -> Result<String, String> {
        let given = match (uri::to_path(named), named.contains("://")) {
            (Some(path), _) => path.to_string_lossy().into_owned(),
            (None, false) => named.to_owned(),
            (None, true) => {
                return Err(format!(
                    "{named} is no file of the workspace: addresses are not fetched, send the text itself"
                ));
            }
        };
        let path = self.root.resolve(&given).map_err(|error| error.to_string())?;
        let unreadable = |error: String| format!("file {given} cannot be read: {error}");
        // A link at the end is followed: what it leads to must be there, and inside.
        let real = self.root.canonical(&path).map_err(|error| unreadable(error.to_string()))?;
        match self.root.stat(&real) {
            Ok(Some(_)) => {}
            Ok(None) => return Err(format!("there is no file {given}")),
            Err(error) => return Err(unreadable(error.to_string())),
        }
        match path.to_wire() {
            // The root itself has no name, and a name that is not UTF-8 none that can stand here.
            (name, false) if !name.is_empty() => Ok(name.into_owned()),
            _ => Ok(named.to_owned()),
        }
    }

    /// Returns a content that is there, and stays until the log names it.
    fn kept(&self, reference: &str) -> Result<Vec<u8>, String> {
        let blobs = self.blobs();
        let known = digest_of(reference).and_then(|digest| {
            // First, so that it is not removed between this look and the admission.
            blobs.keep(digest);
            blobs.get(digest).ok()
        });
        known.ok_or_else(|| format!("reference {reference} is not known"))
    }
}

fn check_range(path: &str, range: Option<&LineRange>) -> Result<(), String> {
    match range {
        Some(range) if range.start == 0 || range.end < range.start => Err(format!(
            "lines {} to {} of {path} are none: they are counted from 1, the last not before the first",
            range.start, range.end
        )),
        Some(_) | None => Ok(()),
    }
}

/// Returns base64 as providers take it, in the one form that its bytes have; `None` if it is none.
fn canonical(text: &str) -> Option<String> {
    base64::decode(text).filter(|bytes| !bytes.is_empty()).map(|bytes| base64::encode(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_told_from_what_is_none() {
        for good in ["AAAA", "AA==", "AAA=", "a+/9"] {
            assert_eq!(canonical(good).as_deref(), Some(good));
        }
        assert_eq!(canonical("AB==").as_deref(), Some("AA=="), "what no byte holds goes");
        for bad in ["", "=", "AAA", "A===", "AA A", "A=AA", "data:image/png;base64,AAAA"] {
            assert_eq!(canonical(bad), None, "{bad}");
        }
    }

    #[test]
    fn lines_are_counted_from_one() {
        let check = |start, end| check_range("a", Some(&LineRange { start, end })).is_ok();
        assert!(check(1, 1) && check(2, 9));
        assert!(!check(0, 1) && !check(3, 2));
        assert!(check_range("a", None).is_ok());
    }
}
