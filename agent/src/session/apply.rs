//! Applying a plan: what is chosen of it, what stands in its way, and what becomes of the plan. Not here: what one file comes to
//! (`changes::plan`), and the transaction (`written`).
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tenon_protocol::apply::{ApplyParams, ApplyResolve, ApplyResult, ApplyRun, Selected};
use tenon_protocol::change::{Conflict, ConflictKind, FileChange};
use tenon_protocol::error::{ErrorKind, Retry, RpcError};
use tenon_protocol::event::change::{PlanChanged, StepStatus};
use tenon_protocol::ids::PlanId;
use tenon_protocol::plan::TestReport;

use crate::approvals::{Action, Cause};
use crate::changes::apply::on_disk;
use crate::changes::change::FileEdit;
use crate::changes::diff::Hunk;
use crate::changes::plan::{Fit, OnDisk, PlanFile};
use crate::config::profile::Verdict;
use crate::journal::{BlobError, Blobs};
use crate::session::actor::{Actor, Refusal};
use crate::session::known::{self, not_ready};
use crate::session::plans::Plan;
use crate::session::prefix::reference;
use crate::session::testing::{Tested, not_passed};
use crate::turn::ports::Fact;
use crate::workspace::path::RelPath;

/// Some hunks, file by file.
pub(crate) type Chosen = BTreeMap<RelPath, BTreeSet<u32>>;

/// How files that moved on are dealt with.
#[derive(Clone, Copy, Debug)]
struct Wish {
    merges: bool,
    is_partial: bool,
}

/// What became of the wish to apply.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It is done.
    Applied(Box<ApplyResult>),
    /// These files are not saved somewhere: a person decides first.
    Unsaved(Vec<Conflict>),
    /// The tests have to pass first, with these edits of the plan.
    Untested(PlanId, Vec<FileEdit>),
}

/// What applying comes to, worked out and not yet written.
#[derive(Debug, Default)]
struct Prepared {
    edits: Vec<FileEdit>,
    files: Vec<FileChange>,
    /// The hunks that are on the disk afterwards, those that were there already included.
    done: Chosen,
    conflicts: Vec<Conflict>,
}

impl Actor {
    /// Applies what is chosen of a plan, or throws the plan away. `settled` are files about which a person decided already, and
    /// `tested` is what the tests said, where they had to run first.
    pub(crate) async fn apply_plan(
        &mut self,
        params: ApplyParams,
        settled: &[Conflict],
        tested: Option<Tested>,
    ) -> Result<Outcome, Refusal> {
        self.check_rests()?;
        let id = self.plan_of(&params).await?;
        let plan = self.the_plan(&id)?.clone();
        if params.drop == Some(true) {
            check_revision(&id, &plan, params.rev)?;
            return self.drop_plan(id, &plan).await.map(|result| Outcome::Applied(Box::new(result)));
        }
        check_whole(&id, &plan)?;
        check_revision(&id, &plan, params.rev)?;
        let chosen = chosen(&id, &plan, &params)?;
        self.refresh_world();
        self.check_rules(&chosen)?;
        let wish = Wish {
            merges: params.resolve == Some(ApplyResolve::Merge),
            is_partial: params.partial == Some(true),
        };
        let settled = settled.iter().map(|conflict| conflict.path.clone()).collect();
        let prepared = self.prepare(&plan, chosen, wish, settled).await?;
        let is_trial = params.dry_run == Some(true);
        let is_blocked = !prepared.conflicts.is_empty() && !wish.is_partial;
        if is_blocked && is_trial {
            return Ok(Outcome::Applied(Box::new(self.applied(Vec::new(), prepared.conflicts))));
        }
        if is_blocked {
            let is_unsaved = |conflict: &Conflict| conflict.kind == ConflictKind::Dirty;
            // Nobody is asked about a file that would not be written anyway.
            return if prepared.conflicts.iter().all(is_unsaved) {
                Ok(Outcome::Unsaved(prepared.conflicts))
            } else {
                Err(in_the_way(&prepared.conflicts).into())
            };
        }
        let wants_tests = params.run == Some(ApplyRun::Tests) && !prepared.edits.is_empty();
        if wants_tests && tested.is_none() {
            return Ok(Outcome::Untested(id, prepared.edits));
        }
        let tests = tested.map(|tested| check_tests(tested, &prepared, is_trial)).transpose()?;
        let result = if is_trial {
            self.applied(prepared.files, prepared.conflicts)
        } else {
            self.write_plan(id, &plan, prepared).await?
        };
        Ok(Outcome::Applied(Box::new(ApplyResult { tests, ..result })))
    }

