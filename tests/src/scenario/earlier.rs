//! What clients were told when a scenario was played over another carrier: it has to be the same. Not here: how it is shown
//! (`render`).
use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};

use crate::scenario::diff;

/// The first texts of each place.
#[derive(Debug, Default)]
pub(crate) struct Earlier(BTreeMap<(String, usize), String>);

impl Earlier {
    /// Fails unless `text` is what the first play on this wire had in this line.
    pub(crate) fn same(&mut self, wire: &str, line: usize, text: &str) -> Result<()> {
        ensure!(!text.is_empty(), "the client was told nothing");
        let first = self.0.entry((wire.to_owned(), line)).or_insert_with(|| text.to_owned());
        if first == text {
            return Ok(());
        }
        bail!("another carrier brought something else:\n{}", diff::diff(first, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_text_of_a_place_is_the_text_of_all() {
        let mut earlier = Earlier::default();
        earlier.same("a", 1, "told").unwrap();
        earlier.same("a", 1, "told").unwrap();
        earlier.same("b", 1, "otherwise told").unwrap();
        earlier.same("a", 2, "told something else").unwrap();
        assert!(earlier.same("a", 1, "otherwise told").unwrap_err().to_string().contains("+ otherwise told"));
        assert!(earlier.same("a", 3, "").is_err());
    }
}
