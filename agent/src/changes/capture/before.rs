//! What was in a workspace before a command that writes to it itself: the names, and contents as far as there is room. In memory
//! for a command, in a file for a job. Not here: comparing it with what is there later (`compare`).
use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use crate::changes::capture::bases::{Bases, FILE_BYTES_MAX, FILES_MAX};
use crate::changes::capture::kept::{self, Kept};
use crate::changes::capture::look::Content;
use crate::workspace::identity::{Kind, Stat};
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;
use crate::workspace::survey::Survey;

/// Bytes of contents that are kept in the file of a job. Sources of most projects are less, and it is written once a job.
const JOB_ROOM_BYTES: u64 = 64 << 20;

/// What was there before a command.
#[derive(Debug)]
pub(crate) struct Before {
    /// The names.
    pub(super) survey: Survey,
    /// When it was looked at, by the clock of a file system; `None` if that is not known.
    pub(super) since_ns: Option<i128>,
    contents: Contents,
}

/// Where contents are kept.
#[derive(Debug)]
enum Contents {
    Memory(Bases),
    File(Kept),
}

impl Before {
    /// Looks at a workspace and keeps of its contents what there is room for: first what is `wanted`. Blocks.
    pub(crate) fn look(root: &Root, wanted: &[RelPath], room_bytes: u64, since_ns: Option<i128>) -> Self {
        let survey = Survey::of(root);
        let mut bases = Bases::with_room(room_bytes);
        for path in chosen(&survey, wanted, room_bytes) {
            bases.keep(root, &path);
        }
        Self { survey, since_ns, contents: Contents::Memory(bases) }
    }

    /// Looks at a workspace for a job, which may outlive the agent: everything goes into a new file. Blocks.
    ///
    /// # Errors
    /// The disk refuses; the file is not fit to be read then.
    pub(crate) fn keep(root: &Root, wanted: &[RelPath], place: &Path) -> io::Result<()> {
        let file = kept::create(place)?;
        let since_ns = kept::time(&file)?;
        let survey = Survey::of(root);
        let chosen = chosen(&survey, wanted, JOB_ROOM_BYTES);
        kept::write(file, root, &survey, since_ns, &chosen)
    }

    /// Returns what was kept for a job. Blocks.
    ///
    /// # Errors
    /// There is none, or it was not written to its end.
    pub(crate) fn kept(place: &Path) -> io::Result<Self> {
        let (survey, since_ns, kept) = kept::read(place)?;
        Ok(Self { survey, since_ns: Some(since_ns), contents: Contents::File(kept) })
    }

    /// Returns what a file held and its mode, if that was kept. May block.
    pub(super) fn content(&self, path: &RelPath) -> Option<Content> {
        match &self.contents {
            Contents::Memory(bases) => bases.get(path).cloned(),
            Contents::File(kept) => kept.content(path),
        }
    }
}

/// Chooses what is kept: first what is wanted, then the smallest, so that there is room for as many as can be.
fn chosen(survey: &Survey, wanted: &[RelPath], room_bytes: u64) -> BTreeSet<RelPath> {
    let has_contents = |stat: &Stat| matches!(stat.kind, Kind::File | Kind::Link);
    let size = |stat: &Stat| stat.identity.size_bytes;
    let first = wanted.iter().filter_map(|path| survey.entries.get_key_value(path));
    let mut others: Vec<(&RelPath, &Stat)> = survey.entries.iter().collect();
    others.sort_by_key(|(_, stat)| size(stat));
    let (mut chosen, mut left_bytes) = (BTreeSet::new(), room_bytes);
    for (path, stat) in first.chain(others) {
        if chosen.len() == FILES_MAX {
            break;
        }
        let fits = has_contents(stat) && size(stat) <= FILE_BYTES_MAX.min(left_bytes);
        if fits && chosen.insert(path.clone()) {
            left_bytes -= size(stat);
        }
    }
    chosen
}
