//! What `tenon revert` is asked to take back, as a person writes it. Not here: whether there is such a thing.
use std::fmt;
use std::path::{Component, Path, PathBuf};

use tenon_client::Client;
use tenon_protocol::apply::{ChangeItem, RevertTo};
use tenon_protocol::ids::TurnId;

use crate::cli::failure::Failure;
use crate::cli::listing::{self, Wanted};
use crate::cli::surroundings::Surroundings;

/// A target as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// An id of a change, a turn, a job or a checkpoint.
    Id(String),
    /// Everything after an event.
    Seq(u64),
    /// The N-th last turn that changed files, from 1.
    Turn(usize),
    /// The N-th last change, from 1.
    Change(usize),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => f.write_str(id),
            Self::Seq(seq) => write!(f, "seq:{seq}"),
            Self::Turn(back) => write!(f, "turn:-{back}"),
            Self::Change(back) => write!(f, "change:-{back}"),
        }
    }
}

/// Reads a target.
pub(super) fn parse(text: &str) -> Result<Target, String> {
    let number = |text: &str| text.parse::<usize>().ok().filter(|number| *number > 0);
    let found = match text.split_once(':') {
        Some(("seq", seq)) => seq.parse().ok().filter(|seq| *seq > 0).map(Target::Seq),
        Some(("turn", back)) => back.strip_prefix('-').and_then(number).map(Target::Turn),
        Some(("change", back)) => back.strip_prefix('-').and_then(number).map(Target::Change),
        Some(_) => None,
        None => ["t_", "c_", "k_", "j_"]
            .iter()
            .any(|kind| text.starts_with(kind))
            .then(|| Target::Id(text.to_owned())),
    };
    found.ok_or_else(|| {
        "a target is an id of a turn (t_…), a change (c_…), a job (j_…) or a checkpoint (k_…), turn:-N, change:-N or seq:N".to_owned()
    })
}

/// A file, and perhaps some of its hunks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Selection {
    pub(super) path: String,
    pub(super) hunks: Option<Vec<u32>>,
}

/// Reads a selection. A colon that no numbers follow is part of the name.
#[expect(clippy::unnecessary_wraps, reason = "what a parser of arguments has to be")]
pub(super) fn selection(text: &str) -> Result<Selection, String> {
    let split = text.rsplit_once(':').and_then(|(path, hunks)| {
        let hunks = hunks.split(',').map(|hunk| hunk.trim().parse().ok());
        Some((path.to_owned(), hunks.collect::<Option<Vec<u32>>>()?))
    });
    Ok(match split {
        Some((path, hunks)) => Selection { path, hunks: Some(hunks) },
        None => Selection { path: text.to_owned(), hunks: None },
    })
}

/// Finds what a target means in a session.
pub(super) async fn resolve(client: &Client, session: &str, target: &Target) -> Result<RevertTo, Failure> {
    let back = match target {
        // Found below: a job's change has an id of its own.
        Target::Id(id) if id.starts_with("j_") => 0,
        Target::Id(id) => {
            return Ok(match id.get(..2) {
                Some("t_") => RevertTo { turn: Some(id.as_str().into()), ..RevertTo::default() },
                Some("c_") => RevertTo { change: Some(id.as_str().into()), ..RevertTo::default() },
                _ => RevertTo { checkpoint: Some(id.as_str().into()), ..RevertTo::default() },
            });
        }
        Target::Seq(seq) => return Ok(RevertTo { seq: Some(*seq), ..RevertTo::default() }),
        Target::Turn(back) | Target::Change(back) => *back,
    };
    let wanted = Wanted { kind: "change", session: Some(session.to_owned()), filter: None };
    let items = listing::read(client, &wanted).await?;
    let mut changes = items.iter().filter_map(|item| item.parse::<ChangeItem>().ok());
    let nothing = |what: &str| {
        Failure::failed(format!("the session has no {what}")).hint("tenon revert --list shows its changes")
    };
    if let Target::Id(id) = target {
        let change = changes.find(|change| change.job_id.as_ref().is_some_and(|job| job.as_str() == id));
        let change = change.ok_or_else(|| nothing(&format!("change of the job {id}")))?;
        return Ok(RevertTo { change: Some(change.id), ..RevertTo::default() });
    }
    if matches!(target, Target::Change(_)) {
        let change = changes.nth(back - 1).ok_or_else(|| nothing(&format!("{back} changes")))?;
        return Ok(RevertTo { change: Some(change.id), ..RevertTo::default() });
    }
    let mut turns: Vec<TurnId> = Vec::new();
    for turn in changes.filter_map(|change| change.turn) {
        if !turns.contains(&turn) {
            turns.push(turn);
        }
    }
    let what = if back == 1 {
        "turn that changed files".to_owned()
    } else {
        format!("{back} turns that changed files")
    };
    let turn = turns.into_iter().nth(back - 1).ok_or_else(|| nothing(&what))?;
    Ok(RevertTo { turn: Some(turn), ..RevertTo::default() })
}

/// Where the person stands, and where the workspace begins.
pub(super) struct Places {
    directory: PathBuf,
    workspace: PathBuf,
}

impl Places {
    pub(super) fn of(surroundings: &Surroundings) -> Result<Self, Failure> {
        Ok(Self { directory: surroundings.directory.clone(), workspace: surroundings.workspace()? })
    }

    /// Returns a path as events name it: the file need not be there, so that it is worked out from its text.
    pub(super) fn relative(&self, path: &str) -> Result<String, Failure> {
        Some(self.within(path)?).filter(|inside| !inside.is_empty()).ok_or_else(|| self.outside(path))
    }

    /// Returns the same; the workspace itself is empty.
    pub(super) fn within(&self, path: &str) -> Result<String, Failure> {
        let mut plain = PathBuf::new();
        for part in self.directory.join(path).components() {
            match part {
                Component::ParentDir => {
                    plain.pop();
                }
                Component::CurDir => {}
                Component::Prefix(_) | Component::RootDir | Component::Normal(_) => plain.push(part),
            }
        }
        let inside = plain.strip_prefix(&self.workspace).ok().and_then(Path::to_str);
        inside.map(str::to_owned).ok_or_else(|| self.outside(path))
    }

    fn outside(&self, path: &str) -> Failure {
        Failure::usage(format!("{path} is no file of the workspace {}", self.workspace.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_ids_or_count_backwards() {
        assert_eq!(parse("turn:-2"), Ok(Target::Turn(2)));
        assert_eq!(parse("change:-1"), Ok(Target::Change(1)));
        assert_eq!(parse("seq:7"), Ok(Target::Seq(7)));
        assert_eq!(parse("k_1"), Ok(Target::Id("k_1".to_owned())));
        for wrong in ["", "7", "turn:1", "turn:-0", "seq:0", "p_1", "day:-1"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn files_are_named_from_where_the_person_stands() {
        let places = Places { directory: "/w/src".into(), workspace: "/w".into() };
        let check = |path: &str| places.relative(path).map_err(|failure| failure.kind);
        assert_eq!(check("a.rs"), Ok("src/a.rs".to_owned()));
        assert_eq!(check("../b/./c"), Ok("b/c".to_owned()));
        assert_eq!(check("/w/d"), Ok("d".to_owned()));
        assert!(check("..").is_err() && check("../../etc/passwd").is_err());
        let selected = |text: &str| selection(text).map(|selection| (selection.path, selection.hunks));
        assert_eq!(selected("a.rs:1,3"), Ok(("a.rs".to_owned(), Some(vec![1, 3]))));
        assert_eq!(selected("a:b"), Ok(("a:b".to_owned(), None)));
    }
}
