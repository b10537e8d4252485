//! What differs between two places in the history of a session's files, or between one and the disk. Not here: the history
//! (`projections`), lines and patches (`changes`).
use std::collections::BTreeSet;
use std::path::PathBuf;

use tenon_protocol::change::FileOp;
use tenon_protocol::cursor::Cursor;
use tenon_protocol::diff::{DiffFile, DiffForm, DiffParams, DiffResult};
use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::event::Envelope;
use tenon_protocol::ids::SessionId;

use crate::base::digest::Digest;
use crate::changes::diff::{Hunk, Side, diff};
use crate::changes::patch::{PatchFile, patch};
use crate::changes::plan::{PlanFile, Rest};
use crate::journal::{Blobs, Journal, LogId, PageLimits, ReadError, TypeFilter};
use crate::projections::cut::size;
use crate::projections::history::{self, History, Kept, NoPlace, WirePath};
use crate::session::known::not_ready;
use crate::session::plans::{self, Plan, Plans};
use crate::workspace::identity::{Kind, LINK_MODE};
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;

/// Bytes of a patch in an answer.
const PATCH_BYTES_MAX: usize = 1024 * 1024;

/// Files in an answer: more are chosen by path.
const FILES_MAX: usize = 2_000;

/// Bytes of an answer as JSON, where what differs is no plain text or in very many places.
const ANSWER_BYTES_MAX: usize = 3 << 20;

/// One end of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// A place in the session's history.
    Place(usize),
    /// What is there now.
    Disk,
    /// What is staged of a plan: the files before it, or after it.
    Plan(history::Side),
}

/// A file at one end. The mode is not known where nothing recorded it.
struct Version {
    bytes: Vec<u8>,
    digest: Digest,
    mode: Option<u32>,
}

/// Compares. The files are read on a thread that may block.
pub(crate) async fn difference(
    journal: &Journal,
    root: PathBuf,
    params: DiffParams,
) -> Result<DiffResult, RpcError> {
    let history = read(journal, &params.session_id).await?;
    let (from, to) = (params.from.as_deref(), params.to.as_deref().unwrap_or("disk"));
    let plans = planned(journal, &params.session_id, [from.unwrap_or(to), to]).await?;
    // A plan by itself is what it would change.
    let from = from.unwrap_or(if plans.is_some() { to } else { "start" });
    let is_plan = |name: &str| plans.as_ref().is_some_and(|(id, _)| id == name);
    let side = |name: &str, side| if is_plan(name) { Ok(End::Plan(side)) } else { end(&history, name, side) };
    let (from, to) = (side(from, history::Side::Before)?, side(to, history::Side::After)?);
    let plan = plans.map(|(_, plan)| plan.files).unwrap_or_default();
    let root =
        Root::open(&root).map_err(|error| RpcError::new(ErrorKind::WorkspaceNotFound, error.to_string()))?;
    let wanted = wanted(&root, params.paths.as_deref())?;
    let form = params.form.unwrap_or(DiffForm::Patch);
    let blobs = journal.blobs().clone();
    let comparison = Comparison { history, plan, root, blobs, from, to, form };
    let compared = tokio::task::spawn_blocking(move || comparison.run(wanted.as_deref())).await;
    compared.map_err(|error| RpcError::new(ErrorKind::Internal, error.to_string()))?
}

/// Folds what the session's log says of changes.
pub(super) async fn read(journal: &Journal, session: &SessionId) -> Result<History, RpcError> {
    let mut folded = History::default();
    fold(journal, session, &history::TYPES, |event| {
        if let Some(body) = event.body() {
            folded.apply(event.seq.unwrap_or_default(), &body, event.turn.as_ref());
        }
    })
    .await?;
    Ok(folded)
}

/// Returns the plan that one of two names means, if one does.
async fn planned(
    journal: &Journal,
    session: &SessionId,
    names: [&str; 2],
) -> Result<Option<(String, Plan)>, RpcError> {
    let Some(name) = names.into_iter().find(|name| name.starts_with("p_")) else { return Ok(None) };
    let mut plans = Plans::default();
    fold(journal, session, &plans::TYPES, |event| {
        if let (Some(body), Some(seq)) = (event.body(), event.seq) {
            plans.apply(&body, seq);
        }
    })
    .await?;
    let Some(plan) = plans.get(&name.into()) else { return Ok(None) };
    if let Some(other) = names.into_iter().find(|other| other.starts_with("p_") && *other != name) {
        let message = format!("two plans, {name} and {other}, cannot be compared with each other");
        return Err(RpcError::new(ErrorKind::InvalidParams, message));
    }
    if plan.rev == 0 || plan.dropped {
        let why =
            if plan.dropped { "was thrown away" } else { "is not whole: its turn has not come to its end" };
        return Err(not_ready(format!("plan {name} {why}")));
    }
    Ok(Some((name.to_owned(), plan.clone())))
}

