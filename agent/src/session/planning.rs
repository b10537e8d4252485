//! Plan turns: how one begins, and how it becomes a plan that is whole. Not here: what its tools do (`tools`), and applying
//! (`apply`).
use std::collections::{BTreeMap, BTreeSet};

use tenon_protocol::content::plain_text;
use tenon_protocol::error::{ErrorKind, Retry, RpcError};
use tenon_protocol::event::change::{ChangeStaged, PlanChanged, PlanReady, PlanStep, StepStatus};
use tenon_protocol::event::session::By;
use tenon_protocol::ids::{ChangeId, PlanId};
use tenon_protocol::plan::{PlanParams, PlanResult};
use tenon_protocol::prompt::PromptParams;

use crate::base::ids;
use crate::changes::apply::on_disk;
use crate::changes::blobs::BlobStore;
use crate::changes::change::{FileEdit, Version};
use crate::changes::diff::{Hunk, Side, diff};
use crate::changes::plan::PlanFile;
use crate::changes::steps::{Makers, Marked};
use crate::journal::BlobError;
use crate::projections::transcript::Entry;
use crate::session::actor::{Actor, Refusal};
use crate::session::known::unknown;
use crate::session::plans::{Draft, DraftFile, Plan, selected};
use crate::turn::ports::Fact;
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;

/// Characters of a title that is taken from the goal.
const TITLE_CHARS_MAX: usize = 80;

/// What the model is told of a plan turn, beside the goal.
const TOLD: &str = "[This is a plan turn. Make the edits with your tools as usual: each is staged for the person, who reviews it and \
                    applies all or some of it later. Nothing on disk changes before that: a command sees what is staged, and \
                    the files that it writes are staged too. Reading and searching show you what is staged. For more than one step name the steps with the plan tool, and give each \
                    edit its step.]";

/// A plan as it begins anew: what is staged for it, and what had to be left out.
struct Carried {
    files: Vec<PlanFile>,
    tree: Vec<PlanStep>,
    left_out: Vec<String>,
}

impl Actor {
    /// Admits the goal of a plan.
    pub(crate) async fn plan(
        &mut self,
        params: PlanParams,
        by: Option<By>,
        connection: u64,
    ) -> Result<PlanResult, Refusal> {
        self.check_open()?;
        let plan_id: PlanId = match params.revise {
            Some(plan) => {
                self.the_plan(&plan)?;
                plan
            }
            None => ids::new(&*self.resources.entropy),
        };
        let prompt = PromptParams { key: params.key, ..PromptParams::new(params.session_id, params.goal) };
        let key = prompt.key.clone();
        let admitted = self.admit(prompt, by, connection, Some(plan_id.clone())).await?;
        // A repetition is about the plan that the first one made.
        let first = key.and_then(|key| self.state.keys.iter().find(|seen| seen.key == key));
        let first = first.and_then(|seen| seen.plan_id.clone());
        Ok(PlanResult {
            outcome: admitted.outcome,
            plan_id: first.unwrap_or(plan_id),
            seq: admitted.seq,
            turn_id: admitted.turn_id,
        })
    }

    /// Returns a plan of the session.
    ///
    /// # Errors
    /// 1201, or 1203 for a list of steps that were done as they went on.
    pub(crate) fn the_plan(&self, id: &PlanId) -> Result<&Plan, RpcError> {
        if let Some(plan) = self.state.plans.get(id) {
            return Ok(plan);
        }
        if self.state.plan.as_ref().is_some_and(|todo| todo.id == *id) {
            let message = format!("nothing is staged for plan {id}: its edits were made as it went on");
            return Err(RpcError::new(ErrorKind::NotReady, message).retry(Retry::Never));
        }
        Err(unknown(format!("the session has no plan {id}")))
    }

