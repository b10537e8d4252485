//! What undo keeps on the disk. Not here: what it costs in time (`turns`).

use super::Setup;
use super::agent::{self, Place, Session};
use super::figures::{Figure, Goal, number};
use anyhow::{Result, ensure};
use serde_json::json;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use tenon_tests::model_server::{Reply, Script};

/// Edits in all, and of one session: each request holds all of its session's calls.
const EDITS: usize = 1_000;
const EDITS_OF_SESSION: usize = 50;

/// The file that is edited, about 100 kB of text that is no repetition.
const FILE: &str = "source.txt";
const LINES: u64 = 2_000;

/// Edits one file again and again, and tells what the contents take.
pub(crate) fn measure(setup: &Setup) -> Result<Vec<Figure>> {
    let sessions = EDITS / EDITS_OF_SESSION / if setup.quick { 4 } else { 1 };
    // A turn asks once for the read, once for each edit, and once for its end.
    let requests = EDITS_OF_SESSION + 2;
    let script = Script::function(move |number, _| {
        let (session, step) = (number / requests, number % requests);
        let line = |edit: usize| format!("    let name_{edit} = ");
        match step {
            0 => Reply::call("read", &json!({"path": FILE})),
            step if step <= EDITS_OF_SESSION => {
                let old = line(session * EDITS_OF_SESSION + step - 1);
                Reply::call("edit", &json!({"path": FILE, "old": old, "new": format!("{old}1 + ")}))
            }
            _ => Reply::text("done"),
        }
    });
    let place = Place::new(setup, script)?;
    let line = |line: u64| format!("    let name_{line} = {};\n", line.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    agent::write(&place.workspace().join(FILE), &(0..LINES).map(line).collect::<String>())?;
    let (_daemon, mut link, _) = place.start()?;
    for _ in 0..sessions {
        Session::open(&mut link, &place.workspace())?.turn(&mut link, "work")?;
    }
    let edited = std::fs::read_to_string(place.workspace().join(FILE))?.matches(" = 1 + ").count();
    let edits = sessions * EDITS_OF_SESSION;
    ensure!(edited == edits, "{edited} edits of {edits} were made");
    let megabytes = number(bytes_on_disk(&place.path("state/blobs"))?) / 1e6;
    let figure =
        Figure::one("undo data", megabytes * number(EDITS) / number(edits), "MB", Goal::AtMost(20.0));
    Ok(vec![figure.note(format!("of 1,000 edits to a file of 100 kB; {edits} were made"))])
}

/// Returns what the files beneath a directory take, in blocks.
fn bytes_on_disk(directory: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { bytes_on_disk(&entry.path())? } else { metadata.blocks() * 512 };
    }
    Ok(bytes)
}
