//! Where contents are kept by digest, as far as a change needs it. Not here: the storage itself (`journal`).
use crate::base::digest::Digest;

/// Contents by digest. What `put` has returned stays until the journal's retention removes it.
pub(crate) trait BlobStore {
    /// Stores contents durably and returns their digest; storing the same twice is free.
    ///
    /// # Errors
    /// The disk is full or fails.
    fn put(&self, bytes: &[u8]) -> Result<Digest, BlobError>;

    /// Returns contents.
    ///
    /// # Errors
    /// There are none of this digest, or they cannot be read.
    fn get(&self, digest: Digest) -> Result<Vec<u8>, BlobError>;
}

/// Contents could not be stored or found.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} the stored contents of a file")]
pub(crate) struct BlobError {
    /// What was tried: `write` or `read`.
    pub(crate) action: &'static str,
    /// What the store said.
    #[source]
    pub(crate) source: Box<dyn std::error::Error + Send + Sync>,
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    use super::*;

    /// Contents in memory.
    #[derive(Debug, Default)]
    pub(in crate::changes) struct Memory(RefCell<BTreeMap<Digest, Vec<u8>>>);

    impl BlobStore for Memory {
        fn put(&self, bytes: &[u8]) -> Result<Digest, BlobError> {
            let digest = Digest::of(bytes);
            self.0.borrow_mut().insert(digest, bytes.to_vec());
            Ok(digest)
        }

        fn get(&self, digest: Digest) -> Result<Vec<u8>, BlobError> {
            self.0
                .borrow()
                .get(&digest)
                .cloned()
                .ok_or_else(|| BlobError { action: "read", source: "absent".into() })
        }
    }
}