    /// Returns the facts with which the turn of a plan begins, behind its `turn.started`, and what the model is told beside the
    /// goal. A plan that is revised begins with what is staged, moved to the disk as it is now.
    pub(crate) async fn plan_begins(&mut self, id: &PlanId) -> Result<(Vec<Fact>, String), Refusal> {
        let Some(plan) = self.state.plans.get(id).cloned() else { return Ok((Vec::new(), TOLD.to_owned())) };
        let rev = plan.rev + 1;
        let (root, blobs) = (std::sync::Arc::clone(&self.root), self.blobs());
        let carried = tokio::task::spawn_blocking(move || carry(&plan, &root, &blobs)).await;
        let carried = carried.map_err(|error| RpcError::new(ErrorKind::Internal, error.to_string()))?;
        let Carried { files, tree, left_out } = carried.map_err(|error| not_kept(&error))?;
        let names: Vec<String> = files.iter().map(|file| file.path.to_string()).collect();
        let mut told = format!("{TOLD}\n[It revises a plan. Staged so far: {}.", listed(&names));
        if !left_out.is_empty() {
            let left_out = left_out.join("; ");
            told = format!("{told} Left out, because somebody edited these lines on disk since: {left_out}.");
        }
        told.push(']');
        if files.is_empty() {
            return Ok((Vec::new(), told));
        }
        let (staged, change_id) = self.staged(id, &files);
        let changed = PlanChanged {
            plan_id: id.clone(),
            rev,
            tree,
            change_id: Some(change_id),
            applied: None,
            dropped: None,
            tests: None,
        };
        Ok((vec![staged, Fact::new(changed)], told))
    }

    /// Returns the facts that make what the running turn staged a plan; none where it makes no plan.
    pub(crate) async fn plan_ends(&mut self) -> Result<Vec<Fact>, BlobError> {
        let Some((id, draft)) = self.state.plans.making() else { return Ok(Vec::new()) };
        let (id, draft, blobs, title) = (id.clone(), draft.clone(), self.blobs(), self.goal());
        let rev = draft.rev;
        let whole = tokio::task::spawn_blocking(move || finish(&draft, &blobs, &title)).await;
        let (files, tree) = whole.map_err(|error| BlobError::from(std::io::Error::other(error)))??;
        let (staged, change_id) = self.staged(&id, &files);
        Ok(vec![staged, Fact::new(PlanReady { plan_id: id, rev, tree, change_id })])
    }

    /// Returns what announces all that a plan stages, and the id of that change.
    fn staged(&self, plan: &PlanId, files: &[PlanFile]) -> (Fact, ChangeId) {
        let change_id: ChangeId = ids::new(&*self.resources.entropy);
        let staged = ChangeStaged {
            change_id: change_id.clone(),
            files: files.iter().map(to_wire).collect(),
            uncovered: Vec::new(),
            plan_id: Some(plan.clone()),
            call_id: None,
            step: None,
        };
        (Fact::new(staged), change_id)
    }

    /// Returns the beginning of the newest message, as a title.
    fn goal(&self) -> String {
        let entries = self.state.transcript.entries().iter().rev();
        let text = entries.filter_map(|entry| match &**entry {
            Entry::User { content, .. } => Some(plain_text(content)),
            Entry::Assistant { .. } => None,
        });
        let text = text.take(1).collect::<String>();
        let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("all edits");
        line.chars().filter(|letter| !letter.is_control()).take(TITLE_CHARS_MAX).collect()
    }
}

