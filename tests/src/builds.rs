//! Other builds of the binary under test: copies that only their build's id and the time of their file tell apart, as two
//! builds of one version are. Not here: running them (`home`).
use std::fs::{self, File, FileTimes, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::home::Home;
use crate::surroundings::binary;

/// How a linker begins the note with a program's id: the lengths of name and id, the type, the name.
const NOTE: &[u8] = b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0";

/// Makes a build that is newer than the binary, by as many hours as `generation` says.
///
/// # Errors
/// The binary cannot be read, or the copy not written.
pub fn newer(home: &Home, generation: u8) -> Result<PathBuf> {
    let original = binary()?;
    let mut program = fs::read(&original).with_context(|| format!("cannot read {}", original.display()))?;
    match program.windows(NOTE.len()).position(|window| window == NOTE) {
        Some(found) => program[found + NOTE.len()] ^= generation,
        // Without an id its size tells a build.
        None => program.resize(program.len() + usize::from(generation), 0),
    }
    let path = home.root().join(format!("tenon-{generation}"));
    fs::write(&path, program)?;
    fs::set_permissions(&path, Permissions::from_mode(0o755))?;
    let at = fs::metadata(&original)?.modified()? + Duration::from_hours(u64::from(generation));
    File::options().write(true).open(&path)?.set_times(FileTimes::new().set_modified(at))?;
    Ok(path)
}
