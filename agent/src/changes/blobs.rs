//! Where contents are kept by digest, as far as a change needs it. Not here: the storage itself (`journal`).
use crate::base::digest::Digest;
use crate::journal::{BlobError, Blobs};

/// Contents by digest. What `put` has returned stays until the journal's retention removes it. All calls block.
pub(crate) trait BlobStore: std::fmt::Debug + Send + Sync {
    /// Stores contents durably and returns their digest; storing the same twice is free.
    ///
    /// # Errors
    /// The disk is full or fails, or the contents are too large.
    fn put(&self, bytes: &[u8]) -> Result<Digest, BlobError>;

    /// Stores contents and what has become of them, the latter as what is other where that is far smaller. Storing the same
    /// twice is free.
    ///
    /// # Errors
    /// As `put`.
    fn put_versions(&self, before: &[u8], after: &[u8]) -> Result<(), BlobError>;

    /// Returns contents.
    ///
    /// # Errors
    /// There are none of this digest, or they are damaged.
    fn get(&self, digest: Digest) -> Result<Vec<u8>, BlobError>;
}

impl BlobStore for Blobs {
    fn put(&self, bytes: &[u8]) -> Result<Digest, BlobError> {
        Self::put(self, bytes)
    }

    fn put_versions(&self, before: &[u8], after: &[u8]) -> Result<(), BlobError> {
        Self::put_versions(self, before, after).map(drop)
    }

    fn get(&self, digest: Digest) -> Result<Vec<u8>, BlobError> {
        Self::get(self, digest)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;
    #[expect(clippy::disallowed_types, reason = "a store for tests has no thread that could own it")]
    use std::sync::Mutex;

    use super::*;

    /// Contents in memory.
    #[derive(Debug, Default)]
    #[expect(clippy::disallowed_types, reason = "as above")]
    pub(crate) struct Memory(Mutex<BTreeMap<Digest, Vec<u8>>>);

    impl BlobStore for Memory {
        fn put(&self, bytes: &[u8]) -> Result<Digest, BlobError> {
            let digest = Digest::of(bytes);
            self.0.lock().unwrap().insert(digest, bytes.to_vec());
            Ok(digest)
        }

        fn put_versions(&self, before: &[u8], after: &[u8]) -> Result<(), BlobError> {
            self.put(before)?;
            self.put(after).map(drop)
        }

        fn get(&self, digest: Digest) -> Result<Vec<u8>, BlobError> {
            self.0.lock().unwrap().get(&digest).cloned().ok_or(BlobError::NotFound(digest))
        }
    }
}
