//! What a session did to files, change by change, folded from its events. Not here: contents (`journal`), and the disk.
//!
//! A *place* counts changes: place N is the files as the session knew them after its first N changes.
use std::collections::{BTreeMap, BTreeSet};

use tenon_protocol::apply::RevertTo;
use tenon_protocol::change::{FileChange, Uncovered};
use tenon_protocol::event::EventBody;
use tenon_protocol::ids::{CallId, ChangeId, CheckpointId, JobId, PlanId, TurnId};
use tenon_protocol::tool::{EffectClass, PathIntent};

use crate::base::digest::Digest;

/// The types of event this is folded from.
pub(crate) const TYPES: [&str; 6] =
    ["tool.started", "change.applied", "turn.started", "turn.ended", "plan.changed", "session.reverted"];

/// One state of a file, by digest. The mode is not known where no call announced it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Its contents.
    pub(crate) digest: Digest,
    /// Its permission bits.
    pub(crate) mode: Option<u32>,
}

/// A path as events name it: the text, and whether it is percent-encoded.
pub(crate) type WirePath = (String, bool);

/// What one change did to one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Touch {
    /// The change, counted from 0.
    pub(crate) change: usize,
    /// The file as it was found.
    pub(crate) before: Option<Kept>,
    /// The file as it was left.
    pub(crate) after: Option<Kept>,
    /// Whether somebody else may have done it.
    pub(crate) is_uncertain: bool,
}

/// A change, as far as going back has to know it.
#[derive(Clone, Debug)]
pub(crate) struct Done {
    /// The change.
    pub(crate) id: ChangeId,
    /// The place just before it.
    pub(crate) checkpoint: CheckpointId,
    /// The event that applied it.
    pub(crate) seq: u64,
    /// The turn it belongs to.
    pub(crate) turn: Option<TurnId>,
    /// What it did not cover.
    pub(crate) uncovered: Vec<Uncovered>,
    call: Option<CallId>,
    /// The job it came of: no turn's, also where one ran at that time.
    job: Option<JobId>,
}

/// A call that may have done what no change records.
#[derive(Clone, Debug)]
struct Command {
    call: CallId,
    turn: Option<TurnId>,
    seq: u64,
}

/// Where a turn lies.
#[derive(Clone, Copy, Debug)]
struct TurnPlace {
    /// The place where it began, and the event.
    start: usize,
    started: u64,
    /// The same of its end; missing while it runs.
    end: Option<(usize, u64)>,
}

/// Which changes go when a session goes back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Going {
    /// The changes, counted from 0.
    pub(crate) changes: BTreeSet<usize>,
    /// How many commands ran with them, of which nobody knows all they did.
    pub(crate) commands: usize,
    /// Where the conversation would go on: behind this event.
    pub(crate) at: u64,
}

/// What a session did to files.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    /// The changes, oldest first.
    changes: Vec<Done>,
    touches: BTreeMap<WirePath, Vec<Touch>>,
    turns: BTreeMap<TurnId, TurnPlace>,
    commands: Vec<Command>,
    /// Checkpoints that no change stands behind: of going back where no file had to change.
    bare: BTreeMap<CheckpointId, (usize, u64)>,
    /// Folders that changes made.
    folders: BTreeSet<String>,
    plans: Vec<PlanId>,
    /// What calls announced and have not done yet: where modes are known from.
    intents: BTreeMap<CallId, Vec<PathIntent>>,
}

/// Which side of a change or turn is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Just before it.
    Before,
    /// Just after it.
    After,
}

/// Why an id names no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoPlace {
    /// The session has nothing of that id.
    Unknown,
    /// It is a plan, which has no staged change.
    NothingStaged,
}

