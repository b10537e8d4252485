//! Words of a later version: whoever reads keeps them, and the agent refuses them where it is told what to do. Not here: the words.
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error};

/// Bytes of a word that are kept: small, since many a type holds some. Those of the protocol have at most 12; a vendor's has its name before it.
const WORD_BYTES_MAX: usize = 31;

/// A word that this build does not know, as it came; of one over 31 bytes the beginning.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unheard {
    bytes: [u8; WORD_BYTES_MAX],
    len: u8,
}

impl Unheard {
    /// Takes a word.
    pub fn new(text: &str) -> Self {
        let mut bytes = [0; WORD_BYTES_MAX];
        let kept = (0..=text.len().min(WORD_BYTES_MAX)).rev().find(|len| text.is_char_boundary(*len));
        let kept = text.get(..kept.unwrap_or(0)).unwrap_or_default();
        for (place, byte) in bytes.iter_mut().zip(kept.bytes()) {
            *place = byte;
        }
        Self { bytes, len: u8::try_from(kept.len()).unwrap_or(0) }
    }

    /// Returns the word.
    pub fn as_str(&self) -> &str {
        let kept = self.bytes.get(..usize::from(self.len)).unwrap_or_default();
        // It was cut where a character ends.
        std::str::from_utf8(kept).unwrap_or_default()
    }
}

impl fmt::Debug for Unheard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

/// What can be of a later version.
pub(crate) trait Later {
    /// Fails if a part of it is not known to this build.
    fn check<E: Error>(&self) -> Result<(), E>;
}

impl<T: Later> Later for Option<T> {
    fn check<E: Error>(&self) -> Result<(), E> {
        self.as_ref().map_or(Ok(()), Later::check)
    }
}

impl<T: Later> Later for Vec<T> {
    fn check<E: Error>(&self) -> Result<(), E> {
        self.iter().try_for_each(Later::check)
    }
}

/// Takes what this build knows and nothing else: for parameters, which say what to do.
pub(crate) fn known<'de, D: Deserializer<'de>, T: Deserialize<'de> + Later>(
    deserializer: D,
) -> Result<T, D::Error> {
    let value = T::deserialize(deserializer)?;
    value.check()?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open::{CloseHow, CloseParams};

    #[test]
    fn a_word_is_kept_as_far_as_there_is_room() {
        assert_eq!(Unheard::new("_vendor.word").as_str(), "_vendor.word");
        assert_eq!(Unheard::new("").as_str(), "");
        let long = "ä".repeat(40);
        assert_eq!(Unheard::new(&long).as_str(), "ä".repeat(15));
    }

    #[test]
    fn a_later_word_is_read_and_written_as_it_is() {
        let how: CloseHow = serde_json::from_str("\"burn\"").unwrap();
        assert_eq!((how.as_str(), how.to_string()), ("burn", "burn".to_owned()));
        assert_eq!(serde_json::to_string(&how).unwrap(), "\"burn\"");
        assert_eq!(serde_json::from_str::<CloseHow>("\"archive\"").unwrap(), CloseHow::Archive);
        assert!(serde_json::from_str::<CloseHow>("7").is_err());
    }

    #[test]
    fn parameters_take_no_later_word() {
        let refused =
            serde_json::from_str::<CloseParams>(r#"{"sessionId": "s", "how": "burn"}"#).unwrap_err();
        let expected = "unknown variant `burn`, expected one of `detach`, `archive`, `delete`";
        assert!(refused.to_string().starts_with(expected), "{refused}");
    }
}