fn not_kept(error: &BlobError) -> RpcError {
    RpcError::new(ErrorKind::Internal, format!("what is staged cannot be read: {error}"))
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

/// Returns a staged file as clients see it.
pub(crate) fn to_wire(file: &PlanFile) -> tenon_protocol::change::FileChange {
    let (before, after) = (file.before, file.after);
    FileEdit { path: file.path.clone(), from: None, before, after }.to_wire(&file.hunks)
}

/// Takes up what a plan has staged: the newest whole revision, or what a turn left that did not come to its end.
fn carry(plan: &Plan, root: &Root, blobs: &dyn BlobStore) -> Result<Carried, BlobError> {
    let mut carried = Carried { files: Vec::new(), tree: Vec::new(), left_out: Vec::new() };
    if plan.rev == 0 {
        let Some(draft) = &plan.draft else { return Ok(carried) };
        (carried.files, carried.tree) = finish(draft, blobs, "Edits so far")?;
        return Ok(carried);
    }
    let mut places: BTreeMap<(RelPath, u32), u32> = BTreeMap::new();
    for file in plan.files.iter().filter(|_| !plan.dropped) {
        let open = file.open();
        let disk = on_disk(root, &file.path);
        let fit = file.fit(&open, &disk, blobs)?;
        if !fit.clashes.is_empty() {
            let numbers: Vec<String> = fit.clashes.iter().map(|(number, _)| number.to_string()).collect();
            carried.left_out.push(format!("{} hunks {}", file.path, numbers.join(", ")));
        }
        let Some((edit, bytes)) = fit.edit else { continue };
        if let Some(bytes) = &bytes {
            blobs.put(bytes)?;
        }
        if edit.before.is_some() {
            blobs.put(&disk.bytes)?;
        }
        // A new revision counts its hunks anew.
        let side = |bytes, version: Option<Version>| version.map(|Version { mode, .. }| Side { bytes, mode });
        let after = bytes.unwrap_or_default();
        let hunks = diff(side(&disk.bytes, edit.before), side(&after, edit.after)).hunks;
        for old in &fit.hunks {
            let new =
                hunks.iter().find(|new| new.number == old.number && old.number == 0 || covers(new, old));
            if let Some(new) = new {
                places.insert((file.path.clone(), old.number), new.number);
            }
        }
        let (path, before, after) = (edit.path, edit.before, edit.after);
        carried.files.push(PlanFile { path, before, after, hunks, applied: BTreeSet::new(), left: None });
    }
    carried.tree = plan.tree.iter().map(|step| renumbered(step, &places)).collect();
    Ok(carried)
}

/// Tells whether a hunk holds all lines of another one, of the same two texts.
fn covers(whole: &Hunk, part: &Hunk) -> bool {
    let lines = whole.after.start <= part.after.start && part.after.end <= whole.after.end;
    lines && whole.before.start <= part.before.start && part.before.end <= whole.before.end
}

fn renumbered(step: &PlanStep, places: &BTreeMap<(RelPath, u32), u32>) -> PlanStep {
    let mut edits: BTreeMap<RelPath, BTreeSet<u32>> = BTreeMap::new();
    for edit in step.edits.iter().flatten() {
        let Ok(path) = RelPath::from_wire(&edit.path, edit.path_encoded == Some(true)) else { continue };
        for hunk in edit.hunks.iter().flatten() {
            if let Some(number) = places.get(&(path.clone(), *hunk)) {
                edits.entry(path.clone()).or_default().insert(*number);
            }
        }
    }
    let edits = edits.iter().map(|(path, hunks)| selected(path, hunks.iter().copied())).collect();
    PlanStep { edits: Some(edits), ..step.clone() }
}

/// Makes a plan of all that a turn staged: the files with their hunks numbered, and the steps with what belongs to each.
fn finish(
    draft: &Draft,
    blobs: &dyn BlobStore,
    title: &str,
) -> Result<(Vec<PlanFile>, Vec<PlanStep>), BlobError> {
    let mut files = Vec::new();
    let mut made: BTreeMap<Option<String>, BTreeMap<RelPath, BTreeSet<u32>>> = BTreeMap::new();
    for (path, file) in &draft.files {
        let (before, after) = (file.before, file.now());
        if before == after {
            continue;
        }
        let get = |version: Option<Version>| version.map(|version| blobs.get(version.digest)).transpose();
        let (old, new) = (get(before)?, get(after)?);
        let hunks = diff(side(old.as_ref(), before), side(new.as_ref(), after)).hunks;
        let marked = marked(path, file, &draft.carried, blobs)?;
        for hunk in &hunks {
            let mut makers = marked.makers(hunk);
            // What has no lines, and a hunk that stands elsewhere than the edits that led to it (one of two equal lines is gone),
            // belongs to everybody who edited the file.
            if hunk.number == 0 || makers.is_empty() {
                makers = everybody(path, file, &draft.carried);
            }
            let named = makers.iter().any(Option::is_some);
            for maker in makers.into_iter().filter(|maker| maker.is_some() || !named) {
                made.entry(maker).or_default().entry(path.clone()).or_default().insert(hunk.number);
            }
        }
        files.push(PlanFile {
            path: path.clone(),
            before,
            after,
            hunks,
            applied: BTreeSet::new(),
            left: None,
        });
    }
    Ok((files, tree(draft, made, title)))
}

fn side(bytes: Option<&Vec<u8>>, version: Option<Version>) -> Option<Side<'_>> {
    Some(Side { bytes: bytes?, mode: version?.mode })
}