async fn fold(
    journal: &Journal,
    session: &SessionId,
    types: &[&str],
    mut take: impl FnMut(Envelope),
) -> Result<(), RpcError> {
    let told = |error: ReadError| match error {
        ReadError::NoLog(_) => {
            RpcError::new(ErrorKind::SessionNotFound, format!("session {session} is not known"))
        }
        ReadError::CursorExpired { .. }
        | ReadError::Unreadable { .. }
        | ReadError::Unhealed(..)
        | ReadError::Closed
        | ReadError::Storage(_) => RpcError::new(ErrorKind::Internal, error.to_string()),
    };
    let log = LogId::Session(session.clone());
    let types = TypeFilter::new(types.iter().map(ToString::to_string).collect());
    let ends = journal.ends(&log).await.map_err(told)?;
    let mut at = Cursor { epoch: ends.head.epoch, seq: ends.first.seq.saturating_sub(1) };
    loop {
        let page = journal.read_after(&log, at, PageLimits::MAX, Some(&types)).await.map_err(told)?;
        page.events
            .iter()
            .filter_map(|event| serde_json::from_slice::<Envelope>(event.bytes()).ok())
            .for_each(&mut take);
        if !page.more {
            return Ok(());
        }
        at = page.next;
    }
}

fn end(history: &History, name: &str, side: history::Side) -> Result<End, RpcError> {
    match name {
        "start" => Ok(End::Place(0)),
        "head" => Ok(End::Place(history.head())),
        "disk" => Ok(End::Disk),
        id => history.place(id, side).map(End::Place).map_err(|error| match error {
            NoPlace::Unknown => RpcError::new(
                ErrorKind::ChangeNotFound,
                format!("the session has no change, checkpoint, turn or plan {id}"),
            ),
            NoPlace::NothingStaged => not_ready(format!("plan {id} has no staged change to compare")),
        }),
    }
}

fn wanted(root: &Root, paths: Option<&[String]>) -> Result<Option<Vec<RelPath>>, RpcError> {
    let Some(paths) = paths else { return Ok(None) };
    let resolved = paths.iter().map(|path| root.resolve(path));
    let resolved: Result<Vec<_>, _> = resolved.collect();
    resolved.map(Some).map_err(|error| RpcError::new(ErrorKind::InvalidParams, error.to_string()))
}

struct Comparison {
    history: History,
    /// The files of the plan that an end names.
    plan: Vec<PlanFile>,
    root: Root,
    blobs: Blobs,
    from: End,
    to: End,
    form: DiffForm,
}

impl Comparison {
    fn run(&self, wanted: Option<&[RelPath]>) -> Result<DiffResult, RpcError> {
        let (mut files, mut text, mut bytes) = (Vec::new(), String::new(), 0);
        for name in &self.names() {
            // What the agent recorded is a path; one that is none would be a damaged log.
            let Ok(path) = RelPath::from_wire(&name.0, name.1) else { continue };
            let is_wanted =
                |wanted: &[RelPath]| wanted.iter().any(|wanted| path.as_path().starts_with(wanted.as_path()));
            if !wanted.is_none_or(is_wanted) {
                continue;
            }
            let patched = text.len();
            if let Some(file) = self.compare(name, &path, &mut text) {
                bytes += size(&file) + size(&&text[patched..]);
                files.push(file);
            }
            if files.len() > FILES_MAX || text.len() > PATCH_BYTES_MAX || bytes > ANSWER_BYTES_MAX {
                let message =
                    format!("more than {FILES_MAX} files or {PATCH_BYTES_MAX} bytes of patch differ");
                let error = RpcError::new(ErrorKind::Failed, message);
                return Err(error.hint("name `paths`, or ask for the form `stat`"));
            }
        }
        let patch = (self.form == DiffForm::Patch).then_some(text);
        Ok(DiffResult { files, patch })
    }

    /// Returns the paths that may differ, in order.
    fn names(&self) -> BTreeSet<WirePath> {
        let planned = self.plan.iter().map(|file| {
            let (path, encoded) = file.path.to_wire();
            (path.into_owned(), encoded)
        });
        let recorded = self.history.paths().filter(|_| !self.is_plan()).cloned();
        planned.chain(recorded).collect()
    }

    /// Tells whether it is what a plan would change that is asked for.
    fn is_plan(&self) -> bool {
        matches!((self.from, self.to), (End::Plan(_), End::Plan(_)))
    }

    /// Returns what is still staged of a file; `None` where the plan does not edit it.
    fn rest(&self, path: &RelPath) -> Option<Result<Rest, String>> {
        let file = self.plan.iter().find(|file| file.path == *path)?;
        Some(file.staged(&self.blobs).map_err(|error| error.to_string()))
    }

    /// Compares one file; `None` where it is the same at both ends.
    fn compare(&self, name: &WirePath, path: &RelPath, text: &mut String) -> Option<DiffFile> {
        let kept = |end| if let End::Place(place) = end { Some(self.history.at(name, place)) } else { None };
        if let (Some(before), Some(after)) = (kept(self.from), kept(self.to))
            && before == after
        {
            return None;
        }
        let sides = self
            .load(name, path, self.from)
            .and_then(|before| self.load(name, path, self.to).map(|after| (before, after)));
        match sides {
            Ok((before, after)) => {
                let file = self.compared(name, path, before.as_ref(), after.as_ref(), text)?;
                Some(DiffFile { uncertain: self.is_uncertain(name).then_some(true), ..file })
            }
            Err(problem) => Some(DiffFile { problem: Some(problem), ..empty(name, FileOp::Modify) }),
        }
    }

