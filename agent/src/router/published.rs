//! The published schema as this build was made with it: embedded once, for the digest of the handshake and for
//! `tenon schema`. Not here: the types it is generated from (`tenon-protocol`).
use std::sync::LazyLock;

use crate::base::digest::Digest;

/// This is a table: the documents of `spec/schema` by name, in the order in which the digest takes them.
pub(crate) const DOCUMENTS: [(&str, &str); 10] = [
    ("methods", include_str!("../../../spec/schema/methods.json")),
    ("events", include_str!("../../../spec/schema/events.json")),
    ("envelope", include_str!("../../../spec/schema/envelope.json")),
    ("client-hello", include_str!("../../../spec/schema/client-hello.json")),
    ("agent-hello", include_str!("../../../spec/schema/agent-hello.json")),
    ("errors", include_str!("../../../spec/schema/errors.json")),
    ("error", include_str!("../../../spec/schema/error.json")),
    ("subscription", include_str!("../../../spec/schema/subscription.json")),
    ("environment", include_str!("../../../spec/schema/environment.json")),
    ("context", include_str!("../../../spec/schema/context.json")),
];

/// The digest of all documents, as the handshake has it (`schema`): equal digests, equal shapes.
pub(crate) static DIGEST: LazyLock<String> = LazyLock::new(|| {
    let whole: String = DOCUMENTS.iter().map(|(_, text)| *text).collect();
    format!("b3:{}", Digest::of(whole.as_bytes()))
});

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_published_document_is_there() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/schema");
        let published: BTreeSet<String> = directory
            .read_dir()
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        assert_eq!(published, DOCUMENTS.iter().map(|(name, _)| format!("{name}.json")).collect());
    }
}
