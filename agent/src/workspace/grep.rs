//! Searching contents, in parallel, bounded, with the same answer every time. Not here: how matches are shown.
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use grep_matcher::Matcher;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, Sink, SinkMatch};
use rustix::fs::{OFlags, fstat};

use crate::workspace::error::FileError;
use crate::workspace::find::PathGlob;
use crate::workspace::identity::{Kind, Stat};
use crate::workspace::open::Links;
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;
use crate::workspace::smallest::Smallest;
use crate::workspace::stop::Stop;
use crate::workspace::walk;

/// The most matching lines of one search.
pub(crate) const GREP_MATCHES_MAX: usize = 1_000;

/// The longest part of a matching line that is shown, in bytes; minified files have lines of megabytes.
const LINE_BYTES_MAX: usize = 400;

/// Files up to this size are read with one call into a buffer that each thread keeps; larger ones are streamed.
const WHOLE_BYTES_MAX: u64 = 1 << 20;

/// The longest line a streamed file may have, in bytes, before it is left out.
const HEAP_BYTES_MAX: usize = 16 << 20;

/// How long contents in memory are searched: matching is linear, so this is never reached.
const CONTENTS_TIMEOUT: Duration = Duration::from_secs(10);

/// The most memory a compiled pattern may take, in bytes. Matching itself is linear, so this is the only way for a pattern
/// to be expensive.
const PATTERN_BYTES_MAX: usize = 16 << 20;

/// What to search for and where.
#[derive(Clone, Debug, Default)]
pub(crate) struct GrepOptions {
    /// A folder or a file; the root by default.
    pub(crate) path: RelPath,
    /// Only files whose path below `path` matches this glob; a pattern without `/` is matched against the name.
    pub(crate) glob: Option<String>,
    /// Upper and lower case are the same.
    pub(crate) ignore_case: bool,
    /// The pattern is text, not an expression.
    pub(crate) literal: bool,
    /// At most this many lines; 0 means [`GREP_MATCHES_MAX`], which it cannot exceed.
    pub(crate) matches_max: usize,
}

/// A matching line. Order: path, then line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct GrepMatch {
    /// The file.
    pub(crate) path: RelPath,
    /// The line's number, from 1.
    pub(crate) line: u64,
    /// The line without its end; bytes that are not UTF-8 replaced, a long line cut around its first match.
    pub(crate) text: String,
    /// `text` is only a part of the line.
    pub(crate) cut: bool,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GrepReport {
    /// The first matches by path and line.
    pub(crate) matches: Vec<GrepMatch>,
    /// There are more.
    pub(crate) truncated: bool,
    /// The search was cancelled or out of time: files may not have been looked at.
    pub(crate) stopped: bool,
}

