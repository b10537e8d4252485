//! Packs what is published under `spec/` and built in, which is large and seldom wanted: a twelfth of its size in the binary,
//! and in the memory of every agent. Not here: reading it (`published`).
use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The folders of `spec/` whose JSON files are built in.
const FOLDERS: [&str; 3] = ["schema", "conformance", "conformance/client"];

/// What is compressed once may be compressed well.
const LEVEL: i32 = 19;

#[expect(clippy::disallowed_methods, reason = "so cargo talks to a build script")]
fn main() -> Result<(), Box<dyn Error>> {
    let spec = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../spec");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let (mut index, mut whole) = (Vec::new(), Vec::new());
    for folder in FOLDERS {
        println!("cargo::rerun-if-changed={}", spec.join(folder).display());
        for (name, text) in documents(&spec.join(folder))? {
            index.push((folder, name, text.len()));
            whole.extend(text);
        }
    }
    fs::write(out.join("published.zst"), zstd::bulk::compress(&whole, LEVEL)?)?;
    // The folder, the name without its ending, the bytes of each, in the order in which they follow each other.
    fs::write(out.join("published.rs"), format!("&{index:?}"))?;
    Ok(())
}

/// The name of a file without its ending, and what it contains.
type Document = (String, Vec<u8>);

/// Returns the JSON files of a folder, by name.
fn documents(folder: &Path) -> Result<Vec<Document>, Box<dyn Error>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let name = path.file_stem().and_then(|name| name.to_str()).ok_or("a name that is not UTF-8")?;
            found.push((name.to_owned(), fs::read(&path)?));
        }
    }
    found.sort();
    Ok(found)
}