    /// Tells whether somebody else may have done some of what differs.
    fn is_uncertain(&self, name: &WirePath) -> bool {
        let place = |end| match end {
            End::Place(place) => Some(place),
            End::Disk => Some(self.history.head()),
            End::Plan(_) => None,
        };
        let places = place(self.from).zip(place(self.to));
        places.is_some_and(|(from, to)| self.history.is_uncertain(name, from.min(to)..from.max(to)))
    }

    fn compared(
        &self,
        name: &WirePath,
        path: &RelPath,
        before: Option<&Version>,
        after: Option<&Version>,
        text: &mut String,
    ) -> Option<DiffFile> {
        let op = match (before, after) {
            (None, None) => return None,
            (None, Some(_)) => FileOp::Add,
            (Some(_), None) => FileOp::Delete,
            (Some(_), Some(_)) => FileOp::Modify,
        };
        // A mode that nothing recorded is taken to be the other end's.
        let known = before.and_then(|version| version.mode).or(after.and_then(|version| version.mode));
        let mode = |version: &Version| version.mode.or(known).unwrap_or(0o644);
        let side = |version| {
            Option::map(version, |version: &Version| Side { bytes: &version.bytes, mode: mode(version) })
        };
        let (old, new) = (side(before), side(after));
        if old == new {
            return None;
        }
        let mut found = diff(old, new);
        if self.is_plan() {
            // Its hunks keep the numbers they were staged with, also when others of them are applied.
            let hunks = self.rest(path)?.ok()?.hunks;
            let sum =
                |side: fn(&Hunk) -> &std::ops::Range<u32>| hunks.iter().map(|hunk| side(hunk).len()).sum();
            let (added, removed): (usize, usize) = (sum(|hunk| &hunk.after), sum(|hunk| &hunk.before));
            let count = |lines| u32::try_from(lines).unwrap_or(u32::MAX);
            (found.added, found.removed, found.hunks) = (count(added), count(removed), hunks);
        }
        if self.form == DiffForm::Patch {
            text.push_str(&patch(&[PatchFile { path, from: None, before: old, after: new, diff: &found }]));
        }
        let modes = old.zip(new).map(|(old, new)| (old.mode, new.mode)).filter(|(old, new)| old != new);
        Some(DiffFile {
            added: found.added.into(),
            removed: found.removed.into(),
            hunks: (self.form != DiffForm::Stat).then(|| found.hunks.iter().map(Hunk::to_wire).collect()),
            before: before.map(|version| version.digest.to_string()),
            after: after.map(|version| version.digest.to_string()),
            before_mode: modes.map(|(old, _)| old),
            after_mode: modes.map(|(_, new)| new),
            binary: found.binary.then_some(true),
            ..empty(name, op)
        })
    }

    /// Returns a file at one end; `None` where there is none, and a sentence where it cannot be read.
    fn load(&self, name: &WirePath, path: &RelPath, end: End) -> Result<Option<Version>, String> {
        match end {
            End::Disk => match self.root.stat(path) {
                Ok(None) => Ok(None),
                Ok(Some(stat)) if stat.kind == Kind::Link => {
                    let bytes = self.root.read_link(path).map_err(|error| error.to_string())?;
                    let digest = Digest::of(&bytes);
                    Ok(Some(Version { bytes, digest, mode: Some(LINK_MODE) }))
                }
                Ok(Some(_)) => {
                    let file = self.root.read(path).map_err(|error| error.to_string())?;
                    Ok(Some(Version { bytes: file.bytes, digest: file.digest, mode: Some(file.mode) }))
                }
                Err(error) => Err(error.to_string()),
            },
            End::Plan(side) => match self.rest(path) {
                Some(rest) => {
                    let rest = rest?;
                    let kept = if side == history::Side::Before { rest.before } else { rest.after };
                    Ok(kept.map(|(bytes, mode)| Version {
                        digest: Digest::of(&bytes),
                        bytes,
                        mode: Some(mode),
                    }))
                }
                None => self.load(name, path, End::Place(self.history.head())),
            },
            End::Place(place) => match self.history.at(name, place) {
                None => Ok(None),
                Some(Kept { digest, mode }) => {
                    let bytes = self.blobs.get(digest).map_err(|error| error.to_string())?;
                    Ok(Some(Version { bytes, digest, mode }))
                }
            },
        }
    }
}

fn empty(name: &WirePath, op: FileOp) -> DiffFile {
    DiffFile {
        op,
        path: name.0.clone(),
        added: 0,
        removed: 0,
        hunks: None,
        before: None,
        after: None,
        before_mode: None,
        after_mode: None,
        binary: None,
        path_encoded: name.1.then_some(true),
        problem: None,
        uncertain: None,
    }
}