/// Follows the lines of a file through all its edits.
fn marked(
    path: &RelPath,
    file: &DraftFile,
    carried: &[PlanStep],
    blobs: &dyn BlobStore,
) -> Result<Marked, BlobError> {
    let get = |version: Option<Version>| version.map_or(Ok(Vec::new()), |version| blobs.get(version.digest));
    let mut marked = Marked::new(get(file.before)?);
    if let Some((after, hunks)) = &file.carried {
        let lines: Vec<Hunk> = hunks.iter().filter(|hunk| hunk.number > 0).cloned().collect();
        marked.replace(get(*after)?, &lines, |number| owners(path, Some(number), carried));
    }
    for (step, after) in &file.edits {
        marked.edit(get(*after)?, step.as_deref());
    }
    Ok(marked)
}

/// Returns the steps to which hunks of a file belonged when this revision began.
fn owners(path: &RelPath, number: Option<u32>, carried: &[PlanStep]) -> Makers {
    let (wire, _) = path.to_wire();
    let holds = |step: &&PlanStep| {
        step.edits.iter().flatten().filter(|edit| edit.path == wire).any(|edit| {
            let hunks = edit.hunks.as_deref().unwrap_or_default();
            number.map_or(!hunks.is_empty(), |number| hunks.contains(&number))
        })
    };
    carried.iter().filter(holds).map(|step| Some(step.id.clone())).collect()
}

/// Returns every step whose edits the file had.
fn everybody(path: &RelPath, file: &DraftFile, carried: &[PlanStep]) -> Makers {
    let steps = file.edits.iter().map(|(step, _)| step.clone());
    steps.chain(owners(path, None, carried)).collect()
}

/// Returns the steps with the hunks of each. What belongs to none gets a step of its own, so that every hunk has one.
fn tree(
    draft: &Draft,
    mut made: BTreeMap<Option<String>, BTreeMap<RelPath, BTreeSet<u32>>>,
    title: &str,
) -> Vec<PlanStep> {
    let mut tree = if draft.tree.is_empty() { draft.carried.clone() } else { draft.tree.clone() };
    let known: BTreeSet<String> = tree.iter().map(|step| step.id.clone()).collect();
    let step = |id: &str, title: &str| PlanStep {
        id: id.to_owned(),
        title: title.to_owned(),
        status: StepStatus::Pending,
        files: Vec::new(),
        edits: None,
    };
    for id in made.keys().flatten().filter(|id| !known.contains(*id)) {
        let before = draft.carried.iter().find(|step| step.id == *id);
        tree.push(before.cloned().unwrap_or_else(|| step(id, id)));
    }
    if let Some(rest) = made.remove(&None) {
        let (id, title) = if tree.is_empty() { ("1", title) } else { ("other", "Other edits") };
        let id = if known.contains(id) { "other edits" } else { id };
        tree.push(step(id, title));
        made.insert(Some(id.to_owned()), rest);
    }
    if tree.is_empty() {
        tree.push(step("1", title));
    }
    for step in &mut tree {
        let edits = made.get(&Some(step.id.clone()));
        if let Some(edits) = edits {
            let names = edits.keys().map(|path| path.to_wire().0.into_owned());
            let more: Vec<String> = names.filter(|name| !step.files.contains(name)).collect();
            step.files.extend(more);
            // What is done of it is that it is staged: a person is yet to apply it.
            step.status = StepStatus::Pending;
        }
        let edits = edits.into_iter().flatten();
        step.edits = Some(edits.map(|(path, hunks)| selected(path, hunks.iter().copied())).collect());
    }
    tree
}

#[cfg(test)]
mod tests;