    /// A session with a turn is busy: its tools and this would write to the same files.
    pub(crate) fn check_rests(&self) -> Result<(), RpcError> {
        self.check_open()?;
        if self.state.turn.is_none() {
            return Ok(());
        }
        let message = format!("a turn works in session {}", self.state.id);
        let error = RpcError::new(ErrorKind::SessionBusy, message).retry(Retry::Later);
        Err(error.hint("wait for turn.ended, or interrupt it"))
    }

    /// Returns the plan that is meant.
    async fn plan_of(&mut self, params: &ApplyParams) -> Result<PlanId, RpcError> {
        match (&params.plan_id, &params.change_id) {
            (Some(plan), _) => Ok(plan.clone()),
            (None, Some(change)) => match self.state.plans.of_change(change) {
                Some(plan) => Ok(plan.clone()),
                None => Err(known::not_staged(&self.resources.journal, &self.state.id, change).await),
            },
            (None, None) => Err(RpcError::new(ErrorKind::InvalidParams, "nothing is named to apply")),
        }
    }

    async fn drop_plan(&mut self, id: PlanId, plan: &Plan) -> Result<ApplyResult, Refusal> {
        if plan.dropped {
            return Err(not_ready(format!("plan {id} was thrown away already")).into());
        }
        let mut changed = changed(id, plan, &Chosen::new());
        changed.dropped = Some(true);
        for step in changed.tree.iter_mut().filter(|step| step.status != StepStatus::Done) {
            step.status = StepStatus::Dropped;
        }
        self.commit(vec![Fact::new(changed)]).await?;
        Ok(self.applied(Vec::new(), Vec::new()))
    }

    /// Applying is the person's own word, whatever the profile; a rule that denies a path stands above it.
    fn check_rules(&self, chosen: &Chosen) -> Result<(), RpcError> {
        let decision = self.policy().decide(&Action::Write { paths: chosen.keys().cloned().collect() });
        let is_forbidden = matches!(decision.cause, Cause::Rule | Cause::Protected);
        if decision.verdict != Verdict::Deny || !is_forbidden {
            return Ok(());
        }
        let message = format!("nothing was applied: {}", decision.reason);
        Err(RpcError::new(ErrorKind::Forbidden, message).retry(Retry::Never))
    }

    /// Compares what is chosen with the disk, and with what is open and not saved, `settled` paths aside.
    async fn prepare(
        &mut self,
        plan: &Plan,
        chosen: Chosen,
        wish: Wish,
        settled: BTreeSet<String>,
    ) -> Result<Prepared, RpcError> {
        let unsaved = self.resources.board.unsaved_in(&self.state.id, &self.root);
        let (files, root, blobs) = (plan.files.clone(), Arc::clone(&self.root), self.blobs());
        let work = tokio::task::spawn_blocking(move || {
            let mut prepared = Prepared::default();
            for (path, numbers) in &chosen {
                let Some(file) = files.iter().find(|file| file.path == *path) else { continue };
                let disk = on_disk(&root, path);
                if let Some(open) = unsaved.0.get(path).filter(|_| !settled.contains(&*path.to_wire().0)) {
                    prepared.conflicts.push(dirty(path, &open.editor));
                    continue;
                }
                let fit = file.fit(numbers, &disk, &blobs)?;
                prepared.take(file, numbers, fit, &disk, &blobs, wish)?;
            }
            Ok(prepared)
        });
        let prepared: Result<Prepared, BlobError> =
            work.await.map_err(|error| RpcError::new(ErrorKind::Internal, error.to_string()))?;
        prepared.map_err(|error| {
            if matches!(error, BlobError::StorageFull) {
                return RpcError::new(ErrorKind::StorageFull, "the disk is full: nothing was applied");
            }
            RpcError::new(ErrorKind::Internal, format!("what is staged cannot be read: {error}"))
        })
    }

