//! Calls that had started when the agent was stopped: settled from what the disk and the commands' records say, run again only
//! where that changes nothing. Not here: the turn they belong to (`recovery`).
use std::sync::Arc;

use tenon_protocol::change::FileChange;
use tenon_protocol::content::{Content, plain_text};
use tenon_protocol::event::EventBody;
use tenon_protocol::event::change::ChangeApplied;
use tenon_protocol::event::tool::ToolEnded;
use tenon_protocol::ids::{CallId, ChangeId, CheckpointId};
use tenon_protocol::tool::{CallStatus, EffectClass, PathIntent};

use crate::base::digest::Digest;
use crate::base::ids;
use crate::changes::change::{ChangeSet, FileEdit, Version};
use crate::changes::diff::diff;
use crate::changes::settle::{Recovered, Settled, recover, settle};
use crate::process::{Record, read_record};
use crate::projections::turn::{CallPhase, OpenCall};
use crate::session::actor::Actor;
use crate::turn::call::unknown_outcome;
use crate::turn::ports::Fact;
use crate::workspace::path::RelPath;

/// What the model is told where a person dropped what a command wrote.
const DROPPED: &str =
    "What it had written is dropped, as the person wished: nothing of it is in the workspace.";

/// What was found out about a call.
#[derive(PartialEq)]
enum Fate {
    /// It has to run; nothing of it happened.
    NotYet,
    /// It was settled with this.
    Known { status: CallStatus, text: String, exit: Option<i32> },
    /// Its file change is on the disk, whole.
    Written { files: Vec<FileChange>, folders: Vec<String> },
    /// Nobody knows.
    Unknown,
}

impl Actor {
    /// Returns the facts that settle a call which started and never settled; none for one that has to run (again).
    pub(crate) async fn settle_leftover(&mut self, call: &OpenCall) -> Vec<Fact> {
        let CallPhase::Started { effect, intent } = &call.phase else { return Vec::new() };
        if *effect == EffectClass::Command {
            return self.command_facts(call).await;
        }
        let fate = match effect {
            EffectClass::Pure => Fate::NotYet,
            EffectClass::File => self.file_fate(intent).await,
            EffectClass::Command | EffectClass::Network | EffectClass::Unheard(_) => Fate::Unknown,
        };
        self.facts_of(&call.id, fate)
    }

    fn facts_of(&self, id: &CallId, fate: Fate) -> Vec<Fact> {
        let mut facts = Vec::new();
        let mut change_id = None;
        let (status, content, exit) = match fate {
            Fate::NotYet => return facts,
            Fate::Known { status, text, exit } => (status, vec![Content::text(text)], exit),
            Fate::Unknown => (CallStatus::Unknown, unknown_outcome(), None),
            Fate::Written { files, folders } => {
                let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
                let text = format!("wrote {} (the agent was restarted meanwhile)", paths.join(", "));
                let change: ChangeId = ids::new(&*self.resources.entropy);
                let checkpoint_id: CheckpointId = ids::new(&*self.resources.entropy);
                change_id = Some(change.clone());
                facts.push(Fact::new(ChangeApplied {
                    change_id: change,
                    checkpoint_id,
                    files,
                    uncovered: Vec::new(),
                    folders: (!folders.is_empty()).then_some(folders),
                    conflicts: None,
                    call_id: Some(id.clone()),
                    plan_id: None,
                    job_id: None,
                }));
                (CallStatus::Ok, vec![Content::text(text)], None)
            }
        };
        facts.push(Fact::new(ToolEnded {
            call_id: id.clone(),
            status,
            content,
            reference: None,
            change_id,
            exit,
            denied_by: None,
        }));
        facts
    }

    /// Finishes a file change by digest: what is done stays, what is not is done now; if somebody has edited a file since,
    /// nothing is touched and the outcome is unknown.
    async fn file_fate(&mut self, intent: &[PathIntent]) -> Fate {
        let Some(change) = change_of(intent) else { return Fate::Unknown };
        let (root, blobs) = (Arc::clone(&self.root), self.blobs());
        let work = tokio::task::spawn_blocking(move || match recover(&root, &change, &blobs) {
            Ok(Recovered::Done(applied)) => Fate::Written {
                files: shown(&change, |digest| blobs.get(digest).ok()),
                folders: applied.folders(),
            },
            Ok(Recovered::Unknown(_)) => Fate::Unknown,
            // Its contents were not stored yet, so nothing was written: it can run from the start.
            Err(_) if settle(&root, &change) == Settled::Before => Fate::NotYet,
            Err(error) => {
                tracing::warn!(%error, "a file change cannot be finished");
                Fate::Unknown
            }
        });
        work.await.unwrap_or(Fate::Unknown)
    }

