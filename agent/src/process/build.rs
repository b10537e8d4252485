//! Which build this program is: what tells it from another one of the same version, and which of two is the newer. Not here:
//! what is done about it (the client starts the newer one).
//!
//! The id is the one the linker writes into a program, a digest of what it linked (`.note.gnu.build-id`), so equal programs
//! are equal builds wherever they lie. It is read from the first bytes of the file, which costs a start nothing; a digest of
//! the whole file would cost it milliseconds. A linker that writes none leaves the file's size and time.
use std::fmt::Write as _;
use std::fs::File;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};

use crate::base::clock::Timestamp;

/// How much of the file is read: the headers and the notes lie at its beginning.
const HEAD_BYTES: usize = 8 * 1024;

/// Program headers that are looked at; a program has about a dozen.
const HEADERS_MAX: usize = 64;

/// `p_type` of a segment of notes, and `n_type` of the build's id (ELF-64 object file format, and its GNU extensions).
const PT_NOTE: u32 = 4;
const NT_GNU_BUILD_ID: u32 = 3;

/// Which build a program is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Build {
    /// Differs between any two builds.
    pub(crate) id: String,
    /// The time of the program's file, RFC 3339 in UTC; of two builds of one version the later is the newer.
    pub(crate) at: Option<String>,
}

impl Build {
    /// Returns the running program's, also when its file was replaced since it started.
    pub(crate) fn of_this_program() -> Self {
        let Ok(file) = File::open("/proc/self/exe") else {
            return Self { id: "unknown".to_owned(), at: None };
        };
        let metadata = file.metadata().ok();
        let id = build_id(&head(&file)).or_else(|| {
            let metadata = metadata.as_ref()?;
            Some(format!("{:x}-{:x}", metadata.len(), metadata.mtime()))
        });
        let at = metadata.map(|metadata| {
            let milliseconds =
                metadata.mtime().saturating_mul(1_000).saturating_add(metadata.mtime_nsec() / 1_000_000);
            Timestamp(milliseconds).to_rfc3339()
        });
        Self { id: id.unwrap_or_else(|| "unknown".to_owned()), at }
    }
}

fn head(file: &File) -> Vec<u8> {
    let mut bytes = vec![0; HEAD_BYTES];
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(&mut bytes[filled..], filled as u64) {
            Ok(count) if count > 0 => filled += count,
            Ok(_) | Err(_) => break,
        }
    }
    bytes.truncate(filled);
    bytes
}

/// Returns the id that the linker wrote, in hex; `None` where there is none, or where the file is no ELF-64 of this machine's
/// byte order.
fn build_id(file: &[u8]) -> Option<String> {
    let order = if cfg!(target_endian = "little") { 1 } else { 2 };
    if file.get(..6)? != [0x7f, b'E', b'L', b'F', 2, order] {
        return None;
    }
    let table = usize::try_from(u64::from_ne_bytes(field(file, 32)?)).ok()?;
    let entry_bytes = usize::from(u16::from_ne_bytes(field(file, 54)?));
    let entries = usize::from(u16::from_ne_bytes(field(file, 56)?)).min(HEADERS_MAX);
    (0..entries).find_map(|index| {
        let at = table.checked_add(index.checked_mul(entry_bytes)?)?;
        if u32::from_ne_bytes(field(file, at)?) != PT_NOTE {
            return None;
        }
        let start = usize::try_from(u64::from_ne_bytes(field(file, at.checked_add(8)?)?)).ok()?;
        let length = usize::try_from(u64::from_ne_bytes(field(file, at.checked_add(32)?)?)).ok()?;
        in_notes(file.get(start..start.checked_add(length)?)?)
    })
}

/// Looks for the id among the notes of a segment: sizes of name and content, a type, then both, padded to four bytes.
fn in_notes(mut notes: &[u8]) -> Option<String> {
    loop {
        let name_bytes = usize::try_from(u32::from_ne_bytes(field(notes, 0)?)).ok()?;
        let content_bytes = usize::try_from(u32::from_ne_bytes(field(notes, 4)?)).ok()?;
        let kind = u32::from_ne_bytes(field(notes, 8)?);
        let content_at = 12_usize.checked_add(name_bytes.checked_next_multiple_of(4)?)?;
        let content = notes.get(content_at..content_at.checked_add(content_bytes)?)?;
        if kind == NT_GNU_BUILD_ID && notes.get(12..12 + name_bytes)? == b"GNU\0" && !content.is_empty() {
            return Some(hex(content));
        }
        notes = notes.get(content_at.checked_add(content_bytes.checked_next_multiple_of(4)?)?..)?;
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_program_is_a_build_that_its_file_tells() {
        let build = Build::of_this_program();
        assert_eq!(build, Build::of_this_program());
        assert_ne!(build.id, "unknown");
        assert!(build.at.is_some_and(|at| at.ends_with('Z')));
    }

    #[test]
    fn the_id_is_found_behind_other_notes_and_damage_is_no_panic() {
        let note = |kind: u32, name: &[u8], content: &[u8]| {
            let mut bytes = Vec::new();
            for number in [u32::try_from(name.len()).unwrap(), u32::try_from(content.len()).unwrap(), kind] {
                bytes.extend_from_slice(&number.to_ne_bytes());
            }
            for part in [name, content] {
                bytes.extend_from_slice(part);
                bytes.resize(bytes.len().next_multiple_of(4), 0);
            }
            bytes
        };
        let notes = [note(1, b"GNU\0", b"abcde"), note(3, b"GNU\0", &[0x0a, 0xff])].concat();
        assert_eq!(in_notes(&notes), Some("0aff".to_owned()));
        for end in 0..notes.len() - 2 {
            assert_eq!(in_notes(&notes[..end]), None, "cut at {end}");
        }
        let own = head(&File::open("/proc/self/exe").unwrap());
        for end in 0..own.len().min(1_000) {
            build_id(&own[..end]);
        }
    }
}
