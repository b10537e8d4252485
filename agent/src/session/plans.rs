//! The plans of a session, folded from its events: what is staged, in which revision, and how much of it is applied. Not here:
//! making one (`planning`), applying it (`apply`), one file of it (`changes::plan`).
use std::collections::{BTreeMap, BTreeSet};

use tenon_protocol::apply::Selected;
use tenon_protocol::change::FileChange;
use tenon_protocol::event::EventBody;
use tenon_protocol::event::change::{ChangeStaged, PlanChanged, PlanStep};
use tenon_protocol::ids::{ChangeId, PlanId};

use crate::changes::change::Version;
use crate::changes::diff::Hunk;
use crate::changes::overlay::Overlay;
use crate::changes::plan::PlanFile;
use crate::workspace::path::RelPath;

/// The types of event this is folded from.
pub(crate) const TYPES: [&str; 6] =
    ["turn.started", "change.staged", "change.applied", "plan.changed", "plan.ready", "turn.ended"];

/// Bytes of what failed tests printed that the model is told: their end says what failed.
const TOLD_BYTES_MAX: usize = 4 << 10;

/// Permission bits where an event names none.
const MODE: u32 = 0o644;

/// What a session has planned.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plans {
    plans: BTreeMap<PlanId, Plan>,
    /// The plan that the running turn makes.
    making: Option<PlanId>,
}

/// One plan.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// The newest revision that is whole; 0 before the first.
    pub(crate) rev: u64,
    /// The staged change of that revision.
    pub(crate) change: Option<ChangeId>,
    /// Its files.
    pub(crate) files: Vec<PlanFile>,
    /// Its steps.
    pub(crate) tree: Vec<PlanStep>,
    /// Whether it was thrown away.
    pub(crate) dropped: bool,
    /// What is staged and not whole yet: that of the running turn, or of one that did not come to its end.
    pub(crate) draft: Option<Draft>,
    /// The event that told of it last.
    pub(crate) seq: u64,
    /// The last staged change that was all of it.
    whole: Option<(ChangeId, Vec<FileChange>)>,
}

/// A revision in the making.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    /// Which it will be.
    pub(crate) rev: u64,
    /// Every file that was edited.
    pub(crate) files: BTreeMap<RelPath, DraftFile>,
    /// The steps as the model names them.
    pub(crate) tree: Vec<PlanStep>,
    /// The steps of the revision before, with the hunks that this one began with.
    pub(crate) carried: Vec<PlanStep>,
}

/// A file of a revision in the making.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DraftFile {
    /// What was there when it was edited first.
    pub(crate) before: Option<Version>,
    /// What this revision began with, and the hunks that lead there.
    pub(crate) carried: Option<(Option<Version>, Vec<Hunk>)>,
    /// Every edit: the step that its call named, and what it led to.
    pub(crate) edits: Vec<(Option<String>, Option<Version>)>,
}

impl DraftFile {
    /// Returns what is staged now.
    pub(crate) fn now(&self) -> Option<Version> {
        let last = self.edits.last().map(|(_, after)| *after);
        last.or(self.carried.as_ref().map(|(after, _)| *after)).unwrap_or(self.before)
    }
}

impl Draft {
    /// Returns what the tools of the turn see in front of the disk.
    pub(crate) fn overlay(&self) -> Overlay {
        self.files.iter().map(|(path, file)| (path.clone(), file.now())).collect()
    }

    fn stage(&mut self, staged: &ChangeStaged) {
        let carries = staged.call_id.is_none();
        if carries {
            self.files.clear();
        }
        for file in &staged.files {
            let Some((path, before, after)) = ends(file) else { continue };
            let entry = self.files.entry(path);
            let entry = entry.or_insert_with(|| DraftFile { before, carried: None, edits: Vec::new() });
            if carries {
                entry.carried = Some((after, file.hunks.iter().map(Hunk::from_wire).collect()));
            } else {
                entry.edits.push((staged.step.clone(), after));
            }
        }
    }
}

impl Plan {
    /// Returns the numbers of the hunks that are not applied, file by file; files without any are left out.
    pub(crate) fn open(&self) -> BTreeMap<&RelPath, BTreeSet<u32>> {
        let open = self.files.iter().map(|file| (&file.path, file.open()));
        open.filter(|(_, numbers)| !numbers.is_empty()).collect()
    }

    /// Tells whether something of it can still be applied.
    pub(crate) fn is_open(&self) -> bool {
        !self.dropped && self.files.iter().any(|file| !file.open().is_empty())
    }

    /// Returns what is applied, as clients are told it.
    pub(crate) fn applied(&self) -> Vec<Selected> {
        let some = self.files.iter().filter(|file| !file.applied.is_empty());
        some.map(|file| selected(&file.path, file.applied.iter().copied())).collect()
    }

    fn ready(&mut self, rev: u64, change: &ChangeId, tree: &[PlanStep]) {
        let files = self.whole.take().filter(|(whole, _)| whole == change).map(|(_, files)| files);
        self.files = files.unwrap_or_default().iter().filter_map(plan_file).collect();
        (self.rev, self.change, self.dropped, self.draft) = (rev, Some(change.clone()), false, None);
        self.tree = tree.to_vec();
    }

    fn changed(&mut self, plan: &PlanChanged) {
        if let Some(draft) = &mut self.draft {
            if plan.tree.iter().any(|step| step.edits.is_some()) {
                draft.carried.clone_from(&plan.tree);
            }
            draft.tree.clone_from(&plan.tree);
            return;
        }
        self.tree.clone_from(&plan.tree);
        self.dropped = plan.dropped == Some(true);
        for applied in plan.applied.iter().flatten() {
            let Ok(path) = RelPath::from_wire(&applied.path, applied.path_encoded == Some(true)) else {
                continue;
            };
            if let Some(file) = self.files.iter_mut().find(|file| file.path == path) {
                file.applied = applied.hunks.iter().flatten().copied().collect();
            }
        }
    }
}