    async fn write_plan(
        &mut self,
        id: PlanId,
        plan: &Plan,
        prepared: Prepared,
    ) -> Result<ApplyResult, Refusal> {
        let Prepared { edits, files, done, conflicts } = prepared;
        if edits.is_empty() {
            if !done.is_empty() {
                self.commit(vec![Fact::new(changed(id, plan, &done))]).await?;
            }
            return Ok(self.applied(Vec::new(), conflicts));
        }
        let told = changed(id.clone(), plan, &done);
        let written = self.write_change(edits, files, Some(id), vec![Fact::new(told)]).await?;
        Ok(ApplyResult {
            change_id: Some(written.change_id),
            checkpoint_id: Some(written.checkpoint_id),
            ..self.applied(written.files, conflicts)
        })
    }

    fn applied(&self, applied: Vec<FileChange>, conflicts: Vec<Conflict>) -> ApplyResult {
        ApplyResult {
            applied,
            conflicts,
            seq: self.state.head.seq,
            change_id: None,
            checkpoint_id: None,
            tests: None,
        }
    }
}

impl Prepared {
    /// Takes in what one file comes to.
    fn take(
        &mut self,
        file: &PlanFile,
        numbers: &BTreeSet<u32>,
        fit: Fit,
        disk: &OnDisk,
        blobs: &Blobs,
        wish: Wish,
    ) -> Result<(), BlobError> {
        let waits = fit.has_moved && !wish.merges;
        let is_blocked = |number: &u32| fit.clashes.iter().any(|(clash, _)| clash == number);
        if waits || !fit.clashes.is_empty() {
            let texts = Texts::keep(&fit, disk, blobs)?;
            for (number, kind) in &fit.clashes {
                self.conflicts.push(texts.conflict(file, *number, *kind, false));
            }
            let others =
                numbers.iter().filter(|number| waits && !is_blocked(number) && !fit.there.contains(number));
            for number in others {
                self.conflicts.push(texts.conflict(file, *number, ConflictKind::Edited, true));
            }
        }
        let mut done: BTreeSet<u32> = fit.there.iter().copied().collect();
        if let Some((edit, bytes)) = fit.edit.filter(|_| !waits) {
            if let Some(bytes) = &bytes {
                blobs.put(bytes)?;
            }
            done.extend(fit.hunks.iter().map(|hunk| hunk.number));
            self.files.push(edit.to_wire(&fit.hunks));
            self.edits.push(edit);
        }
        if !done.is_empty() {
            self.done.insert(file.path.clone(), done);
        }
        Ok(())
    }
}

/// The three texts of a conflict, by reference.
struct Texts {
    base: Option<String>,
    ours: Option<String>,
    theirs: Option<String>,
}

impl Texts {
    fn keep(fit: &Fit, disk: &OnDisk, blobs: &Blobs) -> Result<Self, BlobError> {
        let put =
            |bytes: &Option<Vec<u8>>| bytes.as_ref().map(|bytes| blobs.put(bytes).map(reference)).transpose();
        let is_file = matches!(disk.found, crate::changes::apply::Found::Contents(_));
        Ok(Self {
            base: put(&fit.common)?,
            ours: put(&fit.ours)?,
            theirs: put(&is_file.then(|| disk.bytes.clone()))?,
        })
    }

    fn conflict(&self, file: &PlanFile, number: u32, kind: ConflictKind, mergeable: bool) -> Conflict {
        let (path, encoded) = file.path.to_wire();
        let lines = file.hunks.iter().find(|hunk| hunk.number == number).map(Hunk::to_wire);
        let place = lines.filter(|lines| lines.n > 0).map_or_else(String::new, |lines| {
            let last = lines.old_start + lines.old_lines.max(1) - 1;
            if last > lines.old_start {
                format!(" lines {}-{last}", lines.old_start)
            } else {
                format!(" line {}", lines.old_start)
            }
        });
        let name = &file.path;
        let text = match (kind, mergeable) {
            (ConflictKind::Edited, true) => format!(
                "{name} was edited since it was planned, elsewhere than hunk {number}: `merge` keeps both"
            ),
            (ConflictKind::Edited, false) => {
                format!("{name}: somebody edited{place} since, where hunk {number} goes")
            }
            (ConflictKind::Deleted, _) => format!("{name} is gone since it was planned"),
            (ConflictKind::Created, _) => {
                format!("{name} is there already, with other contents than planned")
            }
            (ConflictKind::Type, _) => format!("{name} is no regular file any more"),
            (ConflictKind::Dirty, _) => format!("{name} has changes that are not saved"),
            (ConflictKind::Uncertain, _) => format!("{name} may have been changed by somebody else"),
            (ConflictKind::Unheard(kind), _) => format!("{name}: {}", kind.as_str()),
        };
        Conflict {
            path: path.into_owned(),
            path_encoded: encoded.then_some(true),
            kind,
            mergeable,
            text,
            hunk: Some(number),
            base: self.base.clone(),
            ours: self.ours.clone(),
            theirs: self.theirs.clone(),
            changes: None,
        }
    }
}