impl History {
    /// Takes in the event of this number, with the turn it belongs to.
    pub(crate) fn apply(&mut self, seq: u64, body: &EventBody, turn: Option<&TurnId>) {
        match (body, turn) {
            (EventBody::ToolStarted(call), _) if !call.intent.is_empty() => {
                self.intents.insert(call.call_id.clone(), call.intent.clone());
            }
            (EventBody::ToolStarted(call), _) => {
                if matches!(call.effect, EffectClass::Command | EffectClass::Network) {
                    let (call, turn) = (call.call_id.clone(), turn.cloned());
                    self.commands.push(Command { call, turn, seq });
                }
            }
            (EventBody::ChangeApplied(change), _) => {
                let intents = change.call_id.as_ref().and_then(|call| self.intents.remove(call));
                let intents = intents.unwrap_or_default();
                for file in &change.files {
                    self.touch(file, &intents);
                }
                self.folders.extend(change.folders.iter().flatten().cloned());
                self.changes.push(Done {
                    id: change.change_id.clone(),
                    checkpoint: change.checkpoint_id.clone(),
                    seq,
                    turn: turn.filter(|_| change.job_id.is_none()).cloned(),
                    uncovered: change.uncovered.clone(),
                    call: change.call_id.clone(),
                    job: change.job_id.clone(),
                });
            }
            (EventBody::TurnStarted(_), Some(turn)) => {
                let place = TurnPlace { start: self.changes.len(), started: seq, end: None };
                self.turns.insert(turn.clone(), place);
            }
            (EventBody::TurnEnded(_), Some(turn)) => {
                if let Some(place) = self.turns.get_mut(turn) {
                    place.end = Some((self.changes.len(), seq));
                }
            }
            (EventBody::SessionReverted(reverted), _) if reverted.change_id.is_none() => {
                self.bare.insert(reverted.checkpoint_id.clone(), (self.changes.len(), seq));
            }
            (EventBody::PlanChanged(plan), _) => self.plans.push(plan.plan_id.clone()),
            _ => {}
        }
    }

    /// A move touches two paths: the old name goes, the new one comes.
    fn touch(&mut self, file: &FileChange, intents: &[PathIntent]) {
        let encoded = file.path_encoded == Some(true);
        let intent = intents.iter().find(|intent| intent.path == file.path);
        let kept = |digest: Option<&String>, mode| {
            digest.and_then(|digest| digest.parse().ok()).map(|digest| Kept { digest, mode })
        };
        // What was recorded before files had modes has them in the call's intent.
        let before_mode = file.before_mode.or_else(|| intent?.before_mode);
        let after_mode = file.after_mode.or_else(|| intent?.after_mode);
        let before = kept(file.before.as_ref(), before_mode);
        let after = kept(file.after.as_ref(), after_mode);
        let (change, is_uncertain) = (self.changes.len(), file.uncertain == Some(true));
        let mut add = |path: &str, before, after| {
            let touches = self.touches.entry((path.to_owned(), encoded)).or_default();
            touches.push(Touch { change, before, after, is_uncertain });
        };
        match &file.from {
            Some(from) => {
                add(from, before, None);
                add(&file.path, None, after);
            }
            None => add(&file.path, before, after),
        }
    }

    /// Returns the place after the last change.
    pub(crate) fn head(&self) -> usize {
        self.changes.len()
    }

    /// Returns the place that an id names. A checkpoint names the place before its change, on either side.
    ///
    /// # Errors
    /// It names none.
    pub(crate) fn place(&self, id: &str, side: Side) -> Result<usize, NoPlace> {
        let found = self.changes.iter().position(|change| change.id.as_str() == id);
        if let Some(change) = found {
            return Ok(if side == Side::Before { change } else { change + 1 });
        }
        let found = self.changes.iter().position(|change| change.checkpoint.as_str() == id);
        if let Some(change) = found {
            return Ok(change);
        }
        if let Some((place, _)) = self.bare.get(&CheckpointId::from(id)) {
            return Ok(*place);
        }
        if let Some(turn) = self.turns.get(&TurnId::from(id)) {
            let end = turn.end.map_or(self.changes.len(), |(place, _)| place);
            return Ok(if side == Side::Before { turn.start } else { end });
        }
        let is_plan = self.plans.iter().any(|plan| plan.as_str() == id);
        Err(if is_plan { NoPlace::NothingStaged } else { NoPlace::Unknown })
    }

