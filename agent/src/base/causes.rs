//! An error with what caused it, for those who see only text. Not here: errors on a terminal (`cli`), which leave out what was said.
use std::error::Error;

/// Returns an error and its causes, outermost first, with colons between.
pub(crate) fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