fn dirty(path: &RelPath, editor: &str) -> Conflict {
    let (wire, encoded) = path.to_wire();
    Conflict {
        path: wire.into_owned(),
        path_encoded: encoded.then_some(true),
        kind: ConflictKind::Dirty,
        mergeable: false,
        text: format!("{path} has changes in {editor} that are not saved"),
        hunk: None,
        base: None,
        ours: None,
        theirs: None,
        changes: None,
    }
}

/// What passed is what is written.
fn check_tests(tested: Tested, prepared: &Prepared, is_trial: bool) -> Result<TestReport, RpcError> {
    if tested.edits != prepared.edits {
        let message = "files were edited while the tests ran: what they passed is not what would be written; nothing was applied";
        return Err(not_ready(message).retry(Retry::Now).hint("apply it again: the tests run again"));
    }
    if tested.report.ok || is_trial { Ok(tested.report) } else { Err(not_passed(&tested.report)) }
}

fn check_whole(id: &PlanId, plan: &Plan) -> Result<(), RpcError> {
    if plan.dropped {
        return Err(not_ready(format!("plan {id} was thrown away")).hint("revise it to make it anew"));
    }
    if plan.rev == 0 {
        let message = format!("plan {id} is not whole: its turn has not come to its end");
        return Err(not_ready(message).hint("revise it: what is staged so far is taken up"));
    }
    if plan.files.is_empty() {
        return Err(not_ready(format!("plan {id} holds no edits")));
    }
    Ok(())
}

fn check_revision(id: &PlanId, plan: &Plan, wanted: Option<u64>) -> Result<(), RpcError> {
    match wanted {
        Some(wanted) if wanted != plan.rev => {
            let message = format!("plan {id} is at revision {}, not {wanted}; nothing was applied", plan.rev);
            Err(not_ready(message).with("rev", plan.rev).hint("look at its newest revision first"))
        }
        Some(_) | None => Ok(()),
    }
}

/// Returns the hunks that are meant: what every part of the selection names, and is not applied yet.
fn chosen(id: &PlanId, plan: &Plan, params: &ApplyParams) -> Result<Chosen, RpcError> {
    let wrong = |message: String| RpcError::new(ErrorKind::InvalidParams, message);
    let open: Chosen = plan.open().into_iter().map(|(path, numbers)| (path.clone(), numbers)).collect();
    let mut chosen = open.clone();
    if let Some(steps) = &params.steps {
        let known: Vec<&str> = plan.tree.iter().map(|step| step.id.as_str()).collect();
        if let Some(other) = steps.iter().find(|step| !known.contains(&step.as_str())) {
            return Err(wrong(format!("plan {id} has no step {other}; it has {}", known.join(", "))));
        }
        let wanted = plan
            .tree
            .iter()
            .filter(|step| steps.contains(&step.id))
            .flat_map(|step| step.edits.iter().flatten());
        let of_steps = collect(wanted, &open);
        chosen.retain(|path, numbers| {
            numbers.retain(|number| of_steps.get(path).is_some_and(|wanted| wanted.contains(number)));
            !numbers.is_empty()
        });
    }
    if let Some(select) = &params.select {
        for selected in select {
            check_selected(id, plan, selected).map_err(wrong)?;
        }
        let named = collect(select.iter(), &open);
        chosen.retain(|path, numbers| {
            numbers.retain(|number| named.get(path).is_some_and(|named| named.contains(number)));
            !numbers.is_empty()
        });
    }
    if chosen.is_empty() {
        let what = if open.is_empty() { "all of it" } else { "what is selected" };
        return Err(not_ready(format!("nothing of plan {id} is left to apply: {what} is applied already")));
    }
    Ok(chosen)
}