    /// Returns every path that was changed, in order.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &WirePath> {
        self.touches.keys()
    }

    /// Returns all that was done to a path, oldest first.
    pub(crate) fn touches(&self, path: &WirePath) -> &[Touch] {
        self.touches.get(path).map_or(&[], Vec::as_slice)
    }

    /// Tells whether somebody else may have done some of what happened to a path between two places.
    pub(crate) fn is_uncertain(&self, path: &WirePath, places: std::ops::Range<usize>) -> bool {
        self.touches(path).iter().any(|touch| touch.is_uncertain && places.contains(&touch.change))
    }

    /// Returns a change by its number.
    pub(crate) fn change(&self, number: usize) -> Option<&Done> {
        self.changes.get(number)
    }

    /// Tells whether a change made this folder.
    pub(crate) fn made(&self, folder: &str) -> bool {
        self.folders.contains(folder)
    }

    /// Returns the turn that was under way after this event, by the event before its first.
    pub(crate) fn inside(&self, seq: u64) -> Option<u64> {
        let mut turns = self.turns.values();
        let holds = |turn: &&TurnPlace| turn.started <= seq && turn.end.is_none_or(|(_, end)| seq < end);
        turns.find(holds).map(|turn| turn.started.saturating_sub(1))
    }

    /// Returns which changes go: those of one change or turn, or all behind a checkpoint or an event. With `all` the later ones
    /// of a change or turn go too. `None` where there is no such place.
    pub(crate) fn going(&self, to: &RevertTo, all: bool) -> Option<Going> {
        let from = |place: usize| (place..self.changes.len()).collect::<BTreeSet<_>>();
        let commands = |wanted: &dyn Fn(&Command) -> bool| {
            self.commands.iter().filter(|command| wanted(command)).count()
        };
        if let Some(id) = &to.change {
            let place = self.changes.iter().position(|change| change.id == *id)?;
            let change = self.changes.get(place)?;
            let at = self.before(change);
            let changes = if all { from(place) } else { BTreeSet::from([place]) };
            let own = |command: &Command| {
                change.call.as_ref() == Some(&command.call) || (all && command.seq > change.seq)
            };
            return Some(Going { changes, commands: commands(&own), at });
        }
        if let Some(id) = &to.turn {
            let turn = self.turns.get(id)?;
            let end = turn.end.map_or(self.changes.len(), |(place, _)| place);
            let is_its = |place: &usize| self.changes.get(*place).is_some_and(|change| change.job.is_none());
            let changes = if all { from(turn.start) } else { (turn.start..end).filter(is_its).collect() };
            let own =
                |command: &Command| command.turn.as_ref() == Some(id) || (all && command.seq > turn.started);
            return Some(Going { changes, commands: commands(&own), at: turn.started.saturating_sub(1) });
        }
        let (place, seq, at) = if let Some(id) = &to.checkpoint {
            match self.changes.iter().position(|change| change.checkpoint == *id) {
                Some(place) => {
                    let change = self.changes.get(place)?;
                    (place, change.seq, self.before(change))
                }
                None => self.bare.get(id).map(|(place, seq)| (*place, *seq, seq.saturating_sub(1)))?,
            }
        } else {
            let seq = to.seq?;
            (self.changes.iter().take_while(|change| change.seq <= seq).count(), seq, seq)
        };
        // A command that a change came of ended with it, and so began before.
        let call = self.changes.get(place).and_then(|change| change.call.clone());
        let later = |command: &Command| command.seq > seq || call.as_ref() == Some(&command.call);
        Some(Going { changes: from(place), commands: commands(&later), at })
    }

    /// Returns the last event before what a change belongs to: its turn, or itself.
    fn before(&self, change: &Done) -> u64 {
        let turn = change.turn.as_ref().and_then(|turn| self.turns.get(turn));
        turn.map_or(change.seq, |turn| turn.started).saturating_sub(1)
    }

    /// Returns a file as the session knew it at a place: as the last change before it left it, else as the first one behind
    /// it found it.
    pub(crate) fn at(&self, path: &WirePath, place: usize) -> Option<Kept> {
        let touches = self.touches.get(path)?;
        match touches.iter().rev().find(|touch| touch.change < place) {
            Some(last) => last.after,
            None => touches.first()?.before,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tenon_protocol::change::FileOp;
    use tenon_protocol::event::change::ChangeApplied;
    use tenon_protocol::event::turn::{TurnEnded, TurnStarted};

    use super::*;

    fn digest(text: &str) -> Digest {
        Digest::of(text.as_bytes())
    }

    fn change(number: usize, files: Vec<FileChange>) -> EventBody {
        ChangeApplied {
            change_id: format!("c_{number}").into(),
            checkpoint_id: format!("k_{number}").into(),
            files,
            uncovered: Vec::new(),
            folders: None,
            conflicts: None,
            call_id: None,
            plan_id: None,
            job_id: None,
        }
        .into()
    }

    fn file(path: &str, from: Option<&str>, before: Option<&str>, after: Option<&str>) -> FileChange {
        FileChange {
            op: FileOp::Modify,
            path: path.to_owned(),
            hunks: Vec::new(),
            from: from.map(str::to_owned),
            before: before.map(|text| digest(text).to_string()),
            after: after.map(|text| digest(text).to_string()),
            before_mode: None,
            after_mode: None,
            path_encoded: None,
            uncertain: None,
        }
    }

    fn text_at(history: &History, path: &str, place: usize) -> Option<Digest> {
        history.at(&(path.to_owned(), false), place).map(|kept| kept.digest)
    }

    #[test]
    fn ids_name_places_before_and_after() {
        let mut history = History::default();
        let turn = TurnId::from("t_1");
        let started: Result<TurnStarted, _> = serde_json::from_value(
            serde_json::json!({"model": "p/m", "profile": "edit", "messageId": "m_1"}),
        );
        let started: TurnStarted = started.unwrap();
        history.apply(0, &change(0, vec![file("a", None, None, Some("1"))]), None);
        history.apply(0, &started.into(), Some(&turn));
        assert_eq!(history.place("t_1", Side::After), Ok(1));
        history.apply(0, &change(1, vec![file("a", None, Some("1"), Some("2"))]), Some(&turn));
        let ended: TurnEnded = serde_json::from_value(
            serde_json::json!({"stop": "done", "usage": {"inputTokens": 0, "outputTokens": 0}}),
        )
        .unwrap();
        history.apply(0, &ended.into(), Some(&turn));
        history.apply(0, &change(2, vec![file("b", Some("a"), Some("2"), Some("3"))]), None);
        let both = |id: &str| (history.place(id, Side::Before), history.place(id, Side::After));
        assert_eq!(both("c_1"), (Ok(1), Ok(2)));
        assert_eq!(both("k_1"), (Ok(1), Ok(1)));
        assert_eq!(both("t_1"), (Ok(1), Ok(2)));
        assert_eq!(both("c_9"), (Err(NoPlace::Unknown), Err(NoPlace::Unknown)));
        assert_eq!(text_at(&history, "a", 0), None);
        assert_eq!(text_at(&history, "a", 2), Some(digest("2")));
        assert_eq!((text_at(&history, "a", 3), text_at(&history, "b", 3)), (None, Some(digest("3"))));
        assert_eq!((text_at(&history, "b", 2), text_at(&history, "c", 2)), (None, None));
    }

    proptest! {
        #[test]
        fn a_place_is_what_the_changes_before_it_made(
            steps in prop::collection::vec((0..3_usize, prop::option::of("[a-c]")), 0..20)
        ) {
            let mut history = History::default();
            let mut model: Vec<BTreeMap<usize, String>> = vec![BTreeMap::new()];
            for (number, (path, after)) in steps.into_iter().enumerate() {
                let mut files = model.last().cloned().unwrap_or_default();
                let before = files.remove(&path);
                let edit = file(&path.to_string(), None, before.as_deref(), after.as_deref());
                history.apply(0, &change(number, vec![edit]), None);
                files.extend(after.map(|after| (path, after)));
                model.push(files);
            }
            for (place, files) in model.iter().enumerate() {
                for path in 0..3 {
                    let expected = files.get(&path).map(|text| digest(text));
                    prop_assert_eq!(text_at(&history, &path.to_string(), place), expected);
                }
            }
        }
    }
}
