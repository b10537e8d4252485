//! The file in which is kept what was in a workspace before a job: one line of JSON for each name, behind it the contents of that
//! name where they were kept. Not here: what is kept (`before`), and when the file goes (the session).
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::changes::capture::look::{Content, content};
use crate::workspace::identity::{Identity, Kind, Stat};
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;
use crate::workspace::survey::Survey;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    since_ns: i128,
    is_cut: bool,
    names: usize,
}

/// The line of one name.
#[derive(Debug, Serialize, Deserialize)]
struct Name {
    path: String,
    /// Whether nothing beneath it was looked at.
    passed: bool,
    kind: Kind,
    mode: u32,
    owner: (u32, u32),
    device: u64,
    inode: u64,
    size_bytes: u64,
    modified_ns: i128,
    changed_ns: i128,
    /// The mode and the length of the contents that follow.
    kept: Option<(u32, usize)>,
}

/// Contents in the file.
#[derive(Debug)]
pub(super) struct Kept {
    file: File,
    /// Where those of a name begin, how long they are, and its mode.
    places: BTreeMap<RelPath, (u64, usize, u32)>,
}

impl Kept {
    /// Returns what a name held and its mode, if that was kept. Blocks.
    pub(super) fn content(&self, path: &RelPath) -> Option<Content> {
        let (start, length, mode) = self.places.get(path)?;
        let mut bytes = vec![0; *length];
        self.file.read_exact_at(&mut bytes, *start).ok()?;
        Some((bytes, *mode))
    }
}

/// Makes the file, for nobody else's eyes.
pub(super) fn create(place: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(place)
}

/// Returns when the file was made, in nanoseconds since the Unix epoch, by the clock of its file system.
pub(super) fn time(file: &File) -> io::Result<i128> {
    let stat = file.metadata()?;
    Ok(i128::from(stat.ctime()) * 1_000_000_000 + i128::from(stat.ctime_nsec()))
}

/// Writes the file. It need not survive a power cut: the job does not either.
pub(super) fn write(
    file: File,
    root: &Root,
    survey: &Survey,
    since_ns: i128,
    chosen: &BTreeSet<RelPath>,
) -> io::Result<()> {
    let mut out = BufWriter::new(file);
    let names = survey.entries.len() + survey.passed.len();
    line(&mut out, &Head { since_ns, is_cut: survey.is_cut, names })?;
    let entries = survey.entries.iter().map(|entry| (entry, false));
    for ((path, stat), passed) in entries.chain(survey.passed.iter().map(|entry| (entry, true))) {
        // What cannot be read is not kept: it is said to be unknown if it changes.
        let bytes = if chosen.contains(path) { content(root, path).ok() } else { None };
        let kept = bytes.as_ref().map(|(bytes, mode)| (*mode, bytes.len()));
        line(&mut out, &name(path, stat, passed, kept))?;
        out.write_all(bytes.as_ref().map_or(&[], |(bytes, _)| bytes.as_slice()))?;
    }
    out.flush()
}

fn line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

fn name(path: &RelPath, stat: &Stat, passed: bool, kept: Option<(u32, usize)>) -> Name {
    let Identity { device, inode, size_bytes, modified_ns, changed_ns } = stat.identity;
    Name {
        path: path.to_encoded(),
        passed,
        kind: stat.kind,
        mode: stat.mode,
        owner: (stat.uid, stat.gid),
        device,
        inode,
        size_bytes,
        modified_ns,
        changed_ns,
        kept,
    }
}

/// Reads the file: the names, when they were looked at, and where their contents are.
///
/// # Errors
/// It was not written to its end.
pub(super) fn read(place: &Path) -> io::Result<(Survey, i128, Kept)> {
    let file = File::open(place)?;
    let mut lines = Lines { bytes: BufReader::new(file.try_clone()?), at: 0 };
    let head: Head = lines.next()?;
    let mut survey = Survey { is_cut: head.is_cut, ..Survey::default() };
    let mut places = BTreeMap::new();
    for _ in 0..head.names {
        let name: Name = lines.next()?;
        let path = RelPath::from_wire(&name.path, true).map_err(io::Error::other)?;
        if let Some((mode, length)) = name.kept {
            places.insert(path.clone(), (lines.at, length, mode));
            lines.skip(length)?;
        }
        let names = if name.passed { &mut survey.passed } else { &mut survey.entries };
        names.insert(path, name.stat());
    }
    let end = file.metadata()?.len();
    if lines.at == end { Ok((survey, head.since_ns, Kept { file, places })) } else { Err(cut()) }
}

impl Name {
    fn stat(&self) -> Stat {
        let Self { kind, mode, owner: (uid, gid), device, inode, size_bytes, .. } = *self;
        let (modified_ns, changed_ns) = (self.modified_ns, self.changed_ns);
        let identity = Identity { device, inode, size_bytes, modified_ns, changed_ns };
        Stat { kind, mode, uid, gid, identity }
    }
}

/// The file while it is read.
struct Lines {
    bytes: BufReader<File>,
    at: u64,
}

impl Lines {
    fn next<T: for<'a> Deserialize<'a>>(&mut self) -> io::Result<T> {
        let mut line = Vec::new();
        self.at += self.bytes.read_until(b'\n', &mut line)? as u64;
        if line.last() == Some(&b'\n') { Ok(serde_json::from_slice(&line)?) } else { Err(cut()) }
    }

    fn skip(&mut self, length: usize) -> io::Result<()> {
        self.bytes.seek_relative(i64::try_from(length).map_err(io::Error::other)?)?;
        self.at += length as u64;
        Ok(())
    }
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "what was there before was not written down to its end")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::changes::capture::Before;

    #[test]
    fn what_is_written_is_read_and_half_of_it_is_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("kept");
        let workspace = folder.path().join("w");
        fs::create_dir_all(workspace.join("target/x")).unwrap();
        fs::write(workspace.join(".gitignore"), "target\n").unwrap();
        fs::write(workspace.join("50% \n.txt"), "{\"a\": 1}\n{\n").unwrap();
        fs::write(workspace.join("empty"), "").unwrap();
        symlink("empty", workspace.join("link")).unwrap();
        let root = Root::open(&workspace).unwrap();
        Before::keep(&root, &[], &place).unwrap();
        let (survey, since_ns, kept) = read(&place).unwrap();
        let now = Survey::of(&root);
        assert_eq!((&survey.entries, &survey.passed), (&now.entries, &now.passed));
        let text = |name: &str| kept.content(&RelPath::parse(name).unwrap()).map(|(bytes, _)| bytes);
        assert_eq!(text("50% \n.txt").unwrap(), b"{\"a\": 1}\n{\n");
        assert_eq!((text("empty"), text("link")), (Some(Vec::new()), Some(b"empty".to_vec())));
        assert_eq!((text("target"), text("none")), (None, None));
        assert!(now.entries.values().all(|stat| stat.identity.changed_ns <= since_ns));
        assert!(Before::keep(&root, &[], &place).is_err(), "it is another job's");
        let whole = fs::read(&place).unwrap();
        for length in [0, 1, whole.len() / 2, whole.len() - 1] {
            fs::write(&place, &whole[..length]).unwrap();
            assert!(read(&place).is_err(), "{length} bytes of it");
        }
    }
}