    /// Settles a command, with what it had written when the agent was stopped.
    async fn command_facts(&mut self, call: &OpenCall) -> Vec<Fact> {
        let is_dropped = call.begun.is_none() && self.resources.dropped_of(call.id.as_str()).exists();
        let brought = if is_dropped { None } else { self.bring_in(call).await };
        let mut fate = self.command_fate(&call.id);
        if is_dropped {
            let text = format!("The person interrupted it before the agent was stopped. {DROPPED}");
            return self
                .facts_of(&call.id, Fate::Known { status: CallStatus::Interrupted, text, exit: None });
        }
        let Some(brought) = brought else { return self.facts_of(&call.id, fate) };
        let change_id = brought.applied.change_id.clone();
        if fate == Fate::Unknown {
            let text = plain_text(&unknown_outcome());
            fate = Fate::Known { status: CallStatus::Unknown, text, exit: None };
        }
        if let Fate::Known { text, .. } = &mut fate {
            text.push('\n');
            text.push_str(&brought.told);
        }
        let mut facts = self.facts_of(&call.id, fate);
        for fact in &mut facts {
            if let EventBody::ToolEnded(ended) = &mut fact.body {
                ended.change_id = Some(change_id.clone());
            }
        }
        facts.insert(0, Fact::new(brought.applied));
        facts
    }

    /// Reads what the supervisor recorded of a command. It is never run again, unless it certainly never ran.
    pub(super) fn recorded(&self, id: &str) -> Option<Record> {
        read_record(&self.resources.record_of(id)).ok()
    }

    fn command_fate(&self, id: &CallId) -> Fate {
        let Some(record) = self.recorded(id.as_str()) else { return Fate::Unknown };
        if !record.spawned {
            let text = "The agent was stopped before this command started; it did not run. Call it again if it is still wanted.";
            return Fate::Known { status: CallStatus::Interrupted, text: text.to_owned(), exit: None };
        }
        match record.exit {
            Some(exit) if exit.ended == crate::process::Ended::Itself => {
                let code = exit.code.unwrap_or(-1);
                let status = if code == 0 { CallStatus::Ok } else { CallStatus::Failed };
                let text = format!(
                    "It ended with exit code {code} while the agent was being stopped; its output is lost."
                );
                Fate::Known { status, text, exit: exit.code }
            }
            Some(_) | None => Fate::Unknown,
        }
    }
}

/// Returns the change that an intent announces; `None` if it is none that can be told by digest.
fn change_of(intent: &[PathIntent]) -> Option<ChangeSet> {
    let version = |digest: &Option<String>, mode: Option<u32>| match digest {
        Some(text) => Some(Some(Version { digest: text.parse::<Digest>().ok()?, mode: mode? })),
        None => Some(None),
    };
    let mut edits = Vec::with_capacity(intent.len());
    for path in intent {
        edits.push(FileEdit {
            path: RelPath::from_wire(&path.path, false).ok()?,
            from: None,
            before: version(&path.before, path.before_mode)?,
            after: version(&path.after, path.after_mode)?,
        });
    }
    if edits.is_empty() { None } else { ChangeSet::new(edits).ok() }
}

/// Returns the change that an event announces; `None` if a digest or a mode is missing. What goes comes first, so that a name
/// that was a folder is free for a file.
pub(super) fn change_of_files(files: &[FileChange]) -> Option<ChangeSet> {
    let mut edits = files.iter().map(FileEdit::from_wire).collect::<Option<Vec<_>>>()?;
    edits.sort_by_key(|edit| edit.after.is_some());
    ChangeSet::new(edits).ok()
}

/// Returns the change as events tell it, hunks included where the contents are at hand.
fn shown(change: &ChangeSet, contents: impl Fn(Digest) -> Option<Vec<u8>>) -> Vec<FileChange> {
    let side = |version: Option<Version>| {
        version.and_then(|version| contents(version.digest).map(|bytes| (bytes, version.mode)))
    };
    let file = |edit: &FileEdit| {
        let (before, after) = (side(edit.before), side(edit.after));
        let found = diff(
            before.as_ref().map(|(bytes, mode)| crate::changes::diff::Side { bytes, mode: *mode }),
            after.as_ref().map(|(bytes, mode)| crate::changes::diff::Side { bytes, mode: *mode }),
        );
        edit.to_wire(&found.hunks)
    };
    change.edits().iter().map(file).collect()
}