/// Why a search failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GrepError {
    /// The expression is malformed or too large.
    #[error("bad search pattern: {0}")]
    Pattern(#[from] grep_regex::Error),
    /// The glob is malformed.
    #[error("bad glob pattern")]
    Glob(#[from] globset::Error),
    /// The folder or file cannot be searched.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Searches every text file below `options.path` for `pattern` (the syntax of Rust's regex crate), line by line. What
/// ignore files name, `.git`, links and binary files are left out; hidden files are not.
///
/// # Errors
/// The pattern or the glob is malformed, or the path is absent or outside. A file that cannot be read is left out.
pub(crate) fn grep(
    root: &Root,
    pattern: &str,
    options: &GrepOptions,
    stop: &Stop,
) -> Result<GrepReport, GrepError> {
    let matcher = matcher(pattern, options)?;
    let glob = options.glob.as_deref().map(PathGlob::new).transpose()?;
    let start = root.canonical(&options.path)?;
    let matches_max = match options.matches_max {
        0 => GREP_MATCHES_MAX,
        some => some.min(GREP_MATCHES_MAX),
    };
    match root.stat(&start)?.map(|stat| stat.kind) {
        None => return Err(FileError::NotFound(start).into()),
        Some(Kind::Folder) => {}
        Some(Kind::File | Kind::Link | Kind::Special) => {
            // A file that was named is searched even where a walk would leave it out; opening it tells what is wrong.
            drop(root.open_regular(&start, Links::Refuse)?);
            let mut kept = Smallest::new(matches_max);
            Search::new(root, &matcher, stop).file(&start, &mut kept);
            let truncated = kept.has_dropped();
            return Ok(GrepReport { matches: kept.into_sorted(), truncated, stopped: stop.is_due() });
        }
    }
    let absolute = root.absolute(&start);
    if walk::has_trap(&absolute) {
        return Ok(GrepReport { matches: Vec::new(), truncated: false, stopped: false });
    }
    let wanted = |path: &Path| {
        glob.as_ref().is_none_or(|glob| path.strip_prefix(&absolute).is_ok_and(|p| glob.is_match(p)))
    };
    let found = walk::collect(&walk::builder(root, &start)?, matches_max, stop, || {
        let mut search = Search::new(root, &matcher, stop);
        let wanted = &wanted;
        move |entry: &ignore::DirEntry, kept: &mut Smallest<GrepMatch>| {
            if entry.file_type().is_some_and(|kind| kind.is_file())
                && wanted(entry.path())
                && let Ok(path) = entry.path().strip_prefix(root.path())
            {
                search.file(&RelPath::from_walk(path), kept);
            }
        }
    });
    Ok(GrepReport { matches: found.items, truncated: found.truncated, stopped: found.stopped })
}

/// Searches contents that are not on the disk as [`grep`] searches files: those of one name.
///
/// # Errors
/// The pattern or the glob is malformed.
pub(crate) fn grep_contents(
    pattern: &str,
    options: &GrepOptions,
    contents: &[(RelPath, Vec<u8>)],
) -> Result<Vec<GrepMatch>, GrepError> {
    let matcher = matcher(pattern, options)?;
    let glob = options.glob.as_deref().map(PathGlob::new).transpose()?;
    let (mut kept, stop) = (Smallest::new(GREP_MATCHES_MAX), Stop::after(CONTENTS_TIMEOUT));
    let mut searcher = searcher();
    for (path, bytes) in contents {
        let below = path.as_path().strip_prefix(options.path.as_path()).ok();
        // A file that was named is searched whatever its name.
        let is_wanted = |below: &Path| {
            below.as_os_str().is_empty() || glob.as_ref().is_none_or(|glob| glob.is_match(below))
        };
        if below.is_some_and(is_wanted) {
            let sink = Lines { path, matcher: &matcher, kept: &mut kept, stop: &stop };
            if let Err(error) = searcher.search_slice(&matcher, bytes, sink) {
                tracing::debug!(%path, %error, "left out of the search");
            }
        }
    }
    Ok(kept.into_sorted())
}

fn matcher(pattern: &str, options: &GrepOptions) -> Result<RegexMatcher, grep_regex::Error> {
    RegexMatcherBuilder::new()
        .case_insensitive(options.ignore_case)
        .fixed_strings(options.literal)
        .multi_line(true)
        // With the terminator known, whole buffers are scanned for literals and lines are found afterwards.
        .line_terminator(Some(b'\n'))
        .crlf(false)
        .size_limit(PATTERN_BYTES_MAX)
        .dfa_size_limit(PATTERN_BYTES_MAX)
        .build(pattern)
}

fn searcher() -> Searcher {
    SearcherBuilder::new()
        .line_number(true)
        .binary_detection(BinaryDetection::quit(0))
        .heap_limit(Some(HEAP_BYTES_MAX))
        .build()
}

/// What one thread needs to search files.
struct Search<'a> {
    root: &'a Root,
    matcher: RegexMatcher,
    searcher: Searcher,
    buffer: Vec<u8>,
    stop: &'a Stop,
}

impl<'a> Search<'a> {
    fn new(root: &'a Root, matcher: &RegexMatcher, stop: &'a Stop) -> Self {
        Self { root, matcher: matcher.clone(), searcher: searcher(), buffer: Vec::new(), stop }
    }

    /// Searches one file; one that cannot be opened or read is left out.
    fn file(&mut self, path: &RelPath, kept: &mut Smallest<GrepMatch>) {
        // Once it is known that there is more, a file behind the last kept match has nothing to say.
        if kept.has_dropped() && kept.bar().is_some_and(|bar| bar.path < *path) {
            return;
        }
        let Some((fd, size_bytes)) = self.open(path) else { return };
        let sink = Lines { path, matcher: &self.matcher, kept, stop: self.stop };
        let searched = if size_bytes <= WHOLE_BYTES_MAX {
            self.buffer.resize(usize::try_from(size_bytes).unwrap_or(0), 0);
            match read_full(&fd, &mut self.buffer) {
                Ok(bytes) => self.searcher.search_slice(&self.matcher, &self.buffer[..bytes], sink),
                Err(error) => Err(error),
            }
        } else {
            self.searcher.search_reader(&self.matcher, File::from(fd), sink)
        };
        if let Err(error) = searched {
            tracing::debug!(%path, %error, "left out of the search");
        }
    }

    fn open(&self, path: &RelPath) -> Option<(OwnedFd, u64)> {
        // The walk said "regular file". NONBLOCK and the second look are for what was swapped in since.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let fd = self.root.open_with(path, flags, Links::Refuse).ok()?;
        let stat = Stat::from(fstat(&fd).ok()?);
        (stat.kind == Kind::File).then_some((fd, stat.identity.size_bytes))
    }
}

/// Reads until the buffer is full or the file ends; returns how much there was.
fn read_full(fd: &OwnedFd, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match rustix::io::read(fd, &mut buffer[filled..]) {
            Ok(0) => break,
            Ok(bytes) => filled += bytes,
            Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(filled)
}

/// Takes the matching lines of one file.
struct Lines<'a> {
    path: &'a RelPath,
    matcher: &'a RegexMatcher,
    kept: &'a mut Smallest<GrepMatch>,
    stop: &'a Stop,
}

impl Sink for Lines<'_> {
    type Error = io::Error;

    fn matched(&mut self, _searcher: &Searcher, found: &SinkMatch<'_>) -> io::Result<bool> {
        let line = found.line_number().unwrap_or(0);
        if self.kept.bar().is_some_and(|bar| (&bar.path, bar.line) < (self.path, line)) {
            self.kept.note_dropped();
            return Ok(false);
        }
        let (text, cut) = shown(found.bytes(), self.matcher);
        self.kept.offer(GrepMatch { path: self.path.clone(), line, text, cut });
        Ok(!self.stop.is_due())
    }

    fn binary_data(&mut self, _searcher: &Searcher, _offset: u64) -> io::Result<bool> {
        Ok(false)
    }
}

/// Returns the part of a line that is shown, and whether it is not all of it.
fn shown(line: &[u8], matcher: &RegexMatcher) -> (String, bool) {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.len() <= LINE_BYTES_MAX {
        return (String::from_utf8_lossy(line).into_owned(), false);
    }
    let first = matcher.find(line).ok().flatten().map_or(0, |found| found.start());
    // A quarter of the window before the match, whole characters only.
    let boundary = |at: usize| (at..line.len()).find(|at| line[*at] & 0xc0 != 0x80).unwrap_or(line.len());
    let from = boundary(first.saturating_sub(LINE_BYTES_MAX / 4).min(line.len() - LINE_BYTES_MAX));
    let to = boundary((from + LINE_BYTES_MAX).min(line.len()));
    (String::from_utf8_lossy(&line[from..to]).into_owned(), true)
}

#[cfg(test)]
mod tests;
