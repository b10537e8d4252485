//! What is published under `spec/` as this build was made with it: for the digest of the handshake, `tenon schema` and
//! `tenon conformance`. Not here: the types it is generated from (`tenon-protocol`), and packing it (`build.rs`).
use std::sync::LazyLock;

use crate::base::digest::Digest;

/// Folder, name and length in bytes of each document, in the order in which they are packed.
#[expect(clippy::unreadable_literal, reason = "the build script writes it")]
const INDEX: &[(&str, &str, usize)] = include!(concat!(env!("OUT_DIR"), "/published.rs"));

static PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/published.zst"));

/// The digest of all documents of the schema in the order of their names, as the handshake has it (`schema`): equal digests,
/// equal shapes.
pub(crate) static DIGEST: LazyLock<String> = LazyLock::new(|| {
    let whole: String = documents("schema").into_iter().map(|(_, text)| text).collect();
    format!("b3:{}", Digest::of(whole.as_bytes()))
});

/// Returns the documents of a folder of `spec/` with their names without the ending, in the order of these. Unpacks all of them
/// anew, which takes a millisecond; nothing stays in memory.
pub(crate) fn documents(folder: &str) -> Vec<(&'static str, String)> {
    let whole = zstd::bulk::decompress(PACKED, INDEX.iter().map(|(.., len)| len).sum()).unwrap_or_default();
    let (mut rest, mut found) = (whole.as_slice(), Vec::new());
    for (own, name, len) in INDEX {
        let Some((text, behind)) = rest.split_at_checked(*len) else { break };
        rest = behind;
        if *own == folder {
            found.push((*name, String::from_utf8_lossy(text).into_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_published_document_is_there() {
        for folder in ["schema", "conformance", "conformance/client"] {
            let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec").join(folder);
            let files = directory.read_dir().unwrap().map(|entry| entry.unwrap().path());
            let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
            let published: BTreeMap<String, String> = files
                .map(|path| {
                    let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
                    (name, fs::read_to_string(&path).unwrap())
                })
                .collect();
            assert!(!published.is_empty(), "{folder}");
            let built_in = documents(folder).into_iter().map(|(name, text)| (name.to_owned(), text));
            assert!(built_in.eq(published), "{folder}");
        }
        assert!(PACKED.len() < 60_000, "they weigh on the binary: {} bytes", PACKED.len());
    }

    #[test]
    fn a_folder_that_is_not_published_has_nothing() {
        assert!(documents("types").is_empty());
    }
}