/// Collects what is selected; a file without hunks stands for those of it that are open.
fn collect<'a>(select: impl Iterator<Item = &'a Selected>, open: &Chosen) -> Chosen {
    let mut chosen = Chosen::new();
    for selected in select {
        let Some(path) = path_of(selected) else { continue };
        let hunks = selected.hunks.as_ref().map(|hunks| hunks.iter().copied().collect());
        let hunks: BTreeSet<u32> = hunks.or_else(|| open.get(&path).cloned()).unwrap_or_default();
        chosen.entry(path).or_default().extend(hunks);
    }
    chosen
}

fn path_of(selected: &Selected) -> Option<RelPath> {
    RelPath::from_wire(&selected.path, selected.path_encoded == Some(true)).ok()
}

fn check_selected(id: &PlanId, plan: &Plan, selected: &Selected) -> Result<(), String> {
    let path = &selected.path;
    let file = plan.files.iter().find(|file| path_of(selected).as_ref() == Some(&file.path));
    let Some(file) = file else {
        let names: Vec<String> = plan.files.iter().map(|file| file.path.to_string()).collect();
        return Err(format!("plan {id} does not edit {path}; it edits {}", names.join(", ")));
    };
    let known: Vec<u32> = file.hunks.iter().map(|hunk| hunk.number).collect();
    match selected.hunks.iter().flatten().find(|hunk| !known.contains(hunk)) {
        Some(hunk) => {
            let known: Vec<String> = known.iter().map(u32::to_string).collect();
            Err(format!("{path} has no hunk {hunk} in plan {id}; it has {}", known.join(", ")))
        }
        None => Ok(()),
    }
}

pub(crate) fn in_the_way(conflicts: &[Conflict]) -> RpcError {
    let mut paths: Vec<&str> = conflicts.iter().map(|conflict| conflict.path.as_str()).collect();
    paths.dedup();
    let message = format!("nothing was applied: something stands in the way in {}", paths.join(", "));
    let error = RpcError::new(ErrorKind::Conflict, message).retry(Retry::Never).with("conflicts", conflicts);
    let hint = if conflicts.iter().all(|conflict| conflict.mergeable) {
        "`resolve: \"merge\"` keeps both sides; `partial` applies what has no conflict"
    } else {
        "`partial` applies what has no conflict; a revision of the plan takes up the files as they are"
    };
    error.hint(hint)
}

/// Returns what is told of a plan when some of its hunks are applied.
pub(crate) fn changed(id: PlanId, plan: &Plan, done: &Chosen) -> PlanChanged {
    let mut plan = plan.clone();
    for file in &mut plan.files {
        file.applied.extend(done.get(&file.path).into_iter().flatten());
    }
    let is_over = !plan.is_open();
    let open: Chosen = plan.open().into_iter().map(|(path, numbers)| (path.clone(), numbers)).collect();
    for step in plan.tree.iter_mut().filter(|step| step.status != StepStatus::Dropped) {
        let own = collect(step.edits.iter().flatten(), &Chosen::new());
        let (mut all, mut left) = (0, 0);
        for (path, numbers) in &own {
            all += numbers.len();
            left += open.get(path).map_or(0, |open| numbers.intersection(open).count());
        }
        step.status = match (all, left) {
            (0, _) if !is_over => step.status,
            (_, 0) => StepStatus::Done,
            (all, left) if all == left => StepStatus::Pending,
            _ => StepStatus::Active,
        };
    }
    let applied = plan.applied();
    PlanChanged {
        plan_id: id,
        // Before it is whole a plan has the revision that it is going to be.
        rev: plan.rev.max(1),
        tree: plan.tree,
        change_id: plan.change,
        applied: (!applied.is_empty()).then_some(applied),
        dropped: None,
        tests: None,
    }
}

/// Returns the hunks that some files of a change consist of.
pub(crate) fn hunks_of(files: &[FileChange]) -> Chosen {
    let named = files.iter().filter_map(|file| {
        let path = RelPath::from_wire(&file.path, file.path_encoded == Some(true)).ok()?;
        Some((path, file.hunks.iter().map(|hunk| hunk.n).collect()))
    });
    named.collect()
}