impl Plans {
    /// Takes in an event at its place.
    pub(crate) fn apply(&mut self, body: &EventBody, seq: u64) {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "a fold takes what it is about; other events leave it alone"
        )]
        match body {
            EventBody::TurnStarted(started) => {
                self.making.clone_from(&started.plan_id);
                if let Some(id) = &started.plan_id {
                    let plan = self.plans.entry(id.clone()).or_default();
                    plan.draft =
                        Some(Draft { rev: started.plan_rev.unwrap_or(plan.rev + 1), ..Draft::default() });
                    plan.seq = seq;
                }
            }
            EventBody::TurnEnded(_) => self.making = None,
            EventBody::ChangeStaged(staged) => {
                let Some(plan) = staged.plan_id.as_ref().and_then(|id| self.plans.get_mut(id)) else {
                    return;
                };
                if staged.call_id.is_none() {
                    plan.whole = Some((staged.change_id.clone(), staged.files.clone()));
                }
                if let Some(draft) = &mut plan.draft {
                    draft.stage(staged);
                }
            }
            EventBody::PlanChanged(changed) => {
                if let Some(plan) = self.plans.get_mut(&changed.plan_id) {
                    plan.changed(changed);
                    plan.seq = seq;
                }
            }
            EventBody::PlanReady(ready) => {
                if let Some(plan) = self.plans.get_mut(&ready.plan_id) {
                    plan.ready(ready.rev, &ready.change_id, &ready.tree);
                    plan.seq = seq;
                }
            }
            EventBody::ChangeApplied(change) => {
                let Some(plan) = change.plan_id.as_ref().and_then(|id| self.plans.get_mut(id)) else {
                    return;
                };
                for (path, _, after) in change.files.iter().filter_map(ends) {
                    if let Some(file) = plan.files.iter_mut().find(|file| file.path == path) {
                        file.left = after.map(|after| after.digest);
                    }
                }
            }
            _ => {}
        }
    }

    /// Returns a plan.
    pub(crate) fn get(&self, id: &PlanId) -> Option<&Plan> {
        self.plans.get(id)
    }

    /// Returns every plan.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&PlanId, &Plan)> {
        self.plans.iter()
    }

    /// Returns the plan whose newest revision a staged change is.
    pub(crate) fn of_change(&self, change: &ChangeId) -> Option<&PlanId> {
        self.plans.iter().find(|(_, plan)| plan.change.as_ref() == Some(change)).map(|(id, _)| id)
    }

    /// Returns the plan that the running turn makes, and what it has so far.
    pub(crate) fn making(&self) -> Option<(&PlanId, &Draft)> {
        let id = self.making.as_ref()?;
        self.plans.get(id)?.draft.as_ref().map(|draft| (id, draft))
    }
}

/// Returns some hunks of a file, as clients name them.
pub(crate) fn selected(path: &RelPath, hunks: impl Iterator<Item = u32>) -> Selected {
    let (wire, encoded) = path.to_wire();
    Selected { path: wire.into_owned(), hunks: Some(hunks.collect()), path_encoded: encoded.then_some(true) }
}

/// Returns a file's path and both its versions.
fn ends(file: &FileChange) -> Option<(RelPath, Option<Version>, Option<Version>)> {
    let path = RelPath::from_wire(&file.path, file.path_encoded == Some(true)).ok()?;
    let version = |digest: Option<&String>, mode: Option<u32>| {
        let digest = digest?.parse().ok()?;
        Some(Version { digest, mode: mode.unwrap_or(MODE) })
    };
    Some((
        path,
        version(file.before.as_ref(), file.before_mode),
        version(file.after.as_ref(), file.after_mode),
    ))
}

fn plan_file(file: &FileChange) -> Option<PlanFile> {
    let (path, before, after) = ends(file)?;
    let hunks = file.hunks.iter().map(Hunk::from_wire).collect();
    Some(PlanFile { path, before, after, hunks, applied: BTreeSet::new(), left: None })
}

/// Returns what the model has to know of what a person did with a plan.
pub(crate) fn news(body: &EventBody) -> Option<String> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "only these two are a person's doing")]
    match body {
        EventBody::ChangeApplied(change) if change.plan_id.is_some() && !change.files.is_empty() => {
            let files: Vec<String> = change.files.iter().map(named).collect();
            Some(format!(
                "[The person applied of the plan, so that it is on disk now: {}.]",
                files.join("; ")
            ))
        }
        EventBody::PlanChanged(PlanChanged { tests: Some(tests), .. }) if !tests.ok => {
            let end = tests.text.len() - tests.text.len().min(TOLD_BYTES_MAX);
            let end =
                (end..=tests.text.len()).find(|at| tests.text.is_char_boundary(*at)).unwrap_or_default();
            let (summary, output) = (tests.summary(), &tests.text[end..]);
            Some(format!(
                "[The person had the project's tests run on the plan: {summary}. The end of what they printed:\n{output}]"
            ))
        }
        EventBody::PlanChanged(plan) if plan.dropped == Some(true) => {
            Some("[The person threw the plan away: nothing more of it is going to be on disk.]".to_owned())
        }
        _ => None,
    }
}

fn named(file: &FileChange) -> String {
    let hunks: Vec<String> = file.hunks.iter().map(|hunk| hunk.n.to_string()).collect();
    format!("{} (hunks {})", file.path, hunks.join(", "))
}
